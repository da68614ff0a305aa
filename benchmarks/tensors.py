"""What exactness costs: `python -m benchmarks.tensors [--quick]`.

Operators and whole training steps, exact against plain float32 torch and against torch's deterministic mode, on the
same processor and in turns; the least time of each counts, since what others do on the machine only adds to it. Errors
are the largest against binary64, relative to its largest value. Accuracies are those of a small CNN on scikit-learn's
digits, each told by a network that was not trained on it.

`--quick` takes what the figures of the last line need and no more. In the environment, `SMALL=1` takes small sizes, to
try it, and `THREADS` says how many threads both use.
"""

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import torch

from accountant.tensors import Precision
from benchmarks.tensors_operators import Operator, operators
from benchmarks.tensors_training import FOLDS, NETWORKS, accuracy, exact_step, torch_step

SMALL = bool(os.environ.get("SMALL"))
QUICK = "--quick" in sys.argv[1:]
ROUNDS = 3 if SMALL else 9
LEAST_ROUNDS = 3
BUDGET_S = 2.0
"""For one row, once it had its least rounds."""
EPOCHS = 1 if SMALL else 12
CNN = "cnn, 64 images of 32 × 32"
MATMUL = "matmul 1024"
FIGURES = {MATMUL, CNN}


class Row(NamedTuple):
    """Seconds of each way, and errors against binary64. Both modes of torch compute the same sums."""

    name: str
    plain: float
    deterministic: float
    exact20: float
    exact8: float | None
    error_plain: float | None
    error20: float | None
    error8: float | None


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _deterministic(work: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            return work()
        finally:
            torch.use_deterministic_algorithms(False)

    return run


def _least(ways: list[Callable[[], object]]) -> list[float]:
    best = [float("inf")] * len(ways)
    begin = time.perf_counter()
    for turn in range(ROUNDS + 1):
        if turn > LEAST_ROUNDS and time.perf_counter() - begin > BUDGET_S:
            break
        for at, way in enumerate(ways):
            seconds = _seconds(way)
            if turn:  # the first allocates, and chooses kernels
                best[at] = min(best[at], seconds)
    return best


def _error(values: torch.Tensor, reference: torch.Tensor) -> float:
    return float((values.double() - reference).abs().max() / reference.abs().max())


def _operator(case: Operator) -> Row:
    plain = case.plain(torch.float32)
    exact = [case.exact(precision) for precision in (Precision if case.products else [Precision.EXACT20])]
    times = _least([plain, _deterministic(plain), *exact])
    reference = case.plain(torch.float64)()
    errors = [_error(way(), reference) for way in (plain, *exact)]
    if not case.products:
        times, errors = [*times, float("nan")], [*errors, float("nan")]
    plain_s, deterministic_s, exact20_s, exact8_s = times
    return Row(
        case.name,
        plain_s,
        deterministic_s,
        exact20_s,
        exact8_s if case.products else None,
        errors[0],
        errors[1],
        errors[2] if case.products else None,
    )


def _network(name: str) -> Row:
    network = NETWORKS[name]
    plain = torch_step(network)
    ways = [plain, _deterministic(plain), *(exact_step(network, precision) for precision in Precision)]
    plain_s, deterministic_s, exact20_s, exact8_s = _least(ways)
    return Row(name, plain_s, deterministic_s, exact20_s, exact8_s, None, None, None)


def _print(row: Row) -> None:
    def ratio(seconds: float | None) -> str:
        return "-" if seconds is None else f"{seconds / row.plain:.2f}"

    def error(value: float | None) -> str:
        return "-" if value is None else f"{value:.1e}"

    print(
        f"{row.name:<32} {row.plain * 1e3:>9.2f} {ratio(row.deterministic):>7} {ratio(row.exact20):>8}"
        f" {ratio(row.exact8):>8} {error(row.error_plain):>9} {error(row.error20):>9} {error(row.error8):>9}"
    )


def _digits_differences() -> dict[str, float]:
    """Accuracies on scikit-learn's digits and their differences, in points; nothing where there are none."""
    try:
        datasets = importlib.import_module("sklearn.datasets")
    except ImportError:
        return {}
    digits = datasets.load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
    labels = torch.tensor(digits.target, dtype=torch.int64)
    folds = 1 if SMALL else FOLDS
    names = {
        "accuracy_float32": None,
        "accuracy_exact20": Precision.EXACT20,
        "accuracy_exact8": Precision.EXACT8,
    }
    found = {name: 100 * accuracy(images, labels, EPOCHS, how, folds) for name, how in names.items()}
    plain = found["accuracy_float32"]
    differences = {
        "accuracy_difference_points": found["accuracy_exact20"] - plain,
        "accuracy_difference_points_exact8": found["accuracy_exact8"] - plain,
    }
    return {name: round(value, 3) for name, value in (found | differences).items()}


def main() -> int:
    """Print a table, and the figures as one line of JSON."""
    gc.disable()
    torch.set_num_threads(int(os.environ.get("THREADS", torch.get_num_threads())))
    print(
        f"{'':<32} {'float32':>9} {'determ.':>7} {'exact20':>8} {'exact8':>8} {'error':>9} {'exact20':>9} {'exact8':>9}"
    )
    print(f"{'':<32} {'ms':>9} {'ratio':>7} {'ratio':>8} {'ratio':>8} {'float32':>9}")
    rows = {}
    for case in operators(SMALL):
        if QUICK and case.name not in FIGURES:
            continue
        rows[case.name] = _operator(case)
        _print(rows[case.name])
        gc.collect()
    for name in NETWORKS:
        if (SMALL and NETWORKS[name].large) or (QUICK and name not in FIGURES):
            continue
        rows[name] = _network(name)
        _print(rows[name])
        gc.collect()
    figures: dict[str, object] = {"benchmark": "tensors", "threads": torch.get_num_threads()}
    if not SMALL:
        matmul, cnn = rows[MATMUL], rows[CNN]
        assert cnn.exact8 is not None
        figures |= {
            "matmul_1024_ratio": round(matmul.exact20 / matmul.plain, 3),
            "matmul_1024_error": matmul.error20,
            "cnn_training_ratio": round(cnn.exact20 / cnn.plain, 3),
            "cnn_training_ratio_exact8": round(cnn.exact8 / cnn.plain, 3),
        }
    figures |= _digits_differences()
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
