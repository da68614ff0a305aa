"""What the node says is believed no further than it can be: its types are ours, and anything else is no answer."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from accountant.monitoring import node_answers
from accountant.monitoring.measures.chain import METRICS
from accountant.monitoring.metric import Probe
from accountant.monitoring.node_answers import BYTES_MOST, AskNode, Status
from accountant.monitoring.probes import Probed, Probes
from accountant.node import wire
from accountant.processes.tokens import keep_token
from accountant.settings import Settings
from tests.support.chains import ALICE, BOB, genesis, transfer
from tests.support.nodes import NEVER_S, node_beside
from tests.support.processes import wait_until

HASH = "ab" * 32
STATUS = {
    "at": 100,
    "height": 7,
    "hash": HASH,
    "transactions": 3,
    "bytes": 400,
    "oldest": 90,
    "followers": 2,
    "peers": 4,
    "peers_away": 1,
    "peers_disagree": 1,
}


class Answers(BaseHTTPRequestHandler):
    """Gives the body that its server was told to, at its pace."""

    body = b""
    pause_s = 0.0
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        try:
            for start in range(0, len(self.body), 64 * 1024):
                self.wfile.write(self.body[start : start + 64 * 1024])
                time.sleep(self.pause_s)
        except OSError:
            return  # whoever asked has had enough

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def answering(body: bytes, pause_s: float = 0.0, status: int = 200) -> Iterator[str]:
    """The URL of a server that always gives this answer."""
    handler = type("Given", (Answers,), {"body": body, "pause_s": pause_s, "status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "node-token"
    keep_token(path)
    return path


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (node_answers.Status, wire.StatusView),
        (node_answers.Pending, wire.PendingView),
        (node_answers.Waiting, wire.WaitingView),
        (node_answers.Follower, wire.FollowerView),
        (node_answers.Peer, wire.PeerView),
        (node_answers.Neighbours, wire.NeighboursView),
    ],
)
def test_types_are_the_nodes(ours: type[msgspec.Struct], theirs: type[msgspec.Struct]) -> None:
    """Field for field, in the node's order, and required where the node always gives it."""
    names = [[(field.encode_name, field.required) for field in msgspec.structs.fields(kind)] for kind in (ours, theirs)]
    assert names[0] == names[1]


def test_a_real_node_is_understood(tmp_path: Path, token: Path) -> None:
    """What a node with waiting transactions and an absent peer answers is what its own calls say."""
    gone = "http://127.0.0.1:9"
    with node_beside(tmp_path / "a", genesis(), interval_s=NEVER_S, peers=(gone,), token=token) as node:
        for nonce in range(3):
            node.do(node.node.submit(transfer(ALICE, nonce, BOB.address, zero=1)))
        wait_until(lambda: node.do(node.node.status()).peers_away == 1, 20)
        ask = AskNode(node.url, token)
        status = ask.status()
        assert status is not None
        view = node.do(node.node.status())
        assert msgspec.structs.replace(status, at=0) == Status(**{**msgspec.structs.asdict(view), "at": 0})
        waiting, neighbours = ask.waiting(), ask.neighbours()
        assert waiting is not None
        told = msgspec.to_builtins(node.do(node.node.waiting()))
        assert {**msgspec.to_builtins(waiting), "at": 0} == {**told, "at": 0}
        assert waiting.transactions == 3 and [one.nonce for one in waiting.first] == [0, 1, 2]
        assert neighbours is not None and neighbours.peers[0].url == gone and neighbours.followers == ()
        assert AskNode(node.url, tmp_path / "nothing").neighbours() is None
        (tmp_path / "other").write_text("another")
        assert AskNode(node.url, tmp_path / "other").neighbours() is None
        settings = Settings(node_url=node.url, data_dir=tmp_path)
        probes = Probes(settings)
        probed = probes.ask()
        assert (probed.node_height, probed.mempool) == (0, 3) and probed.node is not None
        assert probes.node(probed.node).neighbours == neighbours
        probes.close()
    assert ask.status() is None and ask.waiting() is None and ask.neighbours() is None


@pytest.mark.parametrize(
    "changed",
    [
        {"height": -1},
        {"height": 2**63},
        {"height": "7"},
        {"height": 7.5},
        {"height": None},
        {"hash": "x"},
        {"hash": HASH + "\n"},
        {"oldest": "soon"},
        {"peers": [1]},
    ],
)
def test_what_is_no_status_is_no_answer(changed: dict[str, object], token: Path) -> None:
    """A number out of range, a text where a number belongs, a hash that is none: as if nobody had answered."""
    with answering(msgspec.json.encode(STATUS)) as url:
        assert AskNode(url, token).status() == Status(**STATUS)  # type: ignore[arg-type]
    with answering(msgspec.json.encode({**STATUS, **changed})) as url:
        assert AskNode(url, token).status() is None


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"{" * 100_000, b"<html>", b"[" * 1_000_000])
def test_other_bytes_are_no_answer(body: bytes, token: Path) -> None:
    """Nothing, nesting, markup, or what is no UTF-8."""
    with answering(body) as url:
        ask = AskNode(url, token)
        assert (ask.status(), ask.waiting(), ask.neighbours()) == (None, None, None)


def test_an_answer_takes_bounded_time_and_memory(token: Path) -> None:
    """One that does not end is left after the time or the bytes that it may take; errors are no answers."""
    padded = msgspec.json.encode({**STATUS, "more": "x" * (BYTES_MOST + 64 * 1024)})
    with answering(padded) as url:
        assert AskNode(url, token).status() is None
    with answering(b" " * 64 * 1024 * 100, pause_s=0.05) as url:
        began = time.monotonic()
        assert AskNode(url, token, timeout_s=0.2).status() is None
        assert time.monotonic() - began < 2
    with answering(msgspec.json.encode(STATUS), status=503) as url:
        assert AskNode(url, token).status() is None


def test_metrics_of_the_node_are_its_answers() -> None:
    """Each number of the catalogue is the status' own; where there is no answer there is none."""
    probed = Probed(7, 3, True, 10, 100, Status(**STATUS))  # type: ignore[arg-type]
    read = {one.name: one.how.read for one in METRICS if isinstance(one.how, Probe)}
    found = {name: dict(how(probed)) for name, how in read.items()}
    assert found["anh_mempool_transactions"] == {(): 3} and found["anh_mempool_bytes"] == {(): 400}
    assert found["anh_mempool_oldest_seconds"] == {(): 10} and found["anh_node_followers"] == {(): 2}
    assert found["anh_node_peers"] == {("agrees",): 2, ("disagrees",): 1, ("away",): 1}
    nobody = {name: dict(how(Probed())) for name, how in read.items()}
    assert not any(nobody[name] for name in ("anh_mempool_bytes", "anh_mempool_oldest_seconds", "anh_node_peers"))
