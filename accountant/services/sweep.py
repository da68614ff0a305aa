"""Sweeping: what a crash or a forgetful broker left lying is picked up again, and what is old goes."""

from typing import NamedTuple

import sqlalchemy as sa

from accountant.services.policy import JobPolicy
from accountant.storage.idempotency import forget_answers
from accountant.storage.jobs import Jobs, forget_events

BATCH = 1_000


class Swept(NamedTuple):
    """How many jobs went back to the queue, were parked as failed, or are to be published again."""

    returned: int
    parked: int
    reposted: int


def sweep(engine: sa.Engine, policy: JobPolicy, broker_forgot: bool) -> Swept:
    """One round. `broker_forgot`: no message that was published before can be relied on."""
    with engine.begin() as connection:
        returned, parked = _end_leases(Jobs(connection))
    with engine.begin() as connection:
        jobs = Jobs(connection)
        reposted = jobs.repost_all() if broker_forgot else jobs.repost(policy.patience_s)
    with engine.begin() as connection:
        forget_answers(connection, policy.answers_kept_s)
        forget_events(connection, policy.events_kept_s, BATCH)
    return Swept(returned, parked, reposted)


def _end_leases(jobs: Jobs) -> tuple[int, int]:
    """Ends leases past their deadline: their workers are dead, or too slow to be told from dead."""
    returned = parked = 0
    for lease in jobs.expired(BATCH):
        if lease.attempt >= lease.attempts_most:
            detail = (
                f"the worker vanished in each of {lease.attempts_most} attempts, or was too slow to say that it lives"
            )
            parked += jobs.fail(lease, "attempts_exhausted", detail)
        else:
            why = f"to try again: the worker of attempt {lease.attempt} of {lease.attempts_most} vanished"
            returned += jobs.retry(lease, why, 0.0)
    return returned, parked
