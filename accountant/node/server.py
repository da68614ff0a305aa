"""A node's process: the HTTP server, the proposer's clock and the peers it follows, started and stopped as one."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
import uvicorn

from accountant.chain.errors import ConflictingBlock, InvalidBlock
from accountant.chain.sync import SourceMismatch, SourceUnavailable, greet, pull
from accountant.node.app import make_app
from accountant.node.client import NodeAnswerInvalid, NodeClient, Refused
from accountant.node.keeper import Keeper
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
    """URLs of nodes whose blocks it imports."""


class _Server(uvicorn.Server):
    """Lets those go who wait for a block before it waits for all requests to end. Leaves signals to `run_node`."""

    def __init__(self, config: uvicorn.Config, node: Node, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._node = node
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._node.release_waiters()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def run_node(keeper: Keeper, options: NodeOptions, ready: Callable[[str], None] = lambda url: None) -> None:
    """Runs until SIGTERM or SIGINT; `ready` is called with the URL once requests are taken.

    If making blocks fails (a full disk), the server stops and this raises what it failed with.
    """
    node = Node(keeper)
    try:
        with listen(options.host, options.port) as listening:
            config = uvicorn.Config(
                make_app(node),
                log_config=None,
                access_log=False,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_graceful_shutdown=STOP_S_MAX,
                lifespan="off",
            )
            server = _Server(config, node, lambda: ready(url_of(listening)))
            background = [asyncio.create_task(propose_forever(node, options.interval_s, options.heartbeat_s))]
            background += [asyncio.create_task(follow_peer(node, url)) for url in options.peers]
            with _ended_by_signals(server):
                await _serve(server, listening, background)
    finally:
        await node.stop()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `OSError` where the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=CONNECTIONS_MAX)


def url_of(listening: socket.socket) -> str:
    """Where a socket is reached."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def follow_peer(node: Node, url: str) -> None:
    """Imports what a peer has, until cancelled. A peer on another chain is left alone, with the evidence kept."""
    async with NodeClient(url) as peer:
        greeted = False
        while True:
            try:
                if not greeted:
                    await greet(peer, node)
                    greeted = True
                await pull(peer, node, BATCH_BLOCKS_MAX, PEER_WAIT_S)
            except SourceUnavailable as error:
                log.info("peer unavailable", peer=url, detail=error.detail)
                await asyncio.sleep(PEER_RETRY_S)
            except (ConflictingBlock, InvalidBlock, SourceMismatch, NodeAnswerInvalid, Refused) as error:
                log.error("peer left", peer=url, code=error.code, detail=error.detail)
                return


async def _serve(server: _Server, listening: socket.socket, background: Sequence["asyncio.Task[None]"]) -> None:
    def stop_if_failed(task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            server.should_exit = True

    for task in background:
        task.add_done_callback(stop_if_failed)
    try:
        await server.serve(sockets=[listening])
    finally:
        for task in background:
            task.cancel()
        for task in background:
            with contextlib.suppress(asyncio.CancelledError):
                await task


@contextmanager
def _ended_by_signals(server: _Server) -> Iterator[None]:
    """SIGTERM and SIGINT end the server in good order. Only a main thread hears signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
