"""Gradients, optimisers, and giving memory back.

An optimiser's state begins with the weights; what follows is its own. `nn.weights` takes the weights out.
"""

from collections.abc import Iterable

from accountant.language.nn.exact import exact
from accountant.language.nn.values import Tensor, Tensors, let_go, next_number

_SGD, _ADAM = 2, 3
"""Tensors in a state for each weight: itself, and what is remembered of it."""


class _State(list[Tensor]):
    """The state of an optimiser, with what a list of tensors does not show: which one's, and Adam's two powers."""

    def __init__(self, tensors: Iterable[Tensor], copies: int, powers: tuple[float, ...] = ()) -> None:
        super().__init__(tensors)
        self.copies = copies
        self.powers = powers


def variable(tensor: Tensor) -> Tensor:
    """The same values as something that gradients can be taken of; what they were computed from is forgotten."""
    return Tensor(exact.variable(tensor.exact))


def plain(tensor: Tensor) -> Tensor:
    """The same values, which no gradient flows through."""
    return Tensor(tensor.exact.plain())


def variables(tensors: Tensors) -> Tensors:
    """Each as a variable."""
    return [variable(one) for one in tensors]


def grad(loss: Tensor, variables: Tensors) -> Tensors:
    """The gradient of a single number with respect to each variable."""
    return [Tensor(one) for one in exact.gradients(loss.exact, [one.exact for one in variables])]


def clip(gradients: Tensors, norm: float) -> Tensors:
    """All of them × one factor, so that together their norm is at most this."""
    return [Tensor(one) for one in exact.clip_gradients([one.exact for one in gradients], norm)]


def sgd_start(weights: Tensors) -> Tensors:
    """The state before the first step of stochastic gradient descent."""
    return _start(weights, _SGD)


def sgd(state: Tensors, gradients: Tensors, rate: float, momentum: float = 0.0, decay: float = 0.0) -> Tensors:
    """The state after a step: v ← momentum × v + (g + decay × w); w ← w - rate × v."""
    settings = exact.Momentum(rate, momentum, decay)
    weights, velocities = _parts(state, _SGD)
    moved, kept = exact.sgd_step(weights, [one.exact for one in gradients], velocities, settings)
    return _State(map(Tensor, (*moved, *kept)), _SGD)


def adam_start(weights: Tensors) -> Tensors:
    """The state before Adam's first step."""
    return _start(weights, _ADAM, (1.0, 1.0))


def adam(
    state: Tensors,
    gradients: Tensors,
    rate: float = 0.001,
    first: float = 0.9,
    second: float = 0.999,
    epsilon: float = 1e-8,
    decay: float = 0.0,
) -> Tensors:
    """The state after a step of Adam."""
    weights, means, squares = _parts(state, _ADAM)
    assert isinstance(state, _State), "of Adam"
    moments = exact.Moments(means, squares, *state.powers)
    settings = exact.Adam(rate, first, second, epsilon, decay)
    moved, after = exact.adam_step(weights, [one.exact for one in gradients], moments, settings)
    tensors = map(Tensor, (*moved, *after.means, *after.squares))
    return _State(tensors, _ADAM, (after.first_power, after.second_power))


def weights(state: Tensors) -> Tensors:
    """The weights of an optimiser's state: variables, unless the state came out of `release`."""
    if not isinstance(state, _State):
        raise exact.InvalidTensor("a list that is no optimiser's state has no weights")
    return list(state[: len(state) // state.copies])


def mark() -> int:
    """A point in the use of memory, for `release`."""
    return next_number()


def release(mark: int, kept: Tensors) -> Tensors:
    """Frees all tensors, indices and lists made since the mark; what is kept comes back plain."""
    values = [one.exact.plain() for one in kept]
    let_go(mark)
    tensors = [Tensor(value) for value in values]
    return _State(tensors, kept.copies, kept.powers) if isinstance(kept, _State) else tensors


def append(tensors: Tensors, tensor: Tensor) -> Tensors:
    """A list that is longer by one."""
    return [*tensors, tensor]


def _start(weights: Tensors, copies: int, powers: tuple[float, ...] = ()) -> Tensors:
    zeros = [Tensor(one) for one in exact.zeros_like([one.exact for one in weights])]
    return _State([*variables(weights), *zeros * (copies - 1)], copies, powers)


def _parts(state: Tensors, copies: int) -> "list[list[exact.Tensor]]":
    if not isinstance(state, _State) or state.copies != copies:
        raise exact.InvalidTensor("no state of this optimiser")
    size = len(state) // copies
    return [[one.exact for one in state[part * size : (part + 1) * size]] for part in range(copies)]
