"""Rates from measurements: the cheapest ones that no measured case is underpriced by."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from accountant.chain.tensor_prices import RATE_UNIT, TensorPrice
from accountant.contracts.tensor_work import Work


class Measured(NamedTuple):
    """A case's work and the gas that its time is worth."""

    work: Work
    gas: float


def rates_of(kind: str, measured: Sequence[Measured]) -> TensorPrice:
    """Prices of one kind: no case costs less than it was measured at, and all together as little more as can be.

    A linear program over launch, flop and byte rate, all at least 0: least Σ price ÷ measured, price ≥ measured.
    """
    assert measured
    table = np.array([[1.0, one.work.flops, one.work.bytes] for one in measured])
    worth = np.array([one.gas for one in measured])
    scale = np.maximum(table.max(axis=0), 1.0)  # the solver wants numbers of one size
    relative = table / scale / worth[:, None]
    solved = linprog(relative.sum(axis=0), A_ub=-relative, b_ub=-np.ones(len(measured)), bounds=(0, None))
    assert solved.success, solved.message
    launch, flop, byte = solved.x / scale
    return TensorPrice(
        kind=kind,
        launch=int(np.ceil(launch)),
        flop_rate=int(np.ceil(flop * RATE_UNIT)),
        byte_rate=int(np.ceil(byte * RATE_UNIT)),
    )
