"""The heart of an attempt: a thread keeps its lease alive, and tells it when the lease is lost.

The thread matters: a single transaction may take longer to execute than any lease lasts, and the
heartbeat of the executor comes between transactions and look-ups only.
"""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import sqlalchemy as sa
import structlog

from accountant.primitives.types import Gas
from accountant.services.policy import JobPolicy

Renew = Callable[[int], bool]
"""Renews a lease and records the gas executed so far; False once it is somebody else's."""

Abandon = Callable[[], None]
"""Ends this process: its work is nobody's any more, and it does not listen."""

_log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """The work is somebody else's now, or cancelled: stop, write nothing."""


class Heart:
    """Renews a lease while its block runs; `beat` records progress and raises `LeaseLost` once it is lost."""

    def __init__(self, renew: Renew, name: str, gas: Gas, policy: JobPolicy, abandon: Abandon | None) -> None:
        """`gas`: what was executed before. `abandon` is called where the block still runs `policy.abandon_s` after
        the lease was lost.
        """
        self.gas = gas
        self._call, self._name, self._policy, self._abandon = renew, name, policy, abandon
        self.lost = threading.Event()
        """Whether the lease is somebody else's."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease of {name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def beat(self, gas: Gas) -> None:
        """The executor's heartbeat: `gas` executed so far."""
        self.gas = gas
        if self.lost.is_set():
            raise LeaseLost

    def _renew(self) -> None:
        while not self._stop.wait(self._policy.heartbeat_s):
            try:
                held = self._call(self.gas)
            except sa.exc.DBAPIError as error:  # the next beat tries again; the deadline decides in the end
                _log.warning("lease_not_renewed", work=self._name, error=type(error).__name__)
                continue
            if not held:
                self.lost.set()
                break
        if self.lost.is_set() and self._abandon is not None and not self._stop.wait(self._policy.abandon_s):
            _log.warning("work_abandoned", work=self._name)
            self._abandon()
