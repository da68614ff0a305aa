"""Choosing Θ: `python -m benchmarks.theta`. Proofs, gaps and seconds over Pisinger's classes and shared ancestors.

Additive costs: each class of Pisinger's (uncorrelated to even-odd) at 10^3 to 10^6 incomes, with amounts up to 1000,
2^30 and 2^62, three seeds and targets of a tenth and a half of all money. At EXACT incomes and below the exact solver
runs within its limit of states, above it the bounded one. Every answer is priced and bounded in integers by the solver,
and checked here once more. HiGHS gets the same instances, one thread, up to HIGHS_INCOMES incomes and HIGHS_SECONDS
each: its answers are checked in integers too, since it works in floats.

Closure costs: INCOMES incomes over ANCESTORS shared ancestors, greedy and with the mixed-integer solver.

SIZES=1000,10000 SEEDS=1 HIGHS_INCOMES=1000 HIGHS_SECONDS=2 CLOSURES=200x2000 CLOSURE_SECONDS=5 make it small.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from statistics import median
from typing import NamedTuple

import highspy
import numpy as np

from accountant.accounting.theta.additive import bounded, exact
from accountant.accounting.theta.candidate import (
    VALUE_MAX,
    Ancestor,
    Candidate,
    Choice,
    Int64,
    Limits,
    Unsatisfiable,
)
from accountant.accounting.theta.closure import closure_exact, closure_greedy
from accountant.accounting.theta.fptas import fptas
from accountant.accounting.theta.milp import Silent
from accountant.accounting.theta.plan import Plan, plan

CLASSES = ("uncorrelated", "weakly", "strongly", "inverse strongly", "almost strongly", "subset sum", "even-odd")
LARGEST = (1000, 1 << 30, VALUE_MAX)
EXACT = 10_000


class Instance(NamedTuple):
    """One additive problem."""

    kind: str
    incomes: int
    largest: int
    amounts: Int64
    costs: Int64
    target: int


class Measured(NamedTuple):
    """One answer."""

    instance: Instance
    seconds: float
    choice: Choice


def instances(incomes: int, seeds: int) -> Iterator[Instance]:
    """Every class, range, seed and target."""
    for kind in CLASSES:
        for largest in LARGEST:
            for seed in range(seeds):
                draw = np.random.default_rng([seed, incomes, CLASSES.index(kind), largest])
                amounts, costs = _drawn(draw, kind, incomes, largest)
                total = sum(amounts.tolist())
                for tenths in (1, 5):
                    target = total * tenths // 10
                    yield Instance(kind, incomes, largest, amounts, costs, target | (kind == "even-odd"))


def _drawn(draw: np.random.Generator, kind: str, incomes: int, largest: int) -> tuple[Int64, Int64]:
    """Pisinger's definitions with profit as cost and weight as amount, within 1 to `largest`."""
    tenth, fivehundredth = largest // 10, max(1, largest // 500)
    values = draw.integers(1, largest - tenth - fivehundredth + 1, incomes)
    if kind == "uncorrelated":
        return values, draw.integers(1, largest + 1, incomes)
    if kind == "weakly":
        return values, np.maximum(1, values + draw.integers(-tenth, tenth + 1, incomes))
    if kind == "strongly":
        return values, values + tenth
    if kind == "inverse strongly":
        return values + tenth, values
    if kind == "almost strongly":
        return values, values + tenth + draw.integers(-fivehundredth, fivehundredth + 1, incomes)
    if kind == "even-odd":
        even = np.maximum(2, values // 2 * 2)
        return even, even + tenth
    return values, values


def measured(instance: Instance, solver: Callable[[Int64, Int64, int], Choice | Unsatisfiable]) -> Measured:
    """Run once, and check what is claimed with Python's integers."""
    started = time.perf_counter()
    choice = solver(instance.amounts, instance.costs, instance.target)
    seconds = time.perf_counter() - started
    assert isinstance(choice, Choice)
    places = np.array(choice.chosen, dtype=np.int64)
    assert sum(instance.amounts[places].tolist()) == choice.amount >= instance.target
    assert sum(instance.costs[places].tolist()) == choice.cost >= choice.lower_bound
    return Measured(instance, seconds, choice)


class Rival(NamedTuple):
    """What HiGHS made of an instance."""

    seconds: float
    answered: bool
    """It calls a set feasible."""
    cost: int | None
    """Of that set; None if it falls short of the target in integers, or there is none."""


def by_highs(instance: Instance, seconds: float) -> Rival:
    """Its set is priced in integers."""
    problem = highspy.HighsLp()
    incomes = instance.incomes
    problem.num_col_, problem.num_row_ = incomes, 1
    problem.col_cost_ = (instance.costs * (1000.0 / float(instance.costs.max()))).astype(np.float64)
    problem.col_lower_, problem.col_upper_ = np.zeros(incomes), np.ones(incomes)
    problem.row_lower_, problem.row_upper_ = np.array([1000.0]), np.array([highspy.kHighsInf])
    problem.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    problem.a_matrix_.start_ = np.array([0, incomes], dtype=np.int32)
    problem.a_matrix_.index_ = np.arange(incomes, dtype=np.int32)
    problem.a_matrix_.value_ = (instance.amounts * (1000.0 / instance.target)).astype(np.float64)
    problem.integrality_ = [highspy.HighsVarType.kInteger] * incomes
    solver = Silent()  # type: ignore[no-untyped-call]
    for option, value in (("threads", 1), ("random_seed", 0), ("mip_rel_gap", 0.0), ("time_limit", seconds)):
        solver.setOptionValue(option, value)
    started = time.perf_counter()
    solver.passModel(problem)
    solver.run()
    took = time.perf_counter() - started
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Rival(took, False, None)
    taken = np.flatnonzero(np.asarray(solver.getSolution().col_value) > 0.5)
    enough = sum(instance.amounts[taken].tolist()) >= instance.target
    return Rival(took, True, sum(instance.costs[taken].tolist()) if enough else None)


def closure_instance(incomes: int, ancestors: int, seed: int) -> tuple[list[Candidate], list[Ancestor], int]:
    """Incomes behind one to three of the ancestors, the early ones more often; each of those behind at most two."""
    draw = np.random.default_rng([seed, incomes, ancestors])
    ancestry = []
    for place in range(ancestors):
        count = int(draw.choice(3, p=(0.3, 0.5, 0.2))) if place else 0
        needs = {int(place * draw.random() ** 0.5) for _ in range(count)}
        ancestry.append(Ancestor(int(draw.integers(21_000, 2_000_000)), tuple(sorted(needs))))
    candidates = []
    for _ in range(incomes):
        amount = int(draw.lognormal(20, 1.5))
        needs = {int(ancestors * draw.random() ** 2) for _ in range(int(draw.integers(1, 4)))}
        candidates.append(Candidate(amount, amount, int(draw.integers(21_000, 200_000)), tuple(sorted(needs))))
    return candidates, ancestry, sum(c.amount_low for c in candidates) * 3 // 10


def additive(sizes: list[int], seeds: int) -> list[Measured]:
    """All classes at all sizes, with a row for each."""
    rows: list[Measured] = []
    print(f"{'incomes':>9}{'class':>18}{'proved':>9}{'p50 ms':>10}{'worst ms':>10}{'worst gap':>12}")
    exact([1, 2, 3], [3, 2, 1], 4)  # the first use of each routine takes longer
    for incomes in sizes:
        of_size = [measured(i, exact if incomes <= EXACT else bounded) for i in instances(incomes, seeds)]
        for kind in CLASSES:
            these = [m for m in of_size if m.instance.kind == kind]
            ms = [m.seconds * 1e3 for m in these]
            proved = sum(m.choice.proved for m in these)
            print(
                f"{incomes:>9}{kind:>18}{f'{proved}/{len(these)}':>9}{median(ms):>10.1f}{max(ms):>10.1f}"
                f"{_worst_gap(these):>12.1e}",
                flush=True,
            )
        rows += of_size
    return rows


def _worst_gap(rows: list[Measured]) -> float:
    return float(max((m.choice.gap for m in rows), default=Fraction(0)))


def against_highs(rows: list[Measured], most: int, seconds: float) -> dict[str, object]:
    """The largest size that HiGHS is given, one instance of each class and range."""
    sizes = [m.instance.incomes for m in rows if m.instance.incomes <= most]
    if not sizes:
        return {"highs_instances": 0}
    seen: dict[tuple[str, int], Measured] = {}
    for row in rows:
        if row.instance.incomes == max(sizes):
            seen.setdefault((row.instance.kind, row.instance.largest), row)
    ratios, better, short, silent, faster = [], 0, 0, 0, []
    seconds_ours = seconds_theirs = 0.0
    for (kind, largest), row in seen.items():
        rival = by_highs(row.instance, seconds)
        ratios.append(rival.seconds / row.seconds)
        seconds_ours, seconds_theirs = seconds_ours + row.seconds, seconds_theirs + rival.seconds
        silent += not rival.answered
        short += rival.answered and rival.cost is None
        better += rival.cost is not None and rival.cost < row.choice.cost
        if rival.cost is not None and rival.seconds < row.seconds:
            faster.append(f"{kind}/2^{largest.bit_length() - 1}")
        assert rival.cost is None or rival.cost >= row.choice.lower_bound, "nothing lies below a bound that is proved"
    print(f"HiGHS at {max(sizes)}: {median(ratios):.1f} times as long (median), no set {silent}, too little {short}")
    return {
        "highs_incomes": max(sizes),
        "highs_instances": len(seen),
        "highs_seconds_most": seconds,
        "highs_ratio_median": round(median(ratios), 2),
        "highs_ratio_total": round(seconds_theirs / seconds_ours, 2),
        "highs_without_set": silent,
        "highs_short_in_integers": short,
        "highs_cheaper": better,
        "highs_faster": faster,
    }


def closures(sizes: list[tuple[int, int]], seconds: float) -> dict[str, object]:
    """Greedy and with the solver; the last size is the one reported."""
    found: dict[str, object] = {}
    for incomes, ancestors in sizes:
        candidates, ancestry, target = closure_instance(incomes, ancestors, 0)
        for name in ("greedy", "exact"):
            started = time.perf_counter()
            if name == "greedy":
                choice = closure_greedy(candidates, ancestry, target)
            else:
                choice = closure_exact(candidates, ancestry, target, Limits(5_000, seconds))
            took = time.perf_counter() - started
            assert isinstance(choice, Choice)
            saved = choice.saved / choice.additive_cost if choice.additive_cost else 0.0
            print(f"{incomes} over {ancestors}, {name}: gap {float(choice.gap):.2e}, saves {saved:.1%}, {took:.2f} s")
            found |= {
                "closure_size": f"{incomes}x{ancestors}",
                f"closure_{name}_gap": float(f"{float(choice.gap):.3g}"),
                f"closure_{name}_s": round(took, 3),
                f"closure_{name}_saving": round(saved, 4),
            }
    return found


def approximated(incomes: int) -> dict[str, object]:
    """The FPTAS at ε = 1/100, over all classes."""
    rows = [measured(i, lambda a, c, t: fptas(a, c, t, Fraction(1, 100))) for i in instances(incomes, 1)]
    return {
        "fptas_incomes": incomes,
        "fptas_worst_s": round(max(m.seconds for m in rows), 3),
        "fptas_worst_gap": float(f"{_worst_gap(rows):.3g}"),
    }


def planned(incomes: int) -> dict[str, object]:
    """One plan over uncertain incomes, the conversion from candidates included."""
    draw = np.random.default_rng(incomes)
    highs, costs = draw.integers(1, 1 << 40, incomes).tolist(), draw.integers(0, 1 << 24, incomes).tolist()
    candidates = [Candidate(0, high, cost, likelihood=900) for high, cost in zip(highs, costs, strict=True)]
    started = time.perf_counter()
    answer = plan(candidates, sum(highs) // 4)
    took = time.perf_counter() - started
    assert isinstance(answer, Plan)
    return {"plan_incomes": incomes, "plan_s": round(took, 3)}


def summary(rows: list[Measured]) -> dict[str, object]:
    """The figures of the additive part. Those of a size that did not run are null."""

    def at(incomes: int, *kinds: str) -> list[Measured]:
        return [m for m in rows if m.instance.incomes == incomes and m.instance.kind in (kinds or CLASSES)]

    easy, million = at(EXACT, "uncorrelated", "weakly"), at(1_000_000)
    proved = all(m.choice.proved for m in easy)
    figures: dict[str, object] = {
        "exact_1e4_ms": round(max(m.seconds for m in easy) * 1e3, 1) if easy and proved else None,
        "exact_1e4_proved": f"{sum(m.choice.proved for m in easy)}/{len(easy)}",
        "bounded_1e6_s": round(max(m.seconds for m in million), 3) if million else None,
        "bounded_1e6_s_median": round(median(m.seconds for m in million), 3) if million else None,
        "gap_1e6": float(f"{_worst_gap(million):.3g}") if million else None,
        "largest_amount_bits": max(m.instance.largest.bit_length() - 1 for m in rows),
    }
    for kind in CLASSES[2:]:
        hard = at(EXACT, kind)
        if hard:
            key = kind.replace(" ", "_").replace("-", "_")
            figures[f"{key}_1e4_gap"] = float(f"{_worst_gap(hard):.3g}")
            figures[f"{key}_1e4_s"] = round(max(m.seconds for m in hard), 3)
            figures[f"{key}_1e4_proved"] = f"{sum(m.choice.proved for m in hard)}/{len(hard)}"
    return figures


def main() -> None:
    """Measures, prints tables and, as the last line, JSON."""
    sizes = [int(size) for size in os.environ.get("SIZES", "1000,10000,100000,1000000").split(",")]
    pairs = [pair.split("x") for pair in os.environ.get("CLOSURES", "200x2000,2000x20000").split(",") if pair]
    rows = additive(sizes, int(os.environ.get("SEEDS", "3")))
    figures = summary(rows)
    figures |= against_highs(
        rows, int(os.environ.get("HIGHS_INCOMES", "10000")), float(os.environ.get("HIGHS_SECONDS", "10"))
    )
    figures |= approximated(min(1000, max(sizes)))
    figures |= planned(max(sizes))
    figures |= closures([(int(i), int(a)) for i, a in pairs], float(os.environ.get("CLOSURE_SECONDS", "20")))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
