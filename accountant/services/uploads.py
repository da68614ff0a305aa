"""Uploads in several requests: what came before a connection broke is not sent again (tus 1.0, `docs/blobs-store.md`).

How far an upload came is the length of its file and nothing else, so whatever a crash takes, both sides agree on the
rest; and what it became is its CID, computed over the whole file at the end.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from accountant.blobs.errors import BlobTooLarge, CidMismatch
from accountant.blobs.spool import Incoming, facts_of, reported
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Cid
from accountant.services.blobs import Blobs
from accountant.storage.blob_rows import Reference, ReferenceKind
from accountant.storage.blob_uploads import UploadRow, Uploads

ID_PREFIX = "upload_"
_ID = re.compile(ID_PREFIX + "[0-9a-f]{32}", re.ASCII)
_PRIVATE_FILE = 0o600


class UnknownUpload(AccountantError):
    """There is no such upload, or it rested for too long."""

    code = "unknown_upload"


class WrongOffset(AccountantError):
    """Bytes that do not follow the ones that are there."""

    code = "wrong_offset"


class UploadLocked(AccountantError):
    """Another request sends bytes of the same upload now."""

    code = "upload_locked"


def begin_upload(blobs: Blobs, key_prefix: str, length: int, wanted: Cid | None) -> UploadRow:
    """Begins an upload of so many bytes. Raises `BlobTooLarge`, `UploadsFull`."""
    if length > blobs.terms.bytes_most:
        raise BlobTooLarge(blobs.terms.bytes_most)
    with blobs.engine.begin() as connection:
        blobs.require_room(connection, key_prefix, length)
        row = Uploads(connection).add(ID_PREFIX + secrets.token_hex(16), key_prefix, length, wanted)
    if length:
        return row
    with continuing(blobs, row, 0) as sending:
        sending.finish()
    return find_upload(blobs, key_prefix, row.id)


def find_upload(blobs: Blobs, key_prefix: str, upload_id: str) -> UploadRow:
    """A key's upload. Raises `UnknownUpload`."""
    row = None
    if _ID.fullmatch(upload_id):
        with blobs.engine.connect() as connection:
            row = Uploads(connection).find(key_prefix, upload_id)
    if row is None:
        raise UnknownUpload("there is no such upload: it never began, was ended, or rested for too long")
    return row


def offset_of(blobs: Blobs, row: UploadRow) -> int:
    """How many bytes are there."""
    if row.cid is not None:
        return row.length
    try:
        return min(row.length, blobs.store.spool.kept(row.number).stat().st_size)
    except FileNotFoundError:
        return 0


def end_upload(blobs: Blobs, row: UploadRow) -> None:
    """Forgets an upload; a blob that it became stays."""
    with blobs.engine.begin() as connection:
        Uploads(connection).delete(row.number)
    with reported("delete"):
        blobs.store.spool.kept(row.number).unlink(missing_ok=True)


class Sending:
    """The file of an upload that one request holds and goes on with."""

    def __init__(self, blobs: Blobs, row: UploadRow, path: Path, file: BinaryIO) -> None:
        self._blobs, self._row, self._path, self._file = blobs, row, path, file
        self.size = file.seek(0, os.SEEK_END)

    def write(self, data: bytes) -> None:
        """The next bytes. Raises `BlobTooLarge` for more than were announced."""
        if self.size + len(data) > self._row.length:
            raise BlobTooLarge(self._row.length)
        with reported("write"):
            self._file.write(data)
        self.size += len(data)

    def finish(self) -> Cid | None:
        """The blob, if all bytes are there. Raises `CidMismatch`: then the upload is forgotten."""
        row, blobs = self._row, self._blobs
        if self.size < row.length:
            return None
        with reported("read"):
            self._file.flush()
            os.fsync(self._file.fileno())
            facts = facts_of(self._file)
        if row.wanted is not None and facts.cid != row.wanted:
            end_upload(blobs, row)
            raise CidMismatch(row.wanted, facts.cid)
        upload = Reference(ReferenceKind.UPLOADED, row.key_prefix.encode(), blobs.terms.grace_s)
        blobs.keep(Incoming(self._path, facts), upload)
        with blobs.engine.begin() as connection:
            Uploads(connection).end(row.number, facts.cid)
        self._path.unlink(missing_ok=True)  # where the store did not take it
        return facts.cid


@contextmanager
def continuing(blobs: Blobs, row: UploadRow, offset: int) -> Iterator[Sending]:
    """Goes on with an upload. Raises `UploadLocked`, `WrongOffset`, `UnknownUpload`."""
    if row.cid is not None:
        raise _whole(row)
    path = blobs.store.spool.kept(row.number)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    with reported("open"):
        file = os.fdopen(os.open(path, flags, _PRIVATE_FILE), "r+b")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UploadLocked("another request sends bytes of this upload now: ask how far it came") from None
        _require_open(blobs.engine, row)
        sending = Sending(blobs, row, path, file)
        if offset != sending.size:
            raise WrongOffset(f"{sending.size} bytes are there: go on with byte {sending.size}, not {offset}")
        yield sending


def _require_open(engine: sa.Engine, row: UploadRow) -> None:
    """Notes that somebody goes on; whoever held the file before us may have ended it."""
    with engine.begin() as connection:
        uploads = Uploads(connection)
        there = uploads.touch(row.number)
        now = uploads.find(row.key_prefix, row.id) if there else None
    if now is None:
        raise UnknownUpload("this upload was ended")
    if now.cid is not None:
        raise _whole(row)


def _whole(row: UploadRow) -> WrongOffset:
    return WrongOffset(f"all {row.length} bytes are there")
