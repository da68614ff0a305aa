"""Fetching a published blob from nodes that serve it, bounded by the size that its publication declared."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import httpx
import structlog

from accountant.blobs.errors import BlobTooLarge, CidMismatch
from accountant.blobs.spool import Incoming, Spool, Writing
from accountant.primitives.cid import show_cid
from accountant.primitives.types import Cid

Fetch = Callable[[Cid, Spool], AbstractContextManager[Incoming | None]]
"""A blob as a finished file in the spool, for as long as the block lasts; None if nobody has it."""

SizeOf = Callable[[Cid], int | None]
"""The size that a blob's publication declared; None if it is not published."""

_TIMEOUT_S = 10.0
"""Without a byte."""
_DROPS_MOST = 5
"""Connections that break off, for one node: what came before is not asked for again."""

_log = structlog.get_logger(__name__)


class NodeBlobs:
    """Nodes that serve `GET /blobs/{cid}`, asked one after another. A `Fetch`."""

    def __init__(self, urls: Sequence[str], size_of: SizeOf) -> None:
        self._urls, self._size_of = urls, size_of
        self._http = httpx.Client(timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False)

    @contextmanager
    def __call__(self, cid: Cid, spool: Spool) -> Iterator[Incoming | None]:
        """The blob, if it is published and a node has all of it."""
        size = self._size_of(cid)
        for url in [] if size is None else self._urls:
            assert size is not None
            with spool.writing(bytes_most=size) as writing:
                incoming = self._from(url, cid, size, writing)
                if incoming is not None:
                    yield incoming
                    return
        yield None

    def _from(self, url: str, cid: Cid, size: int, writing: Writing) -> Incoming | None:
        """From one node; what it serves wrong is dropped and logged."""
        address = f"{url.rstrip('/')}/blobs/{show_cid(cid)}"
        drops = 0
        while True:
            try:
                if not self._append(address, size, writing):
                    return None
                if writing.size == size:
                    return writing.done(cid)
                why: str = "short"
            except (BlobTooLarge, CidMismatch) as error:
                _log.warning("node_serves_wrong_blob", cid=show_cid(cid), url=url, why=error.code)
                return None
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                why = type(error).__name__
            drops += 1
            if drops > _DROPS_MOST:
                _log.warning("blob_not_fetched", cid=show_cid(cid), url=url, why=why)
                return None

    def _append(self, address: str, size: int, writing: Writing) -> bool:
        """Goes on where the file ends; whether the node has the blob. Raises `BlobTooLarge`, httpx's errors."""
        begin = writing.size
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={begin}-"} if begin else {})}
        with self._http.stream("GET", address, headers=headers) as response:
            if response.status_code == httpx.codes.PARTIAL_CONTENT and begin:
                skip = 0 if response.headers.get("content-range", "").startswith(f"bytes {begin}-") else None
            else:  # a node that knows no ranges begins anew
                skip = begin if response.status_code == httpx.codes.OK else None
            if skip is None:
                return False
            announced = response.headers.get("content-length", "")
            if announced.isdecimal() and int(announced[:20]) + begin - skip > size:
                raise BlobTooLarge(size)
            for data in response.iter_raw():
                writing.write(data[skip:])
                skip = max(0, skip - len(data))
        return True
