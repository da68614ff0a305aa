"""Questions of visitors, asked in a database transaction of their own and waited for together."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from anyio import to_thread
from fastapi import FastAPI, Request

from accountant.api.waiting import Waiters
from accountant.explorer.resources import ExplorerResources
from accountant.services.follow import ended_jobs
from accountant.storage.keys_store import PUBLIC_PREFIX

WAIT_S = 20.0
"""How long a visitor waits for an answer before it is told that it takes longer."""

T = TypeVar("T")


def prepare(app: FastAPI) -> None:
    """Everybody who waits for an answer waits with the others: one statement asks for all of them."""
    resources: ExplorerResources = app.state.resources

    def ended(job_ids: list[str]) -> set[str]:
        with resources.engine.connect() as connection:
            return ended_jobs(connection, job_ids)

    app.state.waiters = Waiters(ended)


async def asked(request: Request, resources: ExplorerResources, ask: Callable[[sa.Connection], str]) -> str:
    """The id of the job that `ask` makes, once it has ended, or after `WAIT_S`."""

    def run() -> str:
        with resources.engine.begin() as connection:
            return ask(connection)

    job_id = await to_thread.run_sync(run)
    waiters: Waiters = request.app.state.waiters
    await waiters.wait(PUBLIC_PREFIX, job_id, WAIT_S)
    return job_id
