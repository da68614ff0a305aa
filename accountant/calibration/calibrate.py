"""From a machine to a table of prices, and what the table says of the machine."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch

from accountant.calibration.cases import Case, all_cases
from accountant.calibration.fitting import Measured, rates_of
from accountant.calibration.measure import Timed, clock_of, gas_per_second, measured
from accountant.chain.tensor_prices import TensorPrice, TensorSchedule
from accountant.contracts.tensor_work import price
from accountant.tensors.machine import choose

MARGIN = 1.25
"""What an operation pays for each second that it was measured to take: another hour's caches and clocks are slower."""


class Priced(NamedTuple):
    """A measured case beside its price. `paid`: price ÷ what its time is worth in gas."""

    kind: str
    shapes: str
    seconds: float
    worth: float
    price: int

    @property
    def paid(self) -> float:
        """Below 1: the operation takes longer than its gas pays for."""
        return self.price / self.worth


class Calibration(NamedTuple):
    """A table, and the measurements that it was made of."""

    schedule: TensorSchedule
    gas_per_second: float
    device: str
    cases: tuple[Priced, ...]


def calibrate(
    version: str, device: str = "cpu", chosen: Callable[[Case], bool] = lambda _: True, passes: int = 3
) -> Calibration:
    """Measures every case so many times, in as many passes, takes the longest of them, and prices each kind by it, with
    a `MARGIN`.

    Processor time of one thread on a processor, whatever else runs there; elapsed time on another device. Raises
    `NoDevice` where there is none of this name.
    """
    choose(device)
    clock = clock_of(device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rate = gas_per_second()
        timed = [one for _ in range(passes) for case in all_cases() if chosen(case) for one in measured(case, clock)]
    finally:
        torch.set_num_threads(threads)
    longest = _longest(timed)
    by_kind: dict[str, list[Measured]] = defaultdict(list)
    for one in longest:
        by_kind[one.work.kind].append(Measured(one.work, one.seconds * rate * MARGIN))
    prices = tuple(rates_of(kind, by_kind[kind]) for kind in sorted(by_kind))
    schedule = TensorSchedule(version, _default(prices), prices)
    return Calibration(schedule, rate, device, tuple(priced(longest, schedule, rate)))


def priced(timed: Iterable[Timed], schedule: TensorSchedule, rate: float) -> list[Priced]:
    """Measurements beside a table's prices, at so many gas per second."""
    return [
        Priced(
            one.work.kind,
            " ".join("×".join(map(str, shape)) if shape is not None else "–" for shape in one.case.shapes),
            one.seconds,
            one.seconds * rate,
            price(one.work, schedule),
        )
        for one in timed
    ]


def _longest(timed: Sequence[Timed]) -> list[Timed]:
    found: dict[tuple[Case, str], Timed] = {}
    for one in timed:
        key = one.case, one.work.kind
        if key not in found or found[key].seconds < one.seconds:
            found[key] = one
    return list(found.values())


def _default(prices: Sequence[TensorPrice]) -> TensorPrice:
    """What a kind costs that nobody measured: as much as the dearest in every respect."""
    return TensorPrice(
        kind="",
        launch=max((one.launch for one in prices), default=0),
        flop_rate=max((one.flop_rate for one in prices), default=0),
        byte_rate=max((one.byte_rate for one in prices), default=0),
    )
