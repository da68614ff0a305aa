"""How much gas was observed before any transaction, and how fast workers are: running totals that Postgres keeps.

Outcomes come in any order, so a plain running total would be rewritten for ever. Totals of 2^10 and of 2^20
transactions each are kept instead, by triggers on `outcomes`: a prefix is the sum of at most 2^10 of each and of
2^10 outcomes, on a chain of any length below 2^30. Each total lies in four rows, by the connection that wrote it, so
that workers do not wait for each other.
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

_BITS = 10
_FADE = 0.999
"""What each measurement leaves of all earlier ones: what counts is about the last thousand."""

_before, _small, _large, _large_small, _small_seq = (
    bindparam(name, type_=BigInteger) for name in ("before", "small", "large", "large_small", "small_seq")
)
_PARTS = (
    select(_g.c.transactions, _g.c.gas_used, _g.c.gas_limits).where(_g.c.level == 2, _g.c.bucket < _large),
    select(_g.c.transactions, _g.c.gas_used, _g.c.gas_limits).where(
        _g.c.level == 1, _g.c.bucket >= _large_small, _g.c.bucket < _small
    ),
    select(literal(1, BigInteger), _o.c.gas_used, _t.c.gas_limit)
    .join_from(_o, _t, _t.c.seq == _o.c.seq)
    .where(_o.c.seq >= _small_seq, _o.c.seq < _before),
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
        small, large = seq >> _BITS, seq >> 2 * _BITS
        parts = {"small": small, "large": large, "large_small": large << _BITS, "small_seq": small << _BITS}
        row = self._database.fetch_one(OBSERVED, {"before": seq, **parts})
        assert row is not None
        return ObservedGas(int(row[0] or 0), Gas(int(row[1] or 0)), Gas(int(row[2] or 0)))


class Measured(NamedTuple):
    """What workers executed lately and how long that took them, look-ups included; older work counts less."""

    gas: float
    seconds: float


def add_speed(connection: sa.Connection, gas: int, seconds: float) -> None:
    """Note that executing took so long."""
    new = insert(_s).values(only=1, gas=gas, seconds=seconds)
    faded = {"gas": _s.c.gas * _FADE + new.excluded.gas, "seconds": _s.c.seconds * _FADE + new.excluded.seconds}
    connection.execute(new.on_conflict_do_update(index_elements=[_s.c.only], set_=faded))


def read_speed(connection: sa.Connection) -> Measured | None:
    """What was measured; None before the first job that executed something."""
    row = connection.execute(select(_s.c.gas, _s.c.seconds)).one_or_none()
    return None if row is None else Measured(row.gas, row.seconds)
