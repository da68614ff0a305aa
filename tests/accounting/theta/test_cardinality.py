"""The bound from the number of incomes holds for every instance, and closes the gap where costs are alike."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.theta.candidate import VALUE_MAX
from accountant.accounting.theta.cardinality import cardinality_bound
from accountant.accounting.theta.relaxation import ranked, relax
from tests.support.covers import cheapest_cover

VALUES = st.one_of(st.integers(1, 9), st.integers(1, 1000), st.integers(1, VALUE_MAX))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=9), st.data())
def test_it_never_exceeds_the_optimum(incomes: list[tuple[int, int]], data: st.DataObject) -> None:
    """Whatever is known as best, no cheaper set lies below the bound."""
    amounts, costs = (list(column) for column in zip(*incomes, strict=True))
    if data.draw(st.booleans()):  # costs alike but for a constant
        shift = data.draw(st.integers(0, VALUE_MAX - max(amounts)))
        costs = [amount + shift for amount in amounts]
    target = data.draw(st.integers(1, sum(amounts)))
    least = cheapest_cover(amounts, costs, target)
    assert least is not None
    best = least + data.draw(st.integers(0, max(costs)))
    bound = cardinality_bound(np.array(amounts, dtype=np.int64), np.array(costs, dtype=np.int64), target, best)
    assert bound <= least


def test_a_fixed_cost_for_each_income() -> None:
    """Three incomes of 10 are needed for 25, at 110 each: the relaxation alone takes two and a half."""
    amounts = np.array([10] * 8, dtype=np.int64)
    assert cardinality_bound(amounts, amounts + 100, 25, 400) == 330
    assert relax(amounts, amounts + 100, 25).bound == 275


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(VALUE_MAX - 9, VALUE_MAX), st.integers(VALUE_MAX - 9, VALUE_MAX)), min_size=2))
def test_ranking_is_exact(incomes: list[tuple[int, int]]) -> None:
    """Ratios that no float tells apart are ranked as fractions, equal ones in the order given."""
    amounts, costs = (np.array(column, dtype=np.int64) for column in zip(*incomes, strict=True))
    order = ranked(amounts, costs).tolist()
    for before, after in pairwise(order):
        left, right = incomes[before][1] * incomes[after][0], incomes[after][1] * incomes[before][0]
        assert left < right or (left == right and before < after)
