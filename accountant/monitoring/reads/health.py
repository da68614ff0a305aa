"""The snapshot that the verdict goes by: a few statements over small tables and indexes."""

from collections import defaultdict
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from accountant.monitoring.measures.chain import HEIGHT
from accountant.monitoring.measures.jobs import GONE_WRONG, HOLDS_NO_WORKER
from accountant.monitoring.measures.oaths import slashed_since
from accountant.monitoring.measures.service import SILENT_S, seconds_ago
from accountant.monitoring.presence import LOW
from accountant.monitoring.probes import Probed
from accountant.monitoring.reads.node import beside_index
from accountant.monitoring.verdict import Pool, Service, Snapshot
from accountant.storage.agreement_tables import withdrawals
from accountant.storage.job_tables import executions, jobs, outbox
from accountant.storage.metric_tables import beats, sampling, workers
from accountant.storage.oath_tables import oaths
from accountant.storage.tables import refused_blocks

REMEMBERED_S = 3600.0
"""A worker process that died longer ago and was never replaced is not missed any more."""
JUST_S = 30.0
"""Whoever died less long ago is told of even if the place is taken: something kills workers."""
_DAY_S = 86_400.0

_NOW = sa.func.statement_timestamp()


class WorkerRow(NamedTuple):
    """What the verdict needs of a worker process: seconds since its start and its last beat."""

    host: str
    queue: str
    age_s: float
    silent_s: float
    stopped: bool


def read_snapshot(connection: sa.Connection, probed: Probed) -> Snapshot:
    """How everything is now. Raises as the database does."""
    row = connection.execute(_SCALARS).one()
    beside = None if probed.node is None else beside_index(connection, probed.node)
    services = connection.execute(_SERVICES)
    at: datetime = row.at
    return Snapshot(
        database_up=True,
        probed=probed,
        height=row.height,
        pools=pools_of(_workers(connection)),
        waiting_queues=tuple(sorted(connection.scalars(_WAITING))),
        services=tuple(
            Service(name, float(silent), trouble, bool(figures.get(LOW))) for name, silent, trouble, figures in services
        ),
        outbox_lag_s=max(0.0, float(row.outbox_lag)),
        parked=row.parked,
        to_swear=row.to_swear,
        withdrawals=row.withdrawals,
        refused_blocks=row.refused_blocks,
        index_differs=beside is not None and beside.differs,
        slashed=row.slashed,
        slashed_today=row.slashed_today,
        sampled_ago_s=None if row.sampled_ago is None else float(row.sampled_ago),
        at=at,
    )


def _seconds(length: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.extract("epoch", length)


def _scalar(name: str, chosen: sa.Select[Any]) -> sa.Label[Any]:
    return chosen.scalar_subquery().label(name)


def _count(name: str, table: sa.Table, *where: sa.ColumnElement[bool]) -> sa.Label[Any]:
    return _scalar(name, sa.select(sa.func.count()).select_from(table).where(*where))


_SCALARS = sa.select(
    _scalar("height", HEIGHT),
    _scalar("outbox_lag", sa.select(sa.func.coalesce(_seconds(_NOW - sa.func.min(outbox.c.not_before)), 0))),
    _count("parked", jobs, jobs.c.finished_at >= seconds_ago(REMEMBERED_S), jobs.c.error_code == GONE_WRONG),
    _count(
        "to_swear",
        jobs,
        jobs.c.state == sa.literal_column("'done'"),
        jobs.c.swear,
        jobs.c.oath.is_(None),
        jobs.c.withdrawn_at.is_(None),
        ~sa.exists().where(oaths.c.job_number == jobs.c.number),
    ),
    _count("withdrawals", withdrawals, withdrawals.c.at >= seconds_ago(_DAY_S)),
    _count("refused_blocks", refused_blocks, refused_blocks.c.refused_at >= seconds_ago(_DAY_S)),
    _scalar("slashed", slashed_since(7 * _DAY_S)),
    _scalar("slashed_today", slashed_since(_DAY_S)),
    _scalar("sampled_ago", sa.select(_seconds(_NOW - sampling.c.sampled_at))),
    _NOW.label("at"),
)


_SERVICES = sa.select(beats.c.service, _seconds(_NOW - beats.c.beat_at), beats.c.trouble, beats.c.figures)

_WAITING = sa.union(
    sa.select(jobs.c.queue).where(HOLDS_NO_WORKER),
    sa.select(executions.c.queue).where(executions.c.finished_at.is_(None)),
)

_WORKERS = (
    sa.select(
        workers.c.host,
        workers.c.queue,
        _seconds(_NOW - workers.c.started_at),
        _seconds(_NOW - workers.c.beat_at),
        workers.c.stopped_at.is_not(None),
    )
    .where(workers.c.beat_at >= seconds_ago(_DAY_S))
    .order_by(workers.c.number)
)


def _workers(connection: sa.Connection) -> list[WorkerRow]:
    rows = connection.execute(_WORKERS).all()
    return [WorkerRow(host, queue, float(age), float(silent), stopped) for host, queue, age, silent, stopped in rows]


def pools_of(rows: list[WorkerRow]) -> tuple[Pool, ...]:
    """The queues' worker processes. One that died is replaced by one of its host and queue that started later."""
    places: dict[tuple[str, str], list[WorkerRow]] = defaultdict(list)
    for row in rows:
        places[row.queue, row.host].append(row)
    live: dict[str, int] = defaultdict(int)
    missing: dict[str, int] = defaultdict(int)
    for (queue, _), there in sorted(places.items()):
        live[queue] += sum(not row.stopped and row.silent_s <= SILENT_S for row in there)
        missing[queue] += _unreplaced(there)
    return tuple(Pool(queue, live[queue], missing[queue]) for queue in sorted(live))


def _unreplaced(there: list[WorkerRow]) -> int:
    """How many of a place's dead nobody replaced, or only just: each start takes one, whatever became of it."""
    starts = sorted(row.age_s for row in there)
    deaths = sorted(row.silent_s for row in there if not row.stopped and SILENT_S < row.silent_s <= REMEMBERED_S)
    missed = 0
    for silent_s in deaths:  # the latest first: whoever started after it started after all earlier ones
        replaced = starts[0] <= silent_s
        if replaced:
            starts.pop(0)
        missed += not replaced or silent_s <= JUST_S
    return missed
