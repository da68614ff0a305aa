"""`accountant demo --json`, as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

SHARED = Path("/var/lib/anh-accountant")
"""Where servers of root's would live if a folder could not be entered by their own user."""


def _entries(folder: Path) -> set[Path]:
    return set(folder.iterdir()) if folder.exists() else set()


def test_the_demo_shows_the_main_job_and_leaves_nothing(data_dir: Path) -> None:
    """Exit status 0 and one line of JSON with what was shown; no process and no folder stays, and a database or a chain
    that the environment names is not touched."""
    environment = {
        **os.environ,
        "TMPDIR": str(data_dir),
        "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ANH_CHAIN_DIR": str(data_dir / "mine"),
    }
    shared = _entries(SHARED)
    argv = [sys.executable, "-m", "accountant.cli", "demo", "--json"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("\n") == 1
    report = json.loads(done.stdout)
    assert report["matches_eager"] and report["oath_counts"] and report["oath_kept"] and report["lie_slashed"]
    assert report["network_trained"] is True
    assert report["agreed_outcomes"] >= 3
    assert 0 < report["executed"] < report["transactions"]
    assert 0 < report["gas_share"] < 1
    assert report["seconds"] > 0
    assert list(data_dir.iterdir()) == []
    assert _entries(SHARED) == shared
    marked = str(data_dir)
    assert [process for process in psutil.process_iter() if _names(process, marked)] == []


def _names(process: psutil.Process, text: str) -> bool:
    """Whether a process was started with this text in its command or its environment."""
    try:
        words = [*process.cmdline(), *process.environ().values()]
    except psutil.Error:
        return False
    return process.pid != os.getpid() and any(text in word for word in words)
