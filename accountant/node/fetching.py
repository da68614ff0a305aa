"""Fetching what blocks publish: a node holds the bytes of every published blob, whoever proposed the block.

Peers are asked in turn, one blob at a time; what comes is hashed, so nobody is trusted. What no peer has now is asked
for again after a while, for ever: that bytes are missing changes nothing on the chain.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from accountant.chain.sync import SourceUnavailable
from accountant.node.blobs import BlobMismatch, NoRoom
from accountant.node.client import NodeAnswerInvalid, NodeClient, Refused
from accountant.node.process import Node
from accountant.primitives.cid import show_cid
from accountant.primitives.types import Cid

AGAIN_S = 5.0
"""After so many seconds without a block what is missing is asked for again."""

log = structlog.get_logger(__name__)


async def fetch_forever(node: Node, urls: Sequence[str], again_s: float = AGAIN_S) -> None:
    """Gets what the chain names and this node lacks from these peers, until cancelled."""
    while True:
        news = node.next_block()  # asked for first: nothing that comes meanwhile is missed
        for cid, size in node.blobs.wanted():
            for url in urls:
                if await _fetched(node, url, cid, size):
                    break
        with suppress(TimeoutError):
            async with asyncio.timeout(again_s):
                await news.wait()


async def _fetched(node: Node, url: str, cid: Cid, size: int) -> bool:
    try:
        async with NodeClient(url) as peer:
            with node.blobs.arrival(cid, size) as arrival:
                if not await peer.fetch_blob(cid, size, arrival.write):
                    return False
                await asyncio.to_thread(arrival.finish)
    except (SourceUnavailable, NodeAnswerInvalid, Refused, BlobMismatch, NoRoom) as error:
        log.info("blob not fetched", cid=show_cid(cid), peer=url, code=error.code, detail=error.detail)
        return False
    log.info("blob fetched", cid=show_cid(cid), peer=url, bytes=size)
    return True
