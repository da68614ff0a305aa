"""One suite for every place that keeps blobs: what goes in comes out, and nothing else does."""

import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from accountant.blobs.errors import BlobTooLarge, BlobUnavailable, CidMismatch
from accountant.blobs.pieces import PIECE_BYTES, Facts
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.types import Cid
from tests.support.stores import KINDS, Opened, opened

LARGE = Random(1).randbytes(2 * PIECE_BYTES + 12_345)
SMALL = b"hello world"


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(request.param, tmp_path_factory.mktemp("blobs")) as made:
        yield made


def put(place: Opened, data: bytes) -> Facts:
    with place.store.spool.holding([data]) as incoming:
        place.store.place(incoming)
    return incoming.facts


def read(place: Opened, facts: Facts, start: int, stop: int) -> bytes:
    return b"".join(place.store.read(facts, start, stop))


@pytest.mark.parametrize("data", [b"", SMALL, bytes(PIECE_BYTES), LARGE], ids=["nothing", "small", "piece", "large"])
def test_what_goes_in_comes_out(place: Opened, data: bytes) -> None:
    """The whole blob and its size; put twice it is there once; removed, it is gone, and removed again as well."""
    facts = put(place, data)
    assert (facts.cid, facts.size) == (cid_of(data), len(data))
    put(place, data)
    assert place.store.get(facts.cid, len(data)) == read(place, facts, 0, len(data)) == data
    assert place.store.has(facts.cid) and place.store.has(facts.cid, len(data))
    assert not place.store.has(facts.cid, len(data) + 1)
    place.store.remove(facts.cid)
    place.store.remove(facts.cid)
    assert place.store.get(facts.cid, len(data)) is None and not place.store.has(facts.cid)
    with pytest.raises(BlobUnavailable, match="not there"):
        read(place, facts, 0, len(data))


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0, 1),
        (5, 5),
        (PIECE_BYTES - 1, PIECE_BYTES + 1),
        (PIECE_BYTES, 2 * PIECE_BYTES),
        (7, len(LARGE) - 7),
        (len(LARGE) - 1, len(LARGE)),
    ],
)
def test_a_range_is_cut_from_the_whole(place: Opened, start: int, stop: int) -> None:
    """Within a piece, over its ends, of one byte and of none."""
    assert read(place, put(place, LARGE), start, stop) == LARGE[start:stop]


def collect(place: Opened, facts: Facts, into: bytearray) -> None:
    for part in place.store.read(facts, 3, len(LARGE)):
        into.extend(part)


def damaged(at: int) -> bytes:
    return LARGE[:at] + bytes([LARGE[at] ^ 1]) + LARGE[at + 1 :]


@pytest.mark.parametrize("wrong", [b"", LARGE[:-1], LARGE + b"x", damaged(0), damaged(len(LARGE) - 1)])
def test_wrong_bytes_are_never_served(place: Opened, wrong: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """A blob that was cut, altered or exchanged is as one that is not there, whole or in part, reported, and gone from
    its place; the right bytes mend it.
    """
    facts = put(place, LARGE)
    place.damage(facts.cid, wrong)
    if len(wrong) > len(LARGE):  # what is too much is not looked at, and not served
        assert read(place, facts, 0, len(LARGE)) == LARGE
    assert place.store.get(facts.cid, len(LARGE)) is None
    assert "blob_corrupted" in capsys.readouterr().out
    assert not place.store.has(facts.cid)
    put(place, LARGE)
    if len(wrong) <= len(LARGE):
        place.damage(facts.cid, wrong)
        served = bytearray()
        with pytest.raises(BlobUnavailable, match="damaged"):
            collect(place, facts, served)
        assert served == LARGE[3 : 3 + len(served)] and len(served) < len(LARGE) - 3
        assert not place.store.has(facts.cid)
        put(place, LARGE)
    assert place.store.get(facts.cid, len(LARGE)) == LARGE


def test_a_piece_that_is_whole_is_served_though_another_is_not(place: Opened) -> None:
    """A range is checked by its own pieces."""
    facts = put(place, LARGE)
    place.damage(facts.cid, damaged(len(LARGE) - 1))
    assert read(place, facts, 0, PIECE_BYTES) == LARGE[:PIECE_BYTES]
    with pytest.raises(BlobUnavailable):
        read(place, facts, len(LARGE) - 5, len(LARGE))
    place.store.remove(facts.cid)


def test_writers_and_readers_at_once_see_all_or_nothing(place: Opened) -> None:
    """Eight threads put the same blob while others read it: a reader finds it whole, or not yet."""
    data = Random(2).randbytes(300_000)
    cid = cid_of(data)
    found: list[bytes | None] = []
    threads = [threading.Thread(target=put, args=(place, data)) for _ in range(4)]
    threads += [threading.Thread(target=lambda: found.append(place.store.get(cid, len(data)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4 and set(found) <= {None, data}
    assert place.store.get(cid, len(data)) == data


def test_what_is_refused_leaves_nothing(place: Opened, tmp_path: Path) -> None:
    """More bytes than allowed, or other ones than announced: no blob, and no file in the spool."""
    spool = place.store.spool
    with spool.writing(bytes_most=10) as writing:
        writing.write(b"12345")
        with pytest.raises(BlobTooLarge, match="at most 10 bytes"):
            writing.write(b"123456")
    with spool.writing() as writing:
        writing.write(SMALL)
        with pytest.raises(CidMismatch, match=show_cid(cid_of(b"other"))):
            writing.done(cid_of(b"other"))
    assert list(spool.kept(1).parent.glob("*.part")) == []


def test_names_are_cids_and_nothing_else(place: Opened) -> None:
    """What is no CID is a bug of the caller, and never becomes part of a path."""
    for name in (b"", b"../../etc/passwd", bytes(36)):
        with pytest.raises(AssertionError):
            place.store.get(Cid(name), 1)
