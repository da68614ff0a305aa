"""What whole trainings and predictions cost: the sum over their steps, known before the first is done."""

from typing import TYPE_CHECKING, NamedTuple

from accountant.chain.tensor_prices import TensorSchedule
from accountant.contracts.tensor_tape import kept_bytes
from accountant.contracts.tensor_values import count_of
from accountant.contracts.tensor_work import VALUE_BYTES, Work, backward_work, price, work_of
from accountant.tensors.shapes import Shape

if TYPE_CHECKING:
    from accountant.tensors.layers import TracedRow
    from accountant.tensors.training_plan import Plan

STATE_COPIES = 4
"""Tensors for each weight that a training holds besides the ones it was given: itself, two of Adam's, its gradient."""

LENGTH_BYTES = 4
"""Of the model's text, before it, in what a whole training reads."""


class Cost(NamedTuple):
    """Of a whole loop: gas, and the most bytes that it holds at once besides its operands and results."""

    gas: int
    bytes: int


def cost_of(plan: "Plan", weights: tuple[Shape, ...], schedule: TensorSchedule) -> Cost:
    """The cost of a plan. Raises what `work_of` raises."""
    gas = most = 0
    for part in plan.parts:
        plain = [_work(row) for row in part.plain]
        taped = [_work(row) for row in part.taped]
        back = [backward_work(*row) for row in part.taped]
        gas += part.times * sum(price(work, schedule) for work in (*plain, *taped, *back))
        held = sum(work.held for work in plain)
        held += sum(work.held + kept_bytes(row[0], work, row[1]) for work, row in zip(taped, part.taped, strict=True))
        held += sum(work.held for work in back)
        most = max(most, held + max((work.scratch for work in (*plain, *taped, *back)), default=0))
    state = STATE_COPIES * VALUE_BYTES * sum(count_of(shape) for shape in weights)
    return Cost(gas, most + state)


def _work(row: "TracedRow") -> Work:
    return work_of(*row)[1]
