"""Blobs kept: bytes in the store, what is known of them in Postgres, and both in an order that no crash can hurt.

Row and reference first, then the bytes, then the note that they are there. What dies between leaves a row whose bytes
are missing: nobody is told that they are there, sending them again mends it, and the collector takes it in the end.
"""

from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa

from accountant.blobs.errors import BlobUnavailable
from accountant.blobs.fetching import Fetch, SizeOf
from accountant.blobs.pieces import PIECE_BYTES
from accountant.blobs.spool import Incoming
from accountant.blobs.store import Store
from accountant.primitives.cid import show_cid
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Cid
from accountant.storage.blob_rows import BlobRow, BlobRows, ListedBlob, Reference, ReferenceKind
from accountant.storage.blob_uploads import Uploads


class UnknownBlob(AccountantError):
    """Nobody has sent a blob with this CID."""

    code = "unknown_blob"


class UploadsFull(AccountantError):
    """An API key whose uploads take all the room that it has."""

    code = "uploads_full"


class BlobTerms(NamedTuple):
    """The numbers of the store. Sizes in bytes, times in seconds."""

    bytes_most: int = 1 << 30
    """Of one upload."""
    uploads_bytes_most: int = 1 << 34
    """Of all uploads of one API key, as long as they last."""
    grace_s: float = 7 * 86_400.0
    """How long an upload, and whatever else came in, is kept though nothing on the chain names it."""
    checkpoint_s: float = 7 * 86_400.0
    """How long a checkpoint of a training run is kept after it was saved."""
    upload_s: float = 86_400.0
    """How long an upload in several requests may rest between two of them."""


class Blobs:
    """All blobs of this accountant; for executors `get`, `put` and `has`. Safe for threads."""

    def __init__(self, engine: sa.Engine, store: Store, terms: BlobTerms, fetch: Fetch | None = None) -> None:
        """`fetch`: how to get a blob that the chain publishes and that is not here."""
        self.engine, self.store, self.terms = engine, store, terms
        self._fetch = fetch

    def get(self, cid: Cid) -> bytes | None:
        """The bytes of a blob, checked; None if neither we nor those whom we may ask have it.

        Raises `StoreUnavailable`: that says nothing of the blob.
        """
        data = self._held(cid)
        if data is None and self._fetched(cid):
            data = self._held(cid)
        return data

    def put(self, data: bytes) -> Cid:
        """Keeps bytes, for the time of grace if nothing refers to them by then; their CID."""
        with self.store.spool.holding(pieces_of(data)) as incoming:
            self.keep(incoming)
            return incoming.facts.cid

    def has(self, cid: Cid) -> bool:
        """Whether the bytes are in the store; they are not looked at."""
        row = self._row(cid)
        return row is not None and self.store.has(cid, row.facts.size)

    def keep(self, incoming: Incoming, *references: Reference) -> bool:
        """Keeps a finished file; whether its bytes were not there before."""
        with self.engine.begin() as connection:
            rows = BlobRows(connection)
            there = rows.claim(incoming.facts, self.terms.grace_s)
            for reference in references:
                rows.refer(incoming.facts.cid, reference)
        self.bring(incoming)
        return not there

    def keep_upload(self, incoming: Incoming, key_prefix: str) -> bool:
        """Keeps what an API key sent; whether its bytes were not there before. Raises `UploadsFull`."""
        reference = Reference(ReferenceKind.UPLOADED, key_prefix.encode(), self.terms.grace_s)
        with self.engine.begin() as connection:
            self.require_room(connection, key_prefix, incoming.facts.size, incoming.facts.cid)
            rows = BlobRows(connection)
            there = rows.claim(incoming.facts, self.terms.grace_s)
            rows.refer(incoming.facts.cid, reference)
        self.bring(incoming)
        return not there

    def bring(self, incoming: Incoming) -> None:
        """Puts the bytes of a claimed blob into the store: also where they are, since they may be damaged there."""
        self.store.place(incoming)
        with self.engine.begin() as connection:
            BlobRows(connection).arrived(incoming.facts.cid)

    def require_room(self, connection: sa.Connection, key_prefix: str, size: int, cid: Cid | None = None) -> None:
        """Holds the key, so that its requests are counted one after another. `cid`: which one may be there already.

        Raises `UploadsFull`.
        """
        uploads = Uploads(connection)
        uploads.hold(key_prefix)
        taken = BlobRows(connection).uploaded_bytes(key_prefix, cid) + uploads.open_bytes(key_prefix)
        most = self.terms.uploads_bytes_most
        if taken + size > most:
            raise UploadsFull(f"uploads of one key take at most {most} bytes together: they end by themselves in time")

    def check_room(self, key_prefix: str, size: int, cid: Cid | None) -> None:
        """For an upload that is about to begin. Raises `UploadsFull`."""
        with self.engine.begin() as connection:
            self.require_room(connection, key_prefix, size, cid)

    def find(self, cid: Cid) -> BlobRow:
        """What is known of a blob whose bytes are there; what is published and not there is fetched.

        Raises `UnknownBlob`, `BlobUnavailable`.
        """
        row = self._row(cid)
        if (row is None or row.missing_since is not None) and self._fetched(cid):
            row = self._row(cid)
        if row is None:
            raise UnknownBlob(f"there is no blob {show_cid(cid)} here")
        if row.missing_since is not None:
            raise BlobUnavailable(cid, "are not there: send them again")
        return row

    def _row(self, cid: Cid) -> BlobRow | None:
        with self.engine.connect() as connection:
            return BlobRows(connection).find(cid)

    def read(self, row: BlobRow, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, checked. Raises `BlobUnavailable`, also in the midst."""
        try:
            yield from self.store.read(row.facts, start, stop)
        except BlobUnavailable:
            self._note_missing(row.facts.cid)
            raise
        with self.engine.begin() as connection:
            BlobRows(connection).used(row.facts.cid)

    def list(self, key_prefix: str, before: int | None, limit: int) -> list[ListedBlob]:
        """Blobs that the key may see, the latest first."""
        with self.engine.connect() as connection:
            return BlobRows(connection).page(key_prefix, before, limit)

    def _held(self, cid: Cid) -> bytes | None:
        """The bytes, if they are here: what has no row is not."""
        row = self._row(cid)
        if row is None:
            return None
        data = self.store.get(cid, row.facts.size)
        if data is None:
            self._note_missing(cid)
            return None
        with self.engine.begin() as connection:
            BlobRows(connection).used(cid)
        return data

    def _note_missing(self, cid: Cid) -> None:
        """Looks again with the row held: somebody may have brought the bytes meanwhile."""
        with self.engine.begin() as connection:
            rows = BlobRows(connection)
            if rows.hold(cid) and not self.store.has(cid):
                rows.missing(cid)

    def _fetched(self, cid: Cid) -> bool:
        """Brings a published blob here; whether somebody has it."""
        if self._fetch is None:
            return False
        with self._fetch(cid, self.store.spool) as incoming:
            if incoming is not None:
                self.keep(incoming)
        return incoming is not None


def declared_sizes(engine: sa.Engine) -> SizeOf:
    """The sizes that blocks published blobs with."""

    def size_of(cid: Cid) -> int | None:
        with engine.connect() as connection:
            return BlobRows(connection).declared_size(cid)

    return size_of


def pieces_of(data: bytes) -> Iterator[bytes]:
    """The same bytes in pieces."""
    view = memoryview(data)
    return (bytes(view[at : at + PIECE_BYTES]) for at in range(0, len(data), PIECE_BYTES))
