"""`nn` outside of a chain: a contract file that is imported as ordinary Python computes, and loads torch only then."""

import math
import subprocess
import sys

import pytest

from accountant.language import Cid, Tensor, nn
from accountant.language.names import OutsideChain
from accountant.language.nn.values import Released
from accountant.primitives.cid import cid_of
from accountant.tensors import InvalidIndex, InvalidShape, InvalidTensor
from accountant.tensors.files import write_file


def test_compiling_loads_no_torch() -> None:
    """Neither the names of contracts nor the compiler need it; the first operator does."""
    code = (
        "import sys, accountant.language.compiler; from accountant.language import nn;"
        "assert 'torch' not in sys.modules; nn.full(1, 0.5); assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def numbers(tensor: Tensor) -> list[float]:
    """All elements."""
    return tensor.exact.numbers()


def test_tensors_have_operators_and_sizes() -> None:
    """Of two tensors, and of a tensor and a number on either side."""
    x = nn.of_ints((1, 2), b"\x01\xfe")
    assert numbers(x) == [1.0, -2.0]
    assert numbers(2 * x + 0.5 - nn.full(2, 1.0)) == [1.5, -4.5]
    assert numbers(1 - x) == [0.0, 3.0]
    assert numbers(-x / x - 1) == [-2.0, -2.0]
    assert numbers(x @ nn.transpose(x, (1, 0))) == [5.0]
    assert (x.shape, x.dims, nn.size(x, -1), nn.count(x)) == ((1, 2), 2, 2, 2)


def test_what_a_process_saved_it_can_load() -> None:
    """Under the identifier of a file with these tensors; anything else needs a chain."""
    x, y = nn.full((2, 3), 0.5), nn.full((), 2.0)
    assert bytes(nn.save(x)) == cid_of(write_file([x.exact]))
    assert numbers(nn.load(nn.save(x))) == numbers(x)
    assert [numbers(one) for one in nn.load_all(nn.save_all([x, y]))] == [numbers(x), numbers(y)]
    with pytest.raises(InvalidTensor, match=r"nn\.load_all"):
        nn.load(nn.save_all([x, y]))
    with pytest.raises(OutsideChain):
        nn.load(Cid(cid_of(b"published")))


def test_what_was_let_go_of_cannot_be_used() -> None:
    """As on the chain, where it has no handle any more; what was there before the mark has one."""
    before = nn.full(1, 1.0)
    mark = nn.mark()
    lost, kept = nn.variable(nn.full(1, 2.0)), nn.full(1, 3.0)
    places = nn.argmax(kept)
    (again,) = nn.release(mark, [kept])
    assert numbers(again + before) == [4.0]
    for use in (lambda: lost + before, lambda: nn.relu(kept), lambda: nn.index(places, 0)):
        with pytest.raises(Released):
            use()


def test_marks_nest() -> None:
    """An outer one lets go of what an inner one kept."""
    outer = nn.mark()
    first = nn.full(1, 1.0)
    inner = nn.mark()
    (kept,) = nn.release(inner, [nn.full(1, 2.0)])
    assert numbers(first + kept) == [3.0]
    nn.release(outer, [])
    for one in (first, kept):
        with pytest.raises(Released):
            nn.relu(one)
    assert numbers(nn.full(1, 4.0)) == [4.0]


def test_numbers_leave_as_whole_ones() -> None:
    """Rounded half to even, of the exact product; or not at all."""
    assert nn.item(nn.full(1, 0.5)) == 0
    assert nn.item(nn.full(1, 1.5)) == 2
    assert nn.item(nn.full((1, 2), 0.1), 1, 2.0**40) == round(numbers(nn.full(1, 0.1))[0] * 2**40)
    for wrong in (math.nan, math.inf, 2.0**63):
        with pytest.raises(InvalidTensor):
            nn.item(nn.full(1, wrong))
    with pytest.raises(InvalidIndex):
        nn.item(nn.full(1, 0.0), -1)
    assert nn.index(nn.indices_of_ints(2, (3).to_bytes(8, "big") + b"\xff" * 8, 8), 1) == -1
    with pytest.raises(InvalidIndex):
        nn.index(nn.indices_of_ints(1, b"\x01"), 1)
    assert nn.real(1, 3) == 1 / 3


def test_whole_numbers_become_tensors_and_indices_if_they_are_some() -> None:
    """Those that binary32 lacks, bytes of another number and fractions are refused."""
    assert numbers(nn.of_ints(1, (2**24).to_bytes(4, "big"), 4)) == [2.0**24]
    with pytest.raises(InvalidTensor):
        nn.of_ints(1, (2**24 + 1).to_bytes(4, "big"), 4)
    for data, width in ((b"\x00\x01\x02", 2), (b"\x00\x00\x00", 3)):
        with pytest.raises(InvalidTensor):
            nn.indices_of_ints(1, data, width)
    assert nn.indices(nn.full(1, -2.0)).exact.numbers() == [-2]
    for wrong in (0.5, math.nan, math.inf, 2.0**63):
        with pytest.raises(InvalidTensor):
            nn.indices(nn.full(1, wrong))


def test_states_belong_to_their_optimiser() -> None:
    """A list of tensors is no state, nor is that of another optimiser; one that was kept through `release` is."""
    weights = [nn.full(2, 1.0)]
    gradients = [nn.full(2, 0.5)]
    for wrong in (weights * 2, nn.adam_start(weights)):
        with pytest.raises(InvalidTensor):
            nn.sgd(wrong, gradients, 0.1)
    with pytest.raises(InvalidTensor):
        nn.weights(weights)
    mark = nn.mark()
    state = nn.release(mark, nn.adam(nn.adam_start(weights), gradients))
    again = nn.adam(nn.adam(nn.adam_start(weights), gradients), gradients)
    assert list(map(numbers, nn.adam(state, gradients))) == list(map(numbers, again))


def test_precisions_are_two() -> None:
    """20 and 8."""
    x = nn.uniform(-1, 2, (3, 3))
    assert numbers(nn.matmul(x, x, precision=8)) != numbers(x @ x)
    with pytest.raises(InvalidTensor, match="20 and 8"):
        nn.matmul(x, x, 7)
    with pytest.raises(InvalidShape):
        x @ nn.full((2, 2), 0.0)
