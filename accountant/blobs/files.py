"""Blobs as files of any file system that fsspec knows: a folder of this machine, and S3.

The name of a file is a CID and nothing else, and all are in one folder: so a file that came in there gets its name by
a rename within the folder, which a confined process may do.
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

_WRONG = "wrong"


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
        aside = f"{show_cid(cid)}.{_WRONG}.{time.time_ns()}"
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
        return f"{self._root}/{show_cid(cid)}"  # it asserts that it is one


class FolderBacking(FileBacking):
    """A folder. A file gets its name when all of it is on the disk, and a power cut later both are still there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalFileSystem(), str(folder.absolute()))

    def place(self, cid: Cid, file: Path) -> None:
        """Takes the file, which lies in the folder and whose bytes were made safe before."""
        with _reached():
            self._move(str(file), self._name(cid))

    def _move(self, source: str, target: str) -> None:
        """At once or not at all, and not undone by a power cut."""
        os.replace(source, target)
        descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
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
