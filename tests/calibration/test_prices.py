"""The table of prices: complete, made so that nothing is underpriced, and of the shape that the paper asks for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.calibration.calibrate import calibrate
from accountant.calibration.cases import Case, all_cases
from accountant.calibration.fitting import Measured, rates_of
from accountant.calibration.measure import UNDIFFERENTIATED
from accountant.calibration.report import picture, table
from accountant.chain.genesis import Genesis, decode_genesis
from accountant.chain.tensor_prices import RATE_UNIT, TensorSchedule
from accountant.chain.tensor_table import TENSOR_PRICES
from accountant.contracts.tensor_rule import Attribute, Shapes
from accountant.contracts.tensor_work import RULES, Work, backward_work, price, work_of
from accountant.primitives.encoding import encode
from tests.support.chains import genesis

ETHEREUM_GAS_PER_BYTE_STORED = 20_000 / 32
"""SSTORE of a fresh slot, 32 bytes (EIP-2929 and before; Yellow Paper, G_sset)."""
ETHEREUM_MEMORY_QUADRATIC = 512
"""Memory of w words costs 3w + w² ÷ 512 (Yellow Paper, C_mem)."""


def _gas(name: str, shapes: Shapes, attributes: tuple[Attribute, ...] = ()) -> int:
    return price(work_of(name, shapes, attributes)[1], TENSOR_PRICES)


def test_every_operation_is_measured() -> None:
    """Each rule has cases, and each kind that a case has, forward and backward, has a price of its own."""
    cases = all_cases()
    assert {case.name for case in cases} == set(RULES)
    kinds = {work_of(case.name, case.shapes, case.attributes)[1].kind for case in cases}
    differentiable = [case for case in cases if case.name not in UNDIFFERENTIATED]
    kinds |= {backward_work(case.name, case.shapes, case.attributes).kind for case in differentiable}
    assert kinds == {one.kind for one in TENSOR_PRICES.prices}


def test_one_convolution_of_nine_costs_far_less_than_nine_of_one() -> None:
    """The paper's first statement: a 3×3 convolution shares its launch and its memory (section II)."""
    for channels, size in ((8, 16), (32, 32), (64, 32)):
        tensor = (16, channels, size, size)
        setting = ((1, 1), (1, 1), 1, 20)
        nine = _gas("conv2d", (tensor, (channels, channels, 3, 3), None), setting)
        one = _gas("conv2d", (tensor, (channels, channels, 1, 1), None), ((1, 1), (0, 0), 1, 20))
        assert nine < 9 * one / 2, (channels, size, nine / one)


def test_a_matrix_product_costs_far_less_than_its_multiplications_and_additions() -> None:
    """The paper's second statement: a product of matrices is one operation, not as many as it has numbers."""
    for size in (64, 256, 1024):
        product = _gas("matmul", ((size, size), (size, size)), (20,))
        one = _gas("multiply", ((1,), (1,))) + _gas("add", ((1,), (1,)))
        assert product < size**3 * one / 1_000, size
        numbers = size * size  # even where as many as the result has are multiplied and added at once
        rows = size * (_gas("multiply", ((numbers,), (numbers,))) + _gas("add", ((numbers,), (numbers,))))
        assert product < rows / 3, size


def test_memory_costs_far_less_than_where_every_node_keeps_it() -> None:
    """The paper's third statement, as no node keeps the world state: a megabyte kept, and held, beside Ethereum's."""
    numbers = 2**18
    kept = _gas("save", ((numbers,),)) / (4 * numbers)
    assert kept < ETHEREUM_GAS_PER_BYTE_STORED / 100
    held = _gas("full", (), ((numbers,),)) / (4 * numbers)
    words = 4 * numbers / 32
    assert held < (3 * words + words**2 / ETHEREUM_MEMORY_QUADRATIC) / (4 * numbers) / 10


def test_larger_work_never_costs_less() -> None:
    """Doubling any size of a product or a convolution raises its price."""
    for bits in (20, 8):
        sizes = [32, 32, 32]
        for at in range(3):
            larger = list(sizes)
            larger[at] *= 64
            (m, k, n), (mm, kk, nn) = sizes, larger
            assert _gas("matmul", ((mm, kk), (kk, nn)), (bits,)) > _gas("matmul", ((m, k), (k, n)), (bits,))


WORKS = st.builds(Work, st.just("x"), st.integers(0, 10**10), st.integers(0, 10**9), st.just(0), st.just(0))


@st.composite
def _machines(draw: st.DrawFn) -> list[Measured]:
    """Times of a machine that follows the rule but for noise, as much as threefold either way."""
    launch, flop, byte = draw(st.floats(10.0, 1e5)), draw(st.floats(0.0, 1.0)), draw(st.floats(0.0, 1.0))
    works = draw(st.lists(WORKS, min_size=1, max_size=12))
    return [
        Measured(work, (launch + flop * work.flops + byte * work.bytes) * draw(st.floats(0.33, 3.0))) for work in works
    ]


@given(_machines())
def test_no_measured_case_is_underpriced(cases: list[Measured]) -> None:
    """Whatever was measured, each case's price is at least what its time was worth, but for rounding."""
    rates = rates_of("x", cases)
    schedule = TensorSchedule("test", rates, ())
    assert min(rates.launch, rates.flop_rate, rates.byte_rate) >= 0
    for one in cases:
        assert price(one.work, schedule) >= one.gas * (1 - 1e-6) - 1


def test_what_is_larger_than_anything_measured_pays_for_its_growth() -> None:
    """Where products differ in how much they compute with each byte, their flops are priced."""
    cases = [Measured(Work("x", n**3, 12 * n**2, 0, 0), 1e3 + n**3 / 500) for n in (2, 16, 128, 1024)]
    rates = rates_of("x", cases)
    assert rates.flop_rate / RATE_UNIT >= 0.4 / 500


def _small(case: Case) -> bool:
    return case.name in ("relu", "matmul") and all(shape is None or max(shape) <= 64 for shape in case.shapes)


def test_a_machine_is_calibrated() -> None:
    """A real calibration of two operations: prices for both ways, a table, and a picture with each case in it."""
    found = calibrate("test", chosen=_small, passes=1)
    kinds = [one.kind for one in found.schedule.prices]
    assert kinds == ["matmul", "matmul8", "matmul8_gradient", "matmul_gradient", "relu", "relu_gradient"]
    assert all(one.paid >= 0.99 for one in found.cases)
    assert picture(found.cases).count("<circle") == len(found.cases)
    assert all(f"`{kind}`" in table(found) for kind in kinds)


def test_a_genesis_carries_its_table() -> None:
    """The prices are rules of the chain: they are encoded in genesis and named by its hash."""
    made = genesis()
    again: Genesis = decode_genesis(encode(made))
    assert again.gas.tensors == TENSOR_PRICES and again.hash == made.hash


def test_the_command_line(tmp_path: Path) -> None:
    """`gas show` prints the table; a device that is not there is one line and exit code 2."""
    argv = [sys.executable, "-m", "accountant.cli", "gas"]
    shown = subprocess.run([*argv, "show"], check=True, capture_output=True, text=True).stdout
    assert json.loads(shown)["version"] == TENSOR_PRICES.version
    missing = subprocess.run([*argv, "calibrate", "--device", "cuda:9"], capture_output=True, text=True, check=False)
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("kind", ["matmul", "conv2d", "attention", "matmul8", "conv2d8", "attention8"])
def test_products_price_their_flops(kind: str) -> None:
    """No size of a product comes free."""
    assert TENSOR_PRICES.of(kind).flop > 0
