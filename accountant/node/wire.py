"""What node and client say to each other over HTTP: paths, limits, and lists of blocks as bytes."""

from collections.abc import Iterable

import msgspec

from accountant.chain.block import BLOCK_BYTES_MAX
from accountant.primitives.errors import InvalidEncoding

OCTETS = "application/octet-stream"
PROBLEM = "application/problem+json"
PROBLEM_BYTES_MAX = 64 * 1024

BATCH_BYTES_MAX = 8 * 1024 * 1024
"""A list of blocks stops before it passes this, but always holds one block where there is one."""
BATCH_BLOCKS_MAX = 512
WAIT_S_MAX = 30.0
"""The longest that a request for blocks waits for the first of them."""

BLOB_PART_BYTES = 1024 * 1024
BLOB_BYTES_PER_S_LEAST = 256 * 1024
"""A blob that comes in more slowly is given up, after a while that is free."""

_LENGTH = 4


class HeadView(msgspec.Struct, frozen=True):
    """The end of a node's chain. Hashes are hex without 0x."""

    chain_id: int
    genesis_hash: str
    height: int
    hash: str
    time: int
    """Unix seconds in the last block's header; genesis' time at height 0."""


class MempoolView(msgspec.Struct, frozen=True):
    """What waits for a block."""

    transactions: int
    bytes: int
    queue: int
    """Submissions that wait for their check."""


class AccountView(msgspec.Struct, frozen=True):
    """What a validator keeps of a user, and what of it the mempool has spoken for."""

    address: str
    nonce: int
    """Of the next transaction on the chain."""
    zero_balance: int
    """Base units."""
    pending_nonce: int
    """Of the next transaction after those that wait in the mempool without a gap."""
    pending_transactions: int


class SubmittedView(msgspec.Struct, frozen=True):
    """The hash of an accepted transaction: hex without 0x."""

    hash: str


class BlobView(msgspec.Struct, frozen=True):
    """A blob that the node has: its CID as text, and its size in bytes."""

    cid: str
    size: int


class ProblemView(msgspec.Struct, frozen=True):
    """RFC 9457 problem details; `code` is the code of the typed error, `kind` says more where it has one."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    kind: str | None = None


def join_blocks(blocks: Iterable[bytes]) -> bytes:
    """Each block after its length as 4 bytes, big-endian."""
    return b"".join(part for raw in blocks for part in (len(raw).to_bytes(_LENGTH, "big"), raw))


def split_blocks(data: bytes) -> list[bytes]:
    """The blocks of a list. Raises `InvalidEncoding` where a length does not fit what follows."""
    blocks = []
    start = 0
    while start < len(data):
        length = int.from_bytes(data[start : start + _LENGTH], "big")
        end = start + _LENGTH + length
        if len(data) - start < _LENGTH or length > BLOCK_BYTES_MAX or end > len(data):
            raise InvalidEncoding(f"a list of blocks breaks off at byte {start}")
        blocks.append(data[start + _LENGTH : end])
        start = end
    return blocks
