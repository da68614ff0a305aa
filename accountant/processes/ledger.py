"""Who was started, written down, so that the next start on the same folder can end what a crash left behind.

A process is named by its number and the moment it began, because numbers are used again. Descendants are found
by session: the kernel gives no new process a number that is still in use as a session's.
"""

import json
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_CLOCK_TOLERANCE_S = 5.0  # a start time is derived from the boot time, which clock corrections move a little
_POLL_S = 0.05


@dataclass(frozen=True)
class Entry:
    """One started process: what it is, its number (also its session's) and when it began (Unix seconds)."""

    name: str
    pid: int
    began: float


class Ledger:
    """The processes started on behalf of one folder, in one small JSON file, replaced atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, Entry] = {entry.name: entry for entry in _read(path)}

    def entries(self) -> tuple[Entry, ...]:
        """What is written down, in the order of starting."""
        return tuple(self._entries.values())

    def add(self, name: str, pid: int) -> None:
        """Writes down that `name` runs as `pid`. A process that is gone already is not written."""
        with suppress(psutil.NoSuchProcess):
            began = psutil.Process(pid).create_time()
            self._entries.pop(name, None)
            self._entries[name] = Entry(name, pid, began)
            self._write()

    def remove(self, name: str) -> None:
        """Strikes `name` out; nothing happens if it is not there."""
        if self._entries.pop(name, None) is not None:
            self._write()

    def end_orphans(self, signals: Iterable[tuple[signal.Signals, float]]) -> tuple[str, ...]:
        """Ends every written process that still runs, with all of its session; returns their names.

        Call it only when the folder's lock is held: then no living parent owns them. `signals` are sent in turn
        to the leader, each with the seconds to wait; what is left is killed.
        """
        steps = tuple(signals)
        ended = []
        for entry in reversed(self.entries()):
            if _end_session(entry, steps):
                ended.append(entry.name)
            self.remove(entry.name)
        return tuple(ended)

    def _write(self) -> None:
        draft = self._path.with_suffix(".draft")
        rows = [{"name": e.name, "pid": e.pid, "began": e.began} for e in self._entries.values()]
        draft.write_text(json.dumps(rows))
        draft.replace(self._path)


def _read(path: Path) -> list[Entry]:
    """The entries of a ledger file; a missing or torn file has none."""
    try:
        rows = json.loads(path.read_text())
        return [Entry(str(row["name"]), int(row["pid"]), float(row["began"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _end_session(entry: Entry, steps: tuple[tuple[signal.Signals, float], ...]) -> bool:
    members = session_members(entry)
    if not members:
        return False
    leader = next((process for process in members if process.pid == entry.pid), None)
    for number, seconds in steps:
        if leader is None or not leader.is_running():
            break
        with suppress(psutil.NoSuchProcess):
            leader.send_signal(number)
        deadline = time.monotonic() + seconds
        while _alive(leader) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
    for process in session_members(entry):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process.kill()
    psutil.wait_procs(members, timeout=_CLOCK_TOLERANCE_S)
    return True


def session_members(entry: Entry) -> list[psutil.Process]:
    """The living processes of the session that `entry` led; none if its number now belongs to somebody else."""
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(entry.pid)
        if abs(leader.create_time() - entry.began) > _CLOCK_TOLERANCE_S:
            return []
    members = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == entry.pid and _alive(process):
                members.append(process)
    return members


def _alive(process: psutil.Process) -> bool:
    """Runs, and is not merely waiting for its parent to notice that it ended."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
