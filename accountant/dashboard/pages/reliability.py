"""Reliability: the outbox, what failed, the schema, the disk."""

import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

from alembic.config import Config
from alembic.script import ScriptDirectory
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from accountant.dashboard.forms import Fields, check_csrf
from accountant.dashboard.render import page
from accountant.dashboard.resources import Operator, Res, Viewer
from accountant.monitoring.reads.jobs import listed
from accountant.monitoring.reads.reliability import (
    COUNTED_MOST,
    FAILURES,
    failed_executions,
    failures,
    longest_unheard,
    outbox_state,
    published_again,
    revision,
    sizes,
)
from accountant.monitoring.verdict import DISK_LOW
from accountant.services import job_actions
from accountant.storage.admins import Admins, Role
from accountant.storage.database import ALEMBIC_INI

router = APIRouter()

FAILED = 20


class Disk(NamedTuple):
    """Bytes, of the disk that holds the data folder."""

    free: int
    size: int


@router.get("/reliability")
def reliability(request: Request, resources: Res, session: Viewer) -> Response:
    """What an operator looks at when something did not happen."""
    with resources.reads.connect() as connection:
        return page(
            request,
            "pages/reliability.html",
            session,
            outbox=outbox_state(connection),
            counted_most=COUNTED_MOST,
            again=published_again(connection),
            unheard=longest_unheard(connection),
            failures=failures(connection),
            failures_of=FAILURES,
            failed=listed(connection, state="failed", limit=FAILED),
            executions=failed_executions(connection),
            revision=revision(connection),
            head=head_revision(),
            sizes=sizes(connection),
            disk=_disk(resources.settings.data_dir),
            disk_low=DISK_LOW,
            may=session.user.role >= Role.OPERATOR,
        )


@router.post("/reliability/republish")
def republish(request: Request, resources: Res, session: Operator, form: Fields) -> Response:
    """Hands every queued job and execution to the broker once more."""
    check_csrf(request, form, session)
    with resources.engine.begin() as connection:
        job_actions.republish(Admins(connection), session.user)
    return RedirectResponse("/reliability", 303)


@cache
def head_revision() -> str | None:
    """The newest revision that this version of the service brings."""
    return ScriptDirectory.from_config(Config(ALEMBIC_INI)).get_current_head()


def _disk(folder: Path) -> Disk | None:
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return None
    return Disk(found.free, found.total)
