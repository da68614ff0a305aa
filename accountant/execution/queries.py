"""Where a query points to, checked against the chain before anything is executed."""

from typing import NamedTuple

from accountant.chain.query import AccountingQuery, BalanceAtLeast, Every, Income, Storage, TransactionSucceeded, View
from accountant.index.port import ChainIndex
from accountant.index.position import Place, resolve
from accountant.primitives.types import Hash, Height, Seq


class Target(NamedTuple):
    """What a query is about: a place on the chain, or a transaction; neither where several are asked."""

    height: Height
    """The last block that the answer depends on. A block's beginning depends on earlier blocks alone."""
    place: Place | None
    seq: Seq | None


def target_of(index: ChainIndex, query: AccountingQuery) -> Target | None:
    """Where the query points to; None if it names a block or a transaction that is not on the chain."""
    match query:
        case BalanceAtLeast(position=position) | Storage(position=position) | View(position=position):
            place = resolve(index, position)
            if place is None:
                return None
            depends_on = place.height if position.index else place.height - 1
            return Target(Height(depends_on), place, None)
        case TransactionSucceeded(transaction=transaction) | Income(transaction=transaction):
            seq = index.seq_of(Hash(transaction))
            return Target(index.transaction(seq).height, None, seq) if seq is not None else None
        case Every(queries=queries):
            heights = []
            for part in queries:
                target = target_of(index, part)
                if target is None:
                    return None
                heights.append(target.height)
            return Target(max(heights), None, None)
