"""What operations on tensors take in this process, against what they were priced: sums, added to Postgres now and then.

Two readings of a clock and a sum for each operation. Seconds are those of the clock on the wall: what else the machine
does at the same time makes operations slower, here as for whoever waits for them.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.storage.metric_tables import measured_gas

R = TypeVar("R")

HOST_CALL = ""
"""The kind that is no operation on tensors: the plainest host call, which all prices are compared with."""
TRAINING = "fit"
"""A whole training, which may have been taken up in its midst: what counts are the steps that were done."""
CPU = "cpu"

_m = measured_gas


class Sum(NamedTuple):
    """Of one kind."""

    operations: int
    gas: int
    seconds: float


class Operation(NamedTuple):
    """What is being done now. `at`: Unix seconds at which it began."""

    kind: str
    gas: int
    at: float


class GasMeter:
    """A `contracts.tensor_means.Meter` that adds up what one thread does and another one takes.

    The smallest operations take a dozen microseconds, so nothing is made for each but two numbers and a pair.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.device = CPU
        """On others operations are only begun when they return: of those, whole trainings alone are measured."""
        self._clock, self._offset_s = clock, time.time() - clock()
        self._now: tuple[str, int, float] | None = None
        self._sums: dict[str, list[float]] = {}
        self._done, self._steps = 0, 0
        self._guard = threading.Lock()

    @property
    def now(self) -> Operation | None:
        """What is being done."""
        now = self._now
        return None if now is None else Operation(now[0], now[1], now[2] + self._offset_s)

    def timed(self, kind: str, gas: int, work: Callable[[], R]) -> R:
        """Does the work. One that fails counts nothing: it may have failed halfway."""
        self._done = 0
        clock = self._clock
        began = clock()
        self._now = (kind, gas, began)
        try:
            found = work()
        finally:
            self._now = None
        took = clock() - began
        if kind == TRAINING:
            gas = gas * self._done // self._steps if self._done else 0
        elif self.device != CPU:
            return found
        if gas:
            self._add(kind, 1, gas, took)
        return found

    def stepped(self, steps: int) -> None:
        """Of the training that is being done, one of so many steps was."""
        self._done, self._steps = self._done + 1, steps

    def add(self, kind: str, more: Sum) -> None:
        """Counts what was measured."""
        self._add(kind, *more)

    def _add(self, kind: str, operations: int, gas: int, seconds: float) -> None:
        with self._guard:
            have = self._sums.get(kind)
            if have is None:
                self._sums[kind] = [operations, gas, seconds]
            else:
                have[0] += operations
                have[1] += gas
                have[2] += seconds

    def taken(self) -> dict[str, Sum]:
        """What was added since the last call: whoever asks keeps it, or gives it back."""
        with self._guard:
            found, self._sums = self._sums, {}
        return {kind: Sum(int(one[0]), int(one[1]), one[2]) for kind, one in found.items()}


METER = GasMeter()
"""This process's."""


def add_measured(connection: sa.Connection, device: str, sums: Mapping[str, Sum]) -> None:
    """Adds sums, in the order of the kinds: processes that add at once never wait in a circle."""
    if sums:
        rows = [{"device": device, "kind": kind, **one._asdict()} for kind, one in sorted(sums.items())]
        new = insert(_m).values(rows)
        more = {name: _m.c[name] + new.excluded[name] for name in Sum._fields}
        connection.execute(new.on_conflict_do_update(index_elements=[_m.c.device, _m.c.kind], set_=more))
