"""Times of operations: processor time of one thread, the least of several rounds, in the order that cases come."""

import itertools
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch

from accountant import tensors
from accountant.calibration.cases import Case
from accountant.calibration.reference import ReferenceRun
from accountant.contracts.tensor_compute import NODES_BITS, Value, compute
from accountant.contracts.tensor_means import Means, Memo
from accountant.contracts.tensor_values import Step
from accountant.contracts.tensor_work import Work, backward_work, work_of
from accountant.primitives.cid import cid_of
from accountant.tensors.files import write_file
from accountant.tensors.tape import number_from

ROUNDS = 5
LEAST_SECONDS = 0.004
"""A round repeats a shorter operation until it takes so long."""
WARM_ROUNDS = 1

_places = itertools.count(1)

UNDIFFERENTIATED = frozenset(
    ("argmax", "one_hot", "uniform", "normal", "init", "permutation", "full", "of_ints", "indices_of_ints")
).union(("indices", "clip", "sgd", "sgd_start", "adam", "adam_start", "load", "save"))
"""Rows that no gradient goes through."""

_INDEX_OPERANDS = {
    "cross_entropy": (1,),
    "ctc_loss": (1, 2, 3),
    "embedding": (1,),
    "take": (1,),
    "gather": (1,),
    "scatter_add": (1,),
    "one_hot": (0,),
}


class Timed(NamedTuple):
    """A case's work, and the seconds that it took."""

    case: Case
    work: Work
    seconds: float


class Clock(NamedTuple):
    """How seconds are measured on a device, and how work there is waited for."""

    device: torch.device
    now: Callable[[], float]
    settle: Callable[[], None]


def clock_of(device: str) -> Clock:
    """Processor time where the processor works, and elapsed time where another device does."""
    if device == "cpu":
        return Clock(torch.device("cpu"), time.process_time, lambda: None)
    return Clock(torch.device(device), time.perf_counter, torch.cuda.synchronize)


def gas_per_second() -> float:
    """Of the plainest host call on this machine."""
    run = ReferenceRun()
    gas = run()
    return gas / min(_took(run, time.process_time) for _ in range(3 * ROUNDS))


def _took(work: Callable[[], object], now: Callable[[], float]) -> float:
    begun = now()
    work()
    return now() - begun


def _operand(case: Case, at: int, clock: Clock) -> Value | None:
    shape = case.shapes[at]
    if shape is None:
        return None
    if at in _INDEX_OPERANDS.get(case.name, ()):
        if case.name == "ctc_loss":  # targets, times, lengths: as long as they may be
            numbers = (1, case.shapes[0][0], case.shapes[1][1])[at - 1] if case.shapes[0] and case.shapes[1] else 0
            return tensors.Indices(torch.full(shape, numbers, dtype=torch.int64))
        return tensors.Indices(torch.zeros(shape, dtype=torch.int64))
    low, high = (0.1, 1.0) if case.name in ("log", "sqrt", "divide", "batch_norm_fixed", "adam") else (-1.0, 1.0)
    made = tensors.uniform(tensors.Stream(1, at), shape, low, high)
    if case.name == "indices":
        made = tensors.Tensor(torch.floor(made.values * 100.0))
    return tensors.Tensor(made.values.to(clock.device))


def _step(case: Case, number: int, operands: list[Value | None]) -> Step:
    reals, data = case.reals, b""
    if case.name == "adam":
        reals = (*reals, 0.9, 0.999)
    if case.name in ("of_ints", "indices_of_ints"):
        _, work = work_of(case.name, case.shapes, case.attributes)
        data = bytes(work.flops * int(str(case.attributes[1])))
    if case.name == "load":
        data = write_file([one for one in operands if isinstance(one, tensors.Tensor)])
    return Step(case.name, (), case.attributes, reals, data, number, b"")


def _call(case: Case, step: Step, given: list[Value | None], means: Means) -> Callable[[], object]:
    if case.name == "save":
        parts = [one for one in given if one is not None]
        return lambda: cid_of(write_file(parts))
    if case.name == "load":
        return lambda: (cid_of(step.data), compute(step, (), means))
    return lambda: compute(step, given, means)


def _fresh(operands: list[Value | None], variables: bool) -> list[Value | None]:
    """Operands that nothing is known of: what was rounded for the round before is forgotten."""
    made: list[Value | None] = []
    for one in operands:
        if not isinstance(one, tensors.Tensor):
            made.append(one)
        else:
            plain = tensors.Tensor(one.values)
            made.append(tensors.variable(plain) if variables else plain)
    return made


def _rounds(prepare: Callable[[int], list[Callable[[], object]]], clock: Clock) -> float:
    """Seconds of one call. `prepare` gives so many calls that are not yet done."""
    (once,) = prepare(1)
    seconds = max(_settled([once], clock), 1e-7)
    count = max(1, min(1_000, int(LEAST_SECONDS / seconds)))
    return min(_settled(prepare(count), clock) / count for _ in range(ROUNDS))


def _settled(calls: list[Callable[[], object]], clock: Clock) -> float:
    clock.settle()
    begun = clock.now()
    for call in calls:
        call()
    clock.settle()
    return clock.now() - begun


def measured(case: Case, clock: Clock) -> list[Timed]:
    """The case forward and, where gradients go through it, backward."""
    means = Means(Memo())
    operands = [_operand(case, at, clock) for at in range(len(case.shapes))]
    step = _step(case, 0, operands)
    _, work = work_of(case.name, case.shapes, case.attributes)

    def forward(count: int) -> list[Callable[[], object]]:
        return [_call(case, step, _fresh(operands, variables=False), means) for _ in range(count)]

    found = [Timed(case, work, _rounds(forward, clock))]
    if case.name in UNDIFFERENTIATED:
        return found

    def backward(count: int) -> list[Callable[[], object]]:
        calls: list[Callable[[], object]] = []
        for _ in range(count):
            # Nodes are numbered after those of the variables, as they are on a transaction's bench
            number_from(next(_places) << NODES_BITS)
            given = _fresh(operands, variables=True)
            result = compute(_step(case, next(_places), operands), given, means)[0]
            assert isinstance(result, tensors.Tensor)
            total = tensors.sum_over(result)
            variables = [one for one in given if isinstance(one, tensors.Tensor)]
            calls.append(partial(tensors.gradients, total, variables))
        return calls

    work = backward_work(case.name, case.shapes, case.attributes)
    return [*found, Timed(case, work, _rounds(backward, clock))]
