"""Pieces: any range of any stream is the right bytes, or an error before the first wrong one leaves."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.blobs import pieces
from accountant.blobs.pieces import Digester, Facts, WrongPiece, checked, piece_range
from accountant.primitives.cid import cid_of


@pytest.fixture(autouse=True, scope="module")
def _small_pieces() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE_BYTES", 8)
        yield


def facts_of(data: bytes, cuts: list[int]) -> Facts:
    digester = Digester()
    for part in cut(data, cuts):
        digester.update(part)
    return digester.facts()


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(at % (len(data) + 1) for at in cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


@given(st.binary(max_size=100), st.lists(st.integers(0, 100), max_size=5), st.data())
def test_every_range_of_every_stream(data: bytes, cuts: list[int], draw: st.DataObject) -> None:
    """However the bytes came in and come out; facts depend on the bytes alone."""
    facts = facts_of(data, cuts)
    assert facts == facts_of(data, []) and (facts.cid, facts.size) == (cid_of(data), len(data))
    start = draw.draw(st.integers(0, len(data)))
    stop = draw.draw(st.integers(start, len(data)))
    first, last = piece_range(facts, start, stop)
    assert b"".join(checked(facts, cut(data[first:last], cuts), start, stop)) == data[start:stop]


@given(st.binary(min_size=1, max_size=100), st.lists(st.integers(0, 100), max_size=5), st.data())
def test_no_wrong_byte_leaves(data: bytes, cuts: list[int], draw: st.DataObject) -> None:
    """A byte more, less or changed: what has left is a beginning of the right bytes, and then comes the error."""
    facts = facts_of(data, [])
    at = draw.draw(st.integers(0, len(data) - 1))
    wrong = draw.draw(
        st.sampled_from(
            [data[:at], data + b"x", data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], data[:at] + data[at + 1 :]]
        )
    )
    left = bytearray()
    with pytest.raises(WrongPiece):
        _collect(facts, cut(wrong, cuts), left)
    assert data.startswith(bytes(left)) and len(left) < len(data) + (len(wrong) > len(data))


def _collect(facts: Facts, stream: list[bytes], into: bytearray) -> None:
    for part in checked(facts, stream, 0, facts.size):
        into.extend(part)
