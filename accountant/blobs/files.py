"""Blobs as files of any file system that fsspec knows: a folder of this machine, and S3.

The name of a file is a CID and nothing else, below two letters of it: folders stay small, whatever the name says of
the first letters, which all CIDs share.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from accountant.blobs.backing import Missing
from accountant.blobs.errors import StoreUnavailable
from accountant.blobs.pieces import PIECE_BYTES
from accountant.primitives.cid import show_cid
from accountant.primitives.types import Cid

QUARANTINE = "quarantine"
_PRIVATE_FOLDER = 0o700
_SHARD_LETTERS = 2


class FileBacking:
    """Files under a root. For file systems on which a file appears whole once it is written: S3."""

    def __init__(self, system: AbstractFileSystem, root: str) -> None:
        self._system, self._root = system, root.rstrip("/")

    def size(self, cid: Cid) -> int | None:
        with _reached():
            try:
                return int(self._system.info(self._name(cid))["size"])
            except FileNotFoundError:
                return None

    def stream(self, cid: Cid, start: int, stop: int) -> Iterator[bytes]:
        with _reached():
            try:
                file = self._system.open(self._name(cid), "rb", block_size=PIECE_BYTES)
            except FileNotFoundError:
                raise Missing from None
            with file:
                file.seek(start)
                left = stop - start
                while left and (data := file.read(min(left, PIECE_BYTES))):
                    left -= len(data)
                    yield data

    def place(self, cid: Cid, file: Path) -> None:
        with _reached():
            self._system.put_file(str(file), self._name(cid))
            self._system.invalidate_cache()

    def set_aside(self, cid: Cid) -> str:
        aside = f"{QUARANTINE}/{show_cid(cid)}.{time.time_ns()}"
        with _reached(), suppress(FileNotFoundError):  # somebody else did it
            self._move(self._name(cid), f"{self._root}/{aside}")
            self._system.invalidate_cache()
        return aside

    def remove(self, cid: Cid) -> None:
        with _reached(), suppress(FileNotFoundError):
            self._system.rm_file(self._name(cid))
            self._system.invalidate_cache()

    def _move(self, source: str, target: str) -> None:
        self._system.mv(source, target)

    def _name(self, cid: Cid) -> str:
        text = show_cid(cid)  # asserts that it is one
        return f"{self._root}/{text[-_SHARD_LETTERS:]}/{text}"


class FolderBacking(FileBacking):
    """A folder. A file gets its name when all of it is on the disk, and a power cut later both are still there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalFileSystem(), str(folder.absolute()))

    def place(self, cid: Cid, file: Path) -> None:
        """Takes the file, whose bytes were made safe before."""
        with _reached():
            self._move(str(file), self._name(cid))

    def _move(self, source: str, target: str) -> None:
        """Within one file system, so that it happens at once or not at all."""
        folder = Path(target).parent
        if not folder.is_dir():
            folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            _sync(folder.parent)
        os.replace(source, target)
        _sync(folder)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _reached() -> Iterator[None]:
    """What a file system raises as one error. Libraries below fsspec have exceptions of their own, all of them."""
    try:
        yield
    except (Missing, StoreUnavailable, AssertionError):
        raise
    except Exception as error:
        raise StoreUnavailable(f"the store of blobs cannot be used: {type(error).__name__}") from error
