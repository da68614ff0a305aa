"""Pages that two applications serve: the dashboard to who is signed in, and the public explorer to everybody."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi import Request
from starlette.responses import Response

from accountant.dashboard.render import page
from accountant.dashboard.resources import Res, Viewer
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.monitoring.probes import NodeSeen
from accountant.storage.admins import Session


@dataclass(frozen=True)
class Looking:
    """What a page reads from, who looks, and where the page is: under `base`, within the template `layout`."""

    engine: sa.Engine
    index: ChainIndex
    outcomes: OutcomeStore
    session: Session | None
    base: str
    layout: str
    node: Callable[[], NodeSeen | None] | None = None
    """Asks the node; None: who looks is told nothing of it."""

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """A whole page."""
        return page(request, template, self.session, status, base=self.base, layout=self.layout, **values)


Look = Callable[..., Looking]
"""A dependency that says who looks."""


def of_the_dashboard(request: Request, resources: Res, session: Viewer) -> Looking:
    """Somebody who is signed in."""
    node = request.app.state.live.node
    return Looking(resources.reads, resources.index(), resources.outcomes(), session, "", "layout.html", node)
