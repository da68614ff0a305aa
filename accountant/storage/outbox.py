"""The outbox: messages that are to be handed to the broker, stored with the change that they tell of."""

from typing import NamedTuple

import sqlalchemy as sa

from accountant.storage.job_tables import jobs, outbox
from accountant.storage.jobs import JobState, Queue


class Message(NamedTuple):
    """A job that waits for a worker of a queue. `stale`: it waits no more, so nobody needs to hear of it."""

    number: int
    job_number: int
    job_id: str
    queue: Queue
    stale: bool


class Outbox:
    """The outbox, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def due(self, limit: int) -> list[Message]:
        """Up to `limit` messages whose time has come, oldest first.

        Messages and their jobs are locked for this transaction; what another process holds is skipped,
        so dispatchers never wait for anyone.
        """
        query = (
            sa.select(outbox.c.number, outbox.c.job_number, jobs.c.id, jobs.c.queue, jobs.c.state)
            .join(jobs, jobs.c.number == outbox.c.job_number)
            .where(outbox.c.not_before <= sa.func.clock_timestamp())
            .order_by(outbox.c.number)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = self._connection.execute(query)
        return [Message(r.number, r.job_number, r.id, Queue(r.queue), r.state != JobState.QUEUED) for r in found]

    def published(self, messages: list[Message]) -> None:
        """Forgets messages that the broker has taken, or that are stale."""
        sent = [m.job_number for m in messages if not m.stale]
        counted = {"publications": jobs.c.publications + 1, "published_at": sa.func.clock_timestamp()}
        self._connection.execute(sa.update(jobs).where(jobs.c.number.in_(sent)).values(**counted))
        self._connection.execute(sa.delete(outbox).where(outbox.c.number.in_([m.number for m in messages])))
