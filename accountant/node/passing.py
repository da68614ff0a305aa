"""Passing transactions on: what waits in this node's mempool is handed to a peer, until a block has it.

Nothing is kept for it besides the mempool: what was handed over is handed over again after a while, for as long as it
waits here, because the peer may have lost it. A peer that has it already answers the same and passes nothing on anew,
so two nodes that name each other make no loop.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import structlog

from accountant.chain.errors import MempoolRefusal
from accountant.chain.mempool import Pending
from accountant.chain.sync import SourceUnavailable
from accountant.node.client import NodeAnswerInvalid, Refused
from accountant.primitives.types import Cid, Hash

AGAIN_S = 5.0
"""After so many seconds without a block a transaction is handed over again."""
ROUND_MOST = 256
"""Transactions that one round hands over at most, so that no flood keeps the first ones from being repeated."""
RETRY_S = 1.0
PAUSE_S = 0.05
"""Between two rounds: what comes at once goes at once."""

log = structlog.get_logger(__name__)


class Waiting(Protocol):
    """Where transactions wait: `node.process.Node`."""

    async def pending(self) -> list[Pending]:
        """What waits for a block, in the order to propose it."""

    def blob(self, cid: Cid) -> Path | None:
        """The bytes of a blob, where they are here."""

    def next_submission(self) -> asyncio.Event:
        """Set when the next transaction has come in."""


class Taker(Protocol):
    """Who takes transactions: `node.client.NodeClient`."""

    async def submit(self, raw: bytes) -> Hash:
        """Hands one in. Raises `Refused`, `NodeAnswerInvalid`, `SourceUnavailable`."""

    async def put_blob(self, cid: Cid, path: Path) -> int:
        """Hands in the bytes of a blob. Raises the same."""


class Passing:
    """What one peer was handed, and when: at most what waits here now."""

    def __init__(self, peer: Taker, again_s: float, blob: Callable[[Cid], Path | None]) -> None:
        """`blob`: the file of a blob that is here."""
        self._peer = peer
        self._blob = blob
        self._again_s = again_s
        self._handed: dict[Hash, float] = {}

    async def round(self, pending: Iterable[Pending], now: float) -> int:
        """Hands over what is due, `ROUND_MOST` at most, and says how much that was; `now`: seconds of any clock.

        What the peer refuses is offered again like all else: its chain may be behind. Raises `SourceUnavailable`.
        """
        waiting = {each.hash: each for each in pending}
        self._handed = {name: at for name, at in self._handed.items() if name in waiting}
        due = [each for name, each in waiting.items() if now - self._handed.get(name, -self._again_s) >= self._again_s]
        for each in due[:ROUND_MOST]:
            try:
                await self._hand_over(each)
            except (Refused, NodeAnswerInvalid) as error:
                log.info("not passed on", hash=each.hash.hex(), code=error.code, detail=error.detail)
            self._handed[each.hash] = now
        return len(due[:ROUND_MOST])

    async def _hand_over(self, each: Pending) -> None:
        """The transaction; if it publishes what the peer does not have, the bytes and then the transaction again."""
        try:
            await self._peer.submit(each.raw)
        except Refused as error:
            path = None if each.publishes is None else self._blob(each.publishes[0])
            if error.reason != MempoolRefusal.BLOB_ABSENT or path is None or each.publishes is None:
                raise
            await self._peer.put_blob(each.publishes[0], path)
            await self._peer.submit(each.raw)


async def pass_on(node: Waiting, peer: Taker, url: str, again_s: float) -> None:
    """Hands over what waits and what comes, until cancelled. A peer that is away gets it when it is back."""
    passing = Passing(peer, again_s, node.blob)
    loop = asyncio.get_running_loop()
    while True:
        news = node.next_submission()  # asked for first: nothing that comes meanwhile is missed
        try:
            handed = await passing.round(await node.pending(), loop.time())
        except SourceUnavailable as error:
            log.info("peer takes nothing now", peer=url, detail=error.detail)
            await asyncio.sleep(RETRY_S)
            continue
        if handed < ROUND_MOST:
            with suppress(TimeoutError):
                async with asyncio.timeout(again_s / 2):
                    await news.wait()
        await asyncio.sleep(PAUSE_S)
