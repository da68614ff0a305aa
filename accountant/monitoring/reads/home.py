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

_NOW = sa.func.statement_timestamp()


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
    oldest = connection.execute(_OLDEST).one_or_none()
    return Numbers(**row, oldest=None if oldest is None else Oldest(*oldest))


def dearest(connection: sa.Connection, hours: int = DAY_HOURS, most: int = DEAREST) -> Dearest:
    """The dearest contracts and accounts of the last hours, the one that is running included."""
    speed = read_speed(connection)
    given = {"hours": hours * HOUR_S, "most": most}
    contracts, accounts = (_dearest(connection, {**given, "party": party}) for party in ("contract", "account"))
    gas = int(connection.execute(_DEAR_GAS, given).scalar_one())
    rate = speed.gas / speed.seconds if speed is not None and speed.seconds > 0 else None
    return Dearest(contracts, accounts, gas, rate)


def _dearest(connection: sa.Connection, given: dict[str, Any]) -> list[Dear]:
    return [Dear(key, int(gas), int(runs)) for key, gas, runs in connection.execute(_DEAREST, given).all()]


# Statements are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_OLDEST = (
    sa.select(jobs.c.id, jobs.c.created_at, jobs.c.why_waiting).where(HOLDS_NO_WORKER).order_by(jobs.c.number).limit(1)
)

_hour_now = sa.func.floor(sa.extract("epoch", _NOW) / HOUR_S) * HOUR_S
_first = sa.cast(_hour_now - sa.bindparam("hours", type_=sa.Integer), sa.BigInteger)

_gas, _runs = sa.func.sum(dear_hours.c.gas), sa.func.sum(dear_hours.c.runs)
_DEAREST = (
    sa.select(dear_hours.c.key, _gas, _runs)
    .where(dear_hours.c.party == sa.bindparam("party", type_=sa.Text), dear_hours.c.hour > _first)
    .group_by(dear_hours.c.key)
    .order_by(_gas.desc(), dear_hours.c.key)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_sent = sa.select(sa.func.coalesce(sa.func.sum(dear_hours.c.gas), 0)).where(
    dear_hours.c.party == sa.literal_column("'account'"), dear_hours.c.hour > _first
)
_viewed = sa.select(sa.func.coalesce(sa.func.sum(job_figures.c.view_gas), 0)).where(
    job_figures.c.finished_at >= sa.func.to_timestamp(sa.cast(_first, sa.Double) + HOUR_S),
    job_figures.c.contract.is_not(None),
)
_DEAR_GAS = sa.select(_sent.scalar_subquery() + _viewed.scalar_subquery())


def _live(state: str) -> sa.Label[Any]:
    return sa.func.count().filter(jobs.c.state == state).label(state)


def _p95(name: str, length: sa.ColumnElement[Any]) -> sa.Label[Any]:
    return sa.func.percentile_cont(0.95).within_group(sa.extract("epoch", length)).label(name)


def _sum(name: str) -> sa.Label[Any]:
    return sa.func.coalesce(sa.func.sum(job_figures.c[name]), 0).label(name)


_on_chain = sa.select(blocks.c.first_seq + blocks.c.count).order_by(blocks.c.height.desc()).limit(1)
_not_ended = sa.select(*map(_live, ("queued", "running", "waiting"))).where(jobs.c.finished_at.is_(None)).subquery()
_lately = (
    sa.select(
        sa.func.count().label("ended_lately"),
        _p95("waiting_p95_s", jobs.c.started_at - jobs.c.created_at),
        _p95("running_p95_s", jobs.c.finished_at - jobs.c.started_at),
    )
    .where(jobs.c.finished_at >= seconds_ago(LATELY_S))
    .subquery()
)
_hourly = (
    sa.select(*map(_sum, ("gas_executed", "gas_everything", "executed", "skipped")))
    .where(job_figures.c.finished_at >= seconds_ago(HOUR_S))
    .subquery()
)
_pool = (
    sa.select(
        sa.func.count().label("workers"),
        sa.func.count(workers.c.doing).label("busy"),
    )
    .where(LIVES)
    .subquery()
)

_NUMBERS = sa.select(
    HEIGHT.scalar_subquery().label("height"),
    sa.func.coalesce(_on_chain.scalar_subquery(), 0).label("transactions"),
    *_not_ended.c,
    *_lately.c,
    *_pool.c,
    *_hourly.c,
    sa.select(sa.func.count()).select_from(outbox).scalar_subquery().label("outbox"),
    sa.select(sa.func.count())
    .where(
        signed_transactions.c.purpose == "oath",
        signed_transactions.c.state.in_(["pending", "submitted"]),
    )
    .scalar_subquery()
    .label("oaths_open"),
    sa.func.pg_database_size(sa.func.current_database()).label("database_bytes"),
).select_from(_not_ended.join(_lately, sa.true()).join(_pool, sa.true()).join(_hourly, sa.true()))
