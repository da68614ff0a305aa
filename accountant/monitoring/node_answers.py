"""What the node says of itself over HTTP, believed no further than it can be: typed, bounded in bytes and in time.

The types are those of `node.wire`, which is the node's side; a test holds the two against each other.
"""

import time
from pathlib import Path
from typing import Annotated, TypeVar

import httpx
import msgspec

from accountant.processes.tokens import read_token

TIMEOUT_S = 2.0
"""For a connection, and again for each part of an answer; an answer that takes longer in all is given up."""
BYTES_MOST = 512 * 1024
_ROWS_MOST = 1_024

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Money = Annotated[int, msgspec.Meta(ge=0)]
Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Text = Annotated[str, msgspec.Meta(max_length=512)]

V = TypeVar("V")


class Status(msgspec.Struct, frozen=True):
    """How the node is, in numbers; times are Unix seconds by the node's clock."""

    at: Count
    height: Count
    hash: Hex
    """Of its last block."""
    transactions: Count
    """That wait for a block, as the next two."""
    bytes: Count
    oldest: Count | None
    """When the one came that has waited longest."""
    followers: Count
    peers: Count
    peers_away: Count
    peers_disagree: Count

    @property
    def oldest_s(self) -> int | None:
        """For how many seconds something has waited."""
        return None if self.oldest is None else max(0, self.at - self.oldest)

    @property
    def peers_agree(self) -> int:
        """Those that answer and have the same blocks, or were not asked yet."""
        return max(0, self.peers - self.peers_away - self.peers_disagree)


class Pending(msgspec.Struct, frozen=True):
    """A transaction that waits. Money in base units."""

    hash: Hex
    sender: Text
    nonce: Count
    bytes: Count
    fee: Money
    tip: Money
    arrived: Count


class Waiting(msgspec.Struct, frozen=True):
    """What waits for a block: figures of all of it, and what a block would take first. Money in base units."""

    at: Count
    transactions: Count
    bytes: Count
    fees: Money
    oldest: Count | None
    tip_least: Money | None
    tip_middle: Money | None
    tip_most: Money | None
    first: Annotated[tuple[Pending, ...], msgspec.Meta(max_length=_ROWS_MOST)]


class Follower(msgspec.Struct, frozen=True):
    """Who asks our node for blocks: from which height on, last when, how often."""

    address: Text
    agent: Text
    height: Count
    at: Count
    requests: Count


class Peer(msgspec.Struct, frozen=True):
    """A node that ours is told to follow. `compared`: where their blocks were compared with ours, or part from them."""

    url: Text
    height: Count | None = None
    answered: Count | None = None
    away: Text | None = None
    compared: Count | None = None
    ours: Hex | None = None
    theirs: Hex | None = None
    left: Text | None = None

    @property
    def disagrees(self) -> bool:
        """Whether it has another block where it was compared, or sent what is no part of a chain."""
        return self.left is not None or self.ours != self.theirs


class Neighbours(msgspec.Struct, frozen=True):
    """Who asks our node for blocks, and whom it asks."""

    followers: Annotated[tuple[Follower, ...], msgspec.Meta(max_length=_ROWS_MOST)]
    peers: Annotated[tuple[Peer, ...], msgspec.Meta(max_length=_ROWS_MOST)]


_STATUS = msgspec.json.Decoder(Status)
_WAITING = msgspec.json.Decoder(Waiting)
_NEIGHBOURS = msgspec.json.Decoder(Neighbours)


class AskNode:
    """Asks one node. None is an answer too: it does not answer, or with something else than it should."""

    def __init__(self, url: str, token: Path, timeout_s: float = TIMEOUT_S) -> None:
        """`token`: the file with what lets us see its neighbours."""
        self._http = httpx.Client(base_url=url, timeout=timeout_s, trust_env=False)
        self._timeout_s = timeout_s
        self._token = token

    def close(self) -> None:
        """Ends the connections."""
        self._http.close()

    def status(self) -> Status | None:
        """How it is, in numbers."""
        return self._asked("/status", _STATUS)

    def waiting(self) -> Waiting | None:
        """What waits for a block."""
        return self._asked("/mempool/transactions", _WAITING)

    def neighbours(self) -> Neighbours | None:
        """Who follows it and whom it follows; None also where its token is not ours to read."""
        token = read_token(self._token)
        if not token:
            return None
        return self._asked("/neighbours", _NEIGHBOURS, {"Authorization": f"Bearer {token.decode(errors='replace')}"})

    def _asked(self, path: str, decoder: msgspec.json.Decoder[V], headers: dict[str, str] | None = None) -> V | None:
        ends = time.monotonic() + self._timeout_s
        body = bytearray()
        try:
            with self._http.stream("GET", path, headers=headers) as answer:
                if not answer.is_success:
                    return None
                for piece in answer.iter_raw():
                    body += piece
                    if len(body) > BYTES_MOST or time.monotonic() > ends:
                        return None
            return decoder.decode(body)
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError, RecursionError):
            return None
