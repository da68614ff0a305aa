"""What is old goes: one round drops a batch of each kind. Nothing that an answer or the audit log rests on is among it.

Points of series, hours of the dear, workers and devices go with each sample (`monitoring.sampler`), blobs, uploads and
checkpoints with the collector (`services.blob_garbage`), and messages of the outbox once the broker took them.
"""

import sqlalchemy as sa

from accountant.services.policy import JobPolicy
from accountant.storage.admins import forget_access
from accountant.storage.executions import forget_executions
from accountant.storage.idempotency import forget_answers
from accountant.storage.jobs import forget_events, forget_jobs_of
from accountant.storage.keys_store import PUBLIC_PREFIX
from accountant.storage.trainings import forget_trainings

BATCH = 1_000
PUBLIC_BATCH = 200
"""Of the oldest public jobs, which are looked at in each round."""


def forget_old(engine: sa.Engine, policy: JobPolicy) -> int:
    """One round, each kind in a database transaction of its own; how many rows went."""
    gone = 0
    with engine.begin() as connection:
        gone += forget_answers(connection, policy.answers_kept_s)
    with engine.begin() as connection:
        gone += forget_events(connection, policy.events_kept_s, BATCH)
    with engine.begin() as connection:
        gone += forget_trainings(connection, policy.trainings_kept_s, BATCH)
    with engine.begin() as connection:
        gone += forget_executions(connection, policy.events_kept_s, BATCH)
    with engine.begin() as connection:
        gone += forget_access(connection, policy.logins_kept_s, BATCH)
    with engine.begin() as connection:
        gone += forget_jobs_of(connection, PUBLIC_PREFIX, policy.public_kept_s, PUBLIC_BATCH)
    return gone
