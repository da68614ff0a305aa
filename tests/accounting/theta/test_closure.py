"""Closure costs: brute force agrees, bounds hold, ancestors are paid for once, and sharing saves."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.theta import union
from accountant.accounting.theta.candidate import (
    VALUE_MAX,
    Ancestor,
    Candidate,
    Choice,
    InvalidCandidate,
    Limits,
    Unsatisfiable,
)
from accountant.accounting.theta.closure import QUICK, choose_closure, closure_exact, closure_greedy
from tests.support.covers import cheapest_closure, union_cost

LIMITS = Limits(nodes=2000)

Problem = tuple[list[Candidate], list[Ancestor], int]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Up to eight incomes over a small ancestry of any shape, some of it observed, from units to 2^62."""
    gas_most = draw(st.sampled_from([1, 9, 100_000, VALUE_MAX]))
    amount_most = draw(st.sampled_from([1, 9, 10**9, VALUE_MAX]))
    ancestry: list[Ancestor] = []
    for place in range(draw(st.integers(0, 8))):
        earlier = draw(st.sets(st.integers(0, place - 1), max_size=2)) if place else set()
        ancestry.append(Ancestor(draw(st.integers(0, gas_most)), tuple(sorted(earlier))))
    candidates = []
    for _ in range(draw(st.integers(0, 8))):
        needs = draw(st.sets(st.integers(0, len(ancestry) - 1), max_size=3)) if ancestry else set()
        amount = draw(st.integers(0, amount_most))
        candidates.append(Candidate(amount, amount, draw(st.integers(0, gas_most)), tuple(sorted(needs))))
    return candidates, ancestry, draw(st.integers(-1, sum(c.amount_low for c in candidates) + 1))


def _checked(answer: Choice | Unsatisfiable, of: Problem) -> Choice | None:
    candidates, ancestry, target = of
    least = cheapest_closure(candidates, ancestry, target)
    if least is None:
        assert answer == Unsatisfiable(sum(c.amount_low for c in candidates), target)
        return None
    assert isinstance(answer, Choice)
    assert answer.amount == sum(candidates[p].amount_low for p in answer.chosen) >= target
    assert answer.cost == union_cost(candidates, ancestry, answer.chosen)
    assert answer.lower_bound <= least <= answer.cost
    assert answer.saved >= 0
    return answer


@settings(max_examples=100, deadline=None)
@given(problems())
def test_small_problems_are_proved(of: Problem) -> None:
    """Brute force over all sets agrees, and the proof needs no solver."""
    answer = _checked(closure_greedy(*of), of)
    assert answer is None or answer.proved


@settings(max_examples=60, deadline=None)
@given(problems())
def test_the_solver_agrees(of: Problem) -> None:
    """What comes through the solver is checked in integers, and is the same optimum."""
    answer = _checked(closure_exact(*of, LIMITS), of)
    assert answer is None or answer.proved


@settings(max_examples=100, deadline=None)
@given(problems())
def test_bounds_hold_without_search(of: Problem) -> None:
    """Greedy sets are feasible and bounds from shares lie at or below the optimum, before any proof."""
    _checked(choose_closure(*of, effort=QUICK), of)


@settings(max_examples=100, deadline=None)
@given(problems())
def test_bounds_hold_where_nothing_is_flattened(of: Problem) -> None:
    """Above the size to which closures are laid out, answers are feasible, priced in truth, and bounded."""
    candidates, ancestry, _ = of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(union, "CELLS_MOST", -1)
        answer = _checked(choose_closure(*of), of)
    assert answer is None or answer.additive_cost == union_cost(candidates, ancestry, answer.chosen)


def test_a_shared_ancestor_is_paid_for_once() -> None:
    """Ten incomes behind one dear contract beat ten cheaper ones that stand alone, which additive costs would take."""
    ancestry = [Ancestor(1000)]
    shared = [Candidate(10, 10, 1, (0,)) for _ in range(10)]
    alone = [Candidate(10, 10, 500) for _ in range(10)]
    answer = choose_closure(shared + alone, ancestry, 100)
    assert isinstance(answer, Choice)
    assert (answer.chosen, answer.cost, answer.additive_cost, answer.saved) == (tuple(range(10)), 1010, 5000, 3990)
    assert answer.proved


def test_ancestors_of_ancestors_count() -> None:
    """A chain of three is paid whole by who needs its end, and costs nothing where it is observed."""
    ancestry = [Ancestor(100), Ancestor(10, (0,)), Ancestor(1, (1,))]
    incomes = [Candidate(5, 5, 0, (2,)), Candidate(5, 5, 111)]
    answer = choose_closure(incomes, ancestry, 5)
    assert isinstance(answer, Choice) and answer.cost == 111 and answer.proved
    observed = [Ancestor(0), *ancestry[1:]]
    answer = choose_closure(incomes, observed, 5)
    assert isinstance(answer, Choice) and (answer.chosen, answer.cost) == ((0,), 11)


def test_ancestry_must_point_backwards() -> None:
    """Nothing depends on what comes later, and every ancestor exists."""
    with pytest.raises(InvalidCandidate, match="backwards"):
        choose_closure([Candidate(1, 1, 1, (0,))], [Ancestor(1, (0,))], 1)
    with pytest.raises(InvalidCandidate, match="ancestor 7 of 1"):
        choose_closure([Candidate(1, 1, 1, (7,))], [Ancestor(1)], 1)


def test_two_hundred_incomes_over_a_deep_ancestry() -> None:
    """A stated gap of a few percent without the solver, a smaller one with it, and the same answer twice."""
    random = Random(3)
    ancestry = [
        Ancestor(
            random.randint(21_000, 10**6), tuple(sorted({random.randrange(place) for _ in range(random.randint(0, 1))}))
        )
        if place
        else Ancestor(21_000)
        for place in range(1500)
    ]
    candidates = []
    for _ in range(200):
        amount = random.randint(1, 10**12)
        needs = tuple(sorted({random.randrange(1500) for _ in range(2)}))
        candidates.append(Candidate(amount, amount, random.randint(21_000, 200_000), needs))
    target = sum(c.amount_low for c in candidates) // 3
    first = closure_greedy(candidates, ancestry, target)
    assert isinstance(first, Choice) and first.cost == union_cost(candidates, ancestry, first.chosen)
    assert first.gap < 0.1 and first.saved > 0
    assert closure_greedy(candidates, ancestry, target) == first
    second = closure_exact(candidates, ancestry, target, LIMITS)
    assert isinstance(second, Choice) and second.gap <= first.gap
