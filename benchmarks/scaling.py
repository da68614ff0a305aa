"""What a cold answer costs as the chain grows: `python -m benchmarks.scaling`.

One chain (`benchmarks.economy`) is imported into an embedded Postgres and asked as it was at 10^4, 10^5 and 10^6
transactions: is the balance at least so much, and Pay. Accounts are drawn by Zipf's law, positions from the last fifth
of what is there. Each question has a new index object and a store that knows nothing; only compiled modules and the
server's own pages are warm. Sizes and kinds are asked in turns. Questions whose slice is empty are asked, counted and
left out; one that takes longer than SECONDS_MOST is given up and counts as having taken that long, with the gas that it
had executed by then. Eager means executing everything from genesis up to the question: measured over a prefix, and
extrapolated.

SIZES=10000,100000 and QUESTIONS=50 make it smaller. PROFILE=1 prints where the time of all questions goes.
"""

import cProfile
import json
import os
import pstats
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from statistics import median, quantiles

from accountant.execution.eager import EagerState
from accountant.index.memory import MemoryIndex
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.place import temporary_folder
from benchmarks.economy import Economy
from benchmarks.scaling_chain import Growing
from benchmarks.scaling_questions import Questions, ask_in_turns

SIZES = (10_000, 100_000, 1_000_000)
QUESTIONS = 300
"""Of each kind, with a slice that is not empty."""
SECONDS_MOST = 60.0


def eager_each_s(index: MemoryIndex) -> float:
    """Seconds for one transaction of the prefix."""
    state = EagerState(index)
    count = index.head().next_seq
    begin = time.perf_counter()
    for _ in range(count):
        state.step()
    return (time.perf_counter() - begin) / count


def summary(questions: Questions, each_s: float) -> dict[str, object]:
    """The figures of one kind at one size."""
    answers = questions.answers
    seconds = [answer.seconds for answer in answers]
    p50, p99 = median(seconds), quantiles(seconds, n=100)[98]
    gas = sorted(answer.gas for answer in answers)
    eager = [answer.before * each_s for answer in answers]
    return {
        "questions": len(answers),
        "empty_slices": questions.empty,
        "rejected": sum(answer.accepted is False for answer in answers),
        "given_up": sum(answer.accepted is None for answer in answers),
        "p50_ms": round(p50 * 1e3, 3),
        "p99_ms": round(p99 * 1e3, 3),
        "slice_gas_p50": median(gas),
        "slice_gas_p99": round(quantiles(gas, n=100)[98]),
        "slice_transactions_p50": median(answer.slice or answer.before for answer in answers),
        "eager_p50_s": round(median(eager), 2),
        "eager_over_selective": round(median(e / s for e, s in zip(eager, seconds, strict=True)), 1),
        "slower_than_eager": sum(s > e for e, s in zip(eager, seconds, strict=True)),
    }


def shape(economy: Economy) -> dict[str, float]:
    """What the chain is made of, as shares."""
    kinds, count = economy.kinds, economy.kinds.total()
    calls = sum(number for kind, number in kinds.items() if "." in kind)
    general = len(economy.payments) + 0.0
    paying = count - kinds["token.transfer"] - kinds["vault.withdraw"] - kinds["lending.borrow"]
    return {"calls": round(calls / count, 3), "payments_from_general_money": round(general / paying, 3)}


def _profiled(work: Callable[[], None]) -> None:
    if not os.environ.get("PROFILE"):
        work()
        return
    profile = cProfile.Profile()
    profile.runcall(work)
    pstats.Stats(profile, stream=sys.stdout).sort_stats("cumulative").print_stats(45)


def measure(servers: EmbeddedServers, sizes: list[int], most: int, seconds_most: float) -> dict[str, object]:
    """The figures."""
    with closing(Growing(servers)) as chain:
        questions = [some for size in sizes for some in chain.questions(size, most)]
        _profiled(lambda: ask_in_turns(questions, most, seconds_most))
        each_s = eager_each_s(chain.prefix)
        parts, length, import_s = shape(chain.economy), chain.next_seq(), chain.import_s
    figures = {f"{some.kind}_{some.size}": summary(some, each_s) for some in questions}
    growth = {kind: _growth(figures, kind, sizes) for kind in ("balance", "pay")}
    return {
        "benchmark": "scaling",
        "sizes": sizes,
        "shares": parts,
        "import_transactions_per_s": round(length / import_s),
        "eager_transactions_per_s": round(1 / each_s),
        "eager_measured_transactions": chain.prefix.head().next_seq,
        "figures": figures,
        "p50_growth": growth,
        "p50_growth_1e6_over_1e4": max(growth.values()) if sizes[-1] == 100 * sizes[0] else None,
    }


def _growth(figures: dict[str, dict[str, object]], kind: str, sizes: list[int]) -> float:
    """p50 at the largest size over p50 at the smallest."""
    first, last = figures[f"{kind}_{sizes[0]}"]["p50_ms"], figures[f"{kind}_{sizes[-1]}"]["p50_ms"]
    assert isinstance(first, float) and isinstance(last, float)
    return round(last / first, 3)


def main() -> None:
    """Measures, prints a table and, as the last line, JSON."""
    sizes = [int(size) for size in os.environ.get("SIZES", ",".join(map(str, SIZES))).split(",")]
    most = int(os.environ.get("QUESTIONS", str(QUESTIONS)))
    seconds_most = float(os.environ.get("SECONDS_MOST", str(SECONDS_MOST)))
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder("anh-bench-"))
        servers = stack.enter_context(EmbeddedServers(folder / "servers"))
        found = measure(servers, sizes, most, seconds_most)
    rows = found["figures"]
    assert isinstance(rows, dict)
    print(f"{'question':<16} {'p50 ms':>9} {'p99 ms':>10} {'gas p50':>12} {'gas p99':>12} {'eager s':>9} {'ratio':>9}")
    for name, row in rows.items():
        print(
            f"{name:<16} {row['p50_ms']:>9} {row['p99_ms']:>10} {row['slice_gas_p50']:>12} {row['slice_gas_p99']:>12}"
            f" {row['eager_p50_s']:>9} {row['eager_over_selective']:>9}"
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
