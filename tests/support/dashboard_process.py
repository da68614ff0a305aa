"""`accountant dashboard` and `accountant api` as the processes that users run, over a database that a test filled."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.processes import wait_until


@contextmanager
def dashboard_process(database_url: str, redis_url: str, folder: Path, **settings: str) -> Iterator[str]:
    """The URL of the running dashboard; what it logs is in `folder`, and shown where it does not start."""
    with _process("dashboard", "/login", database_url, redis_url, folder, settings) as url:
        yield url


@contextmanager
def api_process(database_url: str, redis_url: str, folder: Path, **settings: str) -> Iterator[str]:
    """The URL of the running REST API, with the explorer."""
    with _process("api", "/v1/health", database_url, redis_url, folder, settings) as url:
        yield url


@contextmanager
def _process(
    name: str, probe: str, database_url: str, redis_url: str, folder: Path, settings: dict[str, str]
) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    others = {name: value for name, value in os.environ.items() if not name.startswith("ANH_")}
    environment = {
        **others,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ANH_DATA_DIR": str(folder),
        f"ANH_{name.upper()}_PORT": str(port),
        **settings,
    }
    log = folder / f"{name}.log"
    argv = [sys.executable, "-m", "accountant.cli", name]
    with log.open("ab") as file, subprocess.Popen(argv, env=environment, stdout=file, stderr=file) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _answers(url + probe, process), 60)
            yield url
        except AssertionError:
            print(log.read_text()[-5_000:])
            raise
        finally:
            process.terminate()


def _answers(url: str, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "it has ended"
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
