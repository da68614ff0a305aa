"""Who may enter: for owners."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from accountant.dashboard.forms import Fields, Form, check_csrf
from accountant.dashboard.render import page
from accountant.dashboard.resources import DashboardResources, Owner, Res
from accountant.primitives.errors import AccountantError
from accountant.services.admin_access import drop_totp, invite
from accountant.storage.admins import Admins, Role, Session, User, role_of

router = APIRouter()


class CannotChange(AccountantError):
    """A change of users that would lock everybody out, or is of nobody."""

    code = "cannot_change"


@router.get("/users")
def users(request: Request, resources: Res, session: Owner) -> Response:
    """Everybody who may enter, and those who may no more."""
    return _page(request, resources, session)


@router.post("/users/invite")
def invite_user(request: Request, resources: Res, session: Owner, form: Fields) -> Response:
    """A link for somebody new. It is shown this once."""
    check_csrf(request, form, session)
    role = _role(form)
    with resources.engine.begin() as connection:
        token = invite(Admins(connection), session.user, role)
    return _page(request, resources, session, link=str(request.url_for("welcome_form", token=token)), of=role.word)


@router.post("/users/{number}")
def change_user(request: Request, resources: Res, session: Owner, number: int, form: Fields) -> Response:
    """Another role, no entry, entry again, no codes, or a link for a new password."""
    check_csrf(request, form, session)
    try:
        with resources.engine.begin() as connection:
            admins = Admins(connection)
            admins.lock()
            user = admins.user_by_id(number, locked=True)
            if user is None:
                raise CannotChange("There is no such user.")
            token = change(admins, session.user, user, form)
    except CannotChange as error:
        return _page(request, resources, session, error=error.detail)
    if token is not None:
        return _page(request, resources, session, link=str(request.url_for("welcome_form", token=token)), of=user.name)
    return RedirectResponse("/users", 303)


def change(admins: Admins, by: User, user: User, form: Form) -> str | None:
    """Does what the form says to a user; the token of a link if it asks for one. Raises `CannotChange`."""
    match form["do"]:
        case "role":
            role = _role(form)
            set_role(admins, by, user, role)
        case "disable":
            set_disabled(admins, by, user, disabled=True)
        case "enable":
            set_disabled(admins, by, user, disabled=False)
        case "codes":
            drop_totp(admins, by, user)
        case "link":
            return invite(admins, by, user.role, user)
        case _:
            raise CannotChange("Nothing was asked for.")
    return None


def set_role(admins: Admins, by: User, user: User, role: Role, undoes: int | None = None) -> None:
    """Gives a user a role. Raises `CannotChange` for the last owner."""
    if user.role is Role.OWNER and role is not Role.OWNER and user.disabled_at is None and admins.owners() == 1:
        raise CannotChange("Somebody has to be owner: make another one first.")
    admins.change(user.id, role=role.word)
    admins.note(by, "user.role", user.name, {"role": user.role.word}, {"role": role.word}, undoes)


def set_disabled(admins: Admins, by: User, user: User, *, disabled: bool, undoes: int | None = None) -> None:
    """Keeps a user out, whose sessions end, or lets it in again. Raises `CannotChange` for the last owner."""
    if disabled and user.role is Role.OWNER and user.disabled_at is None and admins.owners() == 1:
        raise CannotChange("Somebody has to be owner: make another one first.")
    admins.set_disabled(user.id, disabled)
    if disabled:
        admins.revoke(user.id)
    was = user.disabled_at is not None
    admins.note(
        by, "user.disable" if disabled else "user.enable", user.name, {"disabled": was}, {"disabled": disabled}, undoes
    )


def _role(form: Form) -> Role:
    try:
        return role_of(form["role"])
    except KeyError:
        raise CannotChange("There is no such role.") from None


def _page(request: Request, resources: DashboardResources, session: Session, **values: Any) -> Response:
    with resources.reads.connect() as connection:
        everybody = Admins(connection).users()
    given = {"error": "", "link": "", "of": "", **values}
    status = 422 if given["error"] else 200
    return page(request, "users.html", session, status, users=everybody, roles=list(Role), **given)
