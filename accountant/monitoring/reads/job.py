"""What the page of one job shows: its steps, what it waits for, and the slice that its answer rests on."""

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from accountant.storage.job_tables import execution_waits, executions, job_events, jobs
from accountant.storage.metric_tables import job_figures, job_parties
from accountant.storage.tables import outcomes, transactions

STEPS_MOST = 200
WAITS_MOST = 50
CERTIFICATE_BYTES_MOST = 4 * 1024 * 1024
"""Larger certificates are not taken apart for a page; their figures are columns."""


class Job(NamedTuple):
    """A job without its question's and its answer's bytes."""

    number: int
    id: str
    kind: str
    state: str
    key_prefix: str
    queue: str
    gas_executed: int
    why_waiting: str | None
    lease_owner: str | None
    lease_until: datetime | None
    attempts: int
    attempts_most: int
    parks: int
    publications: int
    published_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    executions: int
    executions_done: int
    error_code: str | None
    error_detail: str | None
    swear: bool
    oath: bytes | None
    withdrawn_at: datetime | None
    repeated_by: str | None
    repeats: str | None
    traceparent: str | None
    certificate_bytes: int | None

    @property
    def trace_id(self) -> str | None:
        """What to look for where traces are kept: the second part of a W3C `traceparent`."""
        _, _, rest = (self.traceparent or "").partition("-")
        return rest.partition("-")[0] or None

    @property
    def ended(self) -> bool:
        """Whether nothing will change it any more: told by its end, since a later version may know other states."""
        return self.finished_at is not None


class Event(NamedTuple):
    """A change that clients were told of. `state` is the word that stands there, known here or not."""

    number: int
    at: datetime
    state: str
    gas_executed: int
    why_waiting: str | None
    executions: int
    executions_done: int


class Step(NamedTuple):
    """A change of a job's state, and how long it stayed there."""

    number: int
    at: datetime
    state: str
    why_waiting: str | None
    gas_executed: int
    executions: int
    executions_done: int
    lasted: timedelta | None
    """None: it is there still, or for good."""


class Wait(NamedTuple):
    """An execution that a job waits for."""

    seq: int
    transaction: bytes
    state: str
    gas_limit: int
    gas_executed: int
    attempts: int
    charged: bool


class Figures(NamedTuple):
    """What the answer took, as its certificate says."""

    executed: int
    skipped: int
    gas_executed: int
    gas_everything: int
    cache_hits: int
    slice: int


class Party(NamedTuple):
    """Whose transactions were executed for the answer."""

    party: str
    key: bytes
    gas: int
    runs: int


class Member(NamedTuple):
    """A transaction of the slice. `gas_used` and `runs`: None where its outcome was withdrawn since."""

    hash: bytes
    seq: int
    height: int
    kind: int
    sender: bytes
    to: bytes
    gas_limit: int
    gas_used: int | None
    runs: int | None


def job(connection: sa.Connection, job_id: str) -> Job | None:
    """A job, whoever asked for it."""
    found = connection.execute(_JOB, {"id": job_id}).mappings().one_or_none()
    return None if found is None else Job(**{**found, "gas_executed": int(found["gas_executed"])})


def question_and_answer(connection: sa.Connection, number: int) -> tuple[bytes, bytes | None]:
    """The question's encoding and, unless it is too large for a page, the answer's."""
    request, certificate = connection.execute(_BOTH, {"number": number}).one()
    return request, certificate


def events(connection: sa.Connection, number: int, after: int, limit: int) -> list[Event]:
    """The job's events after one, in order."""
    own = job_events.c.job_number == number, job_events.c.number > after
    query = sa.select(*(job_events.c[name] for name in Event._fields)).where(*own)
    rows = connection.execute(query.order_by(job_events.c.number).limit(limit)).mappings().all()
    return [Event(**{**row, "gas_executed": int(row["gas_executed"])}) for row in rows]


def steps(connection: sa.Connection, number: int) -> list[Step]:
    """The changes of state that are still kept, in order, the first `STEPS_MOST` of them."""
    rows = connection.execute(_STEPS, {"number": number}).mappings().all()
    return [Step(**{**row, "gas_executed": int(row["gas_executed"])}) for row in rows]


def waits(connection: sa.Connection, number: int) -> list[Wait]:
    """What a job waits for now, in chain order, the first `WAITS_MOST`."""
    rows = connection.execute(_WAITS, {"number": number}).mappings().all()
    return [
        Wait(**{**row, "gas_limit": int(row["gas_limit"]), "gas_executed": int(row["gas_executed"])}) for row in rows
    ]


def figures(connection: sa.Connection, number: int) -> Figures | None:
    """What the answer took; None before there is one, and of answers without a certificate."""
    row = connection.execute(_FIGURES, {"number": number}).one_or_none()
    return None if row is None else Figures(*map(int, row))


def parties(connection: sa.Connection, number: int) -> list[Party]:
    """Whom the answer's gas was spent for, the dearest first."""
    rows = connection.execute(_PARTIES, {"number": number}).all()
    return [Party(row.party, row.key, int(row.gas), row.runs) for row in rows]


def members(connection: sa.Connection, hashes: tuple[bytes, ...]) -> list[Member]:
    """Transactions of a slice by their hashes, in chain order: at most as many as are asked for."""
    return [Member(**row) for row in connection.execute(_MEMBERS, {"hashes": list(hashes)}).mappings().all()]


# Statements are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_NUMBER = sa.bindparam("number", type_=sa.BigInteger)

_JOB = sa.select(
    *(jobs.c[name] for name in Job._fields[:-1]),
    sa.func.octet_length(jobs.c.certificate).label("certificate_bytes"),
).where(jobs.c.id == sa.bindparam("id", type_=sa.Text))

_small = sa.func.octet_length(jobs.c.certificate) <= CERTIFICATE_BYTES_MOST
_BOTH = sa.select(jobs.c.request, sa.case((_small, jobs.c.certificate))).where(jobs.c.number == _NUMBER)

_before = sa.func.lag(job_events.c.state).over(order_by=job_events.c.number.asc())
_events = sa.select(*job_events.c, _before.label("before")).where(job_events.c.job_number == _NUMBER).subquery()
_changed = sa.select(_events).where(_events.c.before.is_distinct_from(_events.c.state)).subquery()
_lasted = sa.func.lead(_changed.c.at).over(order_by=_changed.c.number) - _changed.c.at
_STEPS = (
    sa.select(*(_changed.c[name] for name in Step._fields[:-1]), _lasted.label("lasted"))
    .order_by(_changed.c.number)
    .limit(STEPS_MOST)
)

_WAITS = (
    sa.select(*(executions.c[name] for name in Wait._fields[:-1]), execution_waits.c.charged)
    .join(execution_waits, execution_waits.c.seq == executions.c.seq)
    .where(execution_waits.c.job_number == _NUMBER)
    .order_by(execution_waits.c.seq)
    .limit(WAITS_MOST)
)

_FIGURES = sa.select(*(job_figures.c[name] for name in Figures._fields)).where(job_figures.c.job_number == _NUMBER)

_PARTIES = (
    sa.select(*(job_parties.c[name] for name in Party._fields))
    .where(job_parties.c.job_number == _NUMBER)
    .order_by(job_parties.c.party, job_parties.c.gas.desc(), job_parties.c.key)
)

_MEMBERS = (
    sa.select(
        *(transactions.c[name] for name in Member._fields[:-2]),
        outcomes.c.gas_used,
        outcomes.c.executions.label("runs"),
    )
    .outerjoin(outcomes, outcomes.c.seq == transactions.c.seq)
    .where(transactions.c.hash == sa.any_(sa.bindparam("hashes", type_=sa.ARRAY(sa.LargeBinary))))
    .order_by(transactions.c.seq)
)
