"""The node beside the index: how far each is, and whether they have the same block."""

from typing import NamedTuple

import sqlalchemy as sa

from accountant.monitoring.node_answers import Status
from accountant.storage.tables import blocks


class BesideIndex(NamedTuple):
    """The node's last block beside the index."""

    node_height: int
    index_height: int
    index_hash: bytes | None
    """The index's own block at the node's height; None where the index is not that far."""
    node_hash: bytes

    @property
    def lag(self) -> int:
        """How many blocks the index is behind; below 0 it is ahead of what the node said a moment ago."""
        return self.node_height - self.index_height

    @property
    def differs(self) -> bool:
        """Whether both have a block at that height, and not the same one."""
        return self.index_hash is not None and self.index_hash != self.node_hash


def beside_index(connection: sa.Connection, status: Status) -> BesideIndex:
    """The node's last block, and what the index has at its height and at its own end."""
    there = sa.select(blocks.c.hash).where(blocks.c.height == status.height).scalar_subquery()
    top = sa.select(sa.func.max(blocks.c.height)).scalar_subquery()
    found = connection.execute(sa.select(sa.func.coalesce(top, 0).label("top"), there.label("there"))).one()
    return BesideIndex(status.height, found.top, found.there, bytes.fromhex(status.hash))
