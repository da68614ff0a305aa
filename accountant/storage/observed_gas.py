"""How much gas was observed before any transaction, and how fast workers are: running totals that Postgres keeps.

Outcomes come in any order, and may be withdrawn, so a plain running total would be rewritten for ever. Totals of 2^10
transactions each are kept instead, by triggers on `outcomes`: a prefix is their sum and that of less than 2^10
outcomes. Each total lies in four rows, by the connection that wrote it, so that workers do not wait for each other.
"""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from accountant.accounting.outstanding import ObservedGas
from accountant.primitives.types import Gas, Seq
from accountant.storage import tables
from accountant.storage.database import Database, compiled

_o, _t, _g, _s = tables.outcomes, tables.transactions, tables.observed_gas, tables.speed

BUCKET_BITS = 10
"""Of a transaction's number, that its bucket leaves out."""

GAS_TELLING = 10_000_000
"""Jobs that execute less than this, some hundredths of a second, tell how long jobs take, and not how fast gas is."""

_FADE = 0.999
"""What each measurement leaves of all earlier ones: what counts is about the last thousand."""

_before, _bucket, _first = (bindparam(name, type_=BigInteger) for name in ("before", "bucket", "first"))
_PARTS = (
    select(_g.c.transactions, _g.c.gas_used, _g.c.gas_limits).where(_g.c.bucket < _bucket),
    select(literal(1, BigInteger), _o.c.gas_used, _t.c.gas_limit)
    .join_from(_o, _t, _t.c.seq == _o.c.seq)
    .where(_o.c.seq >= _first, _o.c.seq < _before),
)
_all = sa.union_all(*_PARTS).subquery()
OBSERVED = compiled(
    select(func.sum(_all.c.transactions), func.sum(_all.c.gas_used), func.sum(_all.c.gas_limits)).select_from(_all)
)


class PostgresObservedGas:
    """What was observed before a transaction: one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def before(self, seq: Seq) -> ObservedGas:
        """The observed transactions with a number below `seq`, and their gas."""
        bucket = seq >> BUCKET_BITS
        row = self._database.fetch_one(OBSERVED, {"before": seq, "bucket": bucket, "first": bucket << BUCKET_BITS})
        assert row is not None
        return ObservedGas(int(row[0] or 0), Gas(int(row[1] or 0)), Gas(int(row[2] or 0)))


class Measured(NamedTuple):
    """What workers did lately, the older counting less."""

    gas: float
    """Gas of jobs that executed enough to tell, and their seconds, look-ups included."""
    seconds: float
    small_jobs: float
    """Jobs that executed little or nothing, and their seconds: what any job takes besides."""
    small_seconds: float


def add_job(connection: sa.Connection, gas: int, seconds: float) -> None:
    """Note that a job took so long and executed so much."""
    telling = gas >= GAS_TELLING
    row = Measured(gas, seconds, 0.0, 0.0) if telling else Measured(0.0, 0.0, 1.0, seconds)
    new = insert(_s).values(only=1, **row._asdict())
    changed = Measured._fields[:2] if telling else Measured._fields[2:]
    faded = {name: _s.c[name] * _FADE + new.excluded[name] for name in changed}
    connection.execute(new.on_conflict_do_update(index_elements=[_s.c.only], set_=faded))


def read_speed(connection: sa.Connection) -> Measured | None:
    """What was measured; None before the first job."""
    row = connection.execute(select(*(_s.c[name] for name in Measured._fields))).one_or_none()
    return None if row is None else Measured(*row)
