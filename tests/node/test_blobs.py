"""The node's folder of blobs: what comes whole stays, what nobody paid for makes room, what is damaged is missing."""

import errno
import os
from pathlib import Path
from random import Random
from time import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.node.blobs import UPLOAD_BYTES_LEAST, UPLOAD_KEPT_S, BlobFolder, BlobMismatch, NoRoom
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.types import Cid

WEIGHTS = b"weights"


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = time()

    def __call__(self) -> float:
        return self.now


def put(folder: BlobFolder, data: bytes, cid: Cid | None = None, size: int | None = None) -> Cid:
    """Brings a blob in, in pieces of three bytes."""
    cid = cid_of(data) if cid is None else cid
    with folder.arrival(cid, len(data) if size is None else size) as arrival:
        for start in range(0, len(data), 3):
            arrival.write(data[start : start + 3])
        arrival.finish()
    return cid


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_blob_is_there_once_it_is_whole(tmp_path: Path) -> None:
    """Nothing has its name until all bytes came and were hashed; then it is there, also after a restart."""
    folder, cid = BlobFolder(tmp_path, {}), cid_of(WEIGHTS)
    with folder.arrival(cid, len(WEIGHTS)) as arrival:
        arrival.write(WEIGHTS)
        assert not folder.has(cid, 7) and folder.size_of(cid) is None and folder.checked_path(cid) is None
        arrival.finish()
    for there in (folder, BlobFolder(tmp_path, {})):
        assert there.has(cid, 7) and not there.has(cid, 8) and there.size_of(cid) == 7
        path = there.checked_path(cid)
        assert path is not None and path.read_bytes() == WEIGHTS and path.name == show_cid(cid)
    assert files(tmp_path) == [show_cid(cid)]


@pytest.mark.parametrize(
    ("data", "cid", "size"),
    [
        (b"weight", cid_of(WEIGHTS), 7),
        (b"weightsX", cid_of(WEIGHTS), 7),
        (b"weightz", cid_of(WEIGHTS), 7),
        (b"", cid_of(b""), 1),
        (WEIGHTS, cid_of(WEIGHTS), 8),
    ],
)
def test_other_bytes_are_refused_and_leave_nothing(tmp_path: Path, data: bytes, cid: Cid, size: int) -> None:
    """Too few, too many or other bytes than the CID names: refused, no file is left and no room taken."""
    folder = BlobFolder(tmp_path, {}, uploads_most=8, upload_least=1)
    for _ in range(3):
        with pytest.raises(BlobMismatch):
            put(folder, data, cid, size)
    assert not files(tmp_path) and not folder.has(cid, size)
    put(folder, b"8 bytes.")


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """A connection that ends, or a process that is killed meanwhile, leaves no file and no claim to room."""
    folder = BlobFolder(tmp_path, {}, uploads_most=8, upload_least=1)
    with folder.arrival(cid_of(b"a"), 8) as arrival:
        arrival.write(b"half")
        assert len(files(tmp_path)) == 1
    assert not files(tmp_path)
    arrival = folder.arrival(cid_of(b"b"), 8)
    arrival.write(b"killed")  # the process ends here
    assert len(files(tmp_path)) == 1
    assert not BlobFolder(tmp_path, {}).size_of(cid_of(b"b")) and not files(tmp_path)


def test_uploads_share_a_bounded_room(tmp_path: Path) -> None:
    """Unpaid blobs take so much and no more; after their hour the oldest go, last those that a transaction awaits."""
    clock = Clock()
    folder = BlobFolder(tmp_path, {}, uploads_most=10, upload_least=1, clock=clock)
    first, second = put(folder, b"1111"), put(folder, b"2222")
    with pytest.raises(NoRoom):
        put(folder, b"333")
    clock.now += UPLOAD_KEPT_S / 2
    folder.awaited(first)
    with pytest.raises(NoRoom):
        put(folder, b"333")
    clock.now += UPLOAD_KEPT_S / 2 + 1
    third = put(folder, b"333")
    assert [folder.size_of(cid) for cid in (first, second, third)] == [4, None, 3]
    with pytest.raises(NoRoom):
        put(folder, b"longer than all")
    assert folder.size_of(first) == 4, "what would not be enough is not taken away for it"


def test_small_uploads_count_as_larger_ones(tmp_path: Path) -> None:
    """However few bytes they have, no more than so many names can be made."""
    folder = BlobFolder(tmp_path, {}, uploads_most=3 * UPLOAD_BYTES_LEAST)
    for number in range(3):
        put(folder, bytes([number]))
    with pytest.raises(NoRoom):
        put(folder, b"more")
    with pytest.raises(NoRoom):
        put(BlobFolder(tmp_path, {}, uploads_most=3 * UPLOAD_BYTES_LEAST), b"more")
    assert len(files(tmp_path)) == 3


def test_an_upload_under_way_has_its_room(tmp_path: Path) -> None:
    """Room is made before bytes come: what is announced counts from then on."""
    folder = BlobFolder(tmp_path, {}, uploads_most=10, upload_least=1)
    with folder.arrival(cid_of(b"a"), 8):
        with pytest.raises(NoRoom):
            folder.arrival(cid_of(b"b"), 3)
        put(folder, b"22")
    put(folder, b"44444444")


def test_what_a_block_publishes_stays(tmp_path: Path) -> None:
    """Published blobs count to no room and never go, whatever comes afterwards, even the same bytes again."""
    clock = Clock()
    published: dict[Cid, int] = {}
    folder = BlobFolder(tmp_path, published, uploads_most=8, upload_least=1, clock=clock)
    cid = put(folder, b"88888888")
    published[cid] = 8
    folder.keep([(cid, 8)])
    put(folder, b"88888888")
    clock.now += 2 * UPLOAD_KEPT_S
    for upload in (b"aaaaaaaa", b"bbbbbbbb"):
        put(folder, upload)
        clock.now += 2 * UPLOAD_KEPT_S
    assert folder.has(cid, 8) and not folder.wanted()
    after = BlobFolder(tmp_path, published, uploads_most=8, upload_least=1, clock=clock)
    put(after, b"cccccccc")
    assert after.has(cid, 8)


def test_what_is_missing_is_wanted(tmp_path: Path) -> None:
    """A published blob that is not here is wanted until it comes, and it needs no room of the uploads."""
    cid, published = cid_of(WEIGHTS), {cid_of(WEIGHTS): 7}
    folder = BlobFolder(tmp_path, published, uploads_most=0, upload_least=1)
    assert folder.wanted() == [(cid, 7)]
    with folder.arrival(cid, 7) as arrival:
        with pytest.raises(NoRoom):
            folder.arrival(cid, 7)  # the second at once is an upload like any other
        arrival.write(WEIGHTS)
        arrival.finish()
    assert not folder.wanted() and folder.has(cid, 7)
    assert not BlobFolder(tmp_path, published).wanted()
    other = cid_of(b"other")
    published[other] = 5
    folder.keep([(other, 5)])
    assert folder.wanted() == [(other, 5)]


def test_a_publication_that_lies_of_the_size_is_never_served_as_it(tmp_path: Path) -> None:
    """The chain says 9 bytes, the CID has 7: the bytes may come, but what was published stays missing."""
    cid = cid_of(WEIGHTS)
    folder = BlobFolder(tmp_path, {cid: 9})
    put(folder, WEIGHTS)
    assert folder.wanted() == [(cid, 9)] and not folder.has(cid, 9)


def test_a_damaged_blob_is_missing(tmp_path: Path) -> None:
    """Bytes that changed on the disk never go out: the file is put aside, and what the chain names is wanted again."""
    published: dict[Cid, int] = {}
    folder = BlobFolder(tmp_path, published)
    cid = put(folder, WEIGHTS)
    published[cid] = 7
    folder.keep([(cid, 7)])
    path = folder.checked_path(cid)
    assert path is not None and folder.checked_path(cid) == path
    path.write_bytes(b"weightz")
    assert folder.checked_path(cid) is None and folder.checked_path(cid) is None
    assert folder.wanted() == [(cid, 7)] and not folder.has(cid, 7)
    put(folder, WEIGHTS)
    assert folder.checked_path(cid) == path and not folder.wanted()


def test_a_full_disk_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full the upload is refused like any other that has no room, and leaves nothing."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = BlobFolder(tmp_path, {})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoRoom, match="disk is full"):
        put(folder, WEIGHTS)
    assert not files(tmp_path)


@given(st.randoms(use_true_random=True))
@settings(max_examples=15, deadline=None)
def test_room_and_names_after_anything(tmp_path_factory: pytest.TempPathFactory, random: Random) -> None:
    """Whatever comes in what order: uploads keep to their room, published blobs that came stay, files are whole."""
    base, clock = tmp_path_factory.mktemp("blobs"), Clock()
    published: dict[Cid, int] = {}
    folder = BlobFolder(base, published, uploads_most=20, upload_least=1, clock=clock)
    blobs = {cid_of(data): data for data in (bytes([n]) * (n + 1) for n in range(12))}
    for _ in range(40):
        cid = random.choice(list(blobs))
        match random.randrange(5):
            case 0 | 1:
                try:
                    put(folder, blobs[cid])
                except NoRoom:
                    assert published.get(cid) != len(blobs[cid]) or folder.has(cid, len(blobs[cid]))
            case 2:
                clock.now += random.choice([1, UPLOAD_KEPT_S])
            case 3:
                published[cid] = len(blobs[cid])
                folder.keep([(cid, len(blobs[cid]))])
            case _:
                folder = BlobFolder(base, published, uploads_most=20, upload_least=1, clock=clock)
        held = {name for name in blobs if folder.size_of(name) is not None}
        assert sum(len(blobs[name]) for name in held - published.keys()) <= 20
        assert dict(folder.wanted()).keys() == published.keys() - held
        for name in held:
            path = folder.checked_path(name)
            assert path is not None and path.read_bytes() == blobs[name]
