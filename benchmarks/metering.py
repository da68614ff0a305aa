"""How much time gas buys: `python -m benchmarks.metering`.

Worst cases of every row of the host table by size, of frames, memory, instructions, compilation and native code that
is loaded again, each as seconds per gas against the plainest host call (`arg_int`) of the same run. Rounds go through
all cases in turns, and the least processor time of each counts: what others do on the machine only adds to it. What a
case needs before its own work (values, loops, frames) is run without that work as well; time and gas are subtracted.
"""

import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from accountant.contracts.table import HOST
from benchmarks.metering_code import code_cases
from benchmarks.metering_host import host_cases
from benchmarks.metering_runs import REFERENCE, Case

ROUNDS = 7


class Measured(NamedTuple):
    """A case's gas, and its least time."""

    case: Case
    gas: int
    seconds: float

    @property
    def seconds_per_gas(self) -> float:
        """What the reference is compared by."""
        return self.seconds / self.gas


def _seconds(work: Callable[[], int]) -> tuple[float, int]:
    begin = time.process_time()
    gas = work()
    return time.process_time() - begin, gas


def _measure(chosen: list[Case], rounds: int) -> list[Measured]:
    times: dict[str, list[tuple[float, float]]] = {case.name: [] for case in chosen}
    gas: dict[str, int] = {}
    for _ in range(rounds):
        for case in chosen:
            with_work, used = _seconds(case.work)
            without, base = _seconds(case.base) if case.base else (0.0, 0)
            times[case.name].append((with_work, without))
            gas[case.name] = used - base + case.intrinsic
    return [
        Measured(case, gas[case.name], min(a for a, _ in times[case.name]) - min(b for _, b in times[case.name]))
        for case in chosen
    ]


def main() -> int:
    """Print a table, and the figures as one line of JSON."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        chosen = [*host_cases(), *code_cases(Path(folder))]
        missing = HOST.keys() - {case.row for case in chosen}
        assert not missing, f"rows of the host table without a case: {missing}"
        _measure(chosen, 1)  # compiled, imported, allocated
        gc.disable()
        measured = _measure(chosen, ROUNDS)
    reference = next(one for one in measured if one.case.name == REFERENCE).seconds_per_gas
    ratios = sorted(((one.seconds_per_gas / reference, one) for one in measured), key=lambda pair: -pair[0])
    print(f"{'case':<44} {'row':<20} {'gas':>12} {'ms':>9} {'ns/gas':>7} {'ratio':>6}")
    for ratio, one in ratios:
        print(
            f"{one.case.name:<44} {one.case.row:<20} {one.gas:>12} {one.seconds * 1e3:>9.3f}"
            f" {one.seconds_per_gas * 1e9:>7.2f} {ratio:>6.2f}"
        )
    worst: dict[str, float] = {}
    for ratio, one in ratios:
        worst.setdefault(one.case.row, round(ratio, 3))
    figures = {
        "benchmark": "metering",
        "reference_ns_per_gas": round(reference * 1e9, 2),
        "cases": len(ratios),
        "worst_ratio": round(ratios[0][0], 3),
        "worst_case": ratios[0][1].case.name,
        "worst_row": ratios[0][1].case.row,
        "worst_by_row": worst,
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
