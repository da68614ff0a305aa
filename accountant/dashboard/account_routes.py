"""One's own account: password, one-time codes, sessions."""

import io
from typing import Any

import segno
from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from accountant.dashboard.forms import Fields, check_csrf
from accountant.dashboard.render import page
from accountant.dashboard.resources import DashboardResources, Res, Viewer
from accountant.services.admin_access import (
    PASSWORD_LEAST,
    SESSION_IDLE,
    InvalidAccount,
    LoginFailed,
    change_password,
    drop_totp,
    new_totp_secret,
    set_totp,
    totp_uri,
)
from accountant.storage.admins import Admins, Session

router = APIRouter()


@router.get("/account")
def account(request: Request, resources: Res, session: Viewer) -> Response:
    """Password, codes, sessions."""
    return _page(request, resources, session)


@router.post("/account/password")
def password(request: Request, resources: Res, session: Viewer, form: Fields) -> Response:
    """A new password; all other sessions end."""
    check_csrf(request, form, session)
    if form["password"] != form["again"]:
        return _page(request, resources, session, error="The two passwords differ.")
    try:
        with resources.engine.begin() as connection:
            change_password(Admins(connection), session, form["old"], form["password"])
    except LoginFailed:
        return _page(request, resources, session, error="The password you have now is another one.")
    except InvalidAccount as error:
        return _page(request, resources, session, error=error.detail)
    return _page(request, resources, session, done="The password is changed. All your other sessions have ended.")


@router.post("/account/codes")
def codes(request: Request, resources: Res, session: Viewer, form: Fields) -> Response:
    """Shows a secret, takes the first code of it, or wants codes no more."""
    check_csrf(request, form, session)
    if form["do"] == "start":
        secret = new_totp_secret()
        return _page(request, resources, session, **_offered(secret, session.user.name))
    with resources.engine.begin() as connection:
        admins = Admins(connection)
        if form["do"] == "stop":
            drop_totp(admins, session.user, session.user)
            return RedirectResponse("/account", 303)
        try:
            set_totp(admins, session.user, form["secret"], form["code"])
        except (InvalidAccount, ValueError) as error:
            detail = error.detail if isinstance(error, InvalidAccount) else "The secret is no base32."
            return _page(request, resources, session, error=detail, **_offered(form["secret"], session.user.name))
    return RedirectResponse("/account", 303)


@router.post("/account/sessions")
def end_session(request: Request, resources: Res, session: Viewer, form: Fields) -> Response:
    """Ends one of one's own sessions, or all others."""
    check_csrf(request, form, session)
    with resources.engine.begin() as connection:
        admins = Admins(connection)
        if form["number"].isdecimal() and len(form["number"]) < 19:
            admins.revoke(session.user.id, int(form["number"]))
        elif form["number"] == "others":
            admins.revoke(session.user.id, but=session.number)
    return RedirectResponse("/account", 303)


def _offered(secret: str, name: str) -> dict[str, Any]:
    """A secret with its QR code: an image of ours, made of a secret of ours."""
    drawn = io.BytesIO()
    segno.make(totp_uri(secret, name)).save(drawn, kind="svg", xmldecl=False, svgns=True, scale=4, omitsize=False)
    return {"secret": secret, "drawing": Markup(drawn.getvalue().decode())}


def _page(request: Request, resources: DashboardResources, session: Session, **values: Any) -> Response:
    with resources.reads.connect() as connection:
        admins = Admins(connection)
        user = admins.user_by_id(session.user.id)
        assert user is not None
        sessions = admins.sessions(user, SESSION_IDLE)
    given = {"error": "", "done": "", "secret": "", "drawing": "", **values}
    status = 422 if given["error"] else 200
    return page(request, "account.html", session, status, user=user, sessions=sessions, least=PASSWORD_LEAST, **given)
