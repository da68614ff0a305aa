"""`accountant.tensors` and the NumPy twin, written from `docs/numerics.md` alone, give the same bits."""

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant import tensors
from accountant.tensors import arithmetic, elementary, randomness
from tests.support import numpy_twin
from tests.support.numpy_twin import elementary as twin_elementary
from tests.support.twin_cases import CASES, STYLES, Case, Draw, Words
from tests.support.twin_networks import NETWORKS

Answer = tuple[tuple[int, ...], list[str]]
EVERY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WIDE = {
    "exp": (elementary.exp, twin_elementary.exp),
    "log": (elementary.log, twin_elementary.log),
    "sigmoid": (elementary.sigmoid, twin_elementary.sigmoid),
    "tanh": (elementary.tanh, twin_elementary.tanh),
    "gelu": (arithmetic._gelu, twin_elementary.gelu),
    "slope of gelu": (arithmetic._gelu_slope, twin_elementary.gelu_slope),
    "inverse normal": (randomness._inverse_normal, twin_elementary.inverse_normal),
}


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


@pytest.mark.parametrize("function", ["exp", "log", "sigmoid", "tanh", "gelu", "sqrt"])
def test_functions_have_the_same_bits_on_many_words(function: str) -> None:
    """Words of every exponent, those around zero and around each function's ends among them."""
    rng = np.random.default_rng(1)
    near = np.ldexp(rng.uniform(-2, 2, 20_000), rng.integers(-8, 8, 20_000)).astype(np.float32).view(np.uint32)
    words = np.concatenate([rng.integers(0, 2**32, 20_000, dtype=np.uint32), near])
    case = Case([(words, words.shape)], lambda lib, xs: getattr(lib, function)(xs[0]))
    assert answers(tensors, case, Draw(2, "usual")) == answers(numpy_twin, case, Draw(2, "usual"))


@pytest.mark.parametrize("function", WIDE)
def test_functions_have_the_same_bits_of_binary64(function: str) -> None:
    """Before they are narrowed too, where a step left out or another order of two would seldom show."""
    ours, theirs = WIDE[function]
    rng = np.random.default_rng(4)
    near = np.ldexp(rng.uniform(-2, 2, 20_000), rng.integers(-8, 8, 20_000))
    x = np.concatenate([near, rng.uniform(-110, 95, 20_000), [0.0, -104.0, 89.0, 0.125, -0.125]])
    if function == "inverse normal":
        x = np.concatenate([(rng.integers(0, 2**32, 20_000) + 0.5) * 2.0**-32, [0.02425, 1 - 0.02425]])
    else:
        x = np.concatenate([x, [math.inf, -math.inf, math.nan]])
    found = np.asarray(ours(torch.from_numpy(x)).numpy()), np.asarray(theirs(x))
    words = [np.where(np.isnan(y), np.nan, y).view(np.uint64).tolist() for y in found]
    assert words[0] == words[1]


@pytest.mark.parametrize("precision", ["EXACT20", "EXACT8"])
@pytest.mark.parametrize("count", [0, 1, 8193, 140_000, 2**22])
def test_products_stay_exact_past_every_accumulator(precision: str, count: int) -> None:
    """The largest integers of one sign, with a small odd one behind, up to the most terms that one output may have."""
    words = np.full(count, np.float32(1 - 2.0**-24)).view(np.uint32)
    words[count // 2 : count // 2 + 1] = np.float32(2.0**-20).view(np.uint32)
    shapes = ((words, (1, count)), (words, (count, 1)))

    def product(lib: ModuleType) -> Answer:
        operands = [made(lib, *shape) for shape in shapes]
        return shown(lib.matmul(*operands, lib.Precision[precision]))

    assert product(tensors) == product(numpy_twin)


def test_plain_sums_stay_exact_past_53_bits() -> None:
    """More than 2^22 numbers whose integers fill all 31 bits."""
    numbers = np.full(2**22 + 5, np.float32(1 - 2.0**-24))
    numbers[::1001] = np.float32(2.0**-31 * 3)
    case = Case([(numbers.view(np.uint32), numbers.shape)], lambda lib, xs: lib.sum_over(xs[0]))
    sums = [shown(case.run(lib, [made(lib, *case.operands[0])])) for lib in (tensors, numpy_twin)]
    assert sums[0] == sums[1]


@EVERY
@given(seed=st.integers(0, 2**64 - 1), number=st.integers(0, 2**64 - 1), count=st.integers(0, 40))
def test_random_numbers_have_the_same_bits(seed: int, number: int, count: int) -> None:
    """Uniform, normal and initial values and permutations, for any seed and stream."""

    def drawn(lib: ModuleType) -> list[Any]:
        stream = lib.Stream(seed, number)
        values = [lib.uniform(stream, [count, 2], -0.3, 1.7), lib.uniform(stream, [count], -3e38, 3e38)]
        values += [lib.normal(stream, [3, count], 0.1, 2.5), lib.fan_in_uniform(stream, [2, count])]
        return [*(shown(value) for value in values), lib.permutation(stream, count).numbers()]

    assert drawn(tensors) == drawn(numpy_twin)


def test_normal_numbers_have_the_same_bits_in_both_tails() -> None:
    """Enough of them that some lie in the tails, which have a formula of their own."""

    def drawn(lib: ModuleType) -> Answer:
        return shown(lib.normal(lib.Stream(3, 1), [4001]))

    assert drawn(tensors) == drawn(numpy_twin)


@EVERY
@given(seed=st.integers(0, 2**32), style=st.sampled_from(STYLES))
def test_indices_and_outside_numbers_agree(seed: int, style: str) -> None:
    """The places of largest values, one-hot rows, and numbers of binary64 made canonical."""
    draw = Draw(seed, style)
    shape = draw.shape(2, 1)
    words, labels = draw.words(shape), draw.indices(shape, 4)
    numbers = [float(value) for value in draw.rng.standard_normal(6) * 10.0 ** draw.rng.integers(-50, 50, 6)]

    def found(lib: ModuleType) -> list[Any]:
        largest = lib.argmax(made(lib, *words), 1)
        rows = lib.one_hot(lib.Indices.of(labels, shape), 4)
        outside = [lib.Tensor.of(numbers, [6]), *(lib.Tensor.full([2], number) for number in numbers)]
        return [largest.numbers(), shown(rows), *(shown(tensor) for tensor in outside)]

    assert found(tensors) == found(numpy_twin)


@EVERY
@given(seed=st.integers(0, 2**32), style=st.sampled_from(STYLES), slope=st.sampled_from(STYLES))
def test_choices_have_the_same_bits(seed: int, style: str, slope: str) -> None:
    """`where`, whose condition is not a tensor of numbers, with both sides stretched."""
    rng = np.random.default_rng(seed)
    condition = rng.random((3, 4)) < 0.5
    draw = Draw(seed, style)
    operands = [draw.words((4,)), draw.words((3, 1))]
    ours = Case(operands, lambda _, xs: arithmetic.where(torch.from_numpy(condition), *xs))
    theirs = Case(operands, lambda lib, xs: lib.where(condition, *xs))
    assert answers(tensors, ours, Draw(seed, slope)) == answers(numpy_twin, theirs, Draw(seed, slope))


@EVERY
@given(seed=st.integers(0, 2**32), style=st.sampled_from(STYLES), slope=st.sampled_from(STYLES), decayed=st.booleans())
def test_optimisers_have_the_same_bits(seed: int, style: str, slope: str, decayed: bool) -> None:
    """Three steps of each, and clipping, on weights and gradients of any size."""
    draw, slopes = Draw(seed, style), Draw(seed + 1, slope)
    shapes = [(), draw.shape(1), draw.shape(2)]
    words, gradient_words = [draw.words(shape) for shape in shapes], [slopes.words(shape) for shape in shapes]
    decay, most = (0.01 if decayed else 0.0), [1e-30, 0.5, 10.0, 1e25][draw.rank(0, 3)]

    def stepped(lib: ModuleType) -> list[Any]:
        first = second = [made(lib, *each) for each in words]
        gradients = [made(lib, *each) for each in gradient_words]
        velocities, moments = lib.zeros_like(first), lib.no_moments(second)
        for _ in range(3):
            first, velocities = lib.sgd_step(first, gradients, velocities, lib.Momentum(0.03, 0.9, decay))
            second, moments = lib.adam_step(second, gradients, moments, lib.Adam(rate=0.02, decay=decay))
        clipped = lib.clip_gradients(gradients, most)
        parts = [*first, *velocities, *second, *moments.means, *moments.squares, *clipped]
        return [*(shown(part) for part in parts), moments.first_power, moments.second_power]

    assert stepped(tensors) == stepped(numpy_twin)


@pytest.mark.parametrize("precision", ["EXACT20", "EXACT8"])
@pytest.mark.parametrize("network", NETWORKS)
def test_trained_networks_have_the_same_bits(network: str, precision: str) -> None:
    """Three training steps end in the same weights and the same state of the optimiser."""
    ours = [shown(part) for part in NETWORKS[network](tensors, precision)]
    assert ours == [shown(part) for part in NETWORKS[network](numpy_twin, precision)]
    assert not any(word == "7fc00000" for _, words in ours for word in words)
