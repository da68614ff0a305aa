"""One supervised process: started on a leash, started again with growing patience, ended within a deadline."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from accountant.processes import child
from accountant.processes.ledger import Ledger

log = structlog.get_logger(__name__)

_SETTLED_S = 1.0

Ready = Callable[[], bool]


@dataclass(frozen=True)
class Backoff:
    """How long to wait before starting a crashed process again, in seconds.

    The wait doubles from `first_s` to `most_s`, and begins anew after the process has run for `healthy_s`.
    """

    first_s: float = 0.5
    most_s: float = 30.0
    healthy_s: float = 60.0

    def after(self, crashes: int) -> float:
        """The wait after so many crashes in a row, counted from 1."""
        return min(self.most_s, self.first_s * 2.0 ** min(crashes - 1, 32))


@dataclass(frozen=True)
class ProcessSpec:
    """What to run and how.

    `ready` says whether it serves; with `before_others` nothing later starts until it does. `stop_s` is its grace
    after SIGTERM; `parent_death_signal` is what the kernel sends it when the supervisor dies without stopping it.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Ready | None = None
    before_others: bool = False
    backoff: Backoff = Backoff()
    stop_s: float = 10.0
    parent_death_signal: signal.Signals = signal.SIGTERM


class SupervisedProcess:
    """A spec and the process that currently carries it out. Used by one thread, which outlives the process."""

    def __init__(
        self, spec: ProcessSpec, environment: Mapping[str, str], ledger: Ledger, log_file: Path | None
    ) -> None:
        self.spec = spec
        self.starts = 0
        self._environment = {**environment, **spec.environment}
        self._ledger = ledger
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._crashes = 0
        self._start_again_at: float | None = None

    @property
    def pid(self) -> int | None:
        """Its number while it lives."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def log_file(self) -> Path | None:
        """Where its output goes; None: to our own standard error."""
        return self._log_file

    def start(self) -> None:
        """Starts it."""
        # the second descriptor: our standard output is for what a caller asked for
        stream = os.fdopen(os.dup(2), "ab") if self._log_file is None else self._log_file.open("ab")
        with stream:
            self._process = child.start(
                self.spec.argv,
                environment=self._environment,
                log=stream,
                parent_death_signal=self.spec.parent_death_signal,
            )
        self._ledger.add(self.spec.name, self._process.pid)
        self._started_at = time.monotonic()
        self._start_again_at = None
        self.starts += 1

    def is_ready(self) -> bool:
        """Whether it lives and serves; where its spec has no check, whether it has lived for a second."""
        if self.pid is None:
            return False
        if self.spec.ready is None:
            return time.monotonic() - self._started_at >= _SETTLED_S
        return self.spec.ready()

    def watch(self) -> None:
        """Starts it again if it has ended and its wait is over. To be called a few times a second."""
        if self._process is None or self._process.poll() is None:
            return
        now = time.monotonic()
        if self._start_again_at is None:
            healthy = now - self._started_at >= self.spec.backoff.healthy_s
            self._crashes = 1 if healthy else self._crashes + 1
            wait_s = self.spec.backoff.after(self._crashes)
            self._start_again_at = now + wait_s
            child.end(self._process, ())  # whatever it left behind in its session
            log.warning("process ended", name=self.spec.name, status=self._process.returncode, starts_again_in_s=wait_s)
        elif now >= self._start_again_at:
            self.start()

    def stop(self, deadline: float) -> bool:
        """Ends it with SIGTERM, and by force after its grace or at the `deadline` (monotonic seconds).

        True if no force was needed.
        """
        if self._process is None:
            return True
        grace_s = max(0.0, min(self.spec.stop_s, deadline - time.monotonic()))
        gently = child.end(self._process, ((signal.SIGTERM, grace_s),))
        self._process = None
        self._ledger.remove(self.spec.name)
        return gently
