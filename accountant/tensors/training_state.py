"""Where a training stands, as bytes, so that it goes on in another process to the same bits."""

import hashlib
import struct
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from accountant.tensors.errors import InvalidFile
from accountant.tensors.files import read_file, write_file
from accountant.tensors.layer_kinds import described
from accountant.tensors.layer_parse import Model
from accountant.tensors.optimisers import Adam, Moments, no_moments, zeros_like
from accountant.tensors.tape import variable
from accountant.tensors.training_settings import Settings
from accountant.tensors.values import Indices, Tensor

_FORMAT = b"anh fit 1"
"""Changes whenever `docs/numerics.md` or the order of a step does: nobody goes on from other bits."""
_HEAD = struct.Struct("<Qdd")
_DIGEST = 32


class Checkpoints(Protocol):
    """Where states are kept. A state that is lost, or cut, costs the work of its steps and nothing else."""

    def load(self, key: bytes) -> bytes | None:
        """The last state that was kept under a key of 32 bytes."""

    def save(self, key: bytes, state: bytes) -> None:
        """Keep a state in place of the last one."""


class State(NamedTuple):
    """After `step` steps. Trained weights are variables."""

    step: int
    weights: list[Tensor]
    memory: list[Tensor] | Moments
    """What the optimiser remembers: velocities, or Adam's moments."""
    losses: list[float]


def key_of(
    model: Model, weights: Sequence[Tensor], data: Tensor, answers: Tensor | Indices | None, settings: Settings
) -> bytes:
    """SHA-256 over all that decides the run: equal for runs with equal results at every step, else different."""
    digest = hashlib.sha256()
    for text in (_FORMAT, described(model.layers).encode(), settings.described().encode()):
        digest.update(len(text).to_bytes(8, "little") + text)
    for part in (*weights, data, *([] if answers is None else [answers])):
        kind = f"{type(part).__name__} {part.shape}".encode()
        digest.update(len(kind).to_bytes(8, "little") + kind + part.to_bytes())
    return digest.digest()


def beginning(model: Model, weights: Sequence[Tensor], settings: Settings) -> State:
    """Before the first step."""
    own = as_variables(model, weights)
    trained = trained_of(model, own)
    memory = no_moments(trained) if isinstance(settings.optimiser, Adam) else zeros_like(trained)
    return State(0, own, memory, [])


def as_variables(model: Model, weights: Sequence[Tensor]) -> list[Tensor]:
    """Weights to train as variables, running statistics plain."""
    pairs = zip(model.parameters, weights, strict=True)
    return [variable(weight) if parameter.is_trained else weight.plain() for parameter, weight in pairs]


def trained_of(model: Model, weights: Sequence[Tensor]) -> list[Tensor]:
    """Those that gradients move."""
    return [weight for parameter, weight in zip(model.parameters, weights, strict=True) if parameter.is_trained]


def encoded(state: State, key: bytes) -> bytes:
    """A digest, the step, Adam's powers, and a safetensors file of weights, the optimiser's memory and losses."""
    memory = state.memory
    powers = (memory.first_power, memory.second_power) if isinstance(memory, Moments) else (1.0, 1.0)
    held = [*memory.means, *memory.squares] if isinstance(memory, Moments) else memory
    losses = Tensor.of(state.losses, [len(state.losses)])
    body = _HEAD.pack(state.step, *powers) + write_file([*state.weights, *held, losses])
    return hashlib.sha256(key + body).digest() + body


def decoded(data: bytes, key: bytes, start: State, model: Model) -> State | None:
    """The state in bytes, where it is one of this run and whole; `start` is the same run's beginning."""
    body = data[_DIGEST:]
    if hashlib.sha256(key + body).digest() != data[:_DIGEST] or len(body) < _HEAD.size:
        return None
    step, first_power, second_power = _HEAD.unpack_from(body)
    try:
        parts = read_file(memoryview(body)[_HEAD.size :])
    except InvalidFile:
        return None
    tensors = [part for part in parts if isinstance(part, Tensor)]
    held = [*start.memory.means, *start.memory.squares] if isinstance(start.memory, Moments) else start.memory
    wanted = [*(tensor.shape for tensor in (*start.weights, *held)), (step,)]
    if [tensor.shape for tensor in tensors] != wanted:
        return None
    count = len(start.weights)
    memory: list[Tensor] | Moments = tensors[count:-1]
    if isinstance(start.memory, Moments):
        middle = count + len(start.memory.means)
        memory = Moments(tensors[count:middle], tensors[middle:-1], first_power, second_power)
    return State(step, as_variables(model, tensors[:count]), memory, tensors[-1].numbers())
