"""What a process of the pool computes tensors on: a GPU of its own, or the processor. No result depends on it."""

import os

import structlog
from billiard.process import current_process

from accountant.processes.gpus import VISIBLE, gpus
from accountant.settings import Settings, WorkerDevice

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")

_log = structlog.get_logger(__name__)


def number() -> int:
    """Which process of the pool this is, from 0; whoever takes a dead one's place has its number."""
    return int(getattr(current_process(), "index", 0))


def assign(settings: Settings, process: int) -> bool:
    """Before anything computes: says in the environment what this process sees and uses. Whether it has a GPU."""
    if settings.worker_threads:
        os.environ.update(dict.fromkeys(THREADS, str(settings.worker_threads)))
    there = gpus() if settings.worker_device is WorkerDevice.GPU else []
    os.environ[VISIBLE] = there[process % len(there)] if there else ""
    return bool(there)


def choose(has_gpu: bool) -> str:
    """Takes the GPU that was assigned, once for the whole process; the name of what tensors are made on.

    Without one, or where it does not compute exactly or cannot be reached, that is the processor.
    """
    if not has_gpu:
        return "cpu"
    from accountant.tensors import machine
    from accountant.tensors.errors import InexactMachine, NoDevice

    try:
        machine.choose("cuda")
    except (NoDevice, InexactMachine, RuntimeError) as error:  # the driver's errors are torch's
        _log.warning("gpu_not_used", detail=str(error)[:200])
        return "cpu"
    _log.info("gpu_used", visible=os.environ[VISIBLE])
    return "cuda"
