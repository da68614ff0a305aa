"""Trainings as they stand with the curves of their losses, and what workers compute on tensors at this moment."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from accountant.monitoring.measures.service import LIVES
from accountant.monitoring.reads.workers import EXECUTION_SEQ
from accountant.storage import tables
from accountant.storage.job_tables import executions, jobs, training_losses, trainings
from accountant.storage.metric_tables import workers

TRAININGS_MOST = 10
OPERATIONS_MOST = 200

_t, _l, _x = trainings, training_losses, tables.transactions


class TrainingLine(NamedTuple):
    """A training. `state`: of the work that it belongs to; that may end, and begin again, before the training does."""

    seq: int
    transaction: bytes
    job: str | None
    state: str
    first_step: int
    step: int
    steps: int
    loss: float
    gas: int | None
    """What all its steps were priced; None where the worker did not say."""
    started_at: datetime
    updated_at: datetime

    @property
    def gas_so_far(self) -> int | None:
        """What the steps that were done were priced: each costs as much as any other."""
        return None if self.gas is None else self.gas * self.step // self.steps

    @property
    def word(self) -> str:
        """How it goes."""
        return "done" if self.step == self.steps else self.state


class CurvePoint(NamedTuple):
    """The loss after a step."""

    step: int
    loss: float


class RunningOperation(NamedTuple):
    """An operation on tensors that a live worker said, at its last beat, it was at."""

    host: str
    queue: str
    pid: int
    device: str | None
    operation: str
    operation_gas: int | None
    operation_at: datetime | None
    doing: str | None
    beat_at: datetime
    transaction: bytes | None


def training_lines(connection: sa.Connection, limit: int = TRAININGS_MOST) -> list[TrainingLine]:
    """The trainings that were told of last."""
    rows = connection.execute(_LATEST, {"most": limit}).mappings().all()
    return [TrainingLine(**row) for row in rows]


def training(connection: sa.Connection, transaction: bytes) -> TrainingLine | None:
    """The training within a transaction, if it was told of."""
    row = connection.execute(_OF_TRANSACTION, {"hash": transaction}).mappings().one_or_none()
    return None if row is None else TrainingLine(**row)


def curves(connection: sa.Connection, seqs: Sequence[int]) -> dict[int, list[CurvePoint]]:
    """The losses that are kept of trainings, by transaction's number, in the order of their steps."""
    found: dict[int, list[CurvePoint]] = defaultdict(list)
    for seq, step, loss in connection.execute(_CURVES, {"seqs": list(seqs)}).all() if seqs else ():
        found[seq].append(CurvePoint(step, loss))
    return dict(found)


def running_operations(connection: sa.Connection) -> list[RunningOperation]:
    """What workers are at, those that began first first."""
    return [RunningOperation(*tuple(row)) for row in connection.execute(_OPERATIONS).all()]


# Statements are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_own = [_t.c[name] for name in TrainingLine._fields if name not in ("transaction", "job", "state")]
_state = sa.func.coalesce(jobs.c.state, executions.c.state).label("state")
_lines = (
    sa.select(*_own, _x.c.hash.label("transaction"), jobs.c.id.label("job"), _state)
    .join(_x, _x.c.seq == _t.c.seq)
    .outerjoin(jobs, jobs.c.number == _t.c.job_number)
    .outerjoin(executions, executions.c.seq == _t.c.by_seq)
)
_LATEST = _lines.order_by(_t.c.updated_at.desc(), _t.c.seq).limit(sa.bindparam("most", type_=sa.Integer))
_OF_TRANSACTION = _lines.where(_x.c.hash == sa.bindparam("hash", type_=sa.LargeBinary))
_CURVES = (
    sa.select(_l.c.seq, _l.c.step, _l.c.loss)
    .where(_l.c.seq == sa.any_(sa.bindparam("seqs", type_=sa.ARRAY(sa.BigInteger))))
    .order_by(_l.c.seq, _l.c.step)
)
_OPERATIONS = (
    sa.select(
        *(workers.c[name] for name in RunningOperation._fields if name != "transaction"), executions.c.transaction
    )
    .outerjoin(executions, executions.c.seq == EXECUTION_SEQ)
    .where(LIVES, workers.c.operation.is_not(None))
    .order_by(workers.c.operation_at, workers.c.number)
    .limit(OPERATIONS_MOST)
)
