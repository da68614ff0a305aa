"""Additive costs: proved optima, bounds that hold under any work limit, and the ends of the number range."""

from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.theta.additive import bounded, choose_additive, exact
from accountant.accounting.theta.candidate import VALUE_MAX, Choice, InvalidCandidate, Unsatisfiable
from accountant.accounting.theta.fptas import InvalidPrecision, fptas
from tests.support.covers import cheapest_cover

Incomes = tuple[list[int], list[int], int]


@st.composite
def incomes(draw: st.DrawFn) -> Incomes:
    """Amounts, costs and a target: unrelated, alike but for a constant, or equal, from units to 2^62."""
    largest = draw(st.sampled_from([1, 3, 20, 1000, 1 << 31, 1 << 40, VALUE_MAX]))
    amounts = draw(st.lists(st.integers(0, largest), max_size=11))
    shift = draw(st.integers(0, largest))
    costs = draw(
        st.one_of(
            st.lists(st.integers(0, draw(st.sampled_from([3, 1000, VALUE_MAX]))), min_size=11, max_size=11),
            st.just([min(VALUE_MAX, amount + shift) for amount in amounts]),
            st.just([max(0, amount - shift) for amount in amounts]),
        )
    )
    return amounts, costs[: len(amounts)], draw(st.integers(-1, sum(amounts) + 1))


def _checked(answer: Choice | Unsatisfiable, of: Incomes) -> Choice | None:
    """A choice that is what it says, with a bound that holds; None if the target is rightly called unsatisfiable."""
    amounts, costs, target = of
    least = cheapest_cover(amounts, costs, target)
    if least is None:
        assert answer == Unsatisfiable(sum(amounts), target)
        return None
    assert isinstance(answer, Choice)
    assert answer.amount == sum(amounts[place] for place in answer.chosen) >= target
    assert answer.cost == sum(costs[place] for place in answer.chosen)
    assert sorted(set(answer.chosen)) == list(answer.chosen)
    assert answer.lower_bound <= least <= answer.cost
    assert answer.additive_cost == answer.cost and answer.saved == 0
    return answer


@settings(max_examples=300, deadline=None)
@given(incomes())
def test_exact_agrees_with_brute_force(of: Incomes) -> None:
    """Without a limit the cheapest set is found and proved, whatever the numbers."""
    answer = _checked(exact(*of, None), of)
    assert answer is None or (answer.proved and answer.gap == 0)


@settings(max_examples=200, deadline=None)
@given(incomes(), st.integers(0, 200))
def test_bounds_hold_at_every_limit(of: Incomes, states_most: int) -> None:
    """A search that is cut short is feasible, and its bound lies at or below the optimum."""
    _checked(exact(*of, states_most), of)


@settings(max_examples=100, deadline=None)
@given(incomes(), st.randoms(use_true_random=False))
def test_order_of_incomes_does_not_matter(of: Incomes, random: Random) -> None:
    """The proved cost is the same for every order in which the incomes are given."""
    amounts, costs, target = of
    order = list(range(len(amounts)))
    random.shuffle(order)
    first, second = exact(amounts, costs, target), exact([amounts[p] for p in order], [costs[p] for p in order], target)
    if isinstance(first, Choice):
        assert isinstance(second, Choice) and (first.cost, first.lower_bound) == (second.cost, second.lower_bound)
    else:
        assert first == second
    assert exact(amounts, costs, target) == first


@settings(max_examples=200, deadline=None)
@given(incomes(), st.fractions(Fraction(1, 100), 3))
def test_fptas_stays_within_its_factor(of: Incomes, epsilon: Fraction) -> None:
    """The cost is at most 1 + ε times the optimum, and its bound holds."""
    answer = _checked(fptas(*of, epsilon), of)
    if answer is not None:
        least = cheapest_cover(*of)
        assert least is not None and answer.cost <= (1 + epsilon) * least


def test_fptas_takes_no_epsilon_of_zero() -> None:
    """Nothing within a factor of 1 is promised in polynomial time."""
    with pytest.raises(InvalidPrecision, match="positive"):
        fptas([1], [1], 1, Fraction(0))


def test_free_incomes_come_first() -> None:
    """What costs nothing reaches the target alone where it can, and nothing is paid."""
    answer = exact([5, 7, 1], [0, 1, 0], 6)
    assert isinstance(answer, Choice) and answer.chosen == (0, 2) and answer.cost == 0 and answer.proved


def test_nothing_is_chosen_for_no_target() -> None:
    """A target of zero, or one already passed, takes no income, not even a free one."""
    for target in (0, -5):
        assert exact([5], [0], target) == Choice((), 0, 0, 0, 0)


def test_an_unsatisfiable_target_says_what_is_missing() -> None:
    """All incomes together are the proof."""
    answer = choose_additive([1, 2], [3, 4], 10)
    assert isinstance(answer, Unsatisfiable) and (answer.total, answer.short) == (3, 7)
    assert choose_additive([], [], 1) == Unsatisfiable(0, 1)


def test_sums_beyond_64_bits() -> None:
    """A hundred incomes of 2^62: sums of 2^69 on both sides, and one unit decides."""
    amounts, costs = [VALUE_MAX] * 100, [VALUE_MAX - place for place in range(100)]
    answer = exact(amounts, costs, 50 * VALUE_MAX + 1)
    assert isinstance(answer, Choice) and answer.proved and answer.chosen == tuple(range(49, 100))
    answer = exact(amounts, costs, 50 * VALUE_MAX)
    assert isinstance(answer, Choice) and answer.proved and answer.chosen == tuple(range(50, 100))


def test_no_float_decides_between_neighbours() -> None:
    """Ratios that differ in the 2^-62nd part, which no float tells apart, are told apart."""
    big = VALUE_MAX - 1
    for costs, cheaper in (([big, big - 1], 1), ([big - 1, big], 0)):
        answer = exact([big, big], costs, big)
        assert isinstance(answer, Choice) and answer.chosen == (cheaper,) and answer.proved
    amounts = [VALUE_MAX - 2 * k for k in range(40)]
    answer = exact(amounts, [amount - (k % 7) for k, amount in enumerate(amounts)], sum(amounts[:20]), None)
    least = cheapest_cover(amounts[:9], [a - (k % 7) for k, a in enumerate(amounts[:9])], sum(amounts[:4]))
    small = exact(amounts[:9], [a - (k % 7) for k, a in enumerate(amounts[:9])], sum(amounts[:4]), None)
    assert isinstance(small, Choice) and small.cost == least
    assert isinstance(answer, Choice) and answer.proved


@pytest.mark.parametrize(("amounts", "costs"), [([-1], [1]), ([1], [-1]), ([VALUE_MAX + 1], [1]), ([1], [1 << 80])])
def test_numbers_out_of_range_are_refused(amounts: list[int], costs: list[int]) -> None:
    """What is no amount or no cost is a typed error."""
    with pytest.raises(InvalidCandidate, match="2\\^62"):
        exact(amounts, costs, 1)


def test_floats_and_unequal_lengths_are_refused() -> None:
    """A float is never rounded in silence, and every income has both numbers."""
    with pytest.raises(InvalidCandidate, match="integer"):
        exact(np.array([1.5]), [1], 1)
    with pytest.raises(InvalidCandidate, match="one of each"):
        exact([1, 2], [1], 1)


@pytest.mark.parametrize("like", ["uncorrelated", "weakly", "strongly", "subset sum"])
def test_ten_thousand_incomes(like: str) -> None:
    """Uncorrelated and weakly correlated costs are proved optimal; the others within 10^-6 within the limit."""
    draw = np.random.default_rng(4)
    amounts = draw.integers(1, 1 << 55, 10_000)
    costs = {
        "uncorrelated": draw.integers(1, 1 << 55, 10_000),
        "weakly": np.maximum(1, amounts + draw.integers(-(1 << 51), 1 << 51, 10_000)),
        "strongly": amounts + (1 << 51),
        "subset sum": amounts,
    }[like]
    answer = exact(amounts, costs, int(amounts.sum(dtype=object)) // 2, 300_000)
    assert isinstance(answer, Choice)
    assert answer.proved or (like in ("strongly", "subset sum") and answer.gap < Fraction(1, 10**6))


def test_two_hundred_thousand_incomes_are_bounded() -> None:
    """Above the exact solver's size the gap is stated and small."""
    draw = np.random.default_rng(5)
    amounts, costs = draw.integers(0, VALUE_MAX, 200_000), draw.integers(0, 1 << 30, 200_000)
    target = sum(amounts.tolist()) // 3
    answer = choose_additive(amounts, costs, target)
    assert isinstance(answer, Choice) and answer == bounded(amounts, costs, target)
    assert answer.amount >= target and answer.gap < Fraction(1, 10**5)
