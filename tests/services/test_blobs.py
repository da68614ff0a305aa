"""Blobs kept: rows before bytes, so that no crash makes a promise; damage is told, and mended by sending again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from accountant.blobs.errors import BlobUnavailable, StoreUnavailable
from accountant.blobs.pieces import PIECE_BYTES
from accountant.blobs.spool import Incoming, Spool
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.types import Cid
from accountant.services.api_keys import ensure_first_key
from accountant.services.blobs import Blobs, BlobTerms, UnknownBlob, UploadsFull, declared_sizes
from accountant.services.checkpoints import KeptCheckpoints
from tests.support.blob_office import blob_office, count, publish

DATA = b"weights" * 1_000
CID = cid_of(DATA)


@pytest.fixture
def blobs(database_url: str, tmp_path: Path) -> Iterator[Blobs]:
    with blob_office(database_url, tmp_path / "blobs", BlobTerms(uploads_bytes_most=20_000)) as made:
        yield made


def upload(blobs: Blobs, data: bytes, key: str = "key") -> bool:
    with blobs.store.spool.holding([data]) as incoming:
        return blobs.keep_upload(incoming, key)


def file_of(folder: Path, cid: Cid) -> Path:
    return folder / "blobs" / show_cid(cid)


@pytest.mark.parametrize("data", [b"", DATA, bytes(3 * PIECE_BYTES + 1)], ids=["nothing", "small", "pieces"])
def test_what_is_put_is_there(blobs: Blobs, data: bytes) -> None:
    """For executors: by its CID, whole; nothing before, and nothing under another name."""
    cid = cid_of(data)
    assert not blobs.has(cid) and blobs.get(cid) is None
    assert blobs.put(data) == cid
    assert blobs.put(data) == cid
    assert blobs.has(cid) and blobs.get(cid) == data
    assert blobs.get(cid_of(b"another")) is None
    row = blobs.find(cid)
    assert b"".join(blobs.read(row, 0, len(data))) == data
    assert count(blobs.engine, "blobs") == 1


def test_a_blob_is_new_once(blobs: Blobs) -> None:
    """The second time it was there, whoever sends it."""
    assert [upload(blobs, DATA), upload(blobs, DATA), upload(blobs, DATA, "other")] == [True, False, False]
    assert count(blobs.engine, "blobs") == 1 and count(blobs.engine, "blob_references") == 2


def test_a_crash_before_the_bytes_promises_nothing(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """With row and reference there and no bytes, the blob is unavailable; sending it again mends it, as new."""
    with monkeypatch.context() as patch:

        def fails(incoming: Incoming) -> None:
            raise StoreUnavailable("the store of blobs cannot write a file: No space left on device")

        patch.setattr(blobs.store, "place", fails)
        with pytest.raises(StoreUnavailable):
            upload(blobs, DATA)
    with pytest.raises(BlobUnavailable):
        blobs.find(CID)
    assert blobs.get(CID) is None
    assert upload(blobs, DATA) is True
    assert blobs.get(CID) == DATA and blobs.find(CID).missing_since is None


@pytest.mark.parametrize("wrong", [None, b"", b"others", DATA[:-1]], ids=["gone", "empty", "exchanged", "cut"])
def test_damage_is_told_and_mended(blobs: Blobs, tmp_path: Path, wrong: bytes | None) -> None:
    """Whoever reads it first finds out; then it is known as missing, until somebody sends it again."""
    for read_whole in (True, False):
        upload(blobs, DATA)
        row = blobs.find(CID)
        file_of(tmp_path, CID).unlink() if wrong is None else file_of(tmp_path, CID).write_bytes(wrong)
        if read_whole:
            assert blobs.get(CID) is None
        else:
            with pytest.raises(BlobUnavailable):
                list(blobs.read(row, 0, len(DATA)))
        with pytest.raises(BlobUnavailable):
            blobs.find(CID)
    upload(blobs, DATA)
    file_of(tmp_path, CID).write_bytes(b"others")  # nobody has read it since
    upload(blobs, DATA)
    assert blobs.get(CID) == DATA


def test_bytes_that_come_while_somebody_looks_are_there(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that found nothing looks again before it says so: what came meanwhile is not called missing."""
    look = blobs.store.get

    def just_before(cid: Cid, size: int) -> bytes | None:
        found = look(cid, size)
        upload(blobs, DATA)
        return found

    upload(blobs, DATA)
    blobs.store.remove(CID)
    monkeypatch.setattr(blobs.store, "get", just_before)
    assert blobs.get(CID) is None
    assert blobs.find(CID).missing_since is None


def test_what_is_published_is_fetched(blobs: Blobs) -> None:
    """Both ways to a blob ask the nodes when it is not here, once; what no block publishes is asked of nobody."""
    asked: list[Cid] = []

    @contextmanager
    def fetch(cid: Cid, spool: Spool) -> Iterator[Incoming | None]:
        size = declared_sizes(blobs.engine)(cid)
        asked.append(cid)
        if size is None:
            yield None
        else:
            assert size == len(DATA)
            with spool.holding([DATA]) as incoming:
                yield incoming

    for whole in (True, False):
        following = Blobs(blobs.engine, blobs.store, blobs.terms, fetch)
        if whole:
            assert following.get(CID) is None
            publish(blobs.engine, CID, len(DATA))
            assert following.get(CID) == DATA
        else:
            blobs.store.remove(CID)
            assert blobs.get(CID) is None
            assert following.find(CID).facts.size == len(DATA)
        assert following.get(CID) == DATA and len(asked) == (2 if whole else 3)


def test_an_unknown_blob(blobs: Blobs) -> None:
    """Is unknown, not unavailable."""
    with pytest.raises(UnknownBlob, match=show_cid(CID)):
        blobs.find(CID)


def test_a_keys_uploads_have_so_much_room(database_url: str, blobs: Blobs) -> None:
    """What would pass it is refused and leaves nothing; what is there already takes no more; other keys have theirs."""
    key = ensure_first_key(blobs.engine)
    assert key is not None
    upload(blobs, DATA)
    upload(blobs, DATA[1:])
    with pytest.raises(UploadsFull, match="20000"):
        upload(blobs, DATA[2:])
    upload(blobs, DATA)
    upload(blobs, DATA[2:], "other")
    assert count(blobs.engine, "blobs") == 3


def test_the_latest_checkpoint_is_the_one(blobs: Blobs) -> None:
    """Each run has one state, the last one that was saved; what it replaces goes at once, and what is lost is none."""
    checkpoints = KeptCheckpoints(blobs)
    ones, others = bytes(31) + b"1", bytes(31) + b"2"
    assert checkpoints.load(ones) is None
    checkpoints.save(ones, b"step 1")
    checkpoints.save(others, b"step 1")
    checkpoints.save(ones, b"step 2")
    assert (checkpoints.load(ones), checkpoints.load(others)) == (b"step 2", b"step 1")
    checkpoints.save(others, b"step 3")
    checkpoints.save(others, b"step 3")
    assert checkpoints.load(others) == b"step 3"
    assert not blobs.has(cid_of(b"step 1")) and count(blobs.engine, "blobs") == 2
    blobs.store.remove(cid_of(b"step 2"))
    assert checkpoints.load(ones) is None
    checkpoints.save(ones, b"step 2")
    assert checkpoints.load(ones) == b"step 2"
