"""The broker: the Celery application over it, and what the dispatcher does with it."""

import redis
from celery import Celery
from kombu.entity import Queue as BrokerQueue

from accountant.services.dispatch import Publish
from accountant.settings import Settings
from accountant.storage.jobs import Queue
from accountant.storage.outbox import EXECUTION_PREFIX
from accountant.tracing.spans import current

RUN_JOB = "accountant.run_job"
RUN_EXECUTION = "accountant.run_execution"

TRACEPARENT = "anh_traceparent"
"""The header of a message that says what led to it."""

_LATER_THAN_LIMIT_S = 600
_IMPORTS_S = 120.0
"""A spawned process imports everything anew. What is not up after 4 s, Celery's default, is killed: on a busy machine
the place of a process that died would never be taken."""
_MARK = "accountant:broker-remembers"


def make_app(settings: Settings) -> Celery:
    """A Celery application over the broker of these settings.

    Celery on Redis loses tasks and runs some twice, whatever its settings: outbox, leases and sweeper make
    both harmless. The settings here only make it rare.
    """
    app = Celery(
        "accountant", broker=settings.redis, include=["workers.tasks", "workers.signals"], set_as_current=False
    )
    app.conf.update(
        task_queues=[BrokerQueue(q.value, routing_key=q.value) for q in Queue],  # type: ignore[no-untyped-call]
        task_default_queue=Queue.CPU.value,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=settings.job_time_limit_s,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_pool_start_method="spawn",  # psycopg pools and CUDA survive no fork
        worker_proc_alive_timeout=_IMPORTS_S,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "visibility_timeout": settings.job_time_limit_s + _LATER_THAN_LIMIT_S,
            "unacked_mutex_expire": 30,
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
        },
    )
    return app


def publishing(app: Celery) -> Publish:
    """Publishes jobs and executions to the queues of the application's broker.

    Raises `kombu.exceptions.OperationalError`.
    """

    def publish(task: str, queue: Queue) -> None:
        name, argument = RUN_JOB, task
        if task.startswith(EXECUTION_PREFIX):
            name, argument = RUN_EXECUTION, task.removeprefix(EXECUTION_PREFIX)
        traceparent = current().traceparent
        headers = None if traceparent is None else {TRACEPARENT: traceparent}
        app.send_task(name, args=(argument,), queue=queue.value, ignore_result=True, retry=False, headers=headers)

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
