"""The Celery application: `celery -A workers.app worker -Q cpu`.

Celery on Redis loses tasks and runs some twice, whatever its settings; the outbox, leases and the
sweeper make both harmless (docs/decisions). The settings here only make it rare.
"""

from celery import Celery
from celery.signals import setup_logging, worker_process_shutdown
from kombu.entity import Queue as BrokerQueue

from accountant.logs import configure_logs
from accountant.settings import Settings, load_settings
from accountant.storage.jobs import Queue
from workers import lifecycle
from workers.tasks import register

_LATER_THAN_LIMIT_S = 600


def make_app(settings: Settings) -> Celery:
    """A Celery application over the broker of these settings, without tasks."""
    app = Celery("accountant", broker=settings.redis, set_as_current=False)
    app.conf.update(
        task_queues=[BrokerQueue(queue.value, routing_key=queue.value) for queue in Queue],  # type: ignore[no-untyped-call]
        task_default_queue=Queue.CPU.value,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_time_limit=settings.job_time_limit_s,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_pool_start_method="spawn",  # psycopg pools and CUDA survive no fork
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


def _log(**_: object) -> None:
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "worker")


def _close(**_: object) -> None:
    lifecycle.close()


setup_logging.connect(_log)
worker_process_shutdown.connect(_close)
app = make_app(load_settings())
register(app, lifecycle.resources)
