"""Observed states in memory."""

from collections.abc import Iterable

from accountant.index.port import BlockInfo
from accountant.primitives.encoding import Decoder
from accountant.primitives.types import Hash

_pages: Decoder[list[bytes]] = Decoder(list[bytes], 2**30)


class KeptStates:
    """A `StateStore` that keeps the leaves of one state."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []

    def keep(self, block: BlockInfo, root: Hash, leaves: int, pages: Iterable[bytes]) -> None:
        self.leaves = [raw for page in pages for raw in _pages.decode(page)]
        assert len(self.leaves) == leaves, (block, root)
