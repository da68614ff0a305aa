"""Whole trainings of one attempt: what they report, how often it is stored, and where their states are kept.

A training that is told of nobody's interest stops at its next step: its lease is gone. States are kept as they come, so
whoever takes it up again goes on from the last of them.
"""

import time
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa
import structlog

from accountant.blobs.errors import StoreUnavailable
from accountant.contracts.tensor_means import Checkpoints, Training
from accountant.primitives.types import Seq
from accountant.storage.measured_gas import METER, GasMeter
from accountant.storage.trainings import Point, Trained, point_of

EVERY_S = 1.0
"""How often the progress of an attempt is stored at most, besides its first and its last step."""

_log = structlog.get_logger(__name__)


class Reporting:
    """The trainings within one attempt at a piece of work."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        go_on: Callable[[], None],
        store: Callable[[Trained], None],
        clock: Callable[[], float] = time.monotonic,
        meter: GasMeter = METER,
    ) -> None:
        """`go_on` is called after each step, and raises to stop the work. `store` keeps how far a training is.

        `meter` measures what all operations on tensors take, and knows what the training was priced.
        """
        self._checkpoints, self._meter = _Lasting(checkpoints), meter
        self._curve: dict[int, Point] = {}
        self._go_on, self._store, self._clock = go_on, store, clock
        self._last: Trained | None = None
        self._stored: Trained | None = None
        self._stored_at = 0.0

    def of(self, seq: Seq | None) -> Training:
        """What the trainings of a transaction report to; those of a view are nobody's to show."""
        return Training(self._checkpoints, partial(self._progress, seq), self._meter)

    def flush(self) -> None:
        """Stores the last step. Not to be called once the lease is lost: somebody else tells by then."""
        if self._last is not None and self._last != self._stored:
            self._keep(self._last)

    def _progress(self, seq: Seq | None, step: int, steps: int, loss: float) -> None:
        self._meter.stepped(steps)
        self._go_on()
        if seq is None:
            return
        before = self._last
        goes_on = before is not None and before.seq == seq and before.steps == steps and before.step + 1 == step
        first = before.first_step if goes_on and before is not None else step
        if not goes_on:
            self._curve.clear()
        point = point_of(step, steps, loss)
        self._curve[point.part] = point
        gas = None if self._meter.now is None else self._meter.now.gas
        self._last = Trained(seq, first, step, steps, loss, gas)
        if self._stored is None or self._clock() >= self._stored_at + EVERY_S:
            self._keep(self._last)

    def _keep(self, trained: Trained) -> None:
        self._stored, self._stored_at = trained, self._clock()
        try:
            self._store(trained._replace(curve=tuple(self._curve.values())))
            self._curve.clear()
        except sa.exc.DBAPIError as error:  # nobody sees this step; the next one may be seen
            _log.warning("training_not_told", error=type(error).__name__)


class _Lasting:
    """Checkpoints whose loss costs work alone: a training goes on where its states cannot be kept."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def load(self, key: bytes) -> bytes | None:
        return self._checkpoints.load(key)

    def save(self, key: bytes, state: bytes) -> None:
        try:
            self._checkpoints.save(key, state)
        except StoreUnavailable as error:
            _log.warning("checkpoint_not_kept", detail=str(error)[:200])
