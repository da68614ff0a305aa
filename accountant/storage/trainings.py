"""How far whole trainings have come, for whoever waits for them. It decides nothing.

A training resumes from its states (`services.checkpoints`), not from what stands here.

A row belongs to a transaction, and says who trains now: a job itself, or the execution of a transaction.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.primitives.types import Hash, Seq
from accountant.storage import tables
from accountant.storage.job_tables import CURVE_PARTS, execution_waits, training_losses, trainings
from accountant.storage.waits import Waiter

_NOW = sa.func.clock_timestamp()
_t, _l, _w = trainings, training_losses, execution_waits
SHOWN_MOST = 10


class Point(NamedTuple):
    """The loss after a step. `part`: of the training's steps, cut into `CURVE_PARTS`; each keeps its last."""

    part: int
    step: int
    loss: float


class Trained(NamedTuple):
    """A step that was done. `first_step`: the first one of this attempt, from 1: a later one than 1 was resumed.

    `gas`: what all steps were priced, where that is known. `curve`: points that were not stored before.
    """

    seq: Seq
    first_step: int
    step: int
    steps: int
    loss: float
    gas: int | None = None
    curve: tuple[Point, ...] = ()


def point_of(step: int, steps: int, loss: float) -> Point:
    """The place of a step, counted from 1, in a training's curve."""
    return Point((step - 1) * CURVE_PARTS // steps, step, loss)


class TrainingRow(NamedTuple):
    """A training as it stands."""

    transaction: Hash
    first_step: int
    step: int
    steps: int
    loss: float
    started_at: datetime
    updated_at: datetime


class TrainingRows:
    """All trainings, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def report(self, worker: Waiter, trained: Trained) -> None:
        """Notes a step. `worker`: the job that trains itself, or the execution that does."""
        told = {name: value for name, value in trained._asdict().items() if name != "curve"}
        values = {**told, **worker._asdict(), "updated_at": _NOW}
        new = insert(_t).values(**values)
        self._connection.execute(new.on_conflict_do_update(index_elements=[_t.c.seq], set_=values))
        self._draw(trained)

    def _draw(self, trained: Trained) -> None:
        """Adds points to the curve; those of another training, or of steps that are to be done again, go."""
        gone = sa.or_(_l.c.steps != trained.steps, _l.c.step > trained.step)
        self._connection.execute(sa.delete(_l).where(_l.c.seq == trained.seq, gone))
        if trained.curve:
            rows = [{"seq": trained.seq, "steps": trained.steps, **one._asdict()} for one in trained.curve]
            new = insert(_l).values(rows)
            changed = {name: new.excluded[name] for name in ("steps", "step", "loss")}
            self._connection.execute(new.on_conflict_do_update(index_elements=[_l.c.seq, _l.c.part], set_=changed))

    def of_job(self, number: int) -> list[TrainingRow]:
        """What is trained for a job, the latest first: by itself, or by executions it waits for, in whatever depth."""
        return _read(self._connection.execute(_OF_JOB, {"job": number}))

    def latest(self) -> list[TrainingRow]:
        """The trainings that were told of last, whoever they are for."""
        return _read(self._connection.execute(_LATEST))


def _read(rows: Iterable[sa.Row[Any]]) -> list[TrainingRow]:
    return [TrainingRow(*tuple(row)) for row in rows]


def forget_trainings(connection: sa.Connection, older_than_s: float, limit: int) -> int:
    """Drops up to `limit` trainings that nobody told of for longer than this, and their curves; their number."""
    since = _NOW - sa.func.make_interval(0, 0, 0, 0, 0, 0, older_than_s)
    old = sa.select(_t.c.seq).where(_t.c.updated_at < since).order_by(_t.c.updated_at).limit(limit)
    return connection.execute(sa.delete(_t).where(_t.c.seq.in_(old))).rowcount


# Statements of pages are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_LATEST = (
    sa.select(tables.transactions.c.hash, *(_t.c[name] for name in TrainingRow._fields if name != "transaction"))
    .join(tables.transactions, tables.transactions.c.seq == _t.c.seq)
    .order_by(_t.c.updated_at.desc())
    .limit(SHOWN_MOST)
)
_job = sa.bindparam("job", type_=sa.BigInteger)
_first = sa.select(_w.c.seq).where(_w.c.job_number == _job).cte("waited", recursive=True)
_waited = _first.union(sa.select(_w.c.seq).join(_first, _w.c.by_seq == _first.c.seq))
_OF_JOB = _LATEST.where(sa.or_(_t.c.job_number == _job, _t.c.by_seq.in_(sa.select(_waited.c.seq))))
