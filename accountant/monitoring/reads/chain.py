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
    earlier = _b.alias("earlier")
    gap = sa.case((earlier.c.height > 0, _b.c.time - earlier.c.time))
    query = sa.select(_b.c.height, _b.c.hash, _b.c.time, gap, _b.c.first_seq, _b.c.count, _b.c.proposer)
    query = query.outerjoin(earlier, earlier.c.height == _b.c.height - 1)
    if before is not None:
        query = query.where(_b.c.height < before)
    return [BlockLine(*row) for row in connection.execute(query.order_by(_b.c.height.desc()).limit(limit))]


def pace(connection: sa.Connection) -> Pace:
    """How fast the latest blocks came."""
    latest = sa.select(_b.c.height, _b.c.time).where(_b.c.height > 0).order_by(_b.c.height.desc()).limit(PACE_BLOCKS)
    rows = latest.subquery()
    gap = (rows.c.time - sa.func.lag(rows.c.time).over(order_by=rows.c.height)).label("gap")
    gaps = sa.select(gap).subquery()
    found = connection.execute(sa.select(sa.func.avg(gaps.c.gap), sa.func.min(gaps.c.gap), sa.func.max(gaps.c.gap)))
    average, least, most = found.one()
    return Pace(None if average is None else float(average), least, most)


def proposers(connection: sa.Connection) -> list[tuple[bytes, int]]:
    """Who proposed how many of the latest blocks, the busiest first."""
    latest = sa.select(_b.c.proposer).where(_b.c.height > 0).order_by(_b.c.height.desc()).limit(PACE_BLOCKS).subquery()
    count = sa.func.count()
    rows = connection.execute(
        sa.select(latest.c.proposer, count).group_by(latest.c.proposer).order_by(count.desc(), latest.c.proposer)
    )
    return [(row[0], row[1]) for row in rows]


def fees_lately(connection: sa.Connection) -> Fees:
    """What the latest transactions paid."""
    latest = sa.select(_t.c.tip, _t.c.gas_price, _t.c.gas_limit, _t.c.kind).order_by(_t.c.seq.desc())
    rows = latest.limit(FEE_TRANSACTIONS).subquery()
    kinds = [sa.func.count().filter(rows.c.kind == kind) for kind in (0, 1, 2)]
    middles = [_middle(column) for column in (rows.c.tip, rows.c.gas_price, rows.c.gas_limit)]
    found = connection.execute(sa.select(sa.func.count(), *middles, *kinds)).one()
    return Fees(*tuple(found))


def _middle(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """The middle one of the values, the lower of two."""
    return sa.func.percentile_disc(0.5).within_group(column)


def block_sums(connection: sa.Connection, first_seq: int, count: int) -> BlockSums:
    """The sums of one block, whose size the chain's rules bound."""
    there = sa.and_(_t.c.seq >= first_seq, _t.c.seq < first_seq + count)
    money = sa.cast(_t.c.gas_limit, sa.Numeric) * _t.c.gas_price
    sums = (_t.c.tip, money, _t.c.gas_limit, _t.c.zero_value, _t.c.general_value)
    observed = sa.select(sa.func.count()).select_from(_o)
    observed = observed.where(_o.c.seq >= first_seq, _o.c.seq < first_seq + count)
    query = sa.select(*(sa.func.coalesce(sa.func.sum(one), 0) for one in sums), observed.scalar_subquery()).where(there)
    return BlockSums(*(int(value) for value in connection.execute(query).one()))


def refused(connection: sa.Connection, limit: int) -> list[Refused]:
    """The refused blocks of the greatest heights."""
    query = sa.select(_r.c.height, _r.c.hash, _b.c.hash, _r.c.refused_at)
    query = query.outerjoin(_b, _b.c.height == _r.c.height)
    return [Refused(*row) for row in connection.execute(query.order_by(_r.c.height.desc(), _r.c.hash).limit(limit))]


def withdrawn(connection: sa.Connection, limit: int) -> list[Withdrawal]:
    """The latest withdrawals."""
    _w = withdrawals
    query = sa.select(_w.c.epoch, _t.c.hash, _w.c.outcomes, _w.c.checkpoints, _w.c.jobs, _w.c.at)
    query = query.join(_t, _t.c.seq == _w.c.seq)
    return [Withdrawal(*row) for row in connection.execute(query.order_by(_w.c.epoch.desc()).limit(limit))]


def agreement(connection: sa.Connection) -> Agreement:
    """The running hash as far as it was extended: genesis alone where nobody asked for it yet."""
    latest = sa.select(running_hashes.c.height, running_hashes.c.hash).order_by(running_hashes.c.height.desc())
    row = connection.execute(latest.limit(1)).one_or_none()
    number = connection.scalar(sa.select(epoch.c.number)) or 0
    return Agreement(0, None, number) if row is None else Agreement(row.height, row.hash, number)


def observation(connection: sa.Connection, seq: int) -> Observation | None:
    """When the outcome of a transaction was stored; None where nobody observed it."""
    query = sa.select(_o.c.observed_at, _o.c.executions, _o.c.digest).where(_o.c.seq == seq)
    row = connection.execute(query).one_or_none()
    return None if row is None else Observation(*row)


def observed_among(connection: sa.Connection, seqs: list[int]) -> dict[int, int]:
    """Of these transactions those whose outcomes are stored, with the gas that each used."""
    query = sa.select(_o.c.seq, _o.c.gas_used).where(_o.c.seq == sa.any_(sa.literal(seqs, sa.ARRAY(sa.BigInteger))))
    return {row.seq: row.gas_used for row in connection.execute(query)}


def naming(connection: sa.Connection, cid: bytes, limit: int) -> list[int]:
    """The numbers of transactions that publish a blob or declare to load it, latest first."""
    named = _p.c.key == sa.literal(b"b" + cid, sa.LargeBinary)
    query = sa.select(_p.c.seq).where(named).group_by(_p.c.seq).order_by(_p.c.seq.desc()).limit(limit)
    return [row.seq for row in connection.execute(query)]
