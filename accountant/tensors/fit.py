"""Whole trainings as one operation: every batch in an order that a seed decides, resumable after any step.

A training's result depends on model, weights, data, answers and settings alone: not on where it was stopped and taken
up again, nor on threads or devices. `docs/layers.md` says what each step does.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from accountant.tensors.errors import InvalidSettings
from accountant.tensors.gathering import take
from accountant.tensors.layer_parse import Model
from accountant.tensors.layers import NO_STREAM, check_weights
from accountant.tensors.lowering import Program, lowered
from accountant.tensors.optimisers import Moments, Momentum, adam_step, clip_gradients, sgd_step
from accountant.tensors.randomness import Stream, permutation
from accountant.tensors.rounding import Precision
from accountant.tensors.running import run
from accountant.tensors.shaping import join, slice_of
from accountant.tensors.tape import gradients
from accountant.tensors.training_plan import check_answers, check_data, pieces_of, step_count, step_program
from accountant.tensors.training_settings import Loss, Settings
from accountant.tensors.training_state import (
    Checkpoints,
    State,
    beginning,
    decoded,
    encoded,
    key_of,
    trained_of,
)
from accountant.tensors.values import Indices, Tensor

ORDERS = 1 << 56
"""The stream numbers from which on epochs draw their order; weights begin with those from 0."""
DROPOUTS = 1 << 57
"""Those from which on steps draw what they drop: as many for each step as a model can have layers."""
DROPOUTS_A_STEP = 1 << 8

Progress = Callable[[int, int, float], None]
"""Told after each step: which it was, counted from 1, of how many, and its loss. It may raise to stop the work."""


class Fitted(NamedTuple):
    """The weights after the last step, plain, and the loss of each step."""

    weights: list[Tensor]
    history: Tensor


def fit(
    model: Model,
    weights: Sequence[Tensor],
    data: Tensor,
    answers: Tensor | Indices | None,
    settings: Settings,
    checkpoints: Checkpoints | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Train. Answers are labels for `cross_entropy`, targets for `mean_squared_error`, none for `next_token`.

    With checkpoints it goes on from the last state of the same run, and gives the same bits as without.
    """
    check_weights(model, weights)
    check_answers(data.shape, None if answers is None else answers.shape, settings)
    if answers is not None and isinstance(answers, Indices) != (settings.loss is Loss.CROSS_ENTROPY):
        raise InvalidSettings(
            f"the loss {settings.loss} takes {'targets' if isinstance(answers, Indices) else 'labels'}"
        )
    training = _Training(model, data, answers, settings)
    steps = step_count(data.shape[0], settings)
    state = beginning(model, weights, settings)
    key = b""
    if checkpoints is not None:
        key = key_of(model, weights, data, answers, settings)
        kept = checkpoints.load(key)
        state = (None if kept is None else decoded(kept, key, state, model)) or state
    while state.step < steps:
        state = training.step(state)
        if checkpoints is not None and (state.step % settings.every == 0 or state.step == steps):
            checkpoints.save(key, encoded(state, key))
        if progress is not None:
            progress(state.step, steps, state.losses[-1])
    return Fitted([weight.plain() for weight in state.weights], Tensor.of(state.losses, [steps]))


def predict(model: Model, weights: Sequence[Tensor], data: Tensor, precision: Precision = Precision.EXACT20) -> Tensor:
    """What the model makes of data, without dropout and with fixed statistics. No sample depends on another."""
    check_weights(model, weights)
    check_data(data.shape)
    samples, *shape = data.shape
    plain = [weight.plain() for weight in weights]
    programs = {
        size: lowered(model, (size, *shape), precision, training=False) for _, size in pieces_of(samples)
    }  # all of them before anything is computed: a wrong shape is refused at no cost
    parts: list[Tensor] = []
    begin = 0
    for times, size in pieces_of(samples):
        for _ in range(times):
            part = slice_of(data.plain(), 0, begin, begin + size)
            parts.append(run(programs[size], plain, [part], NO_STREAM).result)
            begin += size
    return join(parts, 0)


class _Training:
    """One run's data, and what is computed once for many steps: programs by size of batch, an epoch's order."""

    def __init__(self, model: Model, data: Tensor, answers: Tensor | Indices | None, settings: Settings) -> None:
        self.model = model
        self.data = data.plain()
        self.answers = answers
        self.settings = settings
        self.trained = [at for at, parameter in enumerate(model.parameters) if parameter.is_trained]
        self._order: tuple[int, Indices] | None = None
        self._programs = {size: self._program(size) for size in self._sizes()}

    def step(self, state: State) -> State:
        """The next batch: forward, gradients, the optimiser."""
        x, answers = self._batch(state.step)
        stream = Stream(self.settings.seed, DROPOUTS + DROPOUTS_A_STEP * state.step)
        ran = run(self._programs[x.shape[0]], state.weights, [x, answers], stream)
        trained = trained_of(self.model, state.weights)
        slopes = gradients(ran.result, trained)
        if self.settings.clip is not None:
            slopes = clip_gradients(slopes, self.settings.clip)
        moved, memory = self._moved(trained, slopes, state.memory)
        weights = [ran.running.get(at, weight) for at, weight in enumerate(state.weights)]
        for at, weight in zip(self.trained, moved, strict=True):
            weights[at] = weight
        state.losses.extend(ran.result.numbers())
        return State(state.step + 1, weights, memory, state.losses)

    def _moved(
        self, weights: list[Tensor], slopes: list[Tensor], memory: list[Tensor] | Moments
    ) -> tuple[list[Tensor], list[Tensor] | Moments]:
        optimiser = self.settings.optimiser
        if isinstance(optimiser, Momentum):
            assert not isinstance(memory, Moments)
            return sgd_step(weights, slopes, memory, optimiser)
        assert isinstance(memory, Moments)
        return adam_step(weights, slopes, memory, optimiser)

    def _sizes(self) -> set[int]:
        samples, batch = self.data.shape[0], self.settings.batch
        return {min(samples, batch), samples % batch or batch}

    def _program(self, size: int) -> Program:
        answers = None if self.answers is None else self.answers.shape[1:]
        return step_program(self.model, size, self.data.shape[1:], answers, self.settings)

    def _batch(self, step: int) -> tuple[Tensor, Tensor | Indices]:
        """Samples and answers of a step: the next ones in the order of its epoch."""
        samples, size = self.data.shape[0], self.settings.batch
        epoch, place = divmod(step, -(-samples // size))
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, permutation(Stream(self.settings.seed, ORDERS + epoch), samples)
        chosen = Indices(self._order[1].values[place * size : (place + 1) * size])
        x = take(self.data, 0, chosen)
        if self.answers is None:
            length = x.shape[1]
            return slice_of(x, 1, 0, length - 1), Indices.of_tensor(slice_of(x, 1, 1, length))
        if isinstance(self.answers, Tensor):
            return x, take(self.answers, 0, chosen)
        return x, Indices(self.answers.values.index_select(0, chosen.values))
