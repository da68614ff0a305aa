"""What a worker's machine has for tensors, and how busy it is: its processor, and GPUs where NVIDIA's library is."""

import platform
from pathlib import Path

import psutil

from accountant.monitoring.presence import DeviceUse
from accountant.storage.measured_gas import CPU

try:
    import pynvml
except ImportError:  # without it there is nothing to tell of GPUs
    pynvml = None

_CPUINFO = Path("/proc/cpuinfo")
_NAME_MOST = 100


class Machine:
    """This machine. The driver's library is opened once; without one there are no GPUs to tell of."""

    def __init__(self) -> None:
        self._name = processor_name()
        self._gpus = _opened()
        psutil.cpu_percent()  # the next call tells of the time since this one

    def devices(self) -> list[DeviceUse]:
        """The processor first, then GPUs by number. A GPU that does not answer is left out."""
        memory = psutil.virtual_memory()
        share = psutil.cpu_percent() / 100
        processor = DeviceUse(CPU, self._name, memory.total, memory.total - memory.available, share)
        return [processor, *(use for number in range(self._gpus) if (use := _gpu(number)) is not None)]


def processor_name(cpuinfo: Path = _CPUINFO) -> str:
    """What the maker calls the processor, with the number of its cores."""
    name = platform.machine()
    try:
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return f"{name[:_NAME_MOST]}, {psutil.cpu_count()} cores"


def _opened() -> int:
    """How many GPUs the driver has."""
    if pynvml is None:
        return 0
    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return 0


def _gpu(number: int) -> DeviceUse | None:
    try:
        gpu = pynvml.nvmlDeviceGetHandleByIndex(number)
        name, memory = pynvml.nvmlDeviceGetName(gpu), pynvml.nvmlDeviceGetMemoryInfo(gpu)
        share = pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100
    except pynvml.NVMLError:
        return None
    return DeviceUse(f"gpu {number}", str(name)[:_NAME_MOST], int(memory.total), int(memory.used), share)
