"""The GPUs that a process may see, without asking any driver: who only starts workers loads no library for them."""

import os
import re
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
_DEVICE = re.compile(r"nvidia([0-9]{1,3})")
_NODES = re.compile(r"nvidia.*")


def gpus(devices: Path = Path("/dev")) -> list[str]:
    """Names for `CUDA_VISIBLE_DEVICES`: those that it holds already, else one for each device node, in order."""
    named = os.environ.get(VISIBLE)
    if named is not None:
        return [name for part in named.split(",") if (name := part.strip())]
    found = (_DEVICE.fullmatch(path.name) for path in devices.glob("nvidia*"))
    return sorted((match[1] for match in found if match is not None), key=int)


def device_nodes(devices: Path = Path("/dev")) -> list[Path]:
    """What the driver of these GPUs opens."""
    return sorted(path for path in devices.glob("nvidia*") if _NODES.fullmatch(path.name))
