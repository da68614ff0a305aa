"""Checkpoints of training runs: the state of the latest step, as a blob that expires.

A checkpoint only saves time: a run that finds none begins anew and comes to the same bits. So a state that is lost or
damaged is none, and whoever saves last is right.
"""

from accountant.blobs.errors import StoreUnavailable
from accountant.primitives.types import HASH_BYTES
from accountant.services.blob_garbage import take
from accountant.services.blobs import Blobs, pieces_of
from accountant.storage.blob_rows import BlobRows


class KeptCheckpoints:
    """The port of `tensors`' training loop. A key is a hash over everything that decides the run: 32 bytes."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def load(self, key: bytes) -> bytes | None:
        """The latest state under a key; None if there is none any more."""
        assert len(key) == HASH_BYTES
        with self._blobs.engine.connect() as connection:
            cid = BlobRows(connection).checkpoint(key)
        try:
            return None if cid is None else self._blobs.get(cid)
        except StoreUnavailable:
            return None

    def save(self, key: bytes, state: bytes) -> None:
        """Keeps a state in the place of the one before, which goes at once if nothing else needs it.

        Raises `StoreUnavailable`.
        """
        assert len(key) == HASH_BYTES
        blobs = self._blobs
        with blobs.store.spool.holding(pieces_of(state)) as incoming:
            with blobs.engine.begin() as connection:
                rows = BlobRows(connection)
                rows.claim(incoming.facts, 0.0)
                before = rows.refer_latest(incoming.facts.cid, key, blobs.terms.checkpoint_s)
            blobs.bring(incoming)
        if before is not None:
            take(blobs, before)
