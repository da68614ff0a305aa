"""The nodes that this one is told to follow, and whether they have the same blocks.

Following compares only what it is about to import. So each peer is asked every few seconds for the hash of its block at
the greatest height that both have; where it is another one, the least such height is looked for by halving. A hash
alone proves nothing to others, which evidence does (`chain.sync`); it tells the operator to look.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit, urlunsplit

import msgspec
import structlog

from accountant.chain.sync import ChainSink, SourceHead, SourceUnavailable
from accountant.node.client import NodeAnswerInvalid, NodeClient, Refused
from accountant.node.wire import PeerView
from accountant.primitives.types import Height

COMPARE_S = 10.0
ANSWER_S = 5.0
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)

log = structlog.get_logger(__name__)


class Named(Protocol):
    """Who says what its blocks are called: `node.client.NodeClient`."""

    async def head(self) -> SourceHead:
        """The end of its chain."""

    async def block_hash(self, height: Height) -> str | None:
        """The hash of its block at a height, genesis at 0: hex; None above the head."""


class Compared(NamedTuple):
    """A peer's height, and the two hashes at the height where its chain was compared with ours."""

    height: int
    compared: int
    ours: str
    theirs: str


class Peers:
    """What is known of each peer: as many as the settings name."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._views = {url: PeerView(_shown(url)) for url in urls}

    def views(self) -> tuple[PeerView, ...]:
        """All, in the order of the settings."""
        return tuple(self._views.values())

    def answered(self, url: str, found: Compared, now: int) -> None:
        """A peer's blocks were compared with ours. `now`: Unix seconds."""
        old = self._views[url]
        new = msgspec.structs.replace(old, **found._asdict(), answered=now, away=None)
        if new.disagrees and not old.disagrees:
            log.error("peer disagrees", peer=new.url, height=found.compared, ours=found.ours, theirs=found.theirs)
        self._views[url] = new

    def away(self, url: str, code: str) -> None:
        """A peer did not answer, or not as its interface says."""
        self._views[url] = msgspec.structs.replace(self._views[url], away=code)

    def left(self, url: str, code: str) -> None:
        """A peer is followed no more."""
        self._views[url] = msgspec.structs.replace(self._views[url], left=code)


async def compare_forever(peers: Peers, node: ChainSink, url: str, every_s: float = COMPARE_S) -> None:
    """Compares a peer's blocks with this node's until cancelled."""
    async with NodeClient(url, ANSWER_S) as peer:
        while True:
            try:
                peers.answered(url, await compared(peer, node), int(time.time()))
            except (SourceUnavailable, NodeAnswerInvalid, Refused) as error:
                peers.away(url, error.code)
            await asyncio.sleep(every_s)


async def compared(peer: Named, node: ChainSink) -> Compared:
    """The two chains at the greatest height of both, or where they part: the least height at which they differ.

    At most 64 small questions. Raises what the peer's client raises, and `NodeAnswerInvalid`.
    """
    head = await peer.head()
    if head.height < 0:
        raise NodeAnswerInvalid(f"a chain of height {head.height}")
    height = min(head.height, await node.height())
    ours, theirs = await _ours(node, height), await _theirs(peer, height, head)
    if ours == theirs:
        return Compared(head.height, height, ours, theirs)
    found = Compared(head.height, height, ours, theirs)
    agree, differ = -1, height
    while differ - agree > 1:
        middle = (agree + differ) // 2
        ours, theirs = await _ours(node, middle), await _theirs(peer, middle, head)
        if ours == theirs:
            agree = middle
        else:
            differ, found = middle, Compared(head.height, middle, ours, theirs)
    return found


async def _ours(node: ChainSink, height: int) -> str:
    known = await node.known(Height(height))
    assert known is not None, "no height above the head is compared"
    return known.hex()


async def _theirs(peer: Named, height: int, head: SourceHead) -> str:
    name = head.hash if height == head.height else await peer.block_hash(Height(height))
    if name is None or not _HASH.fullmatch(name):
        raise NodeAnswerInvalid(f"no hash of the block at height {height}, below its own head")
    return name


def _shown(url: str) -> str:
    """Without a user's name and password."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
