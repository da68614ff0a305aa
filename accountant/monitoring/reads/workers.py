"""What the page of workers shows: processes that beat in the last day, and services of which one runs."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from accountant.monitoring.measures.service import LIVES, SILENT_S, seconds_ago
from accountant.storage.job_tables import executions
from accountant.storage.metric_tables import beats, workers

DAY_S = 86_400.0
PROCESSES_MOST = 200

EXECUTION_SEQ = sa.cast(sa.func.substring(workers.c.doing, "^execution of ([0-9]{1,18})$"), sa.BigInteger)
"""The number of the transaction that a process executes; null where its work is another."""

_recent = workers.c.beat_at >= seconds_ago(DAY_S)
_gone = sa.and_(workers.c.stopped_at.is_(None), workers.c.beat_at < seconds_ago(SILENT_S))


class Pool(NamedTuple):
    """The processes that one worker started in the last day. One that ended is replaced: that is a restart."""

    host: str
    queue: str
    parent_pid: int
    live: int
    busy: int
    died: int
    """Ended without saying so."""
    ended: int
    """Ended in order."""
    consumed: int
    consumed_at: datetime | None
    memory_bytes: int
    gpu_share: float | None
    gpu_memory_bytes: int | None
    device: str | None
    """What its live processes compute tensors on."""

    @property
    def restarts(self) -> int | None:
        """Processes that others took the place of; None where none lives that could have."""
        return self.died + self.ended if self.live else None


class Process(NamedTuple):
    """A process of a pool. `up`: it lives. `transaction`: the hash of what it executes, where that is its work."""

    number: int
    host: str
    queue: str
    pid: int
    parent_pid: int
    up: bool
    started_at: datetime
    beat_at: datetime
    stopped_at: datetime | None
    consumed_at: datetime | None
    consumed: int
    doing: str | None
    memory_bytes: int
    device: str | None
    operation: str | None
    transaction: bytes | None


class Service(NamedTuple):
    """A service of which one runs, and what keeps it from its work."""

    service: str
    host: str
    pid: int
    beat_at: datetime
    up: bool
    trouble: str | None


def pools(connection: sa.Connection) -> list[Pool]:
    """By host, queue and the process that started them."""
    return [Pool(**row) for row in connection.execute(_POOLS).mappings().all()]


def processes(connection: sa.Connection) -> list[Process]:
    """Those that live first, then the latest that ended."""
    return [Process(**row) for row in connection.execute(_PROCESSES).mappings().all()]


def services(connection: sa.Connection, silent_s: float) -> list[Service]:
    """Dispatcher, publisher: who said within `silent_s` that it does its work."""
    return [Service(**row) for row in connection.execute(_SERVICES, {"silent": silent_s}).mappings().all()]


# Statements are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_by = workers.c.host, workers.c.queue, workers.c.parent_pid
_POOLS = (
    sa.select(
        *_by,
        sa.func.count().filter(LIVES).label("live"),
        sa.func.count().filter(LIVES, workers.c.doing.is_not(None)).label("busy"),
        sa.func.count().filter(_gone).label("died"),
        sa.func.count().filter(workers.c.stopped_at.is_not(None)).label("ended"),
        sa.cast(sa.func.sum(workers.c.consumed), sa.BigInteger).label("consumed"),
        sa.func.max(workers.c.consumed_at).label("consumed_at"),
        sa.cast(sa.func.coalesce(sa.func.sum(workers.c.memory_bytes).filter(LIVES), 0), sa.BigInteger).label(
            "memory_bytes"
        ),
        sa.func.max(workers.c.gpu_share).filter(LIVES).label("gpu_share"),
        sa.func.max(workers.c.gpu_memory_bytes).filter(LIVES).label("gpu_memory_bytes"),
        sa.func.max(workers.c.device).filter(LIVES).label("device"),
    )
    .where(_recent)
    .group_by(*_by)
    .order_by(workers.c.queue, workers.c.host, workers.c.parent_pid)
)

_up = sa.func.coalesce(LIVES, sa.false()).label("up")
_PROCESSES = (
    sa.select(
        *(workers.c[name] for name in Process._fields if name not in ("up", "transaction")),
        _up,
        executions.c.transaction,
    )
    .outerjoin(executions, executions.c.seq == EXECUTION_SEQ)
    .where(_recent)
    .order_by(_up.desc(), sa.case((_up, workers.c.queue)), sa.case((_up, workers.c.host)), workers.c.beat_at.desc())
    .limit(PROCESSES_MOST)
)

_SERVICES = sa.select(
    *(beats.c[name] for name in Service._fields if name != "up"),
    (beats.c.beat_at >= seconds_ago(sa.bindparam("silent", type_=sa.Double))).label("up"),
).order_by(beats.c.service)
