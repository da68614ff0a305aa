"""How often oaths must be checked at random, so that lying does not pay.

A liar who is checked with probability p and stakes a penalty P for an answer that is worth G to him gains G if nobody
looks and loses P if somebody does: lying is irrational exactly if

    (1 − p) · G  ≤  p · P,    that is,    p  ≥  G / (G + P).

A model that learned whom to trust lowers checks where they find nothing, which is what a patient liar waits for. So
each oath is drawn with at least this probability, whoever swore it and whatever the model thinks.
"""

from fractions import Fraction


def check_probability_least(gain: int, penalty: int) -> Fraction:
    """G / (G + P): the least chance of a check at which lying does not pay. `gain`, `penalty`: base units."""
    assert gain >= 0 and penalty >= 0
    if gain == 0:
        return Fraction(0)
    return Fraction(gain, gain + penalty)


def check_per_mille(gain: int, penalty: int) -> int:
    """The same in thousandths, rounded up."""
    chance = check_probability_least(gain, penalty)
    return -(-chance.numerator * 1_000 // chance.denominator)


def lying_pays(chance: Fraction, gain: int, penalty: int) -> bool:
    """Whether a lie gains more than it costs on average, if it is checked with this chance."""
    return (1 - chance) * gain > chance * penalty


def gain_most(chance: Fraction, penalty: int) -> int:
    """The largest gain, in base units, that does not make lying pay at this chance: ⌊P · p / (1 − p)⌋."""
    assert 0 <= chance < 1
    return int(penalty * chance / (1 - chance))
