"""The store: bytes come out only if they are the ones that their name promises."""

from collections.abc import Iterator
from contextlib import suppress

import structlog

from accountant.blobs.backing import Backing, Missing
from accountant.blobs.errors import BlobUnavailable
from accountant.blobs.location import Location
from accountant.blobs.pieces import Digester, Facts, WrongPiece, checked, piece_range
from accountant.blobs.spool import Incoming, Spool
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.types import Cid

_log = structlog.get_logger(__name__)


class Store:
    """A backing, which may lie, and the folder where files come in. Safe for threads and for several processes."""

    def __init__(self, location: Location) -> None:
        self._backing: Backing = location.backing
        self.spool = Spool(location.folder)

    def has(self, cid: Cid, size: int | None = None) -> bool:
        """Whether there are bytes under this name, and so many. They are not looked at."""
        found = self._backing.size(cid)
        return found is not None and size in (None, found)

    def place(self, incoming: Incoming) -> None:
        """Puts a finished file where it belongs, in the place of whatever was there."""
        self._backing.place(incoming.facts.cid, incoming.file)

    def get(self, cid: Cid, size: int) -> bytes | None:
        """The whole blob of `size` bytes; None if it is not there, or no longer what it was: then it is set aside and
        reported. No more than `size` bytes are ever held.
        """
        found = self._backing.size(cid)
        if found is None:
            return None
        try:
            data = b"".join(self._backing.stream(cid, 0, size)) if found == size else None
        except Missing:
            return None
        if data is None or cid_of(data) != cid:
            self._set_aside(cid, size)
            return None
        return data

    def read(self, facts: Facts, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, each checked before it leaves.

        Raises `BlobUnavailable`, also in the midst; what is wrong is set aside and reported.
        """
        first, last = piece_range(facts, start, stop)
        try:
            yield from checked(facts, self._backing.stream(facts.cid, first, last), start, stop)
        except Missing:
            raise BlobUnavailable(facts.cid, "are not there") from None
        except WrongPiece:
            self._set_aside(facts.cid, facts.size)
            raise BlobUnavailable(facts.cid, "were damaged in the store: send them again") from None

    def remove(self, cid: Cid) -> None:
        """Takes a blob away, if it is there."""
        self._backing.remove(cid)

    def _set_aside(self, cid: Cid, size: int) -> None:
        """Looks again first: what is wrong is taken away, and nothing else."""
        found = self._backing.size(cid)
        if found is None or (found == size and self._is_right(cid, size)):
            return  # somebody else did it, or has brought the right bytes meanwhile
        where = self._backing.set_aside(cid)
        _log.error("blob_corrupted", cid=show_cid(cid), set_aside=where)

    def _is_right(self, cid: Cid, size: int) -> bool:
        digester = Digester()
        with suppress(Missing):
            for data in self._backing.stream(cid, 0, size):
                digester.update(data)
        return digester.facts().cid == cid
