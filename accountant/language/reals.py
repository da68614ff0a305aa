"""Floats as modules hold them: the bits of a binary64, as a signed integer of 64 bits."""

import struct

SIGN = -(2**63)
"""The bit that is set in negative numbers."""


def bits_of(number: float) -> int:
    """The bits."""
    (bits,) = struct.unpack(">q", struct.pack(">d", number))
    assert isinstance(bits, int)
    return bits


def negated(bits: int) -> int:
    """The bits of the number with the other sign."""
    return bits ^ SIGN
