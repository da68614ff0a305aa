"""Sets of transaction numbers in a range, as bits: what one accountant tells another that it observed."""

import zlib
from collections.abc import Iterable
from typing import NamedTuple

from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import Seq

_BITS = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))


class Numbers(NamedTuple):
    """Some of the numbers first ≤ n < first + count: bit n − first of `bits`, the lowest bit of each byte first."""

    first: Seq
    span: int
    bits: bytes

    @classmethod
    def of(cls, first: Seq, span: int, seqs: Iterable[int]) -> "Numbers":
        """These numbers, all of which lie in the range."""
        bits = bytearray((span + 7) // 8)
        for seq in seqs:
            place = seq - first
            assert 0 <= place < span
            bits[place >> 3] |= 1 << (place & 7)
        return cls(first, span, bytes(bits))

    @property
    def size(self) -> int:
        """How many they are."""
        return int.from_bytes(self.bits, "little").bit_count()

    def seqs(self) -> list[Seq]:
        """The numbers themselves, ascending."""
        return [
            Seq(self.first + 8 * place + bit) for place, byte in enumerate(self.bits) if byte for bit in _BITS[byte]
        ]

    def has(self, seq: int) -> bool:
        """Whether a number of the range is one of them."""
        place = seq - self.first
        return bool(self.bits[place >> 3] >> (place & 7) & 1)

    def within(self, other: "Numbers") -> bool:
        """Whether all of them are of the others, which have the same range."""
        assert (self.first, self.span) == (other.first, other.span)
        ours, theirs = (int.from_bytes(numbers.bits, "little") for numbers in (self, other))
        return ours & theirs == ours

    def part(self, first: Seq, span: int) -> "Numbers":
        """Those in a part of the range."""
        shifted = int.from_bytes(self.bits, "little") >> (first - self.first)
        return Numbers(first, span, (shifted & (1 << span) - 1).to_bytes((span + 7) // 8, "little"))

    def packed(self) -> bytes:
        """The bits, compressed (zlib, RFC 1950)."""
        return zlib.compress(self.bits)


def unpacked(raw: bytes, first: Seq, span: int) -> Numbers:
    """The numbers of a range that `raw` packs; never inflates more than they take. Raises `InvalidEncoding`."""
    length = (span + 7) // 8
    inflating = zlib.decompressobj()
    try:
        bits = inflating.decompress(raw, length + 1)
    except zlib.error as error:
        raise InvalidEncoding(f"Numbers: {error}") from None
    if len(bits) != length or not inflating.eof or inflating.unused_data:
        raise InvalidEncoding(f"Numbers: {span} bits are {length} bytes, compressed in one piece")
    if span % 8 and bits[-1] >> span % 8:
        raise InvalidEncoding("Numbers: a bit beyond the range is set")
    return Numbers(first, span, bits)
