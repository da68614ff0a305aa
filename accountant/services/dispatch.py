"""Dispatching: what the outbox holds is handed to the broker, at least once."""

from collections.abc import Callable

import sqlalchemy as sa

from accountant.storage.jobs import Queue
from accountant.storage.outbox import Outbox
from accountant.tracing.spans import Kind, under

BATCH = 100

Publish = Callable[[str, Queue], None]
"""Hands a message's task to the broker: a job's id, or an execution. Raises where the broker does not take it."""


def dispatch(engine: sa.Engine, publish: Publish, limit: int = BATCH) -> int:
    """Publishes up to `limit` due messages; how many it took from the outbox.

    A crash before the commit publishes again, which a lease makes harmless; nothing is ever lost.
    """
    with engine.begin() as connection:
        outbox = Outbox(connection)
        messages = outbox.due(limit)
        for message in messages:
            if not message.stale:
                with under(message.traceparent, "dispatch", Kind.PRODUCER, work=message.task, queue=message.queue):
                    publish(message.task, message.queue)
        if messages:
            outbox.published(messages)
    return len(messages)
