"""The clock of the proposer: when to make a block. What goes into it is `chain.proposer`'s."""

import asyncio

from accountant.node.process import Node


async def propose_forever(node: Node, interval_s: float, heartbeat_s: float) -> None:
    """Makes blocks until cancelled. The clock decides only when, and the header's time.

    Nothing waits: no block, except an empty one after `heartbeat_s` seconds without any (0: never). An empty
    block mints the block reward and costs everyone who follows, so it is not the default.
    """
    loop = asyncio.get_running_loop()
    last = loop.time()
    while True:
        await asyncio.sleep(interval_s)
        idle = heartbeat_s > 0 and loop.time() - last >= heartbeat_s
        if await node.propose(empty=idle):
            last = loop.time()
