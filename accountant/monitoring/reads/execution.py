"""What the page of execution shows: executed against skipped, what was known already, who makes answers dear."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from accountant.accounting.outstanding import AccountingCost, heights_between
from accountant.chain.rows import RowKind
from accountant.monitoring.sampler import HOUR_S
from accountant.monitoring.series import SPANS, Span
from accountant.primitives.types import Gas, Height
from accountant.storage.counts import FLIGHT_WAIT_MS, FLIGHT_WAITS, LOOKUPS
from accountant.storage.job_parties import CONTRACT
from accountant.storage.job_tables import jobs
from accountant.storage.metric_tables import dear_hours, job_figures, job_parties, metric_points, tallies
from accountant.storage.observed_gas import BUCKET_BITS
from accountant.storage.tables import blocks, observed_gas, outcomes, postings, transactions

DEAREST = 10
YESTERDAY = "yesterday"
"""The last whole day of UTC; the other spans run up to now."""
LENGTHS = {
    "hour": SPANS["hour"],
    "day": SPANS["day"],
    YESTERDAY: Span("yesterday", 86_400, SPANS["month"].resolution_s),  # these buckets begin with the day
    "month": SPANS["month"],
}
"""The spans that one chooses among here."""
WALKED = 1_000
"""The latest transactions of a party, and the latest jobs, among which the dearest are looked for."""
REPEATED = 10

_NOW = sa.func.clock_timestamp()
_ANSWERS = {
    "answers": "anh_answers_gas_total",
    "gas_executed": "anh_answers_gas_total",
    "gas_everything": "anh_answers_everything_gas_total",
    "executed": "anh_answers_executed_total",
    "skipped": "anh_answers_skipped_total",
    "known": "anh_answers_known_total",
}


class Hours(NamedTuple):
    """Whole hours, in Unix seconds: from `since` on, before `until`."""

    since: int
    until: int


class Answers(NamedTuple):
    """What the answers of a span took. What several answers share counts for each."""

    answers: int
    executed: int
    skipped: int
    known: int
    """Outcomes that they needed and that were known before."""
    gas_executed: int
    gas_everything: int


class Observed(NamedTuple):
    """What is known of the whole chain."""

    transactions: int
    on_chain: int
    gas: int
    gas_limits: int
    """Of all transactions together: the most that executing everything takes."""


class Lookups(NamedTuple):
    """Outcomes looked up since the service was set up, by the layer that had them."""

    hot: int
    database: int
    missing: int


class Flights(NamedTuple):
    """Waits for another worker's execution of the same transaction."""

    waits: int
    seconds: float


class Repeated(NamedTuple):
    """A transaction that was executed more than once."""

    hash: bytes
    seq: int
    runs: int
    gas_used: int


class Dear(NamedTuple):
    """A contract or an account, and what executing it took."""

    key: bytes
    gas: int
    runs: int


class DearTransaction(NamedTuple):
    """An executed transaction of a party."""

    hash: bytes
    seq: int
    height: int
    sender: bytes
    gas_used: int
    gas_limit: int
    runs: int
    observed_at: datetime


class DearJob(NamedTuple):
    """A job whose answer took gas for a party. `gas`: for the party, of `gas_executed` in all."""

    id: str
    kind: str
    state: str
    finished_at: datetime | None
    gas: int
    runs: int
    gas_executed: int


def answers(connection: sa.Connection, span: str) -> Answers:
    """Of the answers of a span, as sampled."""
    points = metric_points.c
    _, seconds, resolution = LENGTHS[span]
    when = points.at > sa.extract("epoch", _NOW) - seconds
    if span == YESTERDAY:
        hours = hours_of(connection, span)
        when = sa.and_(points.at >= hours.since, points.at < hours.until)
    rows = connection.execute(
        sa.select(points.metric, sa.func.sum(points["count"]), sa.func.sum(points.sum))
        .where(
            points.metric.in_(sorted(set(_ANSWERS.values()))),
            points.resolution_s == resolution,
            when,
        )
        .group_by(points.metric)
    )
    found = {metric: (int(count), int(total)) for metric, count, total in rows}
    sums = {name: found.get(metric, (0, 0))[1] for name, metric in _ANSWERS.items()}
    return Answers(**{**sums, "answers": found.get(_ANSWERS["answers"], (0, 0))[0]})


def observed(connection: sa.Connection) -> Observed:
    """Known against everything. Observed gas is summed up in few rows."""
    last = sa.select(transactions.c.seq, transactions.c.gas_total).order_by(transactions.c.seq.desc()).limit(1)
    seq, limits = next(iter(connection.execute(last)), (-1, 0))
    known = sa.select(*(sa.func.coalesce(sa.func.sum(observed_gas.c[n]), 0) for n in ("transactions", "gas_used")))
    count, gas = connection.execute(known).one()
    return Observed(int(count), seq + 1, int(gas), int(limits))


def lookups(connection: sa.Connection) -> Lookups:
    """Where outcomes were found."""
    found = _tallies(connection)
    return Lookups(**{layer: found.get(name, 0) for layer, name in LOOKUPS.items()})


def flights(connection: sa.Connection) -> Flights:
    """How often, and how long, a worker waited for another one."""
    found = _tallies(connection)
    return Flights(found.get(FLIGHT_WAITS, 0), found.get(FLIGHT_WAIT_MS, 0) / 1000)


def _tallies(connection: sa.Connection) -> dict[str, int]:
    return {row.name: row.value for row in connection.execute(sa.select(tallies.c.name, tallies.c.value))}


_MORE_THAN_ONCE = outcomes.c.executions > sa.literal_column("1")


def repeated(connection: sa.Connection) -> tuple[int, list[Repeated]]:
    """How many transactions were executed more than once, and the first among them."""
    count = connection.scalar(sa.select(sa.func.count()).select_from(outcomes).where(_MORE_THAN_ONCE))
    most = (
        sa.select(outcomes.c.seq, outcomes.c.executions, outcomes.c.gas_used)
        .where(_MORE_THAN_ONCE)
        .order_by(outcomes.c.executions.desc(), outcomes.c.seq.desc())
        .limit(REPEATED)
    ).subquery()
    rows = connection.execute(
        sa.select(transactions.c.hash, most.c.seq, most.c.executions, most.c.gas_used)
        .join_from(most, transactions, transactions.c.seq == most.c.seq)
        .order_by(most.c.executions.desc(), most.c.seq.desc())
    )
    return count or 0, [Repeated(*row) for row in rows]


def hours_of(connection: sa.Connection, span: str) -> Hours:
    """The hours of a span: of yesterday as UTC has it, else the last ones, the running one included."""
    now = int(connection.execute(sa.select(sa.func.floor(sa.extract("epoch", _NOW)))).scalar_one())
    if span == YESTERDAY:
        midnight = now // LENGTHS[span].seconds * LENGTHS[span].seconds
        return Hours(midnight - LENGTHS[span].seconds, midnight)
    until = now // HOUR_S * HOUR_S + HOUR_S
    return Hours(until - LENGTHS[span].seconds - (HOUR_S if span == "hour" else 0), until)


def _during(hours: Hours) -> sa.ColumnElement[bool]:
    return sa.and_(dear_hours.c.hour >= hours.since, dear_hours.c.hour < hours.until)


def _within(column: sa.ColumnElement[Any], hours: Hours) -> sa.ColumnElement[bool]:
    return sa.and_(column >= _moment(hours.since), column < _moment(hours.until))


def dearest(connection: sa.Connection, party: str, hours: Hours, limit: int = DEAREST) -> list[Dear]:
    """Who took most gas in some hours."""
    gas, runs = sa.func.sum(dear_hours.c.gas), sa.func.sum(dear_hours.c.runs)
    rows = connection.execute(
        sa.select(dear_hours.c.key, gas, runs)
        .where(dear_hours.c.party == party, _during(hours))
        .group_by(dear_hours.c.key)
        .order_by(gas.desc(), dear_hours.c.key)
        .limit(limit)
    )
    return [Dear(key, int(total), int(count)) for key, total, count in rows]


def everything(connection: sa.Connection, hours: Hours) -> int:
    """Gas of all that was executed in some hours: transactions, and views."""
    sent = sa.select(sa.func.coalesce(sa.func.sum(dear_hours.c.gas), 0)).where(
        dear_hours.c.party == "account", _during(hours)
    )
    viewed = sa.select(sa.func.coalesce(sa.func.sum(job_figures.c.view_gas), 0)).where(
        _within(job_figures.c.finished_at, hours), job_figures.c.contract.is_not(None)
    )
    return int(connection.execute(sent).scalar_one()) + int(connection.execute(viewed).scalar_one())


def _moment(at: int) -> sa.ColumnElement[Any]:
    return sa.func.to_timestamp(sa.cast(at, sa.Double))


def of_party(connection: sa.Connection, party: str, key: bytes, hours: Hours) -> Dear:
    """What one contract or account took in some hours."""
    gas, runs = (sa.func.coalesce(sa.func.sum(dear_hours.c[name]), 0) for name in ("gas", "runs"))
    where = dear_hours.c.party == party, dear_hours.c.key == key, _during(hours)
    total, count = connection.execute(sa.select(gas, runs).where(*where)).one()
    return Dear(key, int(total), int(count))


def dear_transactions(
    connection: sa.Connection, party: str, key: bytes, hours: Hours, limit: int = 20
) -> list[DearTransaction]:
    """The dearest among the latest `WALKED` transactions that call a contract, or that an account signed.

    They are a range of the inverted file. Only those count that were executed in these hours.
    """
    filed, kind = (b"c" + key, RowKind.CALL) if party == CONTRACT else (b"g" + key, RowKind.EXPENSE)
    walked = (
        sa.select(postings.c.seq)
        .where(postings.c.key == filed, postings.c.kind == int(kind))
        .order_by(postings.c.seq.desc())
        .limit(WALKED)
    ).subquery()
    columns = [transactions.c[n] for n in ("hash", "seq", "height", "sender")]
    rows = connection.execute(
        sa.select(
            *columns,
            outcomes.c.gas_used,
            transactions.c.gas_limit,
            outcomes.c.executions.label("runs"),
            outcomes.c.observed_at,
        )
        .join_from(walked, outcomes, outcomes.c.seq == walked.c.seq)
        .join(transactions, transactions.c.seq == walked.c.seq)
        .where(_within(outcomes.c.observed_at, hours))
        .order_by(outcomes.c.gas_used.desc(), transactions.c.seq.desc())
        .limit(limit)
    ).mappings()
    return [DearTransaction(**row) for row in rows]


def dear_jobs(connection: sa.Connection, party: str, key: bytes, hours: Hours, limit: int = 20) -> list[DearJob]:
    """The dearest for a party among the latest `WALKED` jobs that executed something of it and ended in these hours."""
    walked = (
        sa.select(job_parties.c.job_number, job_parties.c.gas, job_parties.c.runs)
        .where(job_parties.c.party == party, job_parties.c.key == key)
        .order_by(job_parties.c.job_number.desc())
        .limit(WALKED)
    ).subquery()
    rows = connection.execute(
        sa.select(
            jobs.c.id,
            jobs.c.kind,
            jobs.c.state,
            jobs.c.finished_at,
            walked.c.gas,
            walked.c.runs,
            jobs.c.gas_executed,
        )
        .join_from(walked, jobs, jobs.c.number == walked.c.job_number)
        .where(_within(jobs.c.finished_at, hours))
        .order_by(walked.c.gas.desc(), jobs.c.number.desc())
        .limit(limit)
    )
    return [DearJob(*row[:4], int(row[4]), row[5], int(row[6])) for row in rows]


def costs(connection: sa.Connection, points: int) -> list[AccountingCost]:
    """The accounting cost of outstanding money at so many heights, as `accounting.outstanding` defines it."""
    head = connection.scalar(sa.select(blocks.c.height).order_by(blocks.c.height.desc()).limit(1))
    if head is None:
        return []
    heights = list(heights_between(Height(0), Height(head), points))
    ends = (
        sa.select(blocks.c.height, (blocks.c.first_seq + blocks.c["count"]).label("before"))
        .where(blocks.c.height == sa.any_(sa.cast(heights, sa.ARRAY(sa.BigInteger))))
        .subquery()
    )
    bits = sa.literal_column(str(BUCKET_BITS), sa.Integer)
    bucket = ends.c.before.bitwise_rshift(bits)
    named = "transactions", "gas_used", "gas_limits"
    full = (
        sa.select(*(sa.func.coalesce(sa.func.sum(observed_gas.c[name]), 0).label(name) for name in named))
        .where(observed_gas.c.bucket < bucket)
        .lateral()
    )
    sums = sa.func.count(), sa.func.sum(outcomes.c.gas_used), sa.func.sum(transactions.c.gas_limit)
    begun = (
        sa.select(*(sa.func.coalesce(total, 0).label(name) for total, name in zip(sums, named, strict=True)))
        .join_from(outcomes, transactions, transactions.c.seq == outcomes.c.seq)
        .where(outcomes.c.seq >= bucket.bitwise_lshift(bits), outcomes.c.seq < ends.c.before)
        .lateral()
    )
    limits = (
        sa.select(transactions.c.gas_total)
        .where(transactions.c.seq < ends.c.before)
        .order_by(transactions.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = connection.execute(
        sa.select(
            ends.c.height,
            ends.c.before,
            sa.func.coalesce(limits, 0),
            *(full.c[name] + begun.c[name] for name in named),
        )
        .select_from(ends)
        .join(full, sa.true())
        .join(begun, sa.true())
        .order_by(ends.c.height)
    )
    return [
        AccountingCost(Height(height), before, int(known), Gas(int(gas)), Gas(int(all_limits) - int(known_limits)))
        for height, before, all_limits, known, gas, known_limits in rows
    ]
