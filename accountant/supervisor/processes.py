"""The processes of an accountant, in the order of their start. The one place that says what runs."""

import signal
import sys

from accountant.processes.gpus import gpus
from accountant.settings import Settings, WorkerDevice, variable_of
from accountant.supervisor.process import ProcessSpec
from accountant.supervisor.readiness import answers_http

_ACCOUNTANT = (sys.executable, "-m", "accountant.cli")
_WORKER_STOP_S = 15.0  # a job at hand may end; one that does not is taken up again from its row


def processes(settings: Settings) -> tuple[ProcessSpec, ...]:
    """What runs, in order. All else they learn from the settings' environment.

    A node elsewhere (`ANH_NODE_URL`) is used instead of an own one.
    """
    api = f"http://{settings.api_host}:{settings.api_port}"
    pages = f"http://{settings.dashboard_host}:{settings.dashboard_port}"
    node = ProcessSpec(
        "node",
        (*_ACCOUNTANT, "node", "run"),
        ready=answers_http(f"{settings.node}/head"),
        before_others=True,
    )
    others = (
        ProcessSpec("indexer", (*_ACCOUNTANT, "index", "follow")),
        ProcessSpec("api", (*_ACCOUNTANT, "api"), ready=answers_http(f"{api}/v1/readiness")),
        _worker("worker", "cpu", settings.worker_concurrency, settings),
        # One process a GPU, and one without any: heavy executions never keep the others from theirs
        _worker("worker-gpu", "gpu", max(1, len(gpus())), settings, WorkerDevice.GPU),
        ProcessSpec("dashboard", (*_ACCOUNTANT, "dashboard"), ready=answers_http(f"{pages}/login")),
        ProcessSpec("dispatcher", (*_ACCOUNTANT, "dispatch")),
        ProcessSpec("signer", (*_ACCOUNTANT, "sign")),
        ProcessSpec("publisher", (*_ACCOUNTANT, "publish")),
    )
    return others if settings.node_url is not None else (node, *others)


def _worker(
    name: str, queue: str, concurrency: int, settings: Settings, device: WorkerDevice | None = None
) -> ProcessSpec:
    """A Celery worker for one queue; the settings' device unless another one is named."""
    celery = (sys.executable, "-m", "celery", "--quiet", "-A", "workers.app", "worker")
    options = ("-Q", queue, "--pool", "prefork", "--concurrency", str(concurrency))
    return ProcessSpec(
        name,
        (*celery, *options, "--hostname", f"{queue}@%h", "--loglevel", settings.log_level.upper()),
        environment={} if device is None else {variable_of("worker_device"): device.value},
        stop_s=_WORKER_STOP_S,
        # Celery can hang in its warm shutdown; killed outright its pool ends by itself, and leases run out
        parent_death_signal=signal.SIGKILL,
    )
