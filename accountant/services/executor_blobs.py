"""Blobs as executors use them: a store that does not answer has nothing, and keeps nothing.

Neither is a failure. What was published is looked for again later, what a contract saved is made again by executing it.
"""

import structlog

from accountant.blobs.errors import StoreUnavailable
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.types import Cid
from accountant.services.blobs import Blobs

_log = structlog.get_logger(__name__)


class ExecutorBlobs:
    """The port `execution.port.Blobs` over the service's blobs. Safe for threads."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def get(self, cid: Cid) -> bytes | None:
        """The bytes of a blob, checked; None if they are not to be had now."""
        try:
            return self._blobs.get(cid)
        except StoreUnavailable as error:
            _log.warning("blob_not_read", cid=show_cid(cid), detail=str(error)[:200])
            return None

    def put(self, data: bytes) -> Cid:
        """Keep a file for the time of grace, unless the store takes nothing now; its CID."""
        try:
            return self._blobs.put(data)
        except StoreUnavailable as error:
            cid = cid_of(data)
            _log.warning("blob_not_kept", cid=show_cid(cid), detail=str(error)[:200])
            return cid
