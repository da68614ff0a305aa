"""`accountant up` as a program that a test starts, asks, and ends in its own way."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def running_up(data_dir: Path, **environment: str) -> Iterator[tuple["subprocess.Popen[str]", str, str]]:
    """`accountant up` on free ports: the program, the API's URL and the key, as it printed them; killed at the end."""
    with greeted_up(data_dir, data_dir / "err", **environment) as (program, said):
        assert set(said) - {"Begin at"} == {"API", "Node", "Dashboard", "API key", "Logs"}
        yield program, said["API"], said["API key"]


@contextmanager
def greeted_up(
    data_dir: Path, log_file: Path, *arguments: str, **environment: str
) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    """`accountant up` with arguments: the program, and all that its greeting says; stopped at the end."""
    ports = dict.fromkeys(("ANH_API_PORT", "ANH_DASHBOARD_PORT", "ANH_NODE_PORT"), "0")
    ours = {"ANH_DATA_DIR": str(data_dir), **ports, **environment}
    others = {name: value for name, value in os.environ.items() if not name.startswith("ANH_")}
    argv = [sys.executable, "-m", "accountant.cli", "up", *arguments]
    with log_file.open("ab") as log:
        program = subprocess.Popen(argv, env={**others, **ours}, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert program.stdout is not None
        said: dict[str, str] = {}
        for line in program.stdout:
            if line.startswith("Ready."):
                break
            name, _, value = line.partition("  ")
            said[name] = value.strip()
        assert {"API", "Node", "Dashboard", "API key", "Logs"} <= set(said), log_file.read_text()[-3000:]
        yield program, said
    finally:
        program.terminate()  # in order: what it started writes into the folder until it has ended
        with suppress(subprocess.TimeoutExpired):
            program.wait(60)
        program.kill()
        program.wait()
        if program.stdout is not None:
            program.stdout.close()


def pids_in(*ledgers: Path) -> dict[str, int]:
    """The processes that these ledgers name, by name."""
    return {entry["name"]: entry["pid"] for ledger in ledgers for entry in json.loads(ledger.read_text())}
