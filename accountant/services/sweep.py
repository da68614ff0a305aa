"""Sweeping: what a crash or a forgetful broker left lying is picked up again, and what is old goes."""

from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa

from accountant.services.accountants import search_purses
from accountant.services.execute import fail_execution
from accountant.services.policy import JobPolicy
from accountant.services.retention import forget_old
from accountant.services.watch import ask_due_audits
from accountant.storage.executions import ExecutionLease, Executions
from accountant.storage.jobs import Jobs, Lease
from accountant.tracing.spans import under

BATCH = 1_000


class Swept(NamedTuple):
    """How many jobs and executions went back to the queue, were parked as failed, or are to be published again.

    `unwanted`: executions that nobody waited for any more.
    """

    returned: int
    parked: int
    reposted: int
    unwanted: int = 0
    audits: int = 0
    """Audits of watched contracts that were due."""


def sweep(engine: sa.Engine, policy: JobPolicy, broker_forgot: bool) -> Swept:
    """One round. `broker_forgot`: no message that was published before can be relied on."""
    with engine.begin() as connection:
        returned, parked = _end_leases(Jobs(connection))
    for goes_on in _end_executions(engine):
        returned, parked = returned + goes_on, parked + (not goes_on)
    reposted = unwanted = 0
    with engine.begin() as connection:
        for waiting in (Jobs(connection), Executions(connection)):
            reposted += waiting.repost_all() if broker_forgot else waiting.repost(policy.patience_s)
    while ended := _cancel_unwanted(engine):
        unwanted += ended
    audits = ask_due_audits(engine, policy)
    search_purses(engine)
    forget_old(engine, policy)
    return Swept(returned, parked, reposted, unwanted, audits)


def _end_leases(jobs: Jobs) -> tuple[int, int]:
    """Ends leases past their deadline: their workers are dead, or too slow to be told from dead."""
    returned = parked = 0
    for lease in jobs.expired(BATCH):
        _tell_lost(lease)
        if lease.attempt >= lease.attempts_most:
            parked += jobs.fail(lease, "attempts_exhausted", _vanished(lease.attempts_most))
        else:
            why = f"to try again: the worker of attempt {lease.attempt} of {lease.attempts_most} vanished"
            returned += jobs.retry(lease, why, 0.0)
    return returned, parked


def _end_executions(engine: sa.Engine) -> Iterator[bool]:
    """The same for executions, one database transaction each: who waits for them is locked too. Whether it goes on."""
    for _ in range(BATCH):
        with engine.begin() as connection:
            executions = Executions(connection)
            lease = next(iter(executions.expired(1)), None)
            if lease is None:
                return
            _tell_lost(lease)
            goes_on = lease.attempt < lease.attempts_most
            if goes_on:
                executions.retry(lease, 0.0)
            else:
                fail_execution(connection, lease, _vanished(lease.attempts_most))
        yield goes_on


def _tell_lost(lease: Lease | ExecutionLease) -> None:
    """A killed worker sends no span of its own: its trace would not show why there was another attempt."""
    with under(lease.traceparent, "attempt.lost", work=lease.id, attempt=lease.attempt) as span:
        span.fail("lease_expired")


def _cancel_unwanted(engine: sa.Engine) -> int:
    with engine.begin() as connection:
        return Executions(connection).cancel_unwanted(BATCH)


def _vanished(attempts: int) -> str:
    return f"the worker vanished in each of {attempts} attempts, or was too slow to say that it lives"
