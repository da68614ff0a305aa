"""What a contract adds to the operators that it calls: `python -m benchmarks.contracts_nn`.

The same training steps of a network with one hidden layer by a compiled contract (host calls, gas, memory, recipes) and
by the tensors package alone, in turns; of each the least processor time of a step, on one thread. SMALL=1 leaves out
what takes long.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import torch

import accountant.tensors as exact
from accountant.chain.footprint import Memory
from accountant.contracts.run import execute
from accountant.contracts.world import ContractCode, Run
from accountant.language.compiler import compile_source
from accountant.primitives.types import Amount, Hash, Height
from accountant.tensors import Indices, Momentum, Stream, Tensor
from benchmarks.metering_runs import GAS, LIMITS, MAIN, PRICES, SENDER, BenchmarkWorld

SMALL = bool(os.environ.get("SMALL"))
ROUNDS = 2 if SMALL else 7
CLASSES = 10
RATE = 0.05
STEP_S = 0.1
"""The step whose overhead is demanded."""

SOURCE = b'''"""Trains a network on random data."""

from accountant.language import export, nn

CLASSES = 10
RATE = 0.05


@export
def train(steps: int, rows: int, inputs: int, hidden: int) -> int:
    """The last loss."""
    x = nn.normal(5, 0, (rows, inputs))
    labels = nn.argmax(nn.normal(5, 1, (rows, CLASSES)))
    state = nn.sgd_start([nn.normal(4, 0, (inputs, hidden), deviation=0.05), nn.full(hidden, 0.0),
                          nn.normal(4, 1, (hidden, CLASSES), deviation=0.05), nn.full(CLASSES, 0.0)])
    millionths = 0
    for _step in range(steps):
        mark = nn.mark()
        w = nn.variables(nn.weights(state))
        loss = nn.cross_entropy(nn.relu(x @ w[0] + w[1]) @ w[2] + w[3], labels)
        millionths = nn.item(loss, scale=1e6)
        state = nn.release(mark, nn.sgd(state, nn.grad(loss, w), RATE))
    return millionths
'''


class Size(NamedTuple):
    """Of data and network, and how many steps are timed together."""

    rows: int
    inputs: int
    hidden: int
    steps: int
    large: bool = False


SIZES = (Size(32, 32, 32, 20), Size(256, 256, 256, 10), Size(512, 784, 1024, 4, True), Size(1024, 1024, 2048, 2, True))


def by_contract(size: Size, steps: int) -> int:
    """The last loss × 1,000,000."""
    compiled = compile_source(SOURCE, "training.py")
    world = BenchmarkWorld({}, {MAIN: ContractCode(compiled.code, compiled.envelope, SENDER)})
    run = Run(
        contract=MAIN,
        function="train",
        arguments=(steps, size.rows, size.inputs, size.hidden),
        sender=SENDER,
        value=Amount(0),
        footprint=(Memory(LIMITS.tensor_bytes_most),),
        height=Height(1),
        index=0,
        previous_hash=Hash(bytes(32)),
        time=0,
        schedule=PRICES,
        limits=LIMITS,
    )
    result = execute(run, world, GAS)
    assert isinstance(result.return_value, int), result
    return result.return_value


def by_operators(size: Size, steps: int) -> int:
    """The same."""
    x = exact.normal(Stream(5, 0), (size.rows, size.inputs))
    labels = exact.argmax(exact.normal(Stream(5, 1), (size.rows, CLASSES)), -1)
    shapes = ((size.inputs, size.hidden), (size.hidden,), (size.hidden, CLASSES), (CLASSES,))
    weights = [
        exact.variable(
            Tensor.full(shape, 0.0) if len(shape) == 1 else exact.normal(Stream(4, at // 2), shape, 0.0, 0.05)
        )
        for at, shape in enumerate(shapes)
    ]
    velocities = exact.zeros_like(weights)
    loss = 0.0
    for _ in range(steps):
        value = _loss(weights, x, labels)
        loss = value.numbers()[0]
        weights, velocities = exact.sgd_step(weights, exact.gradients(value, weights), velocities, Momentum(RATE, 0.0))
    return round(Fraction(loss) * 10**6)


def _loss(w: list[Tensor], x: Tensor, labels: Indices) -> Tensor:
    hidden = exact.relu(exact.add(exact.matmul(x, w[0]), w[1]))
    return exact.cross_entropy(exact.add(exact.matmul(hidden, w[2]), w[3]), labels)


def _seconds_a_step(train: Callable[[Size, int], int], size: Size) -> float:
    """Without what comes before the first step."""
    begin = time.process_time()
    train(size, 0)
    between = time.process_time()
    train(size, size.steps)
    return (time.process_time() - between - (between - begin)) / size.steps


def main() -> int:
    """Print a table, and the figures as one line of JSON."""
    torch.set_num_threads(1)
    gc.disable()
    print(f"{'rows':>6} {'inputs':>6} {'hidden':>6} {'operators':>10} {'contract':>10} {'overhead':>9}")
    figures: dict[str, object] = {"benchmark": "contracts-nn"}
    for size in SIZES:
        if SMALL and size.large:
            continue
        assert by_contract(size, 2) == by_operators(size, 2), "the same bits"
        plain, whole = [], []
        for _ in range(ROUNDS):
            plain.append(_seconds_a_step(by_operators, size))
            whole.append(_seconds_a_step(by_contract, size))
            gc.collect()
        operators, contract = min(plain), min(whole)
        percent = 100 * (contract / operators - 1)
        shown = f"{operators * 1e3:>8.2f}ms {contract * 1e3:>8.2f}ms {percent:>8.1f}%"
        print(f"{size.rows:>6} {size.inputs:>6} {size.hidden:>6} {shown}")
        if operators >= STEP_S and "contract_overhead_percent" not in figures:
            figures["contract_overhead_percent"] = round(percent, 2)
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
