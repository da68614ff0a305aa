"""Processes that import a chain and are killed at a chosen transaction of a chosen block, in the middle of the COPY."""

import os
import signal
from collections.abc import Callable, Iterator

from accountant.chain.rows import Row
from accountant.index.blocks import IndexedBlock, UnsignedBlock
from accountant.storage.database import Database
from accountant.storage.importer import Importer
from tests.support.index_chain import transfers_chain

BLOCKS, TRANSACTIONS, BATCH = 12, 400, 3


class Interrupting(list[Row]):
    """Rows that do something when an import first comes to them."""

    def __init__(self, rows: list[Row], action: Callable[[], None]) -> None:
        super().__init__(rows)
        self._action = action

    def __iter__(self) -> Iterator[Row]:
        self._action()
        return super().__iter__()


def interrupted(block: IndexedBlock, index: int, action: Callable[[], None]) -> UnsignedBlock:
    """The block, with an action before the rows of its transaction `index`."""
    assert isinstance(block, UnsignedBlock)
    entries = list(block.transactions)
    entries[index] = entries[index]._replace(rows=Interrupting(entries[index].rows, action))
    return block._replace(transactions=tuple(entries))


def import_and_die(url: str, block: int, index: int) -> None:
    """Imports the chain in batches; killed by SIGKILL when transaction `index` of `blocks[block]` is being copied."""
    blocks = list(transfers_chain(BLOCKS, TRANSACTIONS).blocks)
    if block >= 0:
        blocks[block] = interrupted(blocks[block], index, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with Database(url) as database:
        for first in range(0, BLOCKS, BATCH):
            Importer(database).import_blocks(blocks[first : first + BATCH])
