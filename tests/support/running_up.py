"""`accountant up` as a program that a test starts, asks, and ends in its own way."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_up(data_dir: Path, **environment: str) -> Iterator[tuple["subprocess.Popen[str]", str, str]]:
    """`accountant up` on free ports: the program, the API's URL and the key, as it printed them; killed at the end."""
    ours = {"ANH_DATA_DIR": str(data_dir), "ANH_API_PORT": "0", "ANH_NODE_PORT": "0", **environment}
    others = {name: value for name, value in os.environ.items() if not name.startswith("ANH_")}
    argv = [sys.executable, "-m", "accountant.cli", "up"]
    with (data_dir / "err").open("ab") as log:
        program = subprocess.Popen(argv, env={**others, **ours}, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert program.stdout is not None
        said: dict[str, str] = {}
        for line in program.stdout:
            if line.startswith("Ready."):
                break
            name, _, value = line.partition("  ")
            said[name] = value.strip()
        assert set(said) == {"API", "Node", "API key", "Logs"}, (data_dir / "err").read_text()[-3000:]
        yield program, said["API"], said["API key"]
    finally:
        program.kill()
        program.wait()
        if program.stdout is not None:
            program.stdout.close()


def pids_in(*ledgers: Path) -> dict[str, int]:
    """The processes that these ledgers name, by name."""
    return {entry["name"]: entry["pid"] for ledger in ledgers for entry in json.loads(ledger.read_text())}
