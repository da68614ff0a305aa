"""What each operation on tensors makes and costs, from shapes alone: result shapes, operations, bytes moved, memory.

Pure integers, and no tensor is touched: gas and memory are settled before any work is done (DESIGN section 3). The
names are those of the host table's rows without `nn_`; `shapes` are those of a row's tensors and indices in order
(`None` for one that is left out, the members of a list one after the other), `attributes` its integers, booleans and
lists of integers in order. Numbers (`real`) are left out: no price depends on them.
"""

import math
from functools import lru_cache
from typing import NamedTuple

from accountant.chain.tensor_prices import RATE_UNIT, Rates, TensorSchedule
from accountant.contracts.tensor_rule import Attribute, Rule, Shapes
from accountant.contracts.tensor_rules_compute import RULES as COMPUTE
from accountant.contracts.tensor_rules_move import RULES as MOVE
from accountant.tensors.shapes import Shape, element_count

VALUE_BYTES = 4
"""A tensor's element."""
INDEX_BYTES = 8
"""An index."""
WIDE_BYTES = 8
"""An element of the binary64 copies that an exact sum is made of."""

REMEMBERED = 1024
"""Works that are remembered by what is asked: a training asks the same in each step."""
_OPERANDS_MOST = 16
"""Of those that are remembered."""

RULES: dict[str, Rule] = {**COMPUTE, **MOVE}
"""By the name of the row. Rows without a rule (handles, sizes, single values) cost a host call and no more."""


class Work(NamedTuple):
    """`kind` is what is priced (`chain.tensor_prices`). `flops`: basic operations. `bytes`: of operands and results.

    `held`: bytes of the results. `scratch`: bytes besides, while it runs: a bound for every implementation of ours.
    """

    kind: str
    flops: int
    bytes: int
    held: int
    scratch: int


def work_of(name: str, shapes: Shapes, attributes: tuple[Attribute, ...]) -> tuple[tuple[Shape, ...], Work]:
    """Shapes of the results, and the work. Raises `InvalidShape`, `InvalidIndex`, `InvalidTensor`, `TensorTooLarge`."""
    found = _known_work if len(shapes) <= _OPERANDS_MOST else _work
    return found(name, tuple(shapes), attributes)


def _work(
    name: str, shapes: tuple[Shape | None, ...], attributes: tuple[Attribute, ...]
) -> tuple[tuple[Shape, ...], Work]:
    made = RULES[name](shapes, attributes)
    size = INDEX_BYTES if made.indices else VALUE_BYTES
    held = size * sum(element_count(result) for result in made.results)
    moved = held + VALUE_BYTES * sum(math.prod(shape) for shape in shapes if shape is not None)
    return made.results, Work(name + made.precision, made.flops, moved, held, WIDE_BYTES * made.scratch)


_known_work = lru_cache(maxsize=REMEMBERED)(_work)


def backward_work(name: str, shapes: Shapes, attributes: tuple[Attribute, ...]) -> Work:
    """What `grad` does where this operation was: a kind of its own, of the same sizes, with the operands' gradients."""
    _, forward = work_of(name, shapes, attributes)
    held = VALUE_BYTES * sum(math.prod(shape) for shape in shapes if shape is not None)
    return Work(f"{forward.kind}_gradient", forward.flops, forward.bytes + held, held, forward.scratch + 2 * held)


def price(work: Work, schedule: TensorSchedule) -> int:
    """Gas: launch + flops × flop rate + bytes × byte rate, rounded up once."""
    return price_at(work, schedule.of(work.kind))


def price_at(work: Work, rates: Rates) -> int:
    """The same where the kind's rates are at hand."""
    return rates.launch + -(-(work.flops * rates.flop + work.bytes * rates.byte) // RATE_UNIT)
