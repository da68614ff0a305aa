"""The mempool in figures: how much waits, since when, what it offers, and what a block would take first."""

from itertools import islice
from statistics import median_low

from accountant.chain.mempool import Mempool, Pending
from accountant.node.wire import FIRST_MOST, PendingView, WaitingView
from accountant.primitives.addresses import show


def waiting_of(mempool: Mempool, now: float) -> WaitingView:
    """All that waits `now`, in Unix seconds. One pass over the mempool, whose size is bounded."""
    waiting = list(mempool.all())
    tips = [each.tip for each in waiting]
    return WaitingView(
        at=int(now),
        transactions=len(waiting),
        bytes=mempool.bytes_count,
        fees=sum(each.fee for each in waiting),
        oldest=int(min(each.arrived for each in waiting)) if waiting else None,
        tip_least=min(tips, default=None),
        tip_middle=median_low(tips) if tips else None,
        tip_most=max(tips, default=None),
        first=tuple(map(_view, islice(mempool.in_order(), FIRST_MOST))),
    )


def _view(each: Pending) -> PendingView:
    return PendingView(
        each.hash.hex(), show(each.sender), each.nonce, len(each.raw), each.fee, each.tip, int(each.arrived)
    )
