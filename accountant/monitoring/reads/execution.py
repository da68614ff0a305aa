"""What the page of execution shows: executed against skipped, what was known already, who makes answers dear."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from accountant.accounting.outstanding import AccountingCost, heights_between
from accountant.chain.rows import RowKind
from accountant.monitoring.reads import execution_sql as sql
from accountant.monitoring.sampler import HOUR_S
from accountant.monitoring.series import SPANS, Span
from accountant.primitives.types import Gas, Height
from accountant.storage.counts import FLIGHT_WAIT_MS, FLIGHT_WAITS, LOOKUPS
from accountant.storage.job_parties import CONTRACT

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
WALKED = sql.WALKED


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
    _, seconds, resolution = LENGTHS[span]
    if span == YESTERDAY:
        given = {"resolution": resolution, **hours_of(connection, span)._asdict()}
        rows = connection.execute(sql.TAKEN_DURING, given).all()
    else:
        rows = connection.execute(sql.TAKEN, {"resolution": resolution, "seconds": seconds}).all()
    found = {metric: (int(count), int(total)) for metric, count, total in rows}
    sums = {name: found.get(metric, (0, 0))[1] for name, metric in sql.ANSWERS.items()}
    return Answers(**{**sums, "answers": found.get(sql.ANSWERS["answers"], (0, 0))[0]})


def observed(connection: sa.Connection) -> Observed:
    """Known against everything. Observed gas is summed up in few rows."""
    seq, limits = next(iter(connection.execute(sql.LAST)), (-1, 0))
    count, gas = connection.execute(sql.KNOWN).one()
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
    return {row.name: row.value for row in connection.execute(sql.TALLIES).all()}


def repeated(connection: sa.Connection) -> tuple[int, list[Repeated]]:
    """How many transactions were executed more than once, and the first among them."""
    count = connection.scalar(sql.REPEATED_COUNT)
    rows = connection.execute(sql.REPEATED).all()
    return count or 0, [Repeated(*row) for row in rows]


def hours_of(connection: sa.Connection, span: str) -> Hours:
    """The hours of a span: of yesterday as UTC has it, else the last ones, the running one included."""
    now: int = connection.execute(sql.NOW).scalar_one()
    if span == YESTERDAY:
        midnight = now // LENGTHS[span].seconds * LENGTHS[span].seconds
        return Hours(midnight - LENGTHS[span].seconds, midnight)
    until = now // HOUR_S * HOUR_S + HOUR_S
    return Hours(until - LENGTHS[span].seconds - (HOUR_S if span == "hour" else 0), until)


def dearest(connection: sa.Connection, party: str, hours: Hours, limit: int = DEAREST) -> list[Dear]:
    """Who took most gas in some hours."""
    rows = connection.execute(sql.DEAREST, {"party": party, **hours._asdict(), "most": limit}).all()
    return [Dear(key, int(total), int(count)) for key, total, count in rows]


def everything(connection: sa.Connection, hours: Hours) -> int:
    """Gas of all that was executed in some hours: transactions, and views."""
    return int(connection.execute(sql.EVERYTHING, hours._asdict()).scalar_one())


def of_party(connection: sa.Connection, party: str, key: bytes, hours: Hours) -> Dear:
    """What one contract or account took in some hours."""
    total, count = connection.execute(sql.OF_PARTY, {"party": party, "key": key, **hours._asdict()}).one()
    return Dear(key, int(total), int(count))


def dear_transactions(
    connection: sa.Connection, party: str, key: bytes, hours: Hours, limit: int = 20
) -> list[DearTransaction]:
    """The dearest among the latest `WALKED` transactions that call a contract, or that an account signed.

    They are a range of the inverted file. Only those count that were executed in these hours.
    """
    filed, kind = (b"c" + key, RowKind.CALL) if party == CONTRACT else (b"g" + key, RowKind.EXPENSE)
    given = {"key": filed, "kind": int(kind), **hours._asdict(), "most": limit}
    rows = connection.execute(sql.DEAR_TRANSACTIONS, given).mappings().all()
    return [DearTransaction(**row) for row in rows]


def dear_jobs(connection: sa.Connection, party: str, key: bytes, hours: Hours, limit: int = 20) -> list[DearJob]:
    """The dearest for a party among the latest `WALKED` jobs that executed something of it and ended in these hours."""
    rows = connection.execute(sql.DEAR_JOBS, {"party": party, "key": key, **hours._asdict(), "most": limit}).all()
    return [DearJob(*row[:4], int(row[4]), row[5], int(row[6])) for row in rows]


def costs(connection: sa.Connection, points: int) -> list[AccountingCost]:
    """The accounting cost of outstanding money at so many heights, as `accounting.outstanding` defines it."""
    head = connection.scalar(sql.HEAD)
    if head is None:
        return []
    heights = list(heights_between(Height(0), Height(head), points))
    rows = connection.execute(sql.COSTS, {"heights": heights}).all()
    return [
        AccountingCost(Height(height), before, int(known), Gas(int(gas)), Gas(int(all_limits) - int(known_limits)))
        for height, before, all_limits, known, gas, known_limits in rows
    ]
