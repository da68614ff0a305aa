"""The audit log: who did what, and undoing what can be undone.

Whatever a page lets somebody change registers here how it is undone (`UNDO`), by the action's name.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from accountant.dashboard.forms import Fields, check_csrf
from accountant.dashboard.render import page
from accountant.dashboard.resources import DashboardResources, Operator, Res, Viewer
from accountant.dashboard.users_routes import CannotChange, set_disabled, set_role
from accountant.primitives.errors import AccountantError
from accountant.storage.admins import Action, Admins, Role, Session, User, role_of

router = APIRouter()

PAGE = 50


class CannotUndo(AccountantError):
    """An action that is undone already, cannot be, or may not be by this user."""

    code = "cannot_undo"


Undo = Callable[[Admins, User, Action], None]
"""Does the reverse of an action and notes it as what undoes it. Raises `CannotUndo` or `CannotChange`."""


def _undo_role(admins: Admins, by: User, action: Action) -> None:
    assert action.before is not None
    set_role(admins, by, _target(admins, action), role_of(str(action.before["role"])), action.number)


def _undo_disabled(admins: Admins, by: User, action: Action) -> None:
    assert action.before is not None
    set_disabled(admins, by, _target(admins, action), disabled=bool(action.before["disabled"]), undoes=action.number)


def _target(admins: Admins, action: Action) -> User:
    user = admins.user(action.target)
    if user is None:
        raise CannotUndo("There is no such user any more.")
    return user


UNDO: dict[str, tuple[Role, Undo]] = {
    "user.role": (Role.OWNER, _undo_role),
    "user.disable": (Role.OWNER, _undo_disabled),
    "user.enable": (Role.OWNER, _undo_disabled),
}
"""By action: who may undo it, and how."""


@router.get("/actions")
def actions(
    request: Request, resources: Res, session: Viewer, before: Annotated[int | None, Query(ge=1, lt=2**63)] = None
) -> Response:
    """The latest actions, or those before one."""
    return _page(request, resources, session, before)


@router.post("/actions/{number}/undo")
def undo(request: Request, resources: Res, session: Operator, number: int, form: Fields) -> Response:
    """Undoes an action, once."""
    check_csrf(request, form, session)
    try:
        with resources.engine.begin() as connection:
            admins = Admins(connection)
            admins.lock()
            action = admins.action(number) if 0 < number < 2**63 - 1 else None
            if action is None or action.action not in UNDO:
                raise CannotUndo("That cannot be undone.")
            if action.undone_by is not None:
                raise CannotUndo("That is undone already.")
            role, reverse = UNDO[action.action]
            if session.user.role < role:
                raise CannotUndo(f"Undoing that takes the role {role.word}.")
            reverse(admins, session.user, action)
    except (CannotUndo, CannotChange) as error:
        return _page(request, resources, session, None, error.detail)
    return RedirectResponse("/actions", 303)


def _page(
    request: Request, resources: DashboardResources, session: Session, before: int | None, error: str = ""
) -> Response:
    with resources.reads.connect() as connection:
        found = Admins(connection).actions(before, PAGE + 1)
    values: dict[str, Any] = {"actions": found[:PAGE], "more": len(found) > PAGE, "error": error}
    undoable = {name for name, (role, _) in UNDO.items() if session.user.role >= role}
    return page(request, "actions.html", session, 422 if error else 200, undoable=undoable, **values)
