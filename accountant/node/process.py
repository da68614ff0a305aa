"""One running node: the only writer of its chain. Everything that changes it runs on one thread, in turn.

The event loop stays free: signature checks, hashing and the disk are the writer thread's. What waits for
that thread is bounded; beyond the bound a request is turned away at once.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from accountant.chain.mempool import Pending
from accountant.node.followers import Followers
from accountant.node.keeper import Keeper
from accountant.node.peers import Peers
from accountant.node.wire import AccountView, HeadView, MempoolView, NeighboursView, StatusView, WaitingView
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Address, Cid, Hash, Height

QUEUE_MAX = 512
"""Submissions, blocks and questions that may wait for the writer thread."""
FIGURES_S = 1.0
"""How old the mempool's figures may be: however many ask, they are made once in that time."""
FIGURES_WAIT_S = 0.5
"""How long a question waits for new ones while the writer thread is at something else; then it gets the old ones."""

P = ParamSpec("P")
R = TypeVar("R")


class NodeBusy(AccountantError):
    """Too much waits already: try again later."""

    code = "node_busy"


class Node:
    """A `Keeper` behind one thread, and the news of its blocks. A `chain.sync.ChainSink`. Made in an event loop."""

    def __init__(self, keeper: Keeper, peers: Sequence[str] = ()) -> None:
        """`peers`: URLs of the nodes that it is told to follow."""
        self._keeper = keeper
        self.followers = Followers()
        self.peers = Peers(peers)
        self._figures = WaitingView(int(time.time()), 0, 0, 0, None, None, None, None, ())
        self._figures_at = float("-inf")
        self._figuring: asyncio.Task[None] | None = None
        self.store = keeper.store
        self.genesis_raw = encode(keeper.state.genesis)
        self._genesis_hash = keeper.state.genesis.hash.hex()
        self._writer = ThreadPoolExecutor(1, "writer")
        self._waiting = 0
        self._news = asyncio.Event()
        self.blobs = keeper.blobs
        self.blob_bytes_most = keeper.state.genesis.limits.blob_bytes_most
        self._submitted = asyncio.Event()
        self._stopping = False

    def head(self) -> HeadView:
        """The end of the chain."""
        head = self._keeper.state.head
        chain_id = self._keeper.state.genesis.chain_id
        return HeadView(chain_id, self._genesis_hash, head.height, head.hash.hex(), head.time)

    async def height(self) -> Height:
        """The height of the last block."""
        return self._keeper.state.head.height

    async def known(self, height: Height) -> Hash | None:
        """The hash of the block at a height, genesis at 0; None above the head."""
        return await asyncio.to_thread(self.store.hash_of, height)

    async def submit(self, raw: bytes) -> Hash:
        """Takes a transaction into the mempool. Raises `InvalidTransaction`, `NotPooled`, `NodeBusy`."""
        self._make_room()
        name = await self._in_turn(self._keeper.submit, raw, time.time())
        self._submitted.set()  # wakes all who wait now
        self._submitted = asyncio.Event()
        return name

    async def pending(self) -> list[Pending]:
        """What waits for a block, in the order to propose it."""
        return await self._in_turn(self._keeper.pending)

    def next_submission(self) -> asyncio.Event:
        """Set when the next transaction has come in."""
        return self._submitted

    def blob(self, cid: Cid) -> Path | None:
        """The file of a blob that is here."""
        return self.blobs.path(cid)

    def next_block(self) -> asyncio.Event:
        """Set when the chain has its next block."""
        return self._news

    async def import_block(self, raw: bytes) -> bool:
        """Takes the next block; False if it is there already. Raises `InvalidBlock`, `ConflictingBlock`, `NodeBusy`."""
        self._make_room()
        return await self._import(raw)

    async def take(self, raws: Sequence[bytes]) -> None:
        """Takes consecutive blocks; one that is there already is passed over. Raises as `import_block`, never busy."""
        for raw in raws:
            await self._import(raw)

    async def _import(self, raw: bytes) -> bool:
        taken = await self._in_turn(self._keeper.take, raw)
        if taken:
            self._announce()
        return taken

    async def propose(self, empty: bool) -> bool:
        """Makes a block if it is this node's turn and something waits for one, or `empty`."""
        made = await self._in_turn(self._keeper.propose, int(time.time()), empty)
        if made:
            self._announce()
        return made

    async def account(self, address: Address) -> AccountView:
        """What chain and mempool say of a user. Raises `NodeBusy`."""
        self._make_room()
        return await self._in_turn(self._keeper.account, address)

    async def mempool_status(self) -> MempoolView:
        """What waits for a block, and for its check."""
        mempool = self._keeper.mempool
        return MempoolView(len(mempool), mempool.bytes_count, self._waiting)

    async def waiting(self) -> WaitingView:
        """What waits for a block in figures, as it was a second ago, or before the writer thread became busy."""
        running = self._figuring
        if running is None and time.monotonic() - self._figures_at >= FIGURES_S:
            running = self._figuring = asyncio.create_task(self._figure())
        if running is not None:
            await asyncio.wait([running], timeout=FIGURES_WAIT_S)
        return self._figures

    async def _figure(self) -> None:
        try:
            self._figures = await self._in_turn(self._keeper.waiting, time.time())
            self._figures_at = time.monotonic()
        finally:
            self._figuring = None

    async def status(self) -> StatusView:
        """How this node is, in numbers."""
        figures, head, peers = await self.waiting(), self._keeper.state.head, self.peers.views()
        now = int(time.time())
        return StatusView(
            at=now,
            height=head.height,
            hash=head.hash.hex(),
            transactions=figures.transactions,
            bytes=figures.bytes,
            oldest=figures.oldest,
            followers=self.followers.lately(now),
            peers=len(peers),
            peers_away=sum(peer.away is not None for peer in peers),
            peers_disagree=sum(peer.disagrees for peer in peers),
        )

    def neighbours(self) -> NeighboursView:
        """Who asks for blocks, and whom this node asks."""
        return NeighboursView(self.followers.latest(), self.peers.views())

    async def wait_for(self, height: int, wait_s: float) -> None:
        """Returns when there is a block at `height`, after `wait_s` seconds, or when the node stops."""
        try:
            async with asyncio.timeout(wait_s):
                while self._keeper.state.head.height < height and not self._stopping:
                    await self._news.wait()
        except TimeoutError:
            return

    def release_waiters(self) -> None:
        """Answers whoever waits for a block, now and from now on: the node stops."""
        self._stopping = True
        self._announce()

    async def stop(self) -> None:
        """Finishes what the writer thread has begun, and closes the store."""
        self.release_waiters()
        await asyncio.to_thread(self._writer.shutdown, cancel_futures=True)
        self.store.close()

    def _announce(self) -> None:
        self._news.set()  # wakes all who wait now
        self._news = asyncio.Event()

    def _make_room(self) -> None:
        if self._waiting >= QUEUE_MAX:
            raise NodeBusy(f"{self._waiting} requests wait already")

    async def _in_turn(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writer, partial(call, *args, **kwargs))
        finally:
            self._waiting -= 1
