"""The outbox: messages that are to be handed to the broker, stored with the change that they tell of."""

from typing import NamedTuple

import sqlalchemy as sa

from accountant.storage.job_tables import executions, jobs, outbox
from accountant.storage.jobs import JobState, Queue

EXECUTION_PREFIX = "execution_"
"""Of a message's task, where it is no job's id."""


class Message(NamedTuple):
    """A job or an execution that waits for a worker of a queue. `task`: the job's id, or `execution_` and its number.

    `stale`: it waits no more, so nobody needs to hear of it.
    """

    number: int
    job_number: int | None
    execution_seq: int | None
    task: str
    queue: Queue
    stale: bool
    traceparent: str | None


class Outbox:
    """The outbox, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def due(self, limit: int) -> list[Message]:
        """Up to `limit` messages whose time has come: executions first, since others wait for them, then oldest first.

        Messages and what they are about are locked for this transaction; what another process holds is skipped,
        so dispatchers never wait for anyone.
        """
        name = sa.literal(EXECUTION_PREFIX) + sa.cast(executions.c.seq, sa.Text)
        about_executions = sa.select(*outbox.c, name.label("task"), *_said(executions)).join(
            executions, executions.c.seq == outbox.c.execution_seq
        )
        about_jobs = sa.select(*outbox.c, jobs.c.id.label("task"), *_said(jobs)).join(
            jobs, jobs.c.number == outbox.c.job_number
        )
        messages = self._due(about_executions, limit)
        return messages + self._due(about_jobs, limit - len(messages))

    def _due(self, query: sa.Select[tuple[object, ...]], limit: int) -> list[Message]:
        due = query.where(outbox.c.not_before <= sa.func.clock_timestamp()).order_by(outbox.c.number)
        found = self._connection.execute(due.limit(limit).with_for_update(skip_locked=True))
        return [
            Message(
                *(r.number, r.job_number, r.execution_seq, r.task, Queue(r.queue)),
                stale=r.state != JobState.QUEUED,
                traceparent=r.traceparent,
            )
            for r in found
        ]

    def published(self, messages: list[Message]) -> None:
        """Forgets messages that the broker has taken, or that are stale."""
        sent = [m for m in messages if not m.stale]
        self._count(jobs, jobs.c.number, [m.job_number for m in sent if m.job_number is not None])
        self._count(executions, executions.c.seq, [m.execution_seq for m in sent if m.execution_seq is not None])
        self._connection.execute(sa.delete(outbox).where(outbox.c.number.in_([m.number for m in messages])))

    def _count(self, table: sa.Table, key: sa.Column[int], sent: list[int]) -> None:
        counted = {"publications": table.c.publications + 1, "published_at": sa.func.clock_timestamp()}
        if sent:
            self._connection.execute(sa.update(table).where(key.in_(sent)).values(**counted))


def _said(table: sa.Table) -> tuple[sa.Column[str], ...]:
    return (table.c.queue, table.c.state, table.c.traceparent)
