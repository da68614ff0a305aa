"""Plans: batches without regret, re-planning that ends, own failed expenses last, and proofs that nothing suffices."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.theta.candidate import VALUE_MAX, Ancestor, Candidate, InvalidCandidate, Unsatisfiable
from accountant.accounting.theta.plan import Plan, expected, plan

ANCESTRY = [Ancestor(100), Ancestor(50, (0,)), Ancestor(0)]


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    """Intervals of any width, some of them own failed expenses, some behind ancestors."""
    largest = draw(st.sampled_from([3, 1000, VALUE_MAX]))

    def one() -> Candidate:
        low, high = sorted((draw(st.integers(0, largest)), draw(st.integers(0, largest))))
        needs = tuple(sorted(draw(st.sets(st.integers(0, 2), max_size=2))))
        likelihood = draw(st.none() | st.integers(0, 1000))
        return Candidate(low, high, draw(st.integers(0, 1000)), needs, draw(st.booleans()), likelihood)

    return [one() for _ in range(draw(st.integers(0, 8)))]


@settings(max_examples=100, deadline=None)
@given(candidates(), st.data())
def test_replanning_reaches_whatever_can_be_reached(given_: list[Candidate], data: st.DataObject) -> None:
    """Executing batch after batch ends: with the target, or with a proof that what is left cannot bring it.

    No member of a batch is needless while the others are not known, and nothing marked last runs before the rest.
    """
    target = data.draw(st.integers(0, sum(c.amount_high for c in given_) + 1))
    left, gained = dict(enumerate(given_)), 0
    for _ in range(len(given_) + 1):
        places = list(left)
        answer = plan([left[place] for place in places], target, gained, ANCESTRY)
        if isinstance(answer, Unsatisfiable):
            assert gained + sum(c.amount_high for c in left.values()) < target
            return
        if not answer.batch:
            assert gained >= target
            return
        batch = [places[place] for place in answer.batch]
        assert len(set(batch)) == len(batch)
        assert gained + sum(left[place].amount_high for place in batch[:-1]) < target
        if any(left[place].last for place in batch):
            assert all(c.last for c in left.values() if c.amount_high)
        for place in batch:
            candidate = left.pop(place)
            gained += data.draw(st.integers(candidate.amount_low, candidate.amount_high))
    raise AssertionError("every round executes something")


@settings(max_examples=50, deadline=None)
@given(candidates(), st.integers(0, 1000))
def test_plans_are_deterministic(given_: list[Candidate], target: int) -> None:
    """The same arguments give the same plan, and `most` cuts the batch and nothing else."""
    first = plan(given_, target, 0, ANCESTRY)
    assert plan(given_, target, 0, ANCESTRY) == first
    if isinstance(first, Plan):
        assert plan(given_, target, 0, ANCESTRY, most=1) == Plan(first.batch[:1], first.choice)


def test_likely_incomes_are_preferred() -> None:
    """At equal cost the income that suffices on average is executed, whatever the other may bring at most."""
    unlikely, likely = Candidate(0, 1000, 10, likelihood=100), Candidate(0, 800, 10, likelihood=900)
    assert (expected(unlikely), expected(likely), expected(Candidate(10, 20, 1))) == (100, 720, 15)
    answer = plan([unlikely, likely], 150)
    assert isinstance(answer, Plan) and answer.batch == (1,)


def test_an_expense_that_may_have_failed_comes_last() -> None:
    """It costs nothing on paper and is not touched while an income is left."""
    expense, income = Candidate(0, 100, 0, last=True), Candidate(0, 100, 10**6)
    answer = plan([expense, income], 50)
    assert isinstance(answer, Plan) and answer.batch == (1,)
    answer = plan([expense, Candidate(0, 0, 0)], 50)
    assert isinstance(answer, Plan) and answer.batch == (0,)


def test_shared_ancestors_decide_plans() -> None:
    """Two incomes behind one ancestor beat two that each have a cheaper one, and go in one batch."""
    ancestry = [Ancestor(100), Ancestor(70), Ancestor(70)]
    incomes = [Candidate(10, 10, 1, (place,)) for place in (1, 0, 2, 0)]
    answer = plan(incomes, 20, ancestry=ancestry)
    assert isinstance(answer, Plan) and sorted(answer.batch) == [1, 3] and answer.choice.cost == 102


def test_nothing_suffices() -> None:
    """Even the highest amounts fall short: that is proved before anything runs."""
    assert plan([Candidate(0, 5, 1)], 10, gained=4) == Unsatisfiable(9, 10)


@pytest.mark.parametrize(
    "wrong",
    [
        Candidate(5, 4, 1),
        Candidate(-1, 4, 1),
        Candidate(0, VALUE_MAX + 1, 1),
        Candidate(0, 1, -1),
        Candidate(0, 1, 1, likelihood=1001),
        Candidate(0, 1, 1, (0,)),
    ],
)
def test_candidates_that_are_none(wrong: Candidate) -> None:
    """An empty interval, a number out of range, an unknown ancestor or too high a likelihood is a typed error."""
    with pytest.raises(InvalidCandidate, match="income 0"):
        plan([wrong], 1)


def test_many_candidates() -> None:
    """Fifty thousand intervals are planned for at once, and the batch stops where its highest amounts suffice."""
    random = Random(1)
    many = [Candidate(0, random.randint(1, 10**12), random.randint(0, 10**6), likelihood=800) for _ in range(50_000)]
    target = sum(c.amount_high for c in many) // 4
    answer = plan(many, target)
    assert isinstance(answer, Plan) and answer.choice.gap < 0.001
    assert sum(many[place].amount_high for place in answer.batch[:-1]) < target
    assert sum(many[place].amount_high for place in answer.batch) >= target
