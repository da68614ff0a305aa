"""What the pages of the chain show besides what the index answers: each read touches a bounded number of rows."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from accountant.storage import tables
from accountant.storage.agreement_tables import epoch, running_hashes, withdrawals

PACE_BLOCKS = 100
"""Blocks, the latest, that times between blocks and proposers are taken from."""
FEE_TRANSACTIONS = 200
"""Transactions, the latest, that fees are taken from."""

_b, _t, _o, _p, _r = tables.blocks, tables.transactions, tables.outcomes, tables.postings, tables.refused_blocks


class BlockLine(NamedTuple):
    """A block. `gap_s`: seconds since the one before, by their headers; None for genesis and the first block."""

    height: int
    hash: bytes
    time: int
    gap_s: int | None
    first_seq: int
    transactions: int
    proposer: bytes


class Pace(NamedTuple):
    """Seconds between two of the latest blocks, by their headers; None without two of them."""

    average_s: float | None
    least_s: int | None
    most_s: int | None


class Fees(NamedTuple):
    """What the latest transactions paid, in base units: middle ones and sums."""

    transactions: int
    tip: int | None
    gas_price: int | None
    gas_limit: int | None
    transfers: int
    calls: int
    deployments: int


class BlockSums(NamedTuple):
    """What the transactions of one block pay and carry together, in base units, and their gas limits."""

    tips: int
    gas_money: int
    gas_limits: int
    zero_value: int
    general_value: int
    observed: int


class Refused(NamedTuple):
    """A signed block that contradicts the chain, and the hash of the one that stands at its height."""

    height: int
    hash: bytes
    standing: bytes | None
    refused_at: datetime


class Withdrawal(NamedTuple):
    """Outcomes that were found to be wrong and taken away with what rests on them."""

    epoch: int
    transaction: bytes
    outcomes: int
    checkpoints: int
    jobs: int
    at: datetime


class Agreement(NamedTuple):
    """How far every outcome is observed, and the running hash right there, which two accountants compare."""

    height: int
    hash: bytes | None
    epoch: int


class Observation(NamedTuple):
    """When an outcome was stored, and how often it was computed."""

    observed_at: datetime
    executions: int
    digest: bytes


def latest_blocks(connection: sa.Connection, before: int | None, limit: int) -> list[BlockLine]:
    """Up to `limit` blocks, latest first, with height < `before`."""
    given = {"before": _ALL if before is None else before, "most": limit}
    return [BlockLine(*row) for row in connection.execute(_BLOCKS, given).all()]


def pace(connection: sa.Connection) -> Pace:
    """How fast the latest blocks came."""
    average, least, most = connection.execute(_PACE).one()
    return Pace(None if average is None else float(average), least, most)


def proposers(connection: sa.Connection) -> list[tuple[bytes, int]]:
    """Who proposed how many of the latest blocks, the busiest first."""
    return [(row[0], row[1]) for row in connection.execute(_PROPOSERS).all()]


def fees_lately(connection: sa.Connection) -> Fees:
    """What the latest transactions paid."""
    return Fees(*tuple(connection.execute(_FEES).one()))


def block_sums(connection: sa.Connection, first_seq: int, count: int) -> BlockSums:
    """The sums of one block, whose size the chain's rules bound."""
    row = connection.execute(_BLOCK_SUMS, {"first": first_seq, "end": first_seq + count}).one()
    return BlockSums(*map(int, row))


def refused(connection: sa.Connection, limit: int) -> list[Refused]:
    """The refused blocks of the greatest heights."""
    return [Refused(*row) for row in connection.execute(_REFUSED, {"most": limit}).all()]


def withdrawn(connection: sa.Connection, limit: int) -> list[Withdrawal]:
    """The latest withdrawals."""
    return [Withdrawal(*row) for row in connection.execute(_WITHDRAWN, {"most": limit}).all()]


def agreement(connection: sa.Connection) -> Agreement:
    """The running hash as far as it was extended: genesis alone where nobody asked for it yet."""
    row = connection.execute(_RUNNING_HASH).one_or_none()
    number = connection.scalar(_EPOCH) or 0
    return Agreement(0, None, number) if row is None else Agreement(row.height, row.hash, number)


def observation(connection: sa.Connection, seq: int) -> Observation | None:
    """When the outcome of a transaction was stored; None where nobody observed it."""
    row = connection.execute(_OBSERVATION, {"seq": seq}).one_or_none()
    return None if row is None else Observation(*row)


def observed_among(connection: sa.Connection, seqs: list[int]) -> dict[int, int]:
    """Of these transactions those whose outcomes are stored, with the gas that each used."""
    return {row.seq: row.gas_used for row in connection.execute(_OBSERVED, {"seqs": seqs}).all()}


def naming(connection: sa.Connection, cid: bytes, limit: int) -> list[int]:
    """The numbers of transactions that publish a blob or declare to load it, latest first."""
    return [row.seq for row in connection.execute(_NAMING, {"key": b"b" + cid, "most": limit}).all()]


# Statements are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_ALL = 2**63 - 1
_MOST = sa.bindparam("most", type_=sa.Integer)

_earlier = _b.alias("earlier")
_BLOCKS = (
    sa.select(
        _b.c.height,
        _b.c.hash,
        _b.c.time,
        sa.case((_earlier.c.height > 0, _b.c.time - _earlier.c.time)),
        _b.c.first_seq,
        _b.c.count,
        _b.c.proposer,
    )
    .outerjoin(_earlier, _earlier.c.height == _b.c.height - 1)
    .where(_b.c.height < sa.bindparam("before", type_=sa.BigInteger))
    .order_by(_b.c.height.desc())
    .limit(_MOST)
)

_latest = (
    sa.select(_b.c.height, _b.c.time, _b.c.proposer)
    .where(_b.c.height > 0)
    .order_by(_b.c.height.desc())
    .limit(PACE_BLOCKS)
    .subquery()
)
_gap = _latest.c.time - sa.func.lag(_latest.c.time).over(order_by=_latest.c.height)
_gaps = sa.select(_gap.label("gap")).subquery()
_PACE = sa.select(sa.func.avg(_gaps.c.gap), sa.func.min(_gaps.c.gap), sa.func.max(_gaps.c.gap))
_PROPOSERS = (
    sa.select(_latest.c.proposer, sa.func.count())
    .group_by(_latest.c.proposer)
    .order_by(sa.func.count().desc(), _latest.c.proposer)
)

_paid = (
    sa.select(_t.c.tip, _t.c.gas_price, _t.c.gas_limit, _t.c.kind)
    .order_by(_t.c.seq.desc())
    .limit(FEE_TRANSACTIONS)
    .subquery()
)


def _middle(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """The middle one of the values, the lower of two."""
    return sa.func.percentile_disc(0.5).within_group(column)


_FEES = sa.select(
    sa.func.count(),
    *(_middle(column) for column in (_paid.c.tip, _paid.c.gas_price, _paid.c.gas_limit)),
    *(sa.func.count().filter(_paid.c.kind == kind) for kind in (0, 1, 2)),
)

_first, _end = (sa.bindparam(name, type_=sa.BigInteger) for name in ("first", "end"))
_money = sa.cast(_t.c.gas_limit, sa.Numeric) * _t.c.gas_price
_BLOCK_SUMS = sa.select(
    *(
        sa.func.coalesce(sa.func.sum(one), 0)
        for one in (_t.c.tip, _money, _t.c.gas_limit, _t.c.zero_value, _t.c.general_value)
    ),
    sa.select(sa.func.count()).select_from(_o).where(_o.c.seq >= _first, _o.c.seq < _end).scalar_subquery(),
).where(_t.c.seq >= _first, _t.c.seq < _end)

_REFUSED = (
    sa.select(_r.c.height, _r.c.hash, _b.c.hash, _r.c.refused_at)
    .outerjoin(_b, _b.c.height == _r.c.height)
    .order_by(_r.c.height.desc(), _r.c.hash)
    .limit(_MOST)
)
_WITHDRAWN = (
    sa.select(
        withdrawals.c.epoch,
        _t.c.hash,
        withdrawals.c.outcomes,
        withdrawals.c.checkpoints,
        withdrawals.c.jobs,
        withdrawals.c.at,
    )
    .join(_t, _t.c.seq == withdrawals.c.seq)
    .order_by(withdrawals.c.epoch.desc())
    .limit(_MOST)
)

_RUNNING_HASH = (
    sa.select(running_hashes.c.height, running_hashes.c.hash).order_by(running_hashes.c.height.desc()).limit(1)
)
_EPOCH = sa.select(epoch.c.number)

_OBSERVATION = sa.select(_o.c.observed_at, _o.c.executions, _o.c.digest).where(
    _o.c.seq == sa.bindparam("seq", type_=sa.BigInteger)
)
_OBSERVED = sa.select(_o.c.seq, _o.c.gas_used).where(
    _o.c.seq == sa.any_(sa.bindparam("seqs", type_=sa.ARRAY(sa.BigInteger)))
)
_NAMING = (
    sa.select(_p.c.seq)
    .where(_p.c.key == sa.bindparam("key", type_=sa.LargeBinary))
    .group_by(_p.c.seq)
    .order_by(_p.c.seq.desc())
    .limit(_MOST)
)
