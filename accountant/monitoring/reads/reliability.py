"""What the page of reliability shows: the outbox, work that went wrong, the schema, sizes."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from accountant.monitoring.series import totals
from accountant.storage.job_tables import executions, jobs, outbox
from accountant.storage.jobs import JobState
from accountant.storage.tables import SCHEMA

COUNTED_MOST = 10_000
"""More messages than this are not counted."""
SHOWN = 10
FAILURES = 500
"""Failures are counted over this many jobs, the last that ended."""
WALKED = 1_000

_NOW = sa.func.statement_timestamp()


class OutboxState(NamedTuple):
    """Messages that the dispatcher has not handed to the broker. `messages` ends at `COUNTED_MOST`."""

    messages: int
    lag_s: float
    """How long the oldest one that is due has been waiting."""


class Published(NamedTuple):
    """A queued job whose message no worker has acted on."""

    id: str
    kind: str
    queue: str
    publications: int
    published_at: datetime | None


class Failure(NamedTuple):
    """How often a code is among the latest failures."""

    error_code: str
    jobs: int
    last_at: datetime


class FailedExecution(NamedTuple):
    """A shared execution that no worker brought to an end."""

    seq: int
    transaction: bytes
    attempts: int
    finished_at: datetime
    error_code: str
    error_detail: str | None


class TableSize(NamedTuple):
    """Bytes with indexes. `rows`: as the database last estimated."""

    name: str
    bytes: int
    index_bytes: int
    rows: int


class Sizes(NamedTuple):
    """Of the database, and of its tables, the largest first."""

    bytes: int
    tables: list[TableSize]


def outbox_state(connection: sa.Connection) -> OutboxState:
    """How much waits there, and for how long."""
    messages, lag = connection.execute(_OUTBOX).one()
    return OutboxState(messages, max(0.0, float(lag or 0)))


def longest_unheard(connection: sa.Connection) -> list[Published]:
    """Queued jobs whose message was published and not acted on, the longest first."""
    return [Published(*row) for row in connection.execute(_UNHEARD).all()]


def failures(connection: sa.Connection) -> list[Failure]:
    """Those among the latest `FAILURES` jobs that ended which failed, counted by their codes."""
    return [Failure(*row) for row in connection.execute(_FAILURES).all()]


def failed_executions(connection: sa.Connection) -> list[FailedExecution]:
    """Those among the latest executions that ended which failed."""
    return [FailedExecution(*row) for row in connection.execute(_FAILED_EXECUTIONS).all()]


def revision(connection: sa.Connection) -> str | None:
    """The schema's revision."""
    return connection.scalar(_REVISION)


# Statements are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_few = sa.select(outbox.c.number).limit(COUNTED_MOST).subquery()
_due = sa.select(sa.func.min(outbox.c.not_before)).scalar_subquery()
_OUTBOX = sa.select(sa.select(sa.func.count()).select_from(_few).scalar_subquery(), sa.extract("epoch", _NOW - _due))

_UNHEARD = (
    sa.select(*(jobs.c[name] for name in Published._fields))
    .where(jobs.c.state == sa.literal_column("'queued'"), jobs.c.published_at.is_not(None))
    .order_by(jobs.c.published_at)
    .limit(SHOWN)
)

_ended = (
    sa.select(jobs.c.error_code, jobs.c.finished_at)
    .where(jobs.c.finished_at.is_not(None))
    .order_by(jobs.c.finished_at.desc())
    .limit(FAILURES)
    .subquery()
)
_FAILURES = (
    sa.select(_ended.c.error_code, sa.func.count(), sa.func.max(_ended.c.finished_at))
    .where(_ended.c.error_code.is_not(None))
    .group_by(_ended.c.error_code)
    .order_by(sa.func.count().desc(), _ended.c.error_code)
)

_executed = (
    sa.select(*(executions.c[name] for name in (*FailedExecution._fields, "state")))
    .where(executions.c.finished_at.is_not(None))
    .order_by(executions.c.finished_at.desc())
    .limit(WALKED)
    .subquery()
)
_FAILED_EXECUTIONS = (
    sa.select(*(_executed.c[name] for name in FailedExecution._fields))
    .where(_executed.c.state == JobState.FAILED)
    .order_by(_executed.c.finished_at.desc())
    .limit(SHOWN)
)

_REVISION = sa.select(sa.table("alembic_version", sa.column("version_num", sa.Text), schema=SCHEMA).c.version_num)

_DATABASE = sa.select(sa.func.pg_database_size(sa.func.current_database()))
_SIZES = sa.text(
    "select c.relname, pg_total_relation_size(c.oid), pg_indexes_size(c.oid), greatest(c.reltuples, 0)::bigint "
    "from pg_class c where c.relnamespace = cast(:schema as regnamespace) and c.relkind = 'r' order by 2 desc, 1"
)


def sizes(connection: sa.Connection) -> Sizes:
    """How large the database is."""
    total = connection.execute(_DATABASE).scalar_one()
    return Sizes(total, [TableSize(*row) for row in connection.execute(_SIZES, {"schema": SCHEMA}).all()])


def published_again(connection: sa.Connection) -> int:
    """Messages of ended jobs that were published more than once, since metrics are sampled."""
    return int(sum(totals(connection).get("anh_messages_published_again_total", {}).values()))
