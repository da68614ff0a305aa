"""A worker's process says every two seconds that it lives, what it does, and what it counted."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psutil
import sqlalchemy as sa
import structlog

from accountant.monitoring.presence import BEAT_S, WorkerRow, tell_devices
from accountant.settings import Settings
from accountant.storage.counts import TALLY, add_tallies
from accountant.storage.database import engine_of
from accountant.storage.measured_gas import CPU, METER, add_measured
from workers.machine import Machine

QUEUE = "ANH_WORKER_QUEUE"
"""Set by a worker for the processes of its pool: the queue that it consumes."""
DEVICES_EVERY_S = 10.0

_TOGETHER_S = 0.1
"""What changes within this time is one beat."""

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
        counted, measured, now = TALLY.taken(), METER.taken(), METER.now
        memory = psutil.Process().memory_info().rss

        def beat(connection: sa.Connection) -> None:
            self._row.beat(
                connection,
                consumed=self._consumed,
                consumed_at=self._consumed_at,
                doing=self._doing,
                memory_bytes=memory,
                device=METER.device,
                operation=None if now is None else now.kind,
                operation_gas=None if now is None else now.gas,
                operation_at=None if now is None else datetime.fromtimestamp(now.at, UTC),
            )
            add_tallies(connection, counted)
            add_measured(connection, METER.device, measured)

        if not _said(self._engine, beat):
            for name, count in counted.items():
                TALLY.add(name, count)
            for kind, one in measured.items():
                METER.add(kind, one)


def _said(engine: sa.Engine, what: Callable[[sa.Connection], None]) -> bool:
    try:
        with engine.begin() as connection:
            what(connection)
    except sa.exc.DBAPIError as error:  # the next beat says it
        _log.debug("not_beaten", error=type(error).__name__)
        return False
    return True


_of_process: list[Presence] = []


def begin(settings: Settings, device: str = CPU) -> None:
    """Begins to beat, in a process of the pool that computes tensors on a device."""
    METER.device = device
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
    """For the worker that starts the pool, before it does: which queue it is, and what its machine has."""
    os.environ[QUEUE] = queues if isinstance(queues, str) else ",".join(map(str, queues or ()))  # type: ignore[call-overload]
    threading.Thread(target=_tell_devices, args=(settings,), name="devices", daemon=True).start()


def _tell_devices(settings: Settings) -> None:
    engine, machine = engine_of(settings.database, connections=1), Machine()
    pause = threading.Event()
    while not pause.wait(DEVICES_EVERY_S):
        found = machine.devices()
        _said(engine, lambda connection, found=found: tell_devices(connection, found))  # type: ignore[misc]
