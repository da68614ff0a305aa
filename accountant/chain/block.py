"""Blocks: a signed header over a transaction root and a footprint root. There is no state root."""

from typing import Annotated

import msgspec

from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import HASH_BYTES, Hash

BLOCK_BYTES_MAX = 16 * 1024 * 1024


class Header(Record, frozen=True):
    """What the proposer signs."""

    version: int
    chain_id: int
    height: int
    previous_hash: bytes
    time: int
    """Unix seconds, not before the previous block's."""
    proposer: bytes
    transaction_count: int
    transaction_root: bytes
    footprint_root: bytes

    @property
    def hash(self) -> Hash:
        """What names the block."""
        return sha256(b"anh/block\x00" + encode(self))


class Block(Record, frozen=True):
    """A header, its proposer's signature, and the transactions' canonical bytes in order."""

    header: Header
    signature: bytes
    transactions: tuple[bytes, ...]


_blocks = Decoder(Block, BLOCK_BYTES_MAX)


def decode_block(raw: bytes) -> Block:
    """The block that `raw` encodes; its transactions are still bytes. Raises `InvalidEncoding`."""
    return _blocks.decode(raw)


class Position(Record, frozen=True):
    """The state right before a transaction: the hash of the previous block, and an index in the next one.

    index = number of transactions in that block: its end, tips and rewards included.
    """

    previous_hash: Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
    index: Annotated[int, msgspec.Meta(ge=0, le=2**32)]
