"""Waiting for processes, and for them to be gone."""

import time
from collections.abc import Callable

import psutil


def gone(pid: int) -> bool:
    """No such process, or one that only waits for its parent to notice its end."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def command_of(process: psutil.Process) -> str:
    """The command line of a process; empty if it has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Returns when `holds()` is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not true after {seconds} s"
        time.sleep(0.03)
