"""What the home page shows besides the verdict: numbers of now, and who made answers dear."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from accountant.monitoring.measures.chain import HEIGHT
from accountant.monitoring.measures.jobs import HOLDS_NO_WORKER, LATELY_S
from accountant.monitoring.measures.service import LIVES, seconds_ago
from accountant.monitoring.sampler import HOUR_S
from accountant.storage.job_tables import jobs, outbox
from accountant.storage.metric_tables import dear_hours, job_figures, workers
from accountant.storage.oath_tables import signed_transactions
from accountant.storage.observed_gas import read_speed
from accountant.storage.tables import blocks

DAY_HOURS = 24
DEAREST = 5

_NOW = sa.func.clock_timestamp()


class Oldest(NamedTuple):
    """The job that has waited longest for a worker."""

    id: str
    created_at: datetime
    why: str | None


class Numbers(NamedTuple):
    """The home page's numbers, as they are now."""

    height: int | None
    transactions: int
    queued: int
    running: int
    waiting: int
    ended_lately: int
    """In the last five minutes, as `waiting_p95` and what follows."""
    waiting_p95_s: float | None
    running_p95_s: float | None
    workers: int
    busy: int
    gas_executed: int
    """For the answers of the last hour."""
    gas_everything: int
    """The most that executing everything would have taken for them."""
    executed: int
    skipped: int
    outbox: int
    oaths_open: int
    database_bytes: int
    oldest: Oldest | None


class Dear(NamedTuple):
    """A contract or an account, and what executing it took."""

    key: bytes
    gas: int
    runs: int


class Dearest(NamedTuple):
    """Who made the answers of the last 24 hours dear, by whole hours."""

    contracts: list[Dear]
    accounts: list[Dear]
    gas: int
    """Of all that was executed in these hours: transactions, and views."""
    gas_per_second: float | None
    """What workers execute, as measured; None before anything was."""


def numbers(connection: sa.Connection) -> Numbers:
    """The numbers: counts over what is live or recent, by indexes; nothing that grows with the chain."""
    row = connection.execute(_NUMBERS).one()._asdict()
    for name in ("gas_executed", "gas_everything", "executed", "skipped"):
        row[name] = int(row[name])
    oldest = connection.execute(
        sa.select(jobs.c.id, jobs.c.created_at, jobs.c.why_waiting)
        .where(HOLDS_NO_WORKER)
        .order_by(jobs.c.number)
        .limit(1)
    ).one_or_none()
    return Numbers(**row, oldest=None if oldest is None else Oldest(*oldest))


def dearest(connection: sa.Connection, hours: int = DAY_HOURS, most: int = DEAREST) -> Dearest:
    """The dearest contracts and accounts of the last hours, the one that is running included."""
    first = connection.execute(sa.select(_hour_now() - hours * HOUR_S)).scalar_one()
    speed = read_speed(connection)
    contracts = _dearest(connection, "contract", first, most)
    accounts = _dearest(connection, "account", first, most)
    total = sa.select(sa.func.coalesce(sa.func.sum(dear_hours.c.gas), 0)).where(
        dear_hours.c.hour > first, dear_hours.c.party == "account"
    )
    viewed = sa.select(sa.func.coalesce(sa.func.sum(job_figures.c.view_gas), 0)).where(
        job_figures.c.finished_at >= sa.func.to_timestamp(sa.cast(first, sa.Double) + HOUR_S)
    )
    gas = int(connection.execute(total).scalar_one()) + int(connection.execute(viewed).scalar_one())
    rate = speed.gas / speed.seconds if speed is not None and speed.seconds > 0 else None
    return Dearest(contracts, accounts, gas, rate)


def _hour_now() -> sa.ColumnElement[int]:
    return sa.cast(sa.func.floor(sa.extract("epoch", _NOW) / HOUR_S) * HOUR_S, sa.BigInteger)


def _dearest(connection: sa.Connection, party: str, first: int, most: int) -> list[Dear]:
    gas, runs = sa.func.sum(dear_hours.c.gas), sa.func.sum(dear_hours.c.runs)
    rows = connection.execute(
        sa.select(dear_hours.c.key, gas, runs)
        .where(dear_hours.c.party == party, dear_hours.c.hour > first)
        .group_by(dear_hours.c.key)
        .order_by(gas.desc(), dear_hours.c.key)
        .limit(most)
    )
    return [Dear(key, int(total), int(count)) for key, total, count in rows]


def _live(state: str) -> sa.Label[Any]:
    found = sa.select(sa.func.count()).where(jobs.c.finished_at.is_(None), jobs.c.state == state)
    return found.scalar_subquery().label(state)


_LATELY = (jobs.c.finished_at >= seconds_ago(LATELY_S),)


def _p95(name: str, length: sa.ColumnElement[Any]) -> sa.Label[Any]:
    found = sa.func.percentile_cont(0.95).within_group(sa.extract("epoch", length))
    return sa.select(found).where(*_LATELY, length.is_not(None)).scalar_subquery().label(name)


def _hourly(name: str, column: sa.ColumnElement[Any]) -> sa.Label[Any]:
    found = sa.select(sa.func.coalesce(sa.func.sum(column), 0)).where(job_figures.c.finished_at >= seconds_ago(HOUR_S))
    return found.scalar_subquery().label(name)


_on_chain = sa.select(blocks.c.first_seq + blocks.c.count).order_by(blocks.c.height.desc()).limit(1)

_NUMBERS = sa.select(
    HEIGHT.scalar_subquery().label("height"),
    sa.func.coalesce(_on_chain.scalar_subquery(), 0).label("transactions"),
    _live("queued"),
    _live("running"),
    _live("waiting"),
    sa.select(sa.func.count()).select_from(jobs).where(*_LATELY).scalar_subquery().label("ended_lately"),
    _p95("waiting_p95_s", jobs.c.started_at - jobs.c.created_at),
    _p95("running_p95_s", jobs.c.finished_at - jobs.c.started_at),
    sa.select(sa.func.count()).select_from(workers).where(LIVES).scalar_subquery().label("workers"),
    sa.select(sa.func.count()).where(LIVES, workers.c.doing.is_not(None)).scalar_subquery().label("busy"),
    _hourly("gas_executed", job_figures.c.gas_executed),
    _hourly("gas_everything", job_figures.c.gas_everything),
    _hourly("executed", job_figures.c.executed),
    _hourly("skipped", job_figures.c.skipped),
    sa.select(sa.func.count()).select_from(outbox).scalar_subquery().label("outbox"),
    sa.select(sa.func.count())
    .where(
        signed_transactions.c.purpose == "oath",
        signed_transactions.c.state.in_(["pending", "submitted"]),
    )
    .scalar_subquery()
    .label("oaths_open"),
    sa.func.pg_database_size(sa.func.current_database()).label("database_bytes"),
)
