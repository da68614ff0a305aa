"""Processors and GPUs of machines that have workers, as those last told of them."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from accountant.monitoring.measures.service import seconds_ago
from accountant.storage.metric_tables import devices

DEVICES_MOST = 200
SILENT_DEVICE_S = 60.0
"""Workers tell of devices every ten seconds: one that nobody told of for so long may be gone."""


class Device(NamedTuple):
    """A processor or a GPU. `fresh`: a worker told of it within `SILENT_DEVICE_S`."""

    host: str
    device: str
    name: str
    memory_bytes: int
    used_bytes: int
    share: float
    told_at: datetime
    fresh: bool


def device_lines(connection: sa.Connection) -> list[Device]:
    """By machine, the processor first."""
    return [Device(*tuple(row)) for row in connection.execute(_DEVICES).all()]


_fresh = (devices.c.told_at >= seconds_ago(SILENT_DEVICE_S)).label("fresh")
_DEVICES = (
    sa.select(*(devices.c[name] for name in Device._fields if name != "fresh"), _fresh)
    .order_by(devices.c.host, devices.c.device)
    .limit(DEVICES_MOST)
)
