"""Rates from measurements: the cheapest ones that no measured case is underpriced by."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from accountant.chain.tensor_prices import RATE_UNIT, TensorPrice
from accountant.contracts.tensor_work import Work

_VARIES = 2.0


class Measured(NamedTuple):
    """A case's work and the gas that its time is worth."""

    work: Work
    gas: float


def rates_of(kind: str, measured: Sequence[Measured]) -> TensorPrice:
    """Prices of one kind: no case costs less than it was measured at, and all together as little more as can be.

    A linear program over launch, flop and byte rate, all at least 0: least Σ price ÷ measured, price ≥ measured. Where
    cases differ in how much they compute with each byte, the flops of the one that computes most pay for half of it:
    what is larger than anything measured still pays for its own growth.
    """
    assert measured
    table = np.array([[1.0, one.work.flops, one.work.bytes] for one in measured])
    worth = np.array([one.gas for one in measured])
    relative = table / worth[:, None]
    scale = np.where(relative.max(axis=0) > 0, relative.max(axis=0), 1.0)  # the solver wants numbers of one size
    relative = relative / scale
    least = [(0.0, None), (0.0, None), (0.0, None)]
    intensity = table[:, 1] / np.maximum(table[:, 2], 1.0)
    if intensity.max() > _VARIES * np.median(intensity):
        most = int(intensity.argmax())
        least[1] = (0.5 * scale[1] * worth[most] / table[most, 1], None)
    solved = linprog(relative.sum(axis=0), A_ub=-relative, b_ub=-np.ones(len(measured)), bounds=least)
    assert solved.success, solved.message
    launch, flop, byte = solved.x / scale
    return TensorPrice(
        kind=kind,
        launch=int(np.ceil(launch)),
        flop_rate=int(np.ceil(flop * RATE_UNIT)),
        byte_rate=int(np.ceil(byte * RATE_UNIT)),
    )
