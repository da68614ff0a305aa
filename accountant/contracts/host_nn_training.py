"""Host functions that train: variables, gradients, optimisers. See docs/host.md."""

from accountant.contracts.frame import Frame, invalid
from accountant.contracts.host_nn import Given
from accountant.contracts.tensor_values import Held, HeldList

SGD, ADAM = 2, 3
"""Tensors for each weight in the state of an optimiser: itself, and what is remembered of it."""


def variable(frame: Frame, tensor: Held) -> int:
    """The same values as something that gradients can be taken of."""
    Given(frame, (tensor,))
    bench = frame.execution.tensors
    (result,) = bench.variables(frame, (tensor,))
    return bench.keep(frame, result)


def variables(frame: Frame, tensors: HeldList) -> int:
    """The same of each tensor of a list."""
    Given(frame, (tensors,))
    bench = frame.execution.tensors
    return bench.keep(frame, HeldList(bench.variables(frame, tensors.items)))


def plain(frame: Frame, tensor: Held) -> int:
    """The same values, through which no gradient flows."""
    Given(frame, (tensor,))
    bench = frame.execution.tensors
    (result,) = bench.plain(frame, (tensor,))
    return bench.keep(frame, result)


def grad(frame: Frame, loss: Held, tensors: HeldList) -> int:
    """The gradient of a single number with respect to each tensor of a list; zeros where it does not depend on one."""
    Given(frame, (loss, tensors))
    bench = frame.execution.tensors
    return bench.keep(frame, HeldList(bench.gradients(frame, loss, tensors.items)))


def sgd_start(frame: Frame, weights: HeldList) -> int:
    """The state of SGD before its first step."""
    return _start(frame, "sgd_start", weights, SGD, ())


def sgd(frame: Frame, state: HeldList, gradients: HeldList, rate: float, momentum: float, decay: float) -> int:
    """The state after a step of SGD."""
    return _step(frame, "sgd", state, gradients, SGD, (rate, momentum, decay), ())


def adam_start(frame: Frame, weights: HeldList) -> int:
    """The state of Adam before its first step."""
    return _start(frame, "adam_start", weights, ADAM, (1.0, 1.0))


def adam(
    frame: Frame,
    state: HeldList,
    gradients: HeldList,
    rate: float,
    first: float,
    second: float,
    epsilon: float,
    decay: float,
) -> int:
    """The state after a step of Adam."""
    powers = (state.powers[0] * first, state.powers[1] * second) if state.powers else ()
    return _step(frame, "adam", state, gradients, ADAM, (rate, first, second, epsilon, decay, *state.powers), powers)


def weights(frame: Frame, state: HeldList) -> int:
    """The weights in the state of an optimiser: variables, unless the state came out of `nn_release`."""
    Given(frame, (state,))
    if state.copies == 1:
        raise invalid("a list that is no optimiser's state has no weights")
    return frame.execution.tensors.keep(frame, HeldList(state.items[: len(state.items) // state.copies]))


def _start(frame: Frame, name: str, weights: HeldList, copies: int, powers: tuple[float, ...]) -> int:
    Given(frame, (weights,))
    bench = frame.execution.tensors
    state = bench.step_of_optimiser(frame, name, weights.items, len(weights.items), ())
    return bench.keep(frame, HeldList(state, copies, powers))


def _step(
    frame: Frame,
    name: str,
    state: HeldList,
    gradients: HeldList,
    copies: int,
    reals: tuple[float, ...],
    powers: tuple[float, ...],
) -> int:
    Given(frame, (state, gradients))
    if state.copies != copies or len(gradients.items) * copies != len(state.items):
        raise invalid(f"no state of {name} with as many gradients")
    bench = frame.execution.tensors
    after = bench.step_of_optimiser(frame, name, (*state.items, *gradients.items), len(gradients.items), reals)
    return bench.keep(frame, HeldList(after, copies, powers))
