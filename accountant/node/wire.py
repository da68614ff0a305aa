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

FIRST_MOST = 20
"""Waiting transactions that are listed."""

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


class PendingView(msgspec.Struct, frozen=True):
    """A transaction that waits. Money in base units; `arrived`: Unix seconds."""

    hash: str
    sender: str
    nonce: int
    bytes: int
    fee: int
    """All that inclusion takes but the zero-cost value: tip, gas money, and what is burnt."""
    tip: int
    arrived: int


class WaitingView(msgspec.Struct, frozen=True):
    """What waits for a block, as it was at a moment (Unix seconds). Money in base units."""

    at: int
    transactions: int
    bytes: int
    fees: int
    """Of all together."""
    oldest: int | None
    """When the one came that has waited longest; None, like the tips, where nothing waits."""
    tip_least: int | None
    tip_middle: int | None
    """The lower one of two."""
    tip_most: int | None
    first: tuple[PendingView, ...]
    """Those that a block would take first, `FIRST_MOST` at most; whatever waits for an earlier nonce is left out."""


class BlockNameView(msgspec.Struct, frozen=True):
    """The hash of the block at a height, genesis at 0: hex without 0x."""

    height: int
    hash: str


class StatusView(msgspec.Struct, frozen=True):
    """How a node is, in numbers that anybody may know."""

    at: int
    """Unix seconds, now."""
    height: int
    hash: str
    """Of the last block: hex without 0x."""
    transactions: int
    """That wait for a block, as the next two."""
    bytes: int
    oldest: int | None
    """Unix seconds; None where nothing waits."""
    followers: int
    """Who asked for blocks lately."""
    peers: int
    """Nodes that this one is told to follow."""
    peers_away: int
    """Of them those that do not answer."""
    peers_disagree: int
    """Of them those that have another block at a height of both, or were left alone for what they sent."""


class FollowerView(msgspec.Struct, frozen=True):
    """Who asks for blocks: its address and what it calls itself. `at`: Unix seconds."""

    address: str
    agent: str
    height: int
    """That it asked for last: it has what lies below."""
    at: int
    requests: int


class PeerView(msgspec.Struct, frozen=True):
    """A node that this one is told to follow."""

    url: str
    """Without what might be a password."""
    height: int | None = None
    """Of its last block; None before it ever answered."""
    answered: int | None = None
    """When it did so last: Unix seconds."""
    away: str | None = None
    """Why it does not answer now."""
    compared: int | None = None
    """The height at which blocks were compared: the greatest of both, or the least at which they differ."""
    ours: str | None = None
    theirs: str | None = None
    """The hashes there, hex without 0x."""
    left: str | None = None
    """Why it was left alone for good: the code of what it sent."""

    @property
    def disagrees(self) -> bool:
        """Whether it has another chain, or sent what is none."""
        return self.left is not None or self.ours != self.theirs


class NeighboursView(msgspec.Struct, frozen=True):
    """Who asks this node for blocks, the latest first, and whom it asks."""

    followers: tuple[FollowerView, ...]
    peers: tuple[PeerView, ...]


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
