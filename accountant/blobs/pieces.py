"""A blob's name, and what lets any part of it be checked alone: the SHA-256 of each piece of 1 MiB.

A CID is checked by reading everything. Whoever asks for a range of a large blob would wait for that, or get bytes
that nobody has checked; so the digests of the pieces are computed while the blob comes in and its CID is checked.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from accountant.primitives.cid import CID_PREFIX
from accountant.primitives.types import HASH_BYTES, Cid

PIECE_BYTES = 1 << 20


class Facts(NamedTuple):
    """What is known of a blob for ever. `pieces`: the digests of its pieces, one after another; of one: none."""

    cid: Cid
    size: int
    pieces: bytes


class WrongPiece(Exception):
    """A piece that is not what it was."""


class Digester:
    """Computes facts while bytes come in."""

    def __init__(self) -> None:
        self.size = 0
        self._whole, self._piece = hashlib.sha256(), hashlib.sha256()
        self._pieces: list[bytes] = []

    def update(self, data: bytes) -> None:
        """The next bytes."""
        self._whole.update(data)
        view = memoryview(data)
        while view:
            room = PIECE_BYTES - self.size % PIECE_BYTES
            self._piece.update(view[:room])
            self.size += len(view[:room])
            view = view[room:]
            if self.size % PIECE_BYTES == 0:
                self._pieces.append(self._piece.digest())
                self._piece = hashlib.sha256()

    def facts(self) -> Facts:
        """Of all bytes so far."""
        rest = [self._piece.digest()] if self.size % PIECE_BYTES else []
        pieces = [*self._pieces, *rest]
        cid = Cid(CID_PREFIX + self._whole.digest())
        return Facts(cid, self.size, b"".join(pieces) if len(pieces) > 1 else b"")


def piece_range(facts: Facts, start: int, stop: int) -> tuple[int, int]:
    """The bytes of the pieces in which the bytes from `start` to before `stop` lie."""
    first = start - start % PIECE_BYTES
    return first, min(facts.size, stop + -stop % PIECE_BYTES)


def checked(facts: Facts, stream: Iterable[bytes], start: int, stop: int) -> Iterator[bytes]:
    """The bytes from `start` to before `stop`, of a stream over `piece_range`. Raises `WrongPiece`.

    No byte leaves before its piece is whole and right.
    """
    assert 0 <= start <= stop <= facts.size
    at, end = piece_range(facts, start, stop)
    digests = facts.pieces or facts.cid[len(CID_PREFIX) :]
    for piece in _regrouped(stream):
        number = at // PIECE_BYTES
        digest = digests[number * HASH_BYTES : (number + 1) * HASH_BYTES]
        if at + len(piece) > end or hashlib.sha256(piece).digest() != digest:
            raise WrongPiece
        yield piece[max(0, start - at) : stop - at]
        at += len(piece)
    if at != end:
        raise WrongPiece


def _regrouped(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in whole pieces, the last one excepted."""
    held = bytearray()
    for data in stream:
        held += data
        while len(held) >= PIECE_BYTES:
            yield bytes(held[:PIECE_BYTES])
            del held[:PIECE_BYTES]
    if held:
        yield bytes(held)
