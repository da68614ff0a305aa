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
    per_gas = 1e9 * _m.c.seconds / sa.cast(_m.c.gas, sa.Double)
    rows = connection.execute(
        sa.select(_m.c.device, per_gas, _m.c.operations)
        .where(_m.c.kind == HOST_CALL, _m.c.gas > 0)
        .order_by(_m.c.device)
    )
    return [Rate(*row) for row in rows]


def measured_kinds(connection: sa.Connection) -> list[MeasuredKind]:
    """All kinds, those first that take longest for their gas."""
    known = {rate.device: rate.ns_per_gas for rate in rates(connection)}
    per_gas = (1e9 * _m.c.seconds / sa.cast(_m.c.gas, sa.Double)).label("ns_per_gas")
    rows = connection.execute(
        sa.select(*_m.c, per_gas)
        .where(_m.c.kind != HOST_CALL, _m.c.gas > 0)
        .order_by(per_gas.desc(), _m.c.device, _m.c.kind)
        .limit(KINDS_MOST)
    ).mappings()
    return [
        MeasuredKind(**{**row, "gas": int(row["gas"])}, paid=_paid(known.get(row["device"]), row["ns_per_gas"]))
        for row in rows
    ]


def _paid(rate: float | None, ns_per_gas: float) -> float | None:
    return None if rate is None or not ns_per_gas else rate / ns_per_gas
