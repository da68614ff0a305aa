"""A worker's process says every two seconds that it lives, what it does, and what it counted."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from shutil import which
from typing import NamedTuple

import psutil
import sqlalchemy as sa
import structlog

from accountant.monitoring.presence import BEAT_S, WorkerRow, tell_gpu
from accountant.settings import Settings
from accountant.storage.counts import TALLY, add_tallies
from accountant.storage.database import engine_of

QUEUE = "ANH_WORKER_QUEUE"
"""Set by a worker for the processes of its pool: the queue that it consumes."""
GPU_EVERY_S = 10.0

_TOGETHER_S = 0.1
"""What changes within this time is one beat."""
_SMI = ("nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits")
_SMI_S = 5.0
_MIB = 2**20

_log = structlog.get_logger(__name__)


class Presence:
    """The thread of a pool's process that beats, and what it tells."""

    def __init__(self, engine: sa.Engine, queue: str) -> None:
        self._engine, self._row = engine, WorkerRow(queue)
        self._doing: str | None = None
        self._consumed = 0
        self._consumed_at: datetime | None = None
        self._changed, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Begins to beat."""
        self._thread.start()

    @contextmanager
    def at(self, work: str) -> Iterator[None]:
        """What is done in the block, for which a message was taken from the broker."""
        self._consumed, self._consumed_at, self._doing = self._consumed + 1, datetime.now(UTC), work
        self._changed.set()
        try:
            yield
        finally:
            self._doing = None
            self._changed.set()

    def close(self) -> None:
        """The last beat."""
        self._stop.set()
        self._changed.set()
        self._thread.join(BEAT_S)
        _said(self._engine, self._row.stop)
        self._engine.dispose()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._changed.clear()
            self._beat()
            if self._changed.wait(BEAT_S):
                self._stop.wait(_TOGETHER_S)

    def _beat(self) -> None:
        counted = TALLY.taken()
        memory = psutil.Process().memory_info().rss

        def beat(connection: sa.Connection) -> None:
            self._row.beat(
                connection,
                consumed=self._consumed,
                consumed_at=self._consumed_at,
                doing=self._doing,
                memory_bytes=memory,
            )
            add_tallies(connection, counted)

        if not _said(self._engine, beat):
            for name, count in counted.items():
                TALLY.add(name, count)


def _said(engine: sa.Engine, what: Callable[[sa.Connection], None]) -> bool:
    try:
        with engine.begin() as connection:
            what(connection)
    except sa.exc.DBAPIError as error:  # the next beat says it
        _log.debug("not_beaten", error=type(error).__name__)
        return False
    return True


_of_process: list[Presence] = []


def begin(settings: Settings) -> None:
    """Begins to beat, in a process of the pool."""
    presence = Presence(engine_of(settings.database, connections=1), os.environ.get(QUEUE, ""))
    presence.start()
    _of_process.append(presence)


def end() -> None:
    """The last beat of this process, if it had any."""
    while _of_process:
        _of_process.pop().close()


@contextmanager
def at(work: str) -> Iterator[None]:
    """Tells what is done in the block; nobody where this process does not beat."""
    if not _of_process:
        yield
        return
    with _of_process[0].at(work):
        yield


def begin_pool(settings: Settings, queues: object) -> None:
    """For the worker that starts the pool, before it does: which queue it is, and how its GPU is used."""
    os.environ[QUEUE] = queues if isinstance(queues, str) else ",".join(map(str, queues or ()))  # type: ignore[call-overload]
    if which(_SMI[0]) is not None:
        threading.Thread(target=_tell_gpu, args=(settings,), name="gpu", daemon=True).start()


class GpuUse(NamedTuple):
    """Of the busiest GPU, and of all their memories."""

    share: float
    memory_bytes: int


def gpu_use(text: str) -> GpuUse | None:
    """What nvidia-smi says of all GPUs, a line each: percent, MiB. None where it says nothing of the kind."""
    try:
        rows = [[int(part) for part in line.split(",")] for line in text.strip().splitlines()]
        return GpuUse(max(row[0] for row in rows) / 100, sum(row[1] for row in rows) * _MIB)
    except (ValueError, IndexError):
        return None


def _tell_gpu(settings: Settings) -> None:
    engine = engine_of(settings.database, connections=1)
    pause = threading.Event()
    while not pause.wait(GPU_EVERY_S):
        try:
            done = subprocess.run(_SMI, capture_output=True, text=True, timeout=_SMI_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        use = gpu_use(done.stdout)
        if use is not None:
            _said(engine, lambda connection, use=use: tell_gpu(connection, *use))  # type: ignore[misc]
