"""Collecting blobs that nothing needs, references that have expired, and uploads that nobody goes on with.

A blob goes only if its time of grace is over, no reference holds it and no block names it. It is asked once more with
its row held, and row and bytes go in one database transaction: whoever sends the same blob meanwhile waits, and then
brings the bytes anew. A crash between leaves a row whose bytes are gone: nothing needed them.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

import structlog

from accountant.blobs.errors import StoreUnavailable
from accountant.primitives.cid import show_cid
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Cid
from accountant.services.blobs import Blobs, UnknownBlob
from accountant.storage.blob_rows import BlobRow, BlobRows
from accountant.storage.blob_uploads import Uploads

BATCH = 100

_log = structlog.get_logger(__name__)


class BlobPublished(AccountantError):
    """A blob that the chain names: nobody can make it again."""

    code = "blob_published"


class Collected(NamedTuple):
    """What went. `parts`: files of uploads, and what crashes left of others."""

    blobs: int = 0
    bytes: int = 0
    references: int = 0
    parts: int = 0


def unneeded(blobs: Blobs) -> Iterator[BlobRow]:
    """The blobs that would go now."""
    after = 0
    while True:
        with blobs.engine.connect() as connection:
            page = BlobRows(connection).unneeded(after, BATCH)
        yield from page
        if len(page) < BATCH:
            return
        after = page[-1].number


def collect(blobs: Blobs) -> Collected:
    """One round over everything. What another process collects, or the store refuses, is left for the next."""
    with blobs.engine.begin() as connection:
        references = BlobRows(connection).forget_expired()
    count = size = 0
    try:
        for row in unneeded(blobs):
            if take(blobs, row.facts.cid):
                count, size = count + 1, size + row.facts.size
    except StoreUnavailable as error:
        _log.warning("blobs_not_collected", detail=error.detail)
    return Collected(count, size, references, _forget_uploads(blobs))


def take(blobs: Blobs, cid: Cid) -> bool:
    """Deletes a blob if nothing needs it; whether it went. Raises `StoreUnavailable`: then it stays."""
    with blobs.engine.begin() as connection:
        rows = BlobRows(connection)
        if not rows.take(cid):
            return False
        blobs.store.remove(cid)
        rows.delete(cid)
    return True


def unpin(blobs: Blobs, cid: Cid) -> int:
    """Gives a blob up that outcomes saved, because executing them makes it again; how many outcomes there were.

    Raises `UnknownBlob`, `BlobPublished`.
    """
    with blobs.engine.begin() as connection:
        rows = BlobRows(connection)
        if rows.find(cid) is None:
            raise UnknownBlob(f"there is no blob {show_cid(cid)} here")
        if rows.on_the_chain(cid):
            raise BlobPublished(f"{show_cid(cid)} is named by the chain: nobody could make it again")
        return rows.unpin(cid)


def _forget_uploads(blobs: Blobs) -> int:
    count = 0
    with blobs.engine.begin() as connection:
        uploads = Uploads(connection)
        for number in uploads.stale(blobs.terms.upload_s, BATCH):
            uploads.delete(number)
            blobs.store.spool.kept(number).unlink(missing_ok=True)
            count += 1
    return count + blobs.store.spool.forget(2 * blobs.terms.upload_s, time.time())
