"""What a worker and each of its processes do at their beginning and end. Spawned processes import this anew."""

from celery.signals import (
    celeryd_init,
    setup_logging,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
)

from accountant.logs import configure_logs
from accountant.settings import load_settings
from accountant.tracing import spans
from workers import confinement, devices, lifecycle, presence


def _log(**_: object) -> None:
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "worker")


def _check(**_: object) -> None:
    confinement.check(load_settings())


def _begin_pool(options: dict[str, object] | None = None, **_: object) -> None:
    presence.begin_pool(load_settings(), (options or {}).get("queues"))


def _confine(**_: object) -> None:
    settings = load_settings()
    has_gpu = devices.assign(settings, devices.number())
    confinement.confine(settings, has_gpu)
    on_gpu = devices.choose(has_gpu)
    spans.begin(settings.traces_url, "worker")  # its thread is confined as this one is by now
    presence.begin(settings, on_gpu)


def _close(**_: object) -> None:
    lifecycle.close()
    presence.end()
    spans.end()


setup_logging.connect(_log)
celeryd_init.connect(_begin_pool)
worker_init.connect(_check)
worker_process_init.connect(_confine)
worker_process_shutdown.connect(_close)
