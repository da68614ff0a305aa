"""Raw postings: what the rows of one account alone say, for an index that was not folded from genesis.

Such an index knows no static interval: 0 ≤ G < 2^63 stands at every position, which is sound, and caps are limited
by nothing. Everything else works on them as on those of `index.static`.
"""

from collections.abc import Iterable

from accountant.chain.rows import RowKind
from accountant.index.port import Event
from accountant.index.posting import Posting
from accountant.primitives.types import Seq


def postings_of(events: Iterable[Event]) -> list[Posting]:
    """Group an account's events, sorted by seq, into one posting a transaction: the raw caps, limited by nothing."""
    postings: list[Posting] = []
    caps: dict[int, int] = {}
    seq = Seq(-1)
    for event in events:
        if event.seq != seq:
            if caps:
                postings.append(_raw(seq, caps))
            seq, caps = event.seq, {}
        caps[event.kind] = event.cap
    if caps:
        postings.append(_raw(seq, caps))
    return postings


def _raw(seq: Seq, caps: dict[int, int]) -> Posting:
    return Posting(
        seq,
        expense=caps.get(RowKind.EXPENSE, 0),
        debit_most=caps.get(RowKind.DEBIT, 0),
        credit_most=caps.get(RowKind.CREDIT, 0),
        settled=caps.get(RowKind.SETTLED, 0),
        returned=None,
    )
