"""The API as a process of its own: `accountant api`."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from accountant.services.api_keys import ensure_first_key
from accountant.storage.database import engine_of
from tests.support.chains import ALICE, BOB, transfer
from tests.support.processes import wait_until
from tests.support.service import install_chain

ROOT = Path(__file__).parents[2]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/v1/readiness").status_code == 200
    except httpx.TransportError:
        return False


def _refused_as_malformed(port: int, request: bytes) -> None:
    """What is no HTTP gets problem details as well, and the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "malformed_request"


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_without_its_node_and_stops_when_asked(
    database_url: str, redis_url: str, tmp_path: Path, asked: signal.Signals
) -> None:
    """The chain is readable while the node is away, which submissions are told without its address; exit status 0."""
    install_chain(database_url)
    engine = engine_of(database_url)
    key = ensure_first_key(engine)
    engine.dispose()
    assert key is not None
    port, nodes = _free_port(), _free_port()
    servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "ANH_DATA_DIR": str(tmp_path)}
    places = {"ANH_API_PORT": str(port), "ANH_NODE_URL": f"http://127.0.0.1:{nodes}"}
    command = [sys.executable, "-m", "accountant.cli", "api"]
    with (
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **servers, **places}) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": key}, trust_env=False) as client,
    ):
        try:
            wait_until(lambda: _answers(client))
            assert client.get("/v1/chain").json()["height"] == 3
            raw = transfer(ALICE, 0, BOB.address, zero=1)
            refused = client.post("/v1/transactions", json={"transaction": "0x" + raw.hex()})
            assert (refused.status_code, refused.json()["code"]) == (503, "node_unavailable")
            assert refused.headers["retry-after"] == "1"
            assert str(nodes) not in refused.text
            for malformed in (b"\x00\x01 no HTTP\r\n\r\n", b"GET /v1/health HTTP/1.1\r\n\r\n"):
                _refused_as_malformed(port, malformed)
            process.send_signal(asked)
            assert process.wait(15) == 0
        finally:
            process.kill()
