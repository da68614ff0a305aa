"""What a contract adds to the operators that it calls: `python -m benchmarks.contracts_nn`.

The same training steps of a network with one hidden layer by a compiled contract (host calls, gas, memory, recipes) and
by the tensors package alone. One step of each in turns, within a single execution of the contract: before each of its
steps the contract reads a slot, and whoever answers does a step with the operators. So both see the same caches, memory
and threads. Processor time on one thread; medians and quartiles of the steps. SMALL=1 leaves out what takes long.
"""

import gc
import json
import os
import statistics
import sys
import time
from fractions import Fraction
from typing import NamedTuple

import torch

import accountant.tensors as exact
from accountant.chain.footprint import Memory, Read
from accountant.contracts.run import execute
from accountant.contracts.world import ContractCode, Run
from accountant.language.compiler import compile_source
from accountant.primitives.types import Amount, ContractId, Hash, Height
from accountant.tensors import Indices, Momentum, Stream, Tensor
from benchmarks.metering_runs import GAS, LIMITS, MAIN, PRICES, SENDER, BenchmarkWorld

SMALL = bool(os.environ.get("SMALL"))
WARM = 3
"""Steps at the beginning that do not count."""
CLASSES = 10
RATE = 0.05
PAUSE = b"pause:"
"""The slot that the contract reads."""

SOURCE = b'''"""Trains a network on random data."""

from accountant.language import export, nn

CLASSES = 10
RATE = 0.05

pause: int
"""Read before each step, and always 0."""


@export
def train(steps: int, rows: int, inputs: int, hidden: int) -> int:
    """The last loss."""
    x = nn.normal(5, 0, (rows, inputs))
    labels = nn.argmax(nn.normal(5, 1, (rows, CLASSES)))
    state = nn.sgd_start([nn.normal(4, 0, (inputs, hidden), deviation=0.05), nn.full(hidden, 0.0),
                          nn.normal(4, 1, (hidden, CLASSES), deviation=0.05), nn.full(CLASSES, 0.0)])
    millionths = 0
    mark = nn.mark()
    for _step in range(steps):
        millionths = pause
        w = nn.variables(nn.weights(state))
        loss = nn.cross_entropy(nn.relu(x @ w[0] + w[1]) @ w[2] + w[3], labels)
        millionths = nn.item(loss, scale=1e6)
        state = nn.release(mark, nn.sgd(state, nn.grad(loss, w), RATE))
    return millionths
'''


class Size(NamedTuple):
    """Of data and network, and how many steps of each way are timed."""

    rows: int
    inputs: int
    hidden: int
    steps: int
    large: bool = False


SIZES = (
    Size(32, 32, 32, 200),
    Size(256, 256, 256, 100),
    Size(512, 784, 1024, 40, True),
    HEADLINE := Size(768, 784, 1536, 40, True),
    Size(1024, 1024, 2048, 24, True),
)
"""The headline's step takes about 100 ms with the operators, as the demand says."""


class Quartiles(NamedTuple):
    """Of seconds."""

    low: float
    middle: float
    high: float


class Operators:
    """The training by the tensors package alone, step by step."""

    def __init__(self, size: Size) -> None:
        self._x = exact.normal(Stream(5, 0), (size.rows, size.inputs))
        self._labels = exact.argmax(exact.normal(Stream(5, 1), (size.rows, CLASSES)), -1)
        shapes = ((size.inputs, size.hidden), (size.hidden,), (size.hidden, CLASSES), (CLASSES,))
        self._weights = [
            exact.variable(
                Tensor.full(shape, 0.0) if len(shape) == 1 else exact.normal(Stream(4, at // 2), shape, 0.0, 0.05)
            )
            for at, shape in enumerate(shapes)
        ]
        self._velocities = exact.zeros_like(self._weights)

    def step(self) -> int:
        """The loss × 1,000,000."""
        value = _loss(self._weights, self._x, self._labels)
        loss = round(Fraction(value.numbers()[0]) * 10**6)
        slopes = exact.gradients(value, self._weights)
        self._weights, self._velocities = exact.sgd_step(self._weights, slopes, self._velocities, Momentum(RATE, 0.0))
        return loss


class Turns(BenchmarkWorld):
    """Answers the slot that the contract reads before each step, and does a step with the operators meanwhile."""

    def __init__(self, code: ContractCode, operators: Operators) -> None:
        super().__init__({}, {MAIN: code})
        self._operators = operators
        self._resumed = 0.0
        self.plain: list[float] = []
        self.whole: list[float] = []
        self.loss = 0
        """Of the operators' last step."""

    def slot(self, contract: ContractId, slot: bytes) -> bytes:
        """Empty. What went by since the last answer was a step of the contract's."""
        self.ended()
        begin = time.process_time()
        self.loss = self._operators.step()
        self.plain.append(time.process_time() - begin)
        self._resumed = time.process_time()
        return super().slot(contract, slot)

    def ended(self) -> None:
        """The contract is at the end of a step."""
        if self._resumed:
            self.whole.append(time.process_time() - self._resumed)


def in_turns(size: Size) -> Turns:
    """The times of steps of both. They come to the same loss."""
    compiled = compile_source(SOURCE, "training.py")
    turns = Turns(ContractCode(compiled.code, compiled.envelope, SENDER), Operators(size))
    run = Run(
        contract=MAIN,
        function="train",
        arguments=(size.steps + WARM, size.rows, size.inputs, size.hidden),
        sender=SENDER,
        value=Amount(0),
        footprint=(Read(MAIN, PAUSE), Memory(LIMITS.tensor_bytes_most)),
        height=Height(1),
        index=0,
        previous_hash=Hash(bytes(32)),
        time=0,
        schedule=PRICES,
        limits=LIMITS,
    )
    result = execute(run, turns, GAS)
    turns.ended()
    assert result.return_value == turns.loss, (result, turns.loss)
    return turns


def _loss(w: list[Tensor], x: Tensor, labels: Indices) -> Tensor:
    hidden = exact.relu(exact.add(exact.matmul(x, w[0]), w[1]))
    return exact.cross_entropy(exact.add(exact.matmul(hidden, w[2]), w[3]), labels)


def quartiles(seconds: list[float]) -> Quartiles:
    """Without the steps before it is warm."""
    return Quartiles(*statistics.quantiles(seconds[WARM:], n=4))


def _shown(seconds: Quartiles) -> str:
    low, middle, high = (1e3 * one for one in seconds)
    return f"{middle:>8.2f} ({low:.2f} to {high:.2f})".ljust(28)


def main() -> int:
    """Print a table, and the figures as one line of JSON."""
    torch.set_num_threads(1)
    print(
        f"{'rows':>6} {'inputs':>6} {'hidden':>6}  {'operators, ms':<28} {'contract, ms':<28} {'more, ms':>8} {'%':>6}"
    )
    figures: dict[str, object] = {"benchmark": "contracts-nn"}
    for size in SIZES:
        if SMALL and size.large:
            continue
        gc.collect()
        turns = in_turns(size)
        operators, contract = quartiles(turns.plain), quartiles(turns.whole)
        more = statistics.median(b - a for a, b in zip(turns.plain[WARM:], turns.whole[WARM:], strict=True))
        percent = 100 * more / operators.middle
        sizes = f"{size.rows:>6} {size.inputs:>6} {size.hidden:>6}"
        print(f"{sizes}  {_shown(operators)} {_shown(contract)} {more * 1e3:>8.2f} {percent:>6.1f}")
        if size is HEADLINE:
            figures |= {
                "contract_overhead_percent": round(percent, 2),
                "contract_step_ms": round(contract.middle * 1e3, 2),
            }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
