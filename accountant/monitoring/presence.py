"""Who lives: rows of worker processes, and beats of services."""

import os
import socket
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.storage.measured_gas import CPU
from accountant.storage.metric_tables import beats, devices, workers

BEAT_S = 2.0
DISPATCHER = "dispatcher"
PUBLISHER = "publisher"
BALANCE = "zero_balance"
"""A figure of the publisher: base units that its signer has at no cost."""
LOW = "low"
"""Another: whether that is below the alarm."""

_NOW = sa.func.clock_timestamp()


class WorkerRow:
    """The row of this worker process."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._number: int | None = None

    def beat(self, connection: sa.Connection, **state: Any) -> None:
        """Says that the process lives, and how it is: columns of `workers`."""
        if self._number is not None:
            ours = workers.c.number == self._number
            done = connection.execute(sa.update(workers).where(ours).values(beat_at=_NOW, **state))
            if done.rowcount:
                return
        process = {"host": socket.gethostname(), "queue": self._queue, "pid": os.getpid(), "parent_pid": os.getppid()}
        made = sa.insert(workers).values(**process, **state).returning(workers.c.number)
        self._number = connection.execute(made).scalar_one()

    def stop(self, connection: sa.Connection) -> None:
        """Says that the process ends in order."""
        if self._number is not None:
            ours = workers.c.number == self._number
            connection.execute(sa.update(workers).where(ours).values(stopped_at=_NOW, beat_at=_NOW, doing=None))


class DeviceUse(NamedTuple):
    """A processor or a GPU of a machine with workers, and how it is used: columns of `devices`."""

    device: str
    name: str
    memory_bytes: int
    used_bytes: int
    share: float


def tell_devices(connection: sa.Connection, found: Sequence[DeviceUse]) -> None:
    """Notes how this machine's devices are used; of its GPUs, the busiest, with the processes that this one started."""
    host = socket.gethostname()
    new = insert(devices).values([{"host": host, **one._asdict()} for one in found])
    said = {name: new.excluded[name] for name in DeviceUse._fields if name != "device"}
    connection.execute(
        new.on_conflict_do_update(index_elements=[devices.c.host, devices.c.device], set_={**said, "told_at": _NOW})
    )
    gpus = [one for one in found if one.device != CPU]
    if gpus:
        busiest, memory = max(one.share for one in gpus), sum(one.used_bytes for one in gpus)
        ours = (workers.c.host == host, workers.c.parent_pid == os.getpid(), workers.c.stopped_at.is_(None))
        use = {"gpu_share": busiest, "gpu_memory_bytes": memory}
        connection.execute(sa.update(workers).where(*ours).values(use))


class ServiceBeat:
    """Says now and then that a service of which one runs does its work; at once when its trouble changes."""

    def __init__(self, engine: sa.Engine, service: str) -> None:
        self._engine, self._service = engine, service
        self._said: tuple[float, str | None] | None = None

    def beat(self, trouble: str | None = None, **figures: int | bool | None) -> None:
        """`trouble`: the code of what keeps it from its work. Raises as the database does."""
        now = time.monotonic()
        if self._said is not None and now - self._said[0] < BEAT_S and self._said[1] == trouble:
            return
        row = {"host": socket.gethostname(), "pid": os.getpid(), "trouble": trouble, "figures": figures}
        new = insert(beats).values(service=self._service, **row)
        said = new.on_conflict_do_update(index_elements=[beats.c.service], set_={**row, "beat_at": _NOW})
        with self._engine.begin() as connection:
            connection.execute(said)
        self._said = (now, trouble)
