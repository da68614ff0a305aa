"""What the explorer works with, handed in by whoever starts the application."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Request

from accountant.dashboard.looking import Looking
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.services.policy import JobPolicy

BASE = "/explorer"
LAYOUT = "explorer/layout.html"


@dataclass(frozen=True)
class ExplorerResources:
    """Everything outside the process that a visitor's request may touch. `public_gas`: the budget of one question."""

    engine: sa.Engine
    index: Callable[[], ChainIndex]
    outcomes: Callable[[], OutcomeStore]
    policy: JobPolicy
    public_gas: int
    redis_url: str


def _resources(request: Request) -> ExplorerResources:
    resources = request.app.state.resources
    assert isinstance(resources, ExplorerResources)
    return resources


Res = Annotated[ExplorerResources, Depends(_resources)]


def of_everybody(resources: Res) -> Looking:
    """Somebody of whom nothing is known: no session, so no operator's data."""
    return Looking(resources.engine, resources.index(), resources.outcomes(), None, BASE, LAYOUT)


Visitor = Annotated[Looking, Depends(of_everybody)]
