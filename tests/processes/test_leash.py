"""The leash becomes its program only while the parent lives."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from accountant.processes import child
from accountant.processes import leash as leash_module
from tests.support.processes import gone, wait_until

LEASH = [sys.executable, "-I", "-S", str(Path(leash_module.__file__))]


def _leashed(parent: int, *program: str) -> "subprocess.CompletedProcess[str]":
    argv = [*LEASH, str(parent), str(int(signal.SIGTERM)), "-1", "-1", *program]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_it_becomes_the_program() -> None:
    """The program runs with its arguments and its exit status is what the parent sees."""
    done = _leashed(os.getpid(), sys.executable, "-c", "import sys; print(sys.argv[1]); sys.exit(7)", "word")
    assert (done.returncode, done.stdout) == (7, "word\n")


def test_an_orphan_never_starts() -> None:
    """Where the parent died before the tie was made, the program is not run: exit status 125."""
    done = _leashed(1 if os.getppid() != 1 else 2, "echo", "never")
    assert (done.returncode, done.stdout) == (125, "")


def test_a_missing_program_is_named() -> None:
    """A program that does not exist gives exit status 127 and its name."""
    done = _leashed(os.getpid(), "/no/such/program")
    assert done.returncode == 127
    assert done.stderr == "/no/such/program: No such file or directory\n"


def test_end_kills_what_ignores_signals() -> None:
    """`end` says that force was needed, and takes the signals' time and no more."""
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(99)"
    )
    read, write = os.pipe()
    with os.fdopen(write, "wb") as log:
        process = child.start(
            [sys.executable, "-c", deaf], environment=os.environ, log=log, parent_death_signal=signal.SIGKILL
        )
    with os.fdopen(read, "rb") as output:
        assert output.readline() == b"deaf\n"
    began = time.monotonic()
    assert child.end(process, ((signal.SIGTERM, 0.3),)) is False
    assert 0.3 <= time.monotonic() - began < 30.0
    wait_until(lambda: gone(process.pid))
