"""What a proposer asks before it includes a publication: whether the bytes are at hand, so that it can serve them."""

from typing import Protocol

from accountant.primitives.types import Cid


class Holdings(Protocol):
    """Blobs that are at hand. Nothing that decides whether a block is valid asks this."""

    def has(self, cid: Cid, size: int) -> bool:
        """Whether the blob is there, with exactly `size` bytes."""


class _Nothing:
    def has(self, cid: Cid, size: int) -> bool:
        return False


NOTHING_HELD: Holdings = _Nothing()
"""The holdings of whoever keeps no blobs: no publication waits with it, and it proposes none."""
