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
_NOW = sa.func.statement_timestamp()


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


_GAS = Line._fields.index("gas_executed")


def live(connection: sa.Connection) -> list[Counted]:
    """Jobs that have not ended, by kind and state."""
    return [Counted(*row) for row in connection.execute(_LIVE).all()]


def ended(connection: sa.Connection, span: str) -> list[Counted]:
    """Jobs that ended within a span, as sampled: by kind and how."""
    _, seconds, resolution = SPANS[span]
    found = []
    for text, count in connection.execute(_ENDED, {"seconds": seconds, "resolution": resolution}).all():
        kind, state = (part.partition("=")[2] for part in text.split(","))
        found.append(Counted(kind, state, int(count)))
    return found


def times(connection: sa.Connection) -> Times:
    """How long the latest jobs that ended waited and ran."""
    return Times(*connection.execute(_TIMES).one())


def _quantiles(length: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    shares = sa.cast(list(QUANTILES), sa.ARRAY(sa.Double))
    seconds = sa.cast(sa.extract("epoch", length), sa.Double)
    return sa.func.percentile_cont(shares).within_group(seconds)


def oldest_waiting(connection: sa.Connection, limit: int = OLDEST) -> list[Waiting]:
    """The jobs that have waited longest, and for what."""
    return [Waiting(*row) for row in connection.execute(_OLDEST, {"most": limit}).all()]


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
    given: dict[str, Any] = {"before": _ALL if before is None else before, "most": limit, "key": key}
    if kind is not None or state is not None:
        given |= {"kinds": [*KINDS] if kind is None else [kind], "states": [*STATES] if state is None else [state]}
        query: sa.Select[Any] = _OF_RANGES
    else:
        query = _LATEST if key is None else _OF_KEY
    rows = connection.execute(query, given).all()
    return [Line._make((*row[:_GAS], int(row[_GAS]), *row[_GAS + 1 :])) for row in rows]


# Statements are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_ALL = 2**63 - 1
_MOST = sa.bindparam("most", type_=sa.Integer)

_LIVE = (
    sa.select(jobs.c.kind, jobs.c.state, sa.func.count())
    .where(jobs.c.finished_at.is_(None))
    .group_by(jobs.c.kind, jobs.c.state)
    .order_by(jobs.c.kind, jobs.c.state)
)

_ENDED = (
    sa.select(metric_points.c.labels, sa.func.sum(metric_points.c.sum))
    .where(
        metric_points.c.metric == _ENDED_METRIC,
        metric_points.c.resolution_s == sa.bindparam("resolution", type_=sa.Integer),
        metric_points.c.at > sa.extract("epoch", _NOW) - sa.bindparam("seconds", type_=sa.Integer),
    )
    .group_by(metric_points.c.labels)
    .order_by(metric_points.c.labels)
)

_ended_last = (
    sa.select(jobs.c.created_at, jobs.c.started_at, jobs.c.finished_at)
    .where(jobs.c.finished_at.is_not(None))
    .order_by(jobs.c.finished_at.desc())
    .limit(RECENT)
    .subquery()
)
_TIMES = sa.select(
    sa.func.count(),
    _quantiles(_ended_last.c.started_at - _ended_last.c.created_at),
    _quantiles(_ended_last.c.finished_at - _ended_last.c.started_at),
).select_from(_ended_last)

_OLDEST = (
    sa.select(*(jobs.c[name] for name in Waiting._fields)).where(HOLDS_NO_WORKER).order_by(jobs.c.number).limit(_MOST)
)


def _latest(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    columns = (jobs.c[name] for name in Line._fields)
    return sa.select(*columns).where(*where).order_by(jobs.c.number.desc()).limit(_MOST)


_before = sa.bindparam("before", type_=sa.BigInteger)
_LATEST = _latest(jobs.c.number < _before)
_OF_KEY = _latest(jobs.c.number < _before, jobs.c.key_prefix == sa.bindparam("key", type_=sa.Text))

_kinds, _states = (
    sa.func.unnest(sa.bindparam(name, type_=sa.ARRAY(sa.Text))).table_valued("word", name=name).render_derived()
    for name in ("kinds", "states")
)
# Written as a range in the order of its index: of two equalities the planner, who cannot know how rare they are, might
# as well walk back through all jobs until it has found enough.
_place = sa.tuple_(jobs.c.kind, jobs.c.state, jobs.c.number)
_ranges = (
    sa.select(*(jobs.c[name] for name in Line._fields))
    .where(
        _place >= sa.tuple_(_kinds.c.word, _states.c.word, sa.literal_column("0")),
        _place < sa.tuple_(_kinds.c.word, _states.c.word, _before),
    )
    .order_by(jobs.c.kind.desc(), jobs.c.state.desc(), jobs.c.number.desc())
    .limit(_MOST)
    .lateral("ranges")
)
_OF_RANGES = (
    sa.select(*_ranges.c)
    .select_from(_kinds)
    .join(_states, sa.true())
    .join(_ranges, sa.true())
    .order_by(_ranges.c.number.desc())
    .limit(_MOST)
)
