"""Working: one attempt at one job, under a lease that a thread keeps alive.

The thread matters: a single transaction may take longer to execute than any lease lasts, and the
heartbeat of the executor comes between transactions only.
"""

import threading
import time
from enum import StrEnum
from types import TracebackType
from typing import Self

import sqlalchemy as sa
import structlog
from wasmtime import WasmtimeError

from accountant.accounting.questions import InvalidQuestion
from accountant.contracts.native import EngineFault
from accountant.execution.port import OutcomesWithdrawn
from accountant.primitives.encoding import encode
from accountant.primitives.types import Gas
from accountant.services.policy import JobPolicy
from accountant.services.questions import Answer, QuestionKind, decode_question
from accountant.storage.jobs import Jobs, Lease
from accountant.storage.observed_gas import add_job

_NO_MEANS = (MemoryError, EngineFault, WasmtimeError)
"""What comes of a process's limits, not of the chain: a module that runs was checked before its block was taken."""

_log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """The job is somebody else's now, or cancelled: stop, write nothing."""


class Attempt(StrEnum):
    """What came of an attempt."""

    NOTHING_TO_DO = "nothing_to_do"
    DONE = "done"
    FAILED = "failed"
    RETRIED = "retried"
    SPENT = "spent"
    """Given back, because this process has too little memory: it should end, and another one take the job."""
    LOST = "lost"


class _Heart:
    """Renews a lease while its block runs; `beat` records progress and raises `LeaseLost` once it is lost."""

    def __init__(self, engine: sa.Engine, lease: Lease, policy: JobPolicy) -> None:
        self.gas = 0
        self._engine, self._lease, self._policy = engine, lease, policy
        self._stop, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease of {lease.id}", daemon=True)

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
        if self._lost.is_set():
            raise LeaseLost

    def _renew(self) -> None:
        while not self._stop.wait(self._policy.heartbeat_s):
            try:
                with self._engine.begin() as connection:
                    held = Jobs(connection).renew(self._lease, self._policy.lease_s, self.gas)
            except sa.exc.DBAPIError as error:  # the next beat tries again; the deadline decides in the end
                _log.warning("lease_not_renewed", job=self._lease.id, error=type(error).__name__)
                continue
            if not held:
                self._lost.set()
                return


def work(engine: sa.Engine, answer: Answer, job_id: str, owner: str, policy: JobPolicy) -> Attempt:
    """Takes the job if it is free, answers it, and stores the answer if the lease still holds."""
    with engine.begin() as connection:
        lease = Jobs(connection).take(job_id, owner, policy.lease_s)
    if lease is None:
        return Attempt.NOTHING_TO_DO
    log = _log.bind(job=lease.id, attempt=lease.attempt, fence=lease.fence)
    log.info("job_started")
    began = time.monotonic()
    try:
        with _Heart(engine, lease, policy) as heart:
            certificate = encode(answer(decode_question(QuestionKind(lease.kind), lease.request), heart.beat))
    except LeaseLost:
        ended = Attempt.LOST
    except OutcomesWithdrawn:
        ended = _begin_again(engine, lease)
    except InvalidQuestion as error:
        ended = _failed(engine, lease, error.kind, error.detail)
    except Exception as error:  # whatever it was, the job must not hang: count it and hand the work on
        log.exception("attempt_failed")
        ended = _again(engine, lease, type(error).__name__, policy)
        if ended is not Attempt.LOST and _lacks_means(error):
            ended = Attempt.SPENT
    else:
        ended = _finished(engine, lease, certificate, Gas(heart.gas), time.monotonic() - began)
    log.info("job_left", ended=ended)
    return ended


def _lacks_means(error: Exception) -> bool:
    no_thread = isinstance(error, RuntimeError) and "start new thread" in str(error)
    return no_thread or isinstance(error, _NO_MEANS)


def _failed(engine: sa.Engine, lease: Lease, code: str, detail: str) -> Attempt:
    with engine.begin() as connection:
        return Attempt.FAILED if Jobs(connection).fail(lease, code, detail) else Attempt.LOST


def _finished(engine: sa.Engine, lease: Lease, certificate: bytes, gas: Gas, seconds: float) -> Attempt:
    try:
        with engine.begin() as connection:
            held = Jobs(connection).finish(lease, certificate, gas)
            if held:
                add_job(connection, gas, seconds)
    except OutcomesWithdrawn:
        return _begin_again(engine, lease)
    return Attempt.DONE if held else Attempt.LOST


def _begin_again(engine: sa.Engine, lease: Lease) -> Attempt:
    """What was known when the attempt began may be wrong: that says nothing against the job."""
    with engine.begin() as connection:
        given_back = Jobs(connection).begin_again(lease, "to begin again: an outcome was withdrawn meanwhile")
    return Attempt.RETRIED if given_back else Attempt.LOST


def _again(engine: sa.Engine, lease: Lease, error: str, policy: JobPolicy) -> Attempt:
    if lease.attempt >= lease.attempts_most:
        return _failed(engine, lease, "attempts_exhausted", f"{lease.attempts_most} attempts; the last error: {error}")
    why = f"to try again: attempt {lease.attempt} of {lease.attempts_most} ended with {error}"
    with engine.begin() as connection:
        given_back = Jobs(connection).retry(lease, why, policy.delay_after(lease.attempt))
    return Attempt.RETRIED if given_back else Attempt.LOST
