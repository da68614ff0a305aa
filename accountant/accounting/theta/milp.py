"""Closure costs through HiGHS, a mixed-integer solver: good sets and good shares, checked again in integers.

HiGHS computes in floats, so nothing that it says is believed. A set is rounded, completed and priced in integers. Its
own bound is never used: the linear relaxation's duals are rounded to shares (`sharing`), which prove theirs exactly.

    minimise  Σ own·x + Σ gas·y     subject to  Σ amount·x ≥ target,   x ≤ y for every pair,   x ∈ {0, 1},  0 ≤ y ≤ 1
"""

import highspy
import numpy as np

from accountant.accounting.theta.candidate import Int64, Limits
from accountant.accounting.theta.union import Bools, Union

_COVER = 1000.0
"""The target's coefficient: the solver's tolerance of 10^-6 is then a 10^-9 part, which completing repairs."""


class Silent(highspy.Highs):
    """Its own constructor prints a line to standard output when it turns callbacks on."""

    def enableCallbacks(self) -> None:
        """As before, once output is off."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def relaxed_shares(union: Union, target: int, limits: Limits) -> Int64 | None:
    """Shares from the linear relaxation's duals, cut to what ancestors cost; None if the solver did not finish."""
    solver = _solver(union, target, limits, whole=False)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    duals = np.asarray(solver.getSolution().row_dual[: len(union.income)]) * _unit(union)
    shares = np.clip(duals, 0, union.gas[union.group]).astype(np.int64)
    total = np.maximum(union.of_group(shares), union.gas)  # what is shared beyond the gas is cut in proportion
    over = np.minimum(1 << 28, (union.gas << 28) // np.maximum(1, total))
    fitting: Int64 = shares * over[union.group] >> 28
    return fitting


def solved(union: Union, target: int, start: Bools, limits: Limits) -> Bools | None:
    """The set that the solver ends with, to be checked; None if it has none."""
    solver = _solver(union, target, limits, whole=True)
    solution = highspy.HighsSolution()
    solution.col_value = np.concatenate([start, union.covered(start)]).astype(np.float64).tolist()
    solver.setSolution(solution)
    solver.run()
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    values = np.asarray(solver.getSolution().col_value[: len(union.own)])
    return values > 0.5


def _unit(union: Union) -> float:
    """Scaled gas per unit of the objective: the dearest number becomes 1000."""
    return max(1.0, float(max(union.own.max(initial=0), union.gas.max(initial=0)))) / 1000.0


def _solver(union: Union, target: int, limits: Limits, whole: bool) -> highspy.Highs:
    incomes, groups, pairs = len(union.own), len(union.gas), len(union.income)
    problem = highspy.HighsLp()
    problem.num_col_, problem.num_row_ = incomes + groups, pairs + 1
    problem.col_cost_ = np.concatenate([union.own, union.gas]) / _unit(union)
    problem.col_lower_, problem.col_upper_ = np.zeros(incomes + groups), np.ones(incomes + groups)
    problem.row_lower_ = np.append(np.zeros(pairs), _COVER)
    problem.row_upper_ = np.full(pairs + 1, highspy.kHighsInf)
    index, value = np.empty(2 * pairs + incomes, dtype=np.int32), np.empty(2 * pairs + incomes)
    index[0 : 2 * pairs : 2], value[0 : 2 * pairs : 2] = union.income, -1
    index[1 : 2 * pairs : 2], value[1 : 2 * pairs : 2] = incomes + union.group, 1
    index[2 * pairs :] = np.arange(incomes)
    value[2 * pairs :] = np.minimum(union.amounts / target, 1.0) * _COVER
    problem.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    problem.a_matrix_.start_ = np.append(np.arange(0, 2 * pairs + 1, 2), 2 * pairs + incomes).astype(np.int32)
    problem.a_matrix_.index_, problem.a_matrix_.value_ = index, value
    if whole:
        kinds = highspy.HighsVarType
        problem.integrality_ = [kinds.kInteger] * incomes + [kinds.kContinuous] * groups
    solver = Silent()  # type: ignore[no-untyped-call]
    for option, setting in (
        ("threads", 1),
        ("random_seed", 0),
        ("mip_rel_gap", 0.0),
        ("mip_max_nodes", limits.nodes),
    ):
        solver.setOptionValue(option, setting)
    if limits.seconds is not None:
        solver.setOptionValue("time_limit", float(limits.seconds))
    solver.passModel(problem)
    return solver
