"""Positions, resolved: which transaction number and which instant of the zero-cost ledger they name."""

from typing import NamedTuple

from accountant.chain.block import Position
from accountant.index.port import ChainIndex, Located, Moment, moment_before
from accountant.primitives.types import Hash, Height, Seq


class Place(NamedTuple):
    """A position on this chain: the state right before transaction number `seq`."""

    height: Height
    """The height of the block that the position lies in; one above the head for the head's own end."""
    seq: Seq
    moment: Moment


def resolve(index: ChainIndex, position: Position) -> Place | None:
    """Where a position lies; None if its block hash is not on the chain or its index is past the block's end."""
    previous = index.block_by_hash(Hash(position.previous_hash))
    if previous is None or position.index < 0:
        return None
    height = Height(previous.height + 1)
    first = previous.first_seq + previous.count
    block = index.block(height)
    count = block.count if block else 0
    if position.index > count:
        return None
    seq = Seq(first + position.index)
    if block and 0 < position.index == count:
        return Place(height, seq, moment_before(height + 1, 0))
    # Index 0 is the beginning, also of an empty block, whose reward lands after it: what was answered at
    # the head stays true when the next block comes. The end of an empty block is the next one's beginning.
    return Place(height, seq, moment_before(height, position.index))


def place_of(located: Located) -> Place:
    """The place right before a transaction."""
    return Place(located.height, located.seq, moment_before(located.height, located.index))


def position_of(index: ChainIndex, seq: Seq) -> Position:
    """The position right before a transaction."""
    located = index.transaction(seq)
    block = index.block(located.height)
    assert block is not None
    return Position(block.previous_hash, located.index)
