"""Fetching from nodes: no more than the declared size, nothing but the right bytes, and no byte twice without need."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

import pytest

from accountant.blobs.fetching import NodeBlobs
from accountant.blobs.pieces import PIECE_BYTES
from accountant.blobs.spool import Spool
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.types import Cid
from tests.support.cutting import cutting

DATA = Random(5).randbytes(2 * PIECE_BYTES + 99)
CID = cid_of(DATA)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Node"

    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("Range"))
        data = self.server.blobs.get(self.path)
        if data is None:
            self._head(404, 0)
            return
        begin = 0
        if self.server.ranges and "Range" in self.headers:
            begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        self.wfile.write(data[begin:])

    def _head(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Node(ThreadingHTTPServer):
    """A node that serves `GET /blobs/{cid}`. `asked`: the ranges of all requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str | None] = []
        self.ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone."""


@pytest.fixture
def node() -> Iterator[Node]:
    with Node() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(60)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


def declared(size: int | None) -> Callable[[Cid], int | None]:
    return lambda _: size


def fetched(urls: list[str], spool: Spool, size: int | None = len(DATA), cid: Cid = CID) -> bytes | None:
    with NodeBlobs(urls, declared(size))(cid, spool) as incoming:
        return None if incoming is None else incoming.file.read_bytes()


def serve(node: Node, data: bytes, cid: Cid = CID) -> None:
    node.blobs[f"/blobs/{show_cid(cid)}"] = data


@pytest.mark.parametrize("data", [b"", b"small", DATA], ids=["nothing", "small", "large"])
def test_a_published_blob_comes(node: Node, spool: Spool, data: bytes) -> None:
    """Whole and checked; the spool is empty afterwards."""
    serve(node, data, cid_of(data))
    assert fetched([node.url], spool, len(data), cid_of(data)) == data
    assert list(spool.kept(1).parent.iterdir()) == []


def test_what_is_not_published_is_not_asked_for(node: Node, spool: Spool) -> None:
    """Nobody can make us ask for what no block names."""
    serve(node, DATA)
    assert fetched([node.url], spool, None) is None
    assert node.asked == []


@pytest.mark.parametrize(
    "wrong",
    [DATA[:-1] + b"x", DATA[:-1], DATA + b"x", b"", bytes(8 << 20)],
    ids=["altered", "short", "long", "empty", "endless"],
)
def test_wrong_bytes_are_dropped(node: Node, spool: Spool, wrong: bytes) -> None:
    """Another node is asked then; and if there is none, nobody has it."""
    serve(node, wrong)
    assert fetched([node.url], spool) is None
    assert fetched(["http://127.0.0.1:1", node.url], spool) is None
    assert list(spool.kept(1).parent.iterdir()) == []


def test_the_next_node_is_asked(node: Node, spool: Spool) -> None:
    """One that is down, one that does not have it, one that has."""
    serve(node, DATA)
    assert fetched(["http://127.0.0.1:1", node.url + "/other", node.url], spool) == DATA


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_goes_on(node: Node, spool: Spool, ranges: bool) -> None:
    """From where it broke, if the node can; else from the beginning, and what is there is not written twice."""
    serve(node, DATA)
    node.ranges = ranges
    with cutting(node.url, 900_000, times=2) as url:
        assert fetched([url], spool) == DATA
    assert len(node.asked) == 3 and node.asked[0] is None
    assert node.asked[1] is not None and node.asked[1] != "bytes=0-"


def test_a_node_that_always_breaks_is_given_up(node: Node, spool: Spool) -> None:
    """After a few times, whatever came."""
    serve(node, DATA)
    node.ranges = False
    with cutting(node.url, 900_000, times=1_000) as url:
        assert fetched([url], spool) is None
    assert len(node.asked) == 6
