"""What the page of all jobs shows. Counts are over what is live, percentiles over the latest, lists by the page."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from accountant.monitoring.measures.jobs import HOLDS_NO_WORKER
from accountant.monitoring.series import SPANS
from accountant.primitives.errors import AccountantError
from accountant.services.questions import QuestionKind
from accountant.storage.job_tables import jobs
from accountant.storage.jobs import JobState
from accountant.storage.metric_tables import metric_points

KINDS = tuple(kind.value for kind in QuestionKind)
STATES = tuple(state.value for state in JobState)
RECENT = 1_000
"""Percentiles are over this many jobs, the last that ended."""
QUANTILES = (0.5, 0.95, 0.99)
OLDEST = 5

_ENDED_METRIC = "anh_jobs_ended_total"
_NOW = sa.func.clock_timestamp()


class InvalidFilter(AccountantError):
    """Jobs are listed by kind and state, or by who asked; a list has no other filters."""

    code = "invalid_filter"


class Counted(NamedTuple):
    """How many jobs."""

    kind: str
    state: str
    jobs: int


class Times(NamedTuple):
    """Seconds, at each of `QUANTILES`; None where no job has that time."""

    jobs: int
    """Jobs that these are taken over."""
    waiting: list[float] | None
    """From question to first attempt."""
    running: list[float] | None
    """From first attempt to the end."""


class Waiting(NamedTuple):
    """A job that holds no worker."""

    id: str
    kind: str
    queue: str
    state: str
    created_at: datetime
    why_waiting: str | None


class Line(NamedTuple):
    """A job in a list."""

    number: int
    id: str
    kind: str
    state: str
    key_prefix: str
    gas_executed: int
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    why_waiting: str | None
    error_code: str | None
    error_detail: str | None


def live(connection: sa.Connection) -> list[Counted]:
    """Jobs that have not ended, by kind and state."""
    counted = sa.select(jobs.c.kind, jobs.c.state, sa.func.count()).where(jobs.c.finished_at.is_(None))
    rows = connection.execute(counted.group_by(jobs.c.kind, jobs.c.state).order_by(jobs.c.kind, jobs.c.state))
    return [Counted(*row) for row in rows]


def ended(connection: sa.Connection, span: str) -> list[Counted]:
    """Jobs that ended within a span, as sampled: by kind and how."""
    _, seconds, resolution = SPANS[span]
    total, labels = sa.func.sum(metric_points.c.sum), metric_points.c.labels
    since = sa.extract("epoch", _NOW) - seconds
    rows = connection.execute(
        sa.select(labels, total)
        .where(
            metric_points.c.metric == _ENDED_METRIC,
            metric_points.c.resolution_s == resolution,
            metric_points.c.at > since,
        )
        .group_by(labels)
        .order_by(labels)
    )
    found = []
    for text, count in rows:
        kind, state = (part.partition("=")[2] for part in text.split(","))
        found.append(Counted(kind, state, int(count)))
    return found


def times(connection: sa.Connection) -> Times:
    """How long the latest jobs that ended waited and ran."""
    columns = jobs.c.created_at, jobs.c.started_at, jobs.c.finished_at
    latest = (
        sa.select(*columns).where(jobs.c.finished_at.is_not(None)).order_by(jobs.c.finished_at.desc()).limit(RECENT)
    ).subquery()
    waiting = _quantiles(latest.c.started_at - latest.c.created_at)
    running = _quantiles(latest.c.finished_at - latest.c.started_at)
    return Times(*connection.execute(sa.select(sa.func.count(), waiting, running).select_from(latest)).one())


def _quantiles(length: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    shares = sa.cast(list(QUANTILES), sa.ARRAY(sa.Double))
    seconds = sa.cast(sa.extract("epoch", length), sa.Double)
    return sa.func.percentile_cont(shares).within_group(seconds)


def oldest_waiting(connection: sa.Connection, limit: int = OLDEST) -> list[Waiting]:
    """The jobs that have waited longest, and for what."""
    columns = (jobs.c[name] for name in Waiting._fields)
    rows = connection.execute(sa.select(*columns).where(HOLDS_NO_WORKER).order_by(jobs.c.number).limit(limit))
    return [Waiting(*row) for row in rows]


def listed(
    connection: sa.Connection,
    kind: str | None = None,
    state: str | None = None,
    key: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Line]:
    """Jobs with smaller numbers than `before`, the latest first. Raises `InvalidFilter`.

    Each kind and state is a range of one index: those that are asked for are read a page each and put together.
    """
    if (kind is not None and kind not in KINDS) or (state is not None and state not in STATES):
        raise InvalidFilter("There is no such kind, or no such state.")
    if key is not None and (kind is not None or state is not None):
        raise InvalidFilter("List by who asked, or by kind and state.")
    earlier = () if before is None else (jobs.c.number < before,)
    columns = [jobs.c[name] for name in Line._fields]

    def latest(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
        return sa.select(*columns).where(*earlier, *where).order_by(jobs.c.number.desc()).limit(limit)

    if kind is None and state is None:
        query: Any = latest() if key is None else latest(jobs.c.key_prefix == key)
    else:
        kinds, states = KINDS if kind is None else (kind,), STATES if state is None else (state,)
        ranges = [latest(jobs.c.kind == one, jobs.c.state == other) for one in kinds for other in states]
        together = sa.union_all(*(sa.select(part.subquery()) for part in ranges)).subquery()
        query = sa.select(together).order_by(together.c.number.desc()).limit(limit)
    return [Line(**{**row, "gas_executed": int(row["gas_executed"])}) for row in connection.execute(query).mappings()]
