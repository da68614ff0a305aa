"""What the routes work with, handed in by whoever starts the application."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Request

from accountant.accounting.outstanding import ObservedBefore
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.services.blobs import Blobs
from accountant.services.policy import JobPolicy
from accountant.services.submit import Forward
from accountant.storage.keys_store import StoredKey


@dataclass(frozen=True)
class Resources:
    """Everything outside the process that a request may touch.

    `index`, `outcomes` and `observed` are asked for at use, since a process may start before the first block, genesis
    included, is imported. `gas_per_second`: what quotes go by until workers have measured it. `probes`: by name, what
    must not raise for the service to be ready.
    """

    engine: sa.Engine
    index: Callable[[], ChainIndex]
    outcomes: Callable[[], OutcomeStore]
    observed: ObservedBefore
    forward: Forward
    policy: JobPolicy
    gas_per_second: int
    probes: Mapping[str, Callable[[], object]]
    blobs: Blobs


def _resources(request: Request) -> Resources:
    resources = request.app.state.resources
    assert isinstance(resources, Resources)
    return resources


def _key(request: Request) -> StoredKey:
    key = request.state.key
    assert isinstance(key, StoredKey)
    return key


Res = Annotated[Resources, Depends(_resources)]
Key = Annotated[StoredKey, Depends(_key)]
