"""What gas takes on these machines against what it was priced, by kind of operation: the underpriced first."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from accountant.storage.measured_gas import HOST_CALL
from accountant.storage.metric_tables import measured_gas

KINDS_MOST = 500
"""There are about a hundred; each device has its own."""
UNDERPRICED = 1.0
"""What pays for less than its time, by the worth of a gas on the same machine, is underpriced there."""

_m = measured_gas


class MeasuredKind(NamedTuple):
    """A kind of operation on a device."""

    device: str
    kind: str
    operations: int
    gas: int
    seconds: float
    ns_per_gas: float
    paid: float | None
    """Of its time, what its price pays for, at the rate of the plainest host call here; None where that is unknown."""
    since: datetime


class Rate(NamedTuple):
    """What a gas of the plainest host call takes where tensors are computed on a device."""

    device: str
    ns_per_gas: float
    rounds: int


def rates(connection: sa.Connection) -> list[Rate]:
    """By device. All of it runs on the processor: what differs is which machines have such workers."""
    return [Rate(*row) for row in connection.execute(_RATES).all()]


def measured_kinds(connection: sa.Connection, known: list[Rate]) -> list[MeasuredKind]:
    """All kinds, those first that take longest for their gas. `known`: what `rates` says."""
    worth = {rate.device: rate.ns_per_gas for rate in known}
    return [
        MeasuredKind(device, kind, operations, int(gas), seconds, per_gas, _paid(worth.get(device), per_gas), since)
        for device, kind, operations, gas, seconds, since, per_gas in map(tuple, connection.execute(_KINDS).all())
    ]


def _paid(rate: float | None, ns_per_gas: float) -> float | None:
    return None if rate is None or not ns_per_gas else rate / ns_per_gas


_per_gas = (1e9 * _m.c.seconds / sa.cast(_m.c.gas, sa.Double)).label("ns_per_gas")
_RATES = (
    sa.select(_m.c.device, _per_gas, _m.c.operations).where(_m.c.kind == HOST_CALL, _m.c.gas > 0).order_by(_m.c.device)
)
_COLUMNS = ("device", "kind", "operations", "gas", "seconds", "since")
_KINDS = (
    sa.select(*(_m.c[name] for name in _COLUMNS), _per_gas)
    .where(_m.c.kind != HOST_CALL, _m.c.gas > 0)
    .order_by(_per_gas.desc(), _m.c.device, _m.c.kind)
    .limit(KINDS_MOST)
)
