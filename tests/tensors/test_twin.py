"""`accountant.tensors` and the NumPy twin, written from `docs/numerics.md` alone, give the same bits."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant import tensors
from tests.support import numpy_twin
from tests.support.twin_cases import CASES, STYLES, Case, Draw, Words

Answer = tuple[tuple[int, ...], list[str]]
EVERY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def shown(tensor: Any) -> Answer:
    """Shape and words; a NaN is one word on both sides."""
    return tuple(tensor.shape), [f"{word:08x}" for word in np.frombuffer(tensor.to_bytes(), dtype="<u4")]


def answers(lib: ModuleType, case: Case, weights: Draw) -> list[Answer]:
    """The result, and the gradients of its product with random numbers with respect to every operand."""
    operands = [lib.variable(made(lib, words, shape)) for words, shape in case.operands]
    result = case.run(lib, operands)
    words, shape = weights.words(result.shape)
    total = lib.sum_over(lib.multiply(result, made(lib, words, shape)))
    return [shown(result), *(shown(gradient) for gradient in lib.gradients(total, operands))]


def made(lib: ModuleType, words: Words, shape: tuple[int, ...]) -> Any:
    return lib.Tensor.from_bytes(words.astype("<u4").tobytes(), list(shape))


@pytest.mark.parametrize("operator", CASES)
@EVERY
@given(seed=st.integers(0, 2**32), style=st.sampled_from(STYLES), slope=st.sampled_from(STYLES))
def test_operators_and_gradients_have_the_same_bits(operator: str, seed: int, style: str, slope: str) -> None:
    """Each operator's result and gradients, on usual, tiny, huge, special and arbitrary words."""
    case = CASES[operator](Draw(seed, style))
    ours = answers(tensors, case, Draw(seed + 1, slope))
    assert ours == answers(numpy_twin, case, Draw(seed + 1, slope))
