"""Starting and ending one child process in a session of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_LEASH = Path(__file__).with_name("leash.py")


@dataclass(frozen=True)
class OsUser:
    """A user of the operating system, by numbers."""

    name: str
    user_id: int
    group_id: int


def start(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: IO[bytes] | None,
    parent_death_signal: signal.Signals,
    user: OsUser | None = None,
    folder: Path | None = None,
) -> "subprocess.Popen[bytes]":
    """Starts `argv` as `user` (none: as ourselves), leashed, in its own session, its output in `log` (none: ours).

    A session of its own keeps the terminal's Ctrl-C away from it (the supervisor stops children in order) and
    gives all its descendants one number by which they can be found.
    """
    user_id, group_id = (user.user_id, user.group_id) if user else (-1, -1)
    leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), str(int(parent_death_signal))]
    return subprocess.Popen(
        [*leash, str(user_id), str(group_id), *argv],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=folder,
        start_new_session=True,
    )


def end(process: "subprocess.Popen[bytes]", signals: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Sends each signal in turn and waits its seconds; whatever is left of the session is killed at the end.

    True if the child went before the kill.
    """
    ended = process.poll() is not None
    for number, seconds in signals:
        if ended:
            break
        with suppress(ProcessLookupError):
            process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            ended = True
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return ended
