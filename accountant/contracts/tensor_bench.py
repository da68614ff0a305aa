"""Where a transaction's tensors are worked on: each operation is checked, counted and paid for, and then done.

What an earlier run of the same transaction did is not done again before somebody looks at it (`tensor_means.Memo`).
"""

import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from accountant.chain.tensor_prices import Rates
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.tensor_means import Means
from accountant.contracts.tensor_memory import HANDLE_BYTES, MEMBER_BYTES, TensorMemory
from accountant.contracts.tensor_plans import Cost
from accountant.contracts.tensor_rule import Attribute
from accountant.contracts.tensor_tape import gradient_works, kept_bytes
from accountant.contracts.tensor_values import Held, HeldList, Step, WorkNode, count_of
from accountant.contracts.tensor_work import VALUE_BYTES, Work, price_at, work_of
from accountant.primitives.errors import AccountantError
from accountant.primitives.hashes import sha256
from accountant.tensors.shapes import Shape

if TYPE_CHECKING:
    from accountant.contracts.frame import Frame
    from accountant.contracts.tensor_values import Computed

UNRECORDED = frozenset(("argmax", "indices", "one_hot", "clip", "sgd", "sgd_start", "adam", "adam_start"))
"""Operations through whose tensors no gradient flows."""
INDICES = frozenset(("argmax", "indices", "indices_of_ints", "permutation"))
"""Those that give indices."""

Operands = tuple[Held | None, ...]


class TensorBench:
    """The tensors of one running transaction."""

    def __init__(self, most: int, means: Means) -> None:
        """`most`: the bytes of tensors that the transaction may hold. Raises `TooLittleMemory`."""
        means.hold(most)
        self.means = means
        self.memo = means.memo
        self.memory = TensorMemory(most)
        self._recorded = 0
        self._named: dict[bytes, int] = {}
        """How many values that are behind handles came of a recipe."""
        self._rates: dict[str, Rates] = {}
        """What was paid for before costs the same again: by kind."""

    # Operations

    def apply(
        self,
        frame: "Frame",
        name: str,
        operands: Operands,
        attributes: tuple[Attribute, ...] = (),
        reals: tuple[float, ...] = (),
        data: bytes = b"",
    ) -> tuple[Held, ...]:
        """The results of an operation that has a rule. Raises INVALID_VALUE, MEMORY_LIMIT, OUT_OF_GAS."""
        shapes = tuple(None if operand is None else operand.shape for operand in operands)
        try:
            results, work = work_of(name, shapes, attributes)
        except AccountantError as error:
            raise _refused(error) from None
        node, kept = None, 0
        if name not in UNRECORDED and any(operand is not None and operand.node is not None for operand in operands):
            parents = tuple(None if operand is None else operand.node for operand in operands)
            node, kept = WorkNode(name, shapes, attributes, parents, self._next()), kept_bytes(name, work, shapes)
        priced = work.kind, self.pay(frame, work, kept)
        step = self.step(name, operands, attributes, reals, data, node.number if node else 0, priced)
        first = Held(step, 0, results[0], name in INDICES, node, kept) if results else None
        rest = (Held(step, at, shape, name in INDICES) for at, shape in enumerate(results) if at)
        return (first, *rest) if first else ()

    def variables(self, frame: "Frame", values: Sequence[Held]) -> tuple[Held, ...]:
        """The same values, each as something that gradients can be taken of."""
        shapes = tuple(value.shape for value in values)
        gas = self._pay_all(frame, _renamed(shapes))
        number = self._next(len(values))
        step = self.step("variables", tuple(values), (), (), b"", number, ("variables", gas))
        return tuple(
            Held(step, at, shape, False, WorkNode("", (), (), (), number + at)) for at, shape in enumerate(shapes)
        )

    def plain(self, frame: "Frame", values: Sequence[Held]) -> tuple[Held, ...]:
        """The same values, which no gradient flows through."""
        shapes = tuple(value.shape for value in values)
        gas = self._pay_all(frame, _renamed(shapes))
        step = self.step("plain", tuple(values), (), (), b"", 0, ("plain", gas))
        return tuple(Held(step, at, shape, False) for at, shape in enumerate(shapes))

    def gradients(self, frame: "Frame", loss: Held, variables: Sequence[Held]) -> tuple[Held, ...]:
        """The gradient of a single number with respect to each variable: zeros where it does not depend on it."""
        if loss.count != 1:
            raise ContractFailure(
                FailureKind.INVALID_VALUE, f"gradients start from a single number, not from {loss.shape}"
            )
        shapes = tuple(value.shape for value in variables)
        works, peak = gradient_works(loss.node)
        gas = self._pay_all(frame, _renamed(shapes), works, peak)
        step = self.step("grad", (loss, *variables), (), (), b"", 0, ("grad", gas))
        return tuple(Held(step, at, shape, False) for at, shape in enumerate(shapes))

    def step_of_optimiser(
        self, frame: "Frame", name: str, values: Sequence[Held], weights: int, reals: tuple[float, ...]
    ) -> tuple[Held, ...]:
        """A new state: the first `weights` tensors of it are variables."""
        shapes = tuple(value.shape for value in values)
        try:
            results, work = work_of(name, shapes, ())
        except AccountantError as error:
            raise _refused(error) from None
        priced = work.kind, self.pay(frame, work, 0)
        number = self._next(weights)
        step = self.step(name, tuple(values), (), reals, b"", number, priced)
        return tuple(
            Held(step, at, shape, False, WorkNode("", (), (), (), number + at) if at < weights else None)
            for at, shape in enumerate(results)
        )

    def whole(
        self,
        frame: "Frame",
        name: str,
        operands: Operands,
        attributes: tuple[Attribute, ...],
        data: bytes,
        shapes: tuple[Shape, ...],
        cost: Cost,
    ) -> tuple[Held, ...]:
        """The results of a whole loop, which no gradient flows through. Raises MEMORY_LIMIT, OUT_OF_GAS."""
        self.memory.fits(VALUE_BYTES * sum(count_of(shape) for shape in shapes) + cost.bytes)
        frame.charge(cost.gas)
        step = self.step(name, operands, attributes, (), data, 0, (name, cost.gas))
        return tuple(Held(step, at, shape, False) for at, shape in enumerate(shapes))

    def read(self, frame: "Frame", shapes: tuple[Shape, ...], cid: bytes, data: bytes) -> tuple[Held, ...]:
        """The tensors of a file, whose CID is their recipe."""
        _, work = work_of("load", shapes, ())
        priced = work.kind, self.pay(frame, work, 0)
        step = self.step("load", (), (), (), data, 0, priced, named=cid)
        return tuple(Held(step, at, shape, False) for at, shape in enumerate(shapes))

    def write(self, frame: "Frame", values: Sequence[Held], shapes: tuple[Shape, ...]) -> tuple[bytes, bytes]:
        """CID and bytes of a file with these tensors."""
        _, work = work_of("save", shapes, ())
        gas = self.pay(frame, work, 0)
        recipe = _recipe("save", tuple(values), (), (), b"", 0)
        return self.memo.file(recipe, lambda: self._written(values, work.kind, gas))

    def _written(self, values: Sequence[Held], kind: str, gas: int) -> bytes:
        from accountant.contracts.tensor_compute import written

        found = [self.value(value) for value in values]
        return self.means.training.meter.timed(kind, gas, lambda: written(found))

    def pay(self, frame: "Frame", work: Work, kept: int) -> int:
        """Room while the work is done, then its gas, which is returned. Raises MEMORY_LIMIT, OUT_OF_GAS."""
        self.memory.fits(work.held + kept + work.scratch)
        gas = self._price(frame, work)
        frame.charge(gas)
        return gas

    def _price(self, frame: "Frame", work: Work) -> int:
        rates = self._rates.get(work.kind)
        if rates is None:
            rates = self._rates[work.kind] = frame.schedule.tensors.of(work.kind)
        return price_at(work, rates)

    def _pay_all(self, frame: "Frame", made: Sequence[Work], more: Sequence[Work] = (), peak: int = 0) -> int:
        """Room for all that is made, and `peak` besides; then the gas of that and of more works, which is returned."""
        self.memory.fits(sum(work.held for work in made) + peak)
        gas = sum(self._price(frame, work) for work in (*made, *more))
        frame.charge(gas)
        return gas

    def step(
        self,
        name: str,
        operands: Operands,
        attributes: tuple[Attribute, ...],
        reals: tuple[float, ...],
        data: bytes,
        number: int,
        priced: tuple[str, int],
        named: bytes | None = None,
    ) -> Step:
        """Do the operation, unless it is known what comes of it, or that it goes well.

        `priced`: its kind and its gas. `named`: what stands for the data in the recipe.
        """
        recipe = _recipe(name, operands, attributes, reals, data if named is None else named, number)
        step = Step(name, operands, attributes, reals, data, number, recipe)
        step.kind, step.gas = priced
        found = self.memo.find(recipe)
        if found is not None:
            results, whole = found
            if whole:
                step.done(results)
            else:
                step.results = results
        elif not self.memo.done(recipe):
            self._do(step, step.taped)
        return step

    def values(self, step: Step) -> "Computed":
        """A step's results, computed now if they were not needed before."""
        if step.results is None:
            self._do(step, taped=False)
        assert step.results is not None
        return step.results

    def value(self, held: Held) -> object:
        """The tensor, or the indices, of `accountant.tensors`."""
        return self.values(held.step)[held.at]

    def number(self, held: Held, what: str, read: Callable[[Any], int]) -> int:
        """A number that was read from a value, by `read`, remembered for the next run."""
        recipe = sha256(b"read\x00" + what.encode() + held.step.recipe + struct.pack(">q", held.at))
        return self.memo.number(recipe, lambda: read(self.value(held)))

    def _do(self, wanted: Step, taped: bool) -> None:
        """Compute a step, and first those that it needs: a stack of our own, since chains of them are long."""
        from accountant.contracts.tensor_compute import compute

        waiting = [(wanted, taped)]
        while waiting:
            step, needs_tape = waiting[-1]
            if step.results is not None and (step.whole or not needs_tape):
                waiting.pop()
                continue
            missing = [
                (operand.step, step.taped)
                for operand in step.operands
                if operand is not None
                and not (operand.step.results is not None and (operand.step.whole or not step.taped))
            ]
            if missing:
                waiting.extend(missing)
                continue
            values = [None if one is None else self.values(one.step)[one.at] for one in step.operands]
            work = partial(compute, step, values, self.means)
            results = self.means.training.meter.timed(step.kind, step.gas, work)
            size = sum(one.values.numel() * one.values.element_size() for one in results)
            self.memo.keep(step.recipe, results, size, self.memory.most)
            if step is not wanted and step.recipe not in self._named:
                self.memo.let_go(step.recipe)
            step.done(results)
            waiting.pop()

    def _next(self, count: int = 1) -> int:
        """The next places in the tape."""
        self._recorded += count
        return self._recorded - count + 1

    # Handles

    def keep(self, frame: "Frame", value: Held | HeldList) -> int:
        """A new handle. Raises MEMORY_LIMIT."""
        members, overhead = _members(value)
        named = self._named
        for member in members:
            if not member.holders:
                named[member.step.recipe] = named.get(member.step.recipe, 0) + 1
        self.memory.hold(members, overhead)
        handle = frame.execution.tensor_next
        frame.execution.tensor_next += 1
        frame.tensors[handle] = value
        return handle

    def release(self, frame: "Frame", mark: int, ended: bool = True) -> None:
        """Let go of all handles since a mark. `ended`: nobody will ask for gradients through them."""
        while frame.tensors:
            handle, value = frame.tensors.popitem()
            if handle < mark:
                frame.tensors[handle] = value
                return
            for gone in self.memory.let_go(*_members(value)):
                self._unnamed(gone.step.recipe, ended)

    def _unnamed(self, recipe: bytes, ended: bool) -> None:
        """A value that came of this recipe is behind no handle any more."""
        left = self._named[recipe] - 1
        if left:
            self._named[recipe] = left
            return
        del self._named[recipe]
        if ended:
            self.memo.let_go(recipe)


def _members(value: Held | HeldList) -> tuple[tuple[Held, ...], int]:
    if isinstance(value, Held):
        return (value,), HANDLE_BYTES
    return value.items, HANDLE_BYTES + MEMBER_BYTES * len(value.items)


def _recipe(
    name: str,
    operands: Operands,
    attributes: tuple[Attribute, ...],
    reals: tuple[float, ...],
    data: bytes,
    number: int,
) -> bytes:
    parts = [repr((name, attributes, len(operands), len(reals), len(data), number)).encode(), b"\x00"]
    parts += [b"-" if one is None else b"+" + one.step.recipe + struct.pack(">q", one.at) for one in operands]
    parts += [struct.pack(f">{len(reals)}d", *reals), data]
    return sha256(b"".join(parts))


def _renamed(shapes: Sequence[Shape]) -> list[Work]:
    """The works of values that are named anew: what a reshape of each is. Whoever holds both pays for both."""
    return [work_of("reshape", (shape,), (shape,))[1] for shape in shapes]


def _refused(error: AccountantError) -> ContractFailure:
    return ContractFailure(FailureKind.INVALID_VALUE, str(error))
