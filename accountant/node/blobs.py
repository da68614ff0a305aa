"""The node's blobs: plain files named by their CIDs, in a folder of its own beside the blocks.

Bytes come before the transaction that publishes them, so for a while nobody has paid for them: such uploads share a
bounded room, and the oldest make place for new ones after an hour. What a block published stays for ever. A file is
there under its name once its bytes were hashed and are on the disk; one that was damaged since is put aside, and
counts as missing until a peer or an upload brings it back.
"""

import errno
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

import structlog

from accountant.primitives.cid import CID_PREFIX, parse_cid, show_cid
from accountant.primitives.errors import AccountantError, InvalidCid
from accountant.primitives.types import Cid

BLOBS_FOLDER = "blobs"
UPLOADS_BYTES_MOST = 4 * 1024**3
"""Bytes of blobs that nothing on the chain names, uploads under way included, unless a node is told another number."""
UPLOAD_BYTES_LEAST = 64 * 1024
"""What an upload counts at least, so that small ones cannot fill the disk with names."""
UPLOAD_KEPT_S = 3600.0
"""An upload is kept that long for its transaction to come; after that it goes when room is needed."""
_ARRIVING, _DAMAGED = ".arriving", ".damaged"
_READ_BYTES = 1024 * 1024

log = structlog.get_logger(__name__)


class NoRoom(AccountantError):
    """No room for a blob: the disk is full, or so are the uploads that no transaction names yet."""

    code = "no_room"


class BlobMismatch(AccountantError):
    """Bytes that are not what their CID names, or not as many as were announced."""

    code = "blob_mismatch"


class _Upload(NamedTuple):
    size: int
    at: float
    """Seconds since the epoch, as files have it."""


class BlobFolder:
    """Blobs of one node, for threads; a `chain.holdings.Holdings`. The folder belongs to one process."""

    def __init__(
        self,
        folder: Path,
        published: Mapping[Cid, int],
        uploads_most: int = UPLOADS_BYTES_MOST,
        upload_least: int = UPLOAD_BYTES_LEAST,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Takes up what is in the folder. `published`: sizes in bytes of what the chain names, now and from now on."""
        self._folder = folder
        self._published = published
        self._uploads_most = uploads_most
        self._upload_least = upload_least
        self._clock = clock
        self._lock = threading.Lock()
        self._checking = threading.Lock()
        self._checked: dict[Cid, tuple[int, int, int]] = {}
        self._reserved = 0
        self._coming: set[Cid] = set()
        """Of what is wanted: what comes in outside the room of uploads, each once."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / _ARRIVING).mkdir(mode=0o700, exist_ok=True)
        for left_over in (folder / _ARRIVING).iterdir():
            left_over.unlink()
        self._wanted = {cid: size for cid, size in published.items() if not self.has(cid, size)}
        self._uploads: dict[Cid, _Upload] = {}
        self._uploaded = 0
        """What the uploads count together."""
        for cid, upload in sorted(self._found(), key=lambda found: found[1].at):
            self._remember(cid, upload)

    def _found(self) -> Iterable[tuple[Cid, _Upload]]:
        for path in self._folder.glob("??/*"):
            try:
                cid = parse_cid(path.name)
            except InvalidCid:
                continue
            found = path.stat()
            if self._published.get(cid) != found.st_size:
                yield cid, _Upload(found.st_size, found.st_mtime)

    def has(self, cid: Cid, size: int) -> bool:
        return self.size_of(cid) == size

    def size_of(self, cid: Cid) -> int | None:
        """The size in bytes of a blob that is there."""
        try:
            return self._path(cid).stat().st_size
        except FileNotFoundError:
            return None

    def path(self, cid: Cid) -> Path | None:
        """The file of a blob, whose bytes were hashed when it came; None where it is not there."""
        path = self._path(cid)
        return path if path.exists() else None

    def keep(self, blobs: Iterable[tuple[Cid, int]]) -> None:
        """A block names these blobs now: they stay, and those that are not there are wanted."""
        with self._lock:
            for cid, size in blobs:
                if self.has(cid, size):
                    self._forget(cid)
                else:
                    self._wanted[cid] = size

    def awaited(self, cid: Cid) -> None:
        """A transaction that publishes this upload waits for a block: its hour begins anew."""
        with self._lock:
            upload = self._forget(cid)
            if upload is not None:
                self._remember(cid, upload._replace(at=self._clock()))
                os.utime(self._path(cid), (self._clock(), self._clock()))

    def wanted(self) -> list[tuple[Cid, int]]:
        """What the chain names and is not here: CID and size in bytes."""
        with self._lock:
            return list(self._wanted.items())

    def arrival(self, cid: Cid, size: int) -> "Arrival":
        """Room for a blob that is to come. Raises `NoRoom`."""
        with self._lock:
            reserved = 0
            if self._wanted.get(cid) == size and cid not in self._coming:
                self._coming.add(cid)
            else:
                reserved = self._counted(size)
                self._make_room(reserved)
                self._reserved += reserved
        return Arrival(self, cid, size, reserved, self._folder / _ARRIVING)

    def checked_path(self, cid: Cid) -> Path | None:
        """The file of a blob, its bytes hashed since it was last changed; None where it is not there."""
        path = self._path(cid)
        if self._is_checked(cid, path):
            return path
        with self._checking:  # one at a time: each reads a whole file
            if self._is_checked(cid, path):
                return path
            try:
                stamp = _stamp(path)
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").digest()
            except FileNotFoundError:
                return None
            if CID_PREFIX + digest == cid:
                self._checked[cid] = stamp
                return path
            self._put_aside(cid, path, stamp[0])
        return None

    def _is_checked(self, cid: Cid, path: Path) -> bool:
        known = self._checked.get(cid)
        try:
            return known is not None and known == _stamp(path)
        except FileNotFoundError:
            return False

    def _put_aside(self, cid: Cid, path: Path, size: int) -> None:
        log.error("blob damaged", cid=show_cid(cid), bytes=size)
        with self._lock:
            aside = self._folder / _DAMAGED
            aside.mkdir(mode=0o700, exist_ok=True)
            path.replace(aside / path.name)
            self._forget(cid)
            if cid in self._published:
                self._wanted[cid] = self._published[cid]

    def _path(self, cid: Cid) -> Path:
        name = show_cid(cid)
        return self._folder / name[7:9] / name  # behind what all CIDs begin with

    def _make_room(self, counted: int) -> None:
        """Lets the oldest uploads go whose time is over, as many as have to. Raises `NoRoom`."""
        held = self._uploaded + self._reserved
        over = held + counted - self._uploads_most
        going = []
        for cid, upload in self._uploads.items():
            if over <= 0 or upload.at + UPLOAD_KEPT_S > self._clock():
                break
            going.append(cid)
            over -= self._counted(upload.size)
        if over > 0:
            raise NoRoom(f"uploads that no transaction names yet take {held} bytes, at most {self._uploads_most}")
        for cid in going:
            self._forget(cid)
            self._path(cid).unlink(missing_ok=True)

    def _counted(self, size: int) -> int:
        return max(size, self._upload_least)

    def _remember(self, cid: Cid, upload: _Upload) -> None:
        """As the latest of the uploads."""
        self._forget(cid)
        self._uploads[cid] = upload
        self._uploaded += self._counted(upload.size)

    def _forget(self, cid: Cid) -> _Upload | None:
        upload = self._uploads.pop(cid, None)
        if upload is not None:
            self._uploaded -= self._counted(upload.size)
        return upload

    def arrived(self, cid: Cid, file: Path, size: int) -> None:
        """A hashed file takes its name."""
        path = self._path(cid)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with self._lock:
            file.replace(path)
            if self._published.get(cid) == size:
                self._wanted.pop(cid, None)
            else:
                self._remember(cid, _Upload(size, self._clock()))
        _sync_folder(path.parent)
        _sync_folder(self._folder)

    def released(self, cid: Cid, reserved: int) -> None:
        """An arrival is over, well or not."""
        with self._lock:
            self._reserved -= reserved
            if not reserved:
                self._coming.discard(cid)


class Arrival:
    """A blob that is coming in, in pieces. Leaving it without `finish` leaves nothing."""

    def __init__(self, folder: BlobFolder, cid: Cid, size: int, reserved: int, where: Path) -> None:
        self._folder, self._cid, self._size, self._reserved = folder, cid, size, reserved
        self._path = where / f"{show_cid(cid)}.{id(self):x}"
        self._hash = hashlib.sha256()
        self._left = size
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        self._path.unlink(missing_ok=True)
        self._folder.released(self._cid, self._reserved)

    def write(self, part: bytes) -> None:
        """The next bytes. Raises `BlobMismatch` when there are more than announced, `NoRoom` for a full disk."""
        self._left -= len(part)
        if self._left < 0:
            raise BlobMismatch(f"more than {self._size} bytes came")
        self._hash.update(part)
        with _full_disk_is_no_room():
            if self._file is None:
                self._file = self._path.open("xb")
            self._file.write(part)

    def finish(self) -> None:
        """All bytes are there: from now on the blob is. Raises `BlobMismatch` where they are not what was announced."""
        if self._left:
            raise BlobMismatch(f"{self._size - self._left} bytes came, {self._size} were announced")
        found = Cid(CID_PREFIX + self._hash.digest())
        if found != self._cid:
            raise BlobMismatch(f"the bytes are {show_cid(found)}, not {show_cid(self._cid)}")
        assert self._file is not None, "a blob has a byte at least"
        with _full_disk_is_no_room():
            self._file.flush()
            os.fsync(self._file.fileno())
        self._folder.arrived(self._cid, self._path, self._size)


@contextmanager
def _full_disk_is_no_room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom("the node's disk is full") from None
        raise


def _sync_folder(folder: Path) -> None:
    """A new name in a folder is on the disk when this returns."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino
