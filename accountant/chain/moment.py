"""Moments: the instants of the zero-cost ledger, as integers that sort in chain order."""

Moment = int
"""An instant of the zero-cost ledger: height × 2^24 + index + 1; height × 2^24 is the block's beginning,
when the previous block's tips and rewards have landed."""

MOMENT_SHIFT = 24


def moment_before(height: int, index: int) -> Moment:
    """The instant right before transaction `index` of block `height`: changes with a smaller number are in."""
    return (height << MOMENT_SHIFT) + index + 1


def moment_of(height: int, index: int) -> Moment:
    """The instant of transaction `index` of block `height`: what it changes is stored with this number."""
    return (height << MOMENT_SHIFT) + index + 1


def moment_after_block(height: int) -> Moment:
    """The end of a block, when its tips and reward land; genesis allocations land at the end of block 0."""
    return (height + 1) << MOMENT_SHIFT
