"""A node's process: the HTTP server, the proposer's clock and the peers it follows, started and stopped as one."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import structlog
import uvicorn

from accountant.chain.errors import ConflictingBlock, InvalidBlock
from accountant.chain.sync import SourceMismatch, SourceUnavailable, greet, pull
from accountant.node.app import make_app
from accountant.node.client import NodeAnswerInvalid, NodeClient, Refused
from accountant.node.fetching import fetch_forever
from accountant.node.keeper import Keeper
from accountant.node.passing import AGAIN_S, pass_on
from accountant.node.peers import compare_forever
from accountant.node.process import Node
from accountant.node.proposing import propose_forever
from accountant.node.wire import BATCH_BLOCKS_MAX

CONNECTIONS_MAX = 1_024
STOP_S_MAX = 5
PEER_WAIT_S = 20.0
PEER_RETRY_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class NodeOptions:
    """Where a node listens, how often it makes blocks, and whom it follows."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: a free one."""
    interval_s: float = 1.0
    """Seconds between blocks while transactions wait."""
    heartbeat_s: float = 0.0
    """An empty block after so many seconds without any; 0: never."""
    peers: tuple[str, ...] = ()
    """URLs of nodes whose blocks it imports, and to which it passes transactions on."""
    token: Path | None = None
    """The file with the token that lets somebody see who follows; None: nobody."""


class _Server(uvicorn.Server):
    """Lets those go who wait for a block before it waits for all requests to end. Leaves signals to `run_node`."""

    def __init__(self, config: uvicorn.Config, node: Node) -> None:
        super().__init__(config)
        self._node = node
        self.serves = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.serves.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._node.release_waiters()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class Serving(NamedTuple):
    """A node that takes requests."""

    url: str
    node: Node
    ended: asyncio.Event
    """Set when it should stop: by whoever wants that, or because making blocks failed."""


async def run_node(keeper: Keeper, options: NodeOptions, ready: Callable[[str], None]) -> None:
    """Runs until SIGTERM or SIGINT; `ready` is called with the URL once requests are taken. Raises as `serving`."""
    async with serving(keeper, options) as running:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, running.ended.set)
        ready(running.url)
        await running.ended.wait()


@asynccontextmanager
async def serving(keeper: Keeper, options: NodeOptions) -> AsyncIterator[Serving]:
    """A node from its first request to its last. The store is closed at the end.

    Raises `OSError` where the address is taken, and at the end what making blocks failed with (a full disk).
    """
    node = Node(keeper, options.peers)
    try:
        with listen(options.host, options.port) as listening:
            server = _Server(_config(node, options.token), node)
            ended = asyncio.Event()
            tasks = [
                asyncio.create_task(server.serve(sockets=[listening])),
                asyncio.create_task(propose_forever(node, options.interval_s, options.heartbeat_s)),
            ]
            for task in tasks:
                task.add_done_callback(lambda _: ended.set())
            peers = [asyncio.create_task(join_peer(node, url)) for url in options.peers]
            peers += [asyncio.create_task(compare_forever(node.peers, node, url)) for url in options.peers]
            peers.append(asyncio.create_task(fetch_forever(node, options.peers)))
            try:
                await server.serves.wait()
                yield Serving(url_of(listening), node, ended)
            finally:
                server.should_exit = True
                for task in (*tasks[1:], *peers):
                    task.cancel()
                results = await asyncio.gather(*tasks, *peers, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception):
                    raise result
    finally:
        await node.stop()


def _config(node: Node, token: Path | None) -> uvicorn.Config:
    return uvicorn.Config(
        make_app(node, token),
        log_config=None,
        access_log=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=STOP_S_MAX,
        lifespan="off",
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `OSError` where the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol has to be named: asyncio turns Nagle's algorithm off only where it is, and with it every
    # small answer comes 40 ms late.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(CONNECTIONS_MAX)
    except BaseException:
        listening.close()
        raise
    return listening


def url_of(listening: socket.socket) -> str:
    """Where a socket is reached."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def join_peer(node: Node, url: str) -> None:
    """Imports what a peer has and passes on what waits here, until cancelled. Ends with a peer on another chain."""
    async with NodeClient(url, agent="anh-node") as peer:
        greeted = asyncio.Event()
        passing = asyncio.create_task(_pass_on(node, peer, url, greeted))
        try:
            await _follow(node, peer, url, greeted)
        finally:
            passing.cancel()
            await asyncio.gather(passing, return_exceptions=True)


async def _pass_on(node: Node, peer: NodeClient, url: str, greeted: asyncio.Event) -> None:
    await greeted.wait()
    await pass_on(node, peer, url, AGAIN_S)


async def _follow(node: Node, peer: NodeClient, url: str, greeted: asyncio.Event) -> None:
    """Imports what a peer has. A peer on another chain is left alone, with the evidence kept."""
    while True:
        try:
            if not greeted.is_set():
                await greet(peer, node)
                greeted.set()
            await pull(peer, node, BATCH_BLOCKS_MAX, PEER_WAIT_S)
        except SourceUnavailable as error:
            log.info("peer unavailable", peer=url, detail=error.detail)
            await asyncio.sleep(PEER_RETRY_S)
        except (ConflictingBlock, InvalidBlock, SourceMismatch, NodeAnswerInvalid, Refused) as error:
            log.error("peer left", peer=url, code=error.code, detail=error.detail)
            node.peers.left(url, error.code)
            return
