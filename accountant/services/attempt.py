"""One attempt at a piece of work under a lease: a job, or an execution that jobs share."""

from enum import StrEnum
from functools import partial
from typing import Protocol

import structlog
from wasmtime import WasmtimeError

from accountant.accounting.questions import InvalidQuestion
from accountant.contracts.native import EngineFault
from accountant.contracts.tensor_means import TooLittleMemory, TooLittleRoom, UnfitMachine, WorkerUnfit
from accountant.execution.port import OutcomesWithdrawn
from accountant.execution.shared_work import Parked, SharedWork, decode_done
from accountant.primitives.types import Gas, Seq
from accountant.services.heart import Abandon, Heart, LeaseLost
from accountant.services.policy import JobPolicy
from accountant.services.trainings import Reporting
from accountant.services.worker_means import ANY_ROOM, WorkerMeans, needs_more_than
from accountant.storage.trainings import Trained
from accountant.tracing.spans import Kind, under

_NO_MEANS = (MemoryError, EngineFault, WasmtimeError, TooLittleMemory)
"""What comes of a process's limits, not of the chain: a module that runs was checked before its block was taken."""

_WITHDRAWN = "to begin again: an outcome was withdrawn meanwhile"

_log = structlog.get_logger(__name__)


class Attempt(StrEnum):
    """What came of an attempt."""

    NOTHING_TO_DO = "nothing_to_do"
    DONE = "done"
    PARKED = "parked"
    """It waits for executions, and holds no worker."""
    FAILED = "failed"
    RETRIED = "retried"
    SPENT = "spent"
    """Given back, because this process has too little memory: it should end, and another one take the work."""
    HANDED_ON = "handed_on"
    """Given back uncounted, because it is for a worker with more room, or on another machine."""
    LOST = "lost"


_FAILURES = (Attempt.FAILED, Attempt.RETRIED, Attempt.SPENT, Attempt.LOST)


class HeldLease(Protocol):
    """What an attempt has to know of a lease."""

    @property
    def id(self) -> str:
        """What logs call the work."""

    @property
    def attempt(self) -> int:
        """The attempt's number, from 1."""

    @property
    def attempts_most(self) -> int:
        """After so many the work is parked as failed."""

    @property
    def parks(self) -> int:
        """How often the work has waited for others."""

    @property
    def done_so_far(self) -> bytes | None:
        """What was done for the work before this attempt, encoded."""

    @property
    def traceparent(self) -> str | None:
        """What the work's spans belong to."""


class Leased(Protocol):
    """Work under a lease, and the steps that end an attempt at it, each one database transaction.

    All but `renew` are false where the lease is lost; then nothing is written.
    """

    @property
    def lease(self) -> HeldLease:
        """The lease that the work is under."""

    @property
    def own(self) -> Seq | None:
        """The transaction that the work itself is to execute."""

    def renew(self, gas: int) -> bool:
        """Renews the lease."""

    def run(self, work: SharedWork) -> bytes:
        """Does the work. Raises `Parked`, `InvalidQuestion`, and whatever the heartbeat raises."""

    def finish(self, result: bytes, gas: int) -> bool:
        """Stores what came of it."""

    def fail(self, code: str, detail: str) -> bool:
        """Ends it with an error."""

    def retry(self, why: str, delay_s: float) -> bool:
        """Gives it back to the queue."""

    def begin_again(self, why: str) -> bool:
        """Gives it back to the queue through no fault of its own: the attempt is not counted."""

    def hand_on(self, room_least: int, why: str, delay_s: float) -> bool:
        """Gives it back for a worker with room for so many bytes of tensors: the attempt is not counted."""

    def trained(self, step: Trained) -> None:
        """Stores how far a whole training has come."""

    def park(self, parked: Parked) -> bool:
        """Makes it wait. False where all that it wants has become known. Raises `LeaseLost`."""


def attempt(task: Leased, policy: JobPolicy, abandon: Abandon | None, means: WorkerMeans = ANY_ROOM) -> Attempt:
    """Does the work, and ends the attempt in whatever way it has to end."""
    lease = task.lease
    name = "job.attempt" if task.own is None else "execution.attempt"
    trace, parks = lease.traceparent, lease.parks
    with under(trace, name, Kind.CONSUMER, work=lease.id, attempt=lease.attempt, parks=parks) as span:
        ended = _attempted(task, policy, abandon, means)
        span.set(ended=ended)
        if ended in _FAILURES:
            span.fail(ended)
    return ended


def _attempted(task: Leased, policy: JobPolicy, abandon: Abandon | None, means: WorkerMeans) -> Attempt:
    log = _log.bind(work=task.lease.id, attempt=task.lease.attempt)
    log.info("work_started")
    try:
        ended = _worked(task, policy, abandon, means)
    except LeaseLost:
        ended = Attempt.LOST
    except OutcomesWithdrawn:  # what was known when the attempt began may be wrong: that says nothing against the work
        ended = Attempt.RETRIED if task.begin_again(_WITHDRAWN) else Attempt.LOST
    except InvalidQuestion as error:
        ended = Attempt.FAILED if task.fail(error.kind, error.detail) else Attempt.LOST
    except (TooLittleRoom, UnfitMachine) as error:
        log.warning("work_handed_on", error=error.code, detail=error.detail)
        ended = _handed_on(task, error, policy, means)
    except Exception as error:  # whatever it was, the work must not hang: count it and hand it on
        log.exception("attempt_failed")
        ended = _again(task, type(error).__name__, policy)
        if ended is not Attempt.LOST and _lacks_means(error):
            ended = Attempt.SPENT
    log.info("work_left", ended=ended)
    return ended


def _handed_on(task: Leased, error: WorkerUnfit, policy: JobPolicy, means: WorkerMeans) -> Attempt:
    room, why = 0, "for a worker on a machine whose products are exact"
    if means.room_bytes is not None and isinstance(error, TooLittleRoom):
        room, why = means.room_bytes + 1, needs_more_than(means.room_bytes)
    return Attempt.HANDED_ON if task.hand_on(room, why, policy.room_delay_s) else Attempt.LOST


def _worked(task: Leased, policy: JobPolicy, abandon: Abandon | None, means: WorkerMeans) -> Attempt:
    done = decode_done(task.lease.done_so_far)
    least = policy.delegate_gas if task.lease.parks < policy.parks_most else None
    while True:
        try:
            with Heart(task.renew, task.lease.id, done.gas, policy, abandon) as heart:
                reporting = Reporting(means.checkpoints, partial(_still_ours, heart), task.trained)
                work = SharedWork(
                    *(heart.beat, done, None if least is None else Gas(least), task.own),
                    room_bytes=means.room_bytes,
                    trainings=reporting.of,
                    waits_for_blobs=task.lease.attempt < task.lease.attempts_most,
                )
                try:
                    result = task.run(work)
                finally:
                    if not heart.lost.is_set():
                        reporting.flush()
        except Parked as parked:
            if task.park(parked):
                return Attempt.PARKED
            done = parked.done
        else:
            return Attempt.DONE if task.finish(result, heart.gas) else Attempt.LOST


def _still_ours(heart: Heart) -> None:
    """A training asks this after each of its steps. Raises `LeaseLost`."""
    heart.beat(heart.gas)


def _lacks_means(error: Exception) -> bool:
    no_thread = isinstance(error, RuntimeError) and "start new thread" in str(error)
    return no_thread or isinstance(error, _NO_MEANS)


def _again(task: Leased, error: str, policy: JobPolicy) -> Attempt:
    if task.lease.attempt >= task.lease.attempts_most:
        detail = f"{task.lease.attempts_most} attempts; the last error: {error}"
        return Attempt.FAILED if task.fail("attempts_exhausted", detail) else Attempt.LOST
    why = f"to try again: attempt {task.lease.attempt} of {task.lease.attempts_most} ended with {error}"
    return Attempt.RETRIED if task.retry(why, policy.delay_after(task.lease.attempt)) else Attempt.LOST
