"""Nodes over real HTTP on free loopback ports, in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple, TypeVar

from accountant.chain.genesis import Genesis
from accountant.node.blobs import UPLOADS_BYTES_MOST
from accountant.node.client import NodeClient
from accountant.node.devnet import devnet_in, read_genesis
from accountant.node.keeper import Keeper
from accountant.node.keystore import read_key, read_password
from accountant.node.process import Node
from accountant.node.server import NodeOptions, serving
from accountant.node.store import BlockStore
from accountant.primitives.keys import PrivateKey
from tests.support.chains import PROPOSER, accept_any_module

INTERVAL_S = 0.02
NEVER_S = 3_600.0

T = TypeVar("T")


class RunningNode(NamedTuple):
    """A node that takes requests, and a client of it."""

    url: str
    node: Node
    keeper: Keeper
    client: NodeClient


def keeper_in(
    folder: Path, genesis: Genesis, key: PrivateKey | None = PROPOSER, uploads_most: int = UPLOADS_BYTES_MOST
) -> Keeper:
    """The chain in a folder, begun there if it is new. Its store is open."""
    store = BlockStore(folder)
    try:
        return Keeper(store, genesis, accept_any_module, key, uploads_most)
    except BaseException:
        store.close()
        raise


@asynccontextmanager
async def running_node(
    folder: Path,
    genesis: Genesis,
    key: PrivateKey | None = PROPOSER,
    interval_s: float = INTERVAL_S,
    heartbeat_s: float = 0.0,
    peers: tuple[str, ...] = (),
    port: int = 0,
    uploads_most: int = UPLOADS_BYTES_MOST,
    token: Path | None = None,
) -> AsyncIterator[RunningNode]:
    """A node on `folder`, stopped and its store closed at the end."""
    keeper = keeper_in(folder, genesis, key, uploads_most)
    options = NodeOptions(port=port, interval_s=interval_s, heartbeat_s=heartbeat_s, peers=peers, token=token)
    async with serving(keeper, options) as running, NodeClient(running.url, backoff_s=0.02) as client:
        yield RunningNode(running.url, running.node, keeper, client)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    """Returns when `holds` does; fails after some seconds."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is waited for is elsewhere, behind HTTP
            await asyncio.sleep(0.01)


async def until_height(client: NodeClient, height: int, seconds: float = 60.0) -> None:
    """Returns when the node's chain has a block at `height`; fails after some seconds."""

    async def there() -> bool:
        return (await client.head()).height >= height

    await until(there, seconds)


class NodeBeside(NamedTuple):
    """A node in a thread, for what has an event loop of its own or none."""

    url: str
    keeper: Keeper
    node: Node
    loop: asyncio.AbstractEventLoop

    def do(self, call: Coroutine[Any, Any, T]) -> T:
        """Runs something in the node's event loop."""
        return asyncio.run_coroutine_threadsafe(call, self.loop).result(20)


@contextmanager
def node_beside(
    folder: Path, genesis: Genesis, key: PrivateKey | None = PROPOSER, interval_s: float = INTERVAL_S, **options: Any
) -> Iterator[NodeBeside]:
    """A node in a thread (see `running_node`)."""
    nodes: list[NodeBeside] = []
    ready, done = Event(), Event()

    async def run() -> None:
        async with running_node(folder, genesis, key, interval_s, **options) as node:
            nodes.append(NodeBeside(node.url, node.keeper, node.node, asyncio.get_running_loop()))
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        assert ready.wait(60)
        yield nodes[0]
    finally:
        done.set()
        thread.join(60)


@contextmanager
def node_of_folder(folder: Path) -> Iterator[str]:
    """The URL of a node of the development chain in a folder, in a thread."""
    places = devnet_in(folder)
    proposer = read_key(places.proposer_key, read_password(places.password))
    with node_beside(folder / "store", read_genesis(places.genesis)[1], proposer) as node:
        yield node.url
