"""A folder of blobs: names come last, and nobody else's files are touched."""

import os
from pathlib import Path

import pytest

from accountant.blobs.errors import StoreUnavailable
from accountant.blobs.location import open_location
from accountant.blobs.store import Store
from accountant.primitives.cid import cid_of, show_cid

DATA = b"some bytes" * 1_000
CID = cid_of(DATA)
TEXT = show_cid(CID)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(open_location(None, tmp_path / "blobs"))


def put(store: Store, data: bytes = DATA) -> None:
    with store.spool.holding([data]) as incoming:
        store.place(incoming)


def test_files_are_private_and_nothing_else_is_left(store: Store, tmp_path: Path) -> None:
    """One file of mode 0600 in a folder of mode 0700."""
    put(store)
    assert (tmp_path / "blobs").stat().st_mode & 0o777 == 0o700
    files = list((tmp_path / "blobs").iterdir())
    assert [(file.name, file.stat().st_mode & 0o777) for file in files] == [(TEXT, 0o600)]


def test_bytes_are_on_the_disk_before_their_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synced, then renamed, then the folder is synced: a power cut leaves all of it, or no name."""
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def syncing(number: int) -> None:
        steps.append("sync")
        sync(number)

    def renaming(old: str, new: str) -> None:
        steps.append("rename")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "replace", renaming)
    put(store)
    assert steps == ["sync", "rename", "sync"]


def test_a_writer_that_dies_leaves_no_blob(store: Store) -> None:
    """Whatever was written before the name was given is not a blob; what a kill left goes after a while."""
    with store.spool.writing() as writing:
        writing.write(DATA)
        assert not store.has(CID)
    assert not store.has(CID)
    left = store.spool.kept(7)
    left.write_bytes(DATA)
    now = left.stat().st_mtime
    assert store.spool.forget(60, now + 59) == 0 and left.exists()
    assert store.spool.forget(60, now + 61) == 1 and not left.exists()


def test_wrong_bytes_go_to_the_quarantine(store: Store, tmp_path: Path) -> None:
    """For whoever wants to know what happened to them."""
    put(store)
    (tmp_path / "blobs" / TEXT).write_bytes(b"others")
    assert store.get(CID, len(DATA)) is None
    (aside,) = (tmp_path / "blobs").iterdir()
    assert aside.name.startswith(TEXT + ".wrong.") and aside.read_bytes() == b"others"


def test_a_link_serves_nothing_but_the_blob(store: Store, tmp_path: Path) -> None:
    """A link to another file has other bytes: they are not served, and the file stays where it is."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"a key")
    put(store)
    place = tmp_path / "blobs" / TEXT
    place.unlink()
    place.symlink_to(secret)
    assert store.get(CID, len(DATA)) is None
    assert secret.read_bytes() == b"a key" and not place.is_symlink()


def test_a_file_that_grew_is_not_read(store: Store, tmp_path: Path) -> None:
    """Whoever can write there may make it as large as they like: it is set aside without looking at it."""
    put(store)
    place = tmp_path / "blobs" / TEXT
    os.truncate(place, 1 << 40)
    assert store.get(CID, len(DATA)) is None and not place.exists()


def test_a_place_that_is_no_folder_is_one_error(tmp_path: Path) -> None:
    """A file in the way is StoreUnavailable, and names no path."""
    (tmp_path / "blobs").write_text("")
    store = Store(open_location(None, tmp_path / "blobs"))
    with pytest.raises(StoreUnavailable) as refused:
        put(store)
    assert str(tmp_path) not in refused.value.detail
