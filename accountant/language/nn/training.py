"""Gradients, optimisers, and giving memory back.

An optimiser's state begins with the weights; what follows is its own. `nn.weights` takes the weights out.
"""

from collections.abc import Iterable

from accountant.language.nn.exact import exact
from accountant.language.nn.values import Tensor, Tensors


class _AdamState(list[Tensor]):
    """Weights, means, squares, and what a list of tensors does not show: the powers of the two settings."""

    def __init__(self, tensors: Iterable[Tensor], powers: tuple[float, float]) -> None:
        super().__init__(tensors)
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
    return [*weights, *map(Tensor, exact.zeros_like([one.exact for one in weights]))]


def sgd(state: Tensors, gradients: Tensors, rate: float, momentum: float = 0.0, decay: float = 0.0) -> Tensors:
    """The state after a step: v ← momentum × v + (g + decay × w); w ← w - rate × v."""
    weights, velocities = _parts(state, 2)
    moved, kept = exact.sgd_step(
        weights, [one.exact for one in gradients], velocities, exact.Momentum(rate, momentum, decay)
    )
    return [Tensor(one) for one in (*moved, *kept)]


def adam_start(weights: Tensors) -> Tensors:
    """The state before Adam's first step."""
    zeros = exact.zeros_like([one.exact for one in weights])
    return _AdamState([*weights, *map(Tensor, zeros), *map(Tensor, zeros)], (1.0, 1.0))


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
    if not isinstance(state, _AdamState):
        raise exact.InvalidTensor("no state of Adam")
    weights, means, squares = _parts(state, 3)
    moved, moments = exact.adam_step(
        weights,
        [one.exact for one in gradients],
        exact.Moments(means, squares, *state.powers),
        exact.Adam(rate, first, second, epsilon, decay),
    )
    tensors = [Tensor(one) for one in (*moved, *moments.means, *moments.squares)]
    return _AdamState(tensors, (moments.first_power, moments.second_power))


def weights(state: Tensors) -> Tensors:
    """The weights of an optimiser's state."""
    parts = 3 if isinstance(state, _AdamState) else 2
    return list(state[: len(state) // parts])


def mark() -> int:
    """A point in the use of memory, for `release`."""
    return 0


def release(mark: int, kept: Tensors) -> Tensors:
    """Frees all tensors, indices and lists made since the mark; what is kept comes back, without its tape."""
    tensors = [plain(one) for one in kept]
    return _AdamState(tensors, kept.powers) if isinstance(kept, _AdamState) else tensors


def append(tensors: Tensors, tensor: Tensor) -> Tensors:
    """A list that is longer by one."""
    return [*tensors, tensor]


def _parts(state: Tensors, count: int) -> "list[list[exact.Tensor]]":
    size = len(state) // count
    if size * count != len(state):
        raise exact.InvalidShape(f"a state of {len(state)} tensors")
    return [[one.exact for one in state[part * size : (part + 1) * size]] for part in range(count)]
