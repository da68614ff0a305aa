"""The broker, as the dispatcher sees it: somewhere to publish to, that may forget everything."""

import redis
from celery import Celery

from accountant.services.dispatch import Publish
from accountant.storage.jobs import Queue
from workers.tasks import RUN_JOB

_MARK = "accountant:broker-remembers"


def publishing(app: Celery) -> Publish:
    """Publishes job ids to the queues of the application's broker. Raises `kombu.exceptions.OperationalError`."""

    def publish(job_id: str, queue: Queue) -> None:
        app.send_task(RUN_JOB, args=(job_id,), queue=queue.value, ignore_result=True, retry=False)

    return publish


class BrokerMemory:
    """A mark that is gone when the broker was flushed, replaced, or never seen before."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def forgot(self) -> bool:
        """Whether messages published before can be relied on no more. Raises `redis.RedisError`."""
        return not self._client.exists(_MARK)

    def remember(self) -> None:
        """Sets the mark, once everything that waits is to be published again."""
        self._client.set(_MARK, b"1")
