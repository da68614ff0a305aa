"""What an accountant has learned of others: verdicts, and each swearer's history of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from accountant.primitives.types import Address
from accountant.trust.features import Features, History

PER_MILLE = 1_000


class Learned(NamedTuple):
    """An oath of somebody, as it looked before it was checked, and whether it was a lie."""

    features: Features
    lied: bool


class Knowledge(NamedTuple):
    """Everything that an order of checking goes by."""

    verdicts: Sequence[Learned] = ()
    """In the order in which they were found."""
    histories: Mapping[Address, History] = {}
    """What verdicts said of each swearer: `checked`, `lies` and `since_lie`."""


def thousandths(features: Features) -> tuple[int, ...]:
    """Features as integers: what is stored and sworn is no float."""
    return tuple(round(value * PER_MILLE) for value in features)


def features_from(stored: Sequence[int]) -> Features:
    """The features that `thousandths` made these of."""
    return Features(*(value / PER_MILLE for value in stored))
