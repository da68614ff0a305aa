"""Times between blocks and what blocks pay, over a bounded number of the latest ones."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import sqlalchemy as sa

from accountant.monitoring.reads.chain import PACE_BLOCKS, BlockLine
from accountant.storage.tables import blocks, transactions

EDGES_S = (0, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 86_400)
"""Where one bar of the distribution ends and the next begins; the last one has no end."""
COUNTED_MOST = 20_000
"""Transactions, the latest of a page's blocks, that fees are summed over."""

_b, _t = blocks, transactions


class TimeBar(NamedTuple):
    """How many of the latest blocks came at least `from_s` and less than `below_s` seconds after the one before."""

    from_s: int
    below_s: int | None
    blocks: int


class BlockTimes(NamedTuple):
    """The distribution of the times between the latest blocks, by their headers; None without two of them."""

    bars: list[TimeBar]
    """From the first that is not empty to the last."""
    middle_s: int | None
    p95_s: int | None
    counted: int


class BlockFees(NamedTuple):
    """What a block's transactions pay, in base units. Gas money is the most: what is not used returns."""

    tips: int
    gas_money: int
    bytes: int


def block_times(connection: sa.Connection) -> BlockTimes:
    """Over the times between the latest `PACE_BLOCKS` blocks."""
    latest = sa.select(_b.c.height, _b.c.time).where(_b.c.height > 0).order_by(_b.c.height.desc()).limit(PACE_BLOCKS)
    rows = latest.subquery()
    gap = (rows.c.time - sa.func.lag(rows.c.time).over(order_by=rows.c.height)).label("gap")
    gaps = sa.select(gap).subquery()
    counts = [
        sa.func.count().filter(gaps.c.gap >= least, *(() if most is None else (gaps.c.gap < most,)))
        for least, most in _bars()
    ]
    middle, p95 = (sa.func.percentile_disc(share).within_group(gaps.c.gap) for share in (0.5, 0.95))
    *found, middle_s, p95_s, counted = connection.execute(
        sa.select(*counts, middle, p95, sa.func.count(gaps.c.gap))
    ).one()
    bars = [TimeBar(least, most, count) for (least, most), count in zip(_bars(), found, strict=True)]
    filled = [at for at, bar in enumerate(bars) if bar.blocks]
    return BlockTimes(bars[filled[0] : filled[-1] + 1] if filled else [], middle_s, p95_s, counted)


def _bars() -> list[tuple[int, int | None]]:
    return [*pairwise(EDGES_S), (EDGES_S[-1], None)]


def fees_of(connection: sa.Connection, lines: Sequence[BlockLine]) -> dict[int, BlockFees]:
    """What these blocks pay, by height: of as many, the latest first, as have `COUNTED_MOST` transactions in all."""
    counted: list[BlockLine] = []
    total = 0
    for line in sorted(lines, key=lambda one: -one.height):
        total += line.transactions
        if total > COUNTED_MOST:
            break
        counted.append(line)
    if not counted:
        return {}
    money = sa.cast(_t.c.gas_limit, sa.Numeric) * _t.c.gas_price
    sums = (sa.func.sum(one) for one in (_t.c.tip, money, sa.func.octet_length(_t.c.raw)))
    end = counted[0].first_seq + counted[0].transactions
    query = sa.select(_t.c.height, *sums).where(_t.c.seq >= counted[-1].first_seq, _t.c.seq < end)
    found = {row[0]: BlockFees(*map(int, row[1:])) for row in connection.execute(query.group_by(_t.c.height)).all()}
    return {line.height: found.get(line.height, BlockFees(0, 0, 0)) for line in counted}
