"""What the pages work with, handed in by whoever starts the application; and who is looking at them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Request

from accountant.execution.memory import MemoryOutcomes
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.primitives.errors import AccountantError
from accountant.services.admin_access import session_of
from accountant.settings import Settings
from accountant.storage.admins import Role, Session
from accountant.storage.database import reading

COOKIE = "anh_session"


@dataclass(frozen=True)
class DashboardResources:
    """Everything outside the process that a page may touch. `index` raises `NoChain` until genesis is imported."""

    engine: sa.Engine
    index: Callable[[], ChainIndex]
    settings: Settings
    secure_cookies: bool = field(default=False)
    """Whether browsers reach us by https alone."""
    outcomes: Callable[[], OutcomeStore] = field(default=MemoryOutcomes)
    """What was observed, in the epoch as it is; pages read it and add nothing."""

    @cached_property
    def reads(self) -> sa.Engine:
        """The same connections for pages that only read: each statement is its own transaction, so none is begun."""
        return reading(self.engine)


class NotSignedIn(AccountantError):
    """Nobody is signed in, or no longer."""

    code = "not_signed_in"

    def __init__(self) -> None:
        super().__init__("Sign in first.")


class NotAllowed(AccountantError):
    """Somebody is signed in who may not do this."""

    code = "not_allowed"

    def __init__(self, role: Role) -> None:
        super().__init__(f"This takes the role {role.word}.")


def _resources(request: Request) -> DashboardResources:
    resources = request.app.state.resources
    assert isinstance(resources, DashboardResources)
    return resources


Res = Annotated[DashboardResources, Depends(_resources)]


def session_or_none(request: Request, resources: Res) -> Session | None:
    """Who is signed in."""
    token = request.cookies.get(COOKIE, "")
    return session_of(resources.reads, token) if token else None


def _needing(role: Role) -> Callable[[Request, DashboardResources], Session]:
    def signed_in(request: Request, resources: Res) -> Session:
        session = session_or_none(request, resources)
        if session is None:
            raise NotSignedIn
        request.state.session = session
        if session.user.role < role:
            raise NotAllowed(role)
        return session

    return signed_in


Viewer = Annotated[Session, Depends(_needing(Role.VIEWER))]
Operator = Annotated[Session, Depends(_needing(Role.OPERATOR))]
Owner = Annotated[Session, Depends(_needing(Role.OWNER))]
