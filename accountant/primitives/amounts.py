"""Checks on amounts."""

from accountant.primitives.errors import InvalidAmount
from accountant.primitives.types import AMOUNT_MAX, Amount


def amount(value: int) -> Amount:
    """`value` as an amount. Raises `InvalidAmount` unless 0 ≤ value < 2^63."""
    if not 0 <= value <= AMOUNT_MAX:
        raise InvalidAmount(f"{value} is no amount: 0 ≤ v < 2^63 base units")
    return Amount(value)
