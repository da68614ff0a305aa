"""Which oaths to check within a gas budget: some at random, the rest where a lie is likeliest for its gas."""

from collections.abc import Sequence
from fractions import Fraction
from random import Random
from typing import NamedTuple

from accountant.trust.floor import check_probability_least
from accountant.trust.model import Score

_UNIT = 2**32


class Candidate(NamedTuple):
    """An oath that nobody has checked."""

    score: Score
    gain: int
    """What a lie may be worth to its swearer, in base units."""
    penalty: int
    cost: int
    """Gas that checking it takes at most."""


class Chosen(NamedTuple):
    """What to check, in this order, by index."""

    order: tuple[int, ...]
    drawn: frozenset[int]
    """Which ones the draw demanded."""
    unreached: frozenset[int]
    """Drawn ones that the gas did not reach: where there are any, the floor does not hold."""


def choose(candidates: Sequence[Candidate], gas: int, random: Random, ceiling: Fraction = Fraction(1)) -> Chosen:
    """The oaths to check within `gas`.

    Each is drawn with the least chance at which lying on it does not pay (`trust.floor`), but at most `ceiling`: the
    drawn ones come first, in an order that is drawn too, and what gas they leave goes to the highest expected penalty
    for each unit of gas. Nobody must be able to foretell `random`: seed it from the operating system.
    """
    chances = [min(ceiling, check_probability_least(c.gain, c.penalty)) for c in candidates]
    drawn = [i for i, chance in enumerate(chances) if random.randrange(_UNIT) < chance * _UNIT]
    random.shuffle(drawn)
    rest = sorted(
        set(range(len(candidates))) - set(drawn),
        key=lambda i: (-candidates[i].score.probability / max(candidates[i].cost, 1), i),
    )
    order: list[int] = []
    for i in (*drawn, *rest):
        if candidates[i].cost <= gas:
            gas -= candidates[i].cost
            order.append(i)
    return Chosen(tuple(order), frozenset(drawn), frozenset(drawn) - set(order))
