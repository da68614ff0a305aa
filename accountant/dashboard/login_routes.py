"""Signing in and out, one-time links, and the theme."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from accountant.dashboard.forms import Fields, check_csrf
from accountant.dashboard.render import THEME_COOKIE, THEMES, page
from accountant.dashboard.resources import COOKIE, DashboardResources, Res, Viewer, session_or_none
from accountant.services.admin_access import (
    PASSWORD_LEAST,
    SESSION_LASTS,
    Entered,
    InvalidAccount,
    LinkGone,
    LoginFailed,
    TooManyTries,
    log_in,
    token_hash,
    welcome,
)
from accountant.storage.admins import Admins

router = APIRouter()

_YEAR_S = 365 * 86_400


@router.get("/login")
def login_form(request: Request, resources: Res, next: Annotated[str, Query()] = "/") -> Response:
    """The form; whoever is signed in goes on."""
    if session_or_none(request, resources) is not None:
        return RedirectResponse(_inside(next), 303)
    return page(request, "login.html", next=_inside(next), error="", name="")


@router.post("/login")
def login(request: Request, resources: Res, form: Fields) -> Response:
    """Begins a session."""
    address = request.client.host if request.client is not None else ""
    agent = request.headers.get("user-agent", "")
    try:
        entered = log_in(resources.engine, form["name"], form["password"], form["code"], address, agent)
    except (LoginFailed, TooManyTries) as error:
        status = 429 if isinstance(error, TooManyTries) else 401
        answer = page(
            request, "login.html", status=status, next=_inside(form["next"]), error=error.detail, name=form["name"]
        )
        if isinstance(error, TooManyTries):
            answer.headers["Retry-After"] = str(error.wait_s)
        return answer
    return _entered(resources.secure_cookies, entered, _inside(form["next"]))


def _entered(secure: bool, entered: Entered, to: str) -> Response:
    answer = RedirectResponse(to, 303)
    lasts = int(SESSION_LASTS.total_seconds())
    answer.set_cookie(COOKIE, entered.token, max_age=lasts, httponly=True, samesite="strict", secure=secure)
    return answer


@router.post("/logout")
def logout(request: Request, resources: Res, session: Viewer, form: Fields) -> Response:
    """Ends the session."""
    check_csrf(request, form, session)
    with resources.engine.begin() as connection:
        Admins(connection).revoke(session.user.id, session.number)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/welcome/{token}")
def welcome_form(request: Request, resources: Res, token: str) -> Response:
    """The form behind a one-time link. Looking at it does not use the link."""
    return _welcoming(request, resources, token)


@router.post("/welcome/{token}")
def use_link(request: Request, resources: Res, token: str, form: Fields) -> Response:
    """Uses the link. What was wrong is said beside the form, and the link is still good."""
    address = request.client.host if request.client is not None else ""
    if form["password"] != form["again"]:
        return _welcoming(request, resources, token, "The two passwords differ.", form["name"])
    try:
        user = welcome(resources.engine, token, form["name"], form["password"])
        agent = request.headers.get("user-agent", "")
        entered = log_in(resources.engine, user.name, form["password"], "", address, agent)
    except InvalidAccount as wrong:
        return _welcoming(request, resources, token, wrong.detail, form["name"])
    except TooManyTries:
        return RedirectResponse("/login", 303)
    return _entered(resources.secure_cookies, entered, "/")


def _welcoming(
    request: Request, resources: DashboardResources, token: str, error: str = "", name: str = ""
) -> Response:
    """The form of a link that is still good. Raises `LinkGone`."""
    with resources.reads.connect() as connection:
        admins = Admins(connection)
        link = admins.link(token_hash(token))
        if link is None:
            raise LinkGone
        user = None if link.user_id is None else admins.user_by_id(link.user_id)
    known = None if user is None else user.name
    values: dict[str, Any] = {"role": link.role, "known": known, "name": name, "error": error}
    return page(request, "welcome.html", status=422 if error else 200, least=PASSWORD_LEAST, **values)


@router.post("/theme")
def theme(request: Request, form: Fields) -> Response:
    """Light, dark, or as the system says. Needs no session, and does no harm."""
    chosen = form["theme"] if form["theme"] in THEMES else THEMES[0]
    answer = RedirectResponse(_inside(form["next"]), 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(THEME_COOKIE, chosen, max_age=_YEAR_S, httponly=True, samesite="strict", secure=secure)
    return answer


def _inside(path: str) -> str:
    """A path of ours to go on to; anything else becomes the home page."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isascii() and path.isprintable()
    return path if plain and "\\" not in path else "/"
