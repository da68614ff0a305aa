"""What a gas is worth on this machine: the plainest host call, timed once in the life of each process."""

import time

from accountant.calibration.reference import ReferenceRun
from accountant.storage.measured_gas import HOST_CALL, GasMeter, Sum

_ROUNDS = 2
"""The first one compiles and warms up."""


def measure_host_call(meter: GasMeter) -> None:
    """Adds the faster of two rounds of the calls that prices were calibrated with: a fifth of a second in all."""
    run = ReferenceRun()
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        gas = run()
        times.append(time.perf_counter() - began)
    meter.add(HOST_CALL, Sum(1, gas, min(times)))
