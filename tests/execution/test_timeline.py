"""Intervals along a timeline: Lemma 1 with restart, and the same from above."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from accountant.chain.rows import RowKind
from accountant.contracts.errors import FailureKind
from accountant.execution.outcome import Movement, Outcome
from accountant.execution.timeline import Checkpoint, Timeline, lower_bound_under, step_known
from accountant.index.port import Event
from accountant.index.posting import Posting, step_unknown
from accountant.index.unlimited import postings_of
from accountant.primitives.types import Address, Amount, Seq

USER = Address(b"u" * 20)


def _event(seq: int, kind: RowKind, cap: int) -> Event:
    return Event(Seq(seq), kind, Amount(cap))


def _timeline(initial: int, events: list[Event]) -> Timeline:
    timeline = Timeline(USER, Checkpoint(Seq(0), initial, initial), whole=True)
    timeline.append(postings_of(events), Seq(100))
    return timeline


def _paid(units: int) -> Outcome:
    return Outcome(None, "", 1, credits=(Movement(USER, units),) if units else ())


def test_a_giant_failed_expense_does_not_make_the_bound_useless() -> None:
    """The literal bound is negative for ever after; the restarted one counts what came later."""
    events = [
        _event(0, RowKind.EXPENSE, 10**18),
        _event(1, RowKind.CREDIT, 50),
        _event(2, RowKind.EXPENSE, 20),
    ]
    walk = _timeline(0, events).walk(Seq(3), {Seq(1): _paid(50)}.get)
    assert walk.lower == 30


def test_a_failed_expense_in_theta_adds_nothing_to_the_restarted_bound() -> None:
    """Its value was never gone, so adding it back after the restart would raise L above G."""
    events = [_event(0, RowKind.CREDIT, 3), _event(1, RowKind.EXPENSE, 10)]
    failed = Outcome(FailureKind.INSUFFICIENT_FUNDS, "", 1)
    assert lower_bound_under(USER, 0, events, {Seq(0): _paid(3), Seq(1): failed}.get) == 3
    known = {Seq(0): _paid(3), Seq(1): failed}
    walk = _timeline(0, events).walk(Seq(2), known.get)
    assert (walk.lower, walk.upper, walk.unknown) == (3, 3, ())


def test_an_expense_known_to_have_failed_bounds_the_balance_from_above() -> None:
    """Whoever could not pay 10 owned less than 10."""
    events = [_event(0, RowKind.CREDIT, 100), _event(1, RowKind.EXPENSE, 10)]
    failed = Outcome(FailureKind.INSUFFICIENT_FUNDS, "", 1)
    assert _timeline(0, events).walk(Seq(2), {Seq(1): failed}.get).upper == 9


def test_postings_of_one_transaction_count_once() -> None:
    """Expense and income of the same transaction are one posting; the position is exclusive."""
    events = [_event(0, RowKind.EXPENSE, 5), _event(0, RowKind.CREDIT, 7), _event(1, RowKind.CREDIT, 100)]
    walk = _timeline(9, events).walk(Seq(1), lambda _seq: None)
    assert (walk.lower, walk.upper) == (4, 11)


@given(st.data())
def test_the_truth_lies_between_the_bounds_whatever_is_known(data: st.DataObject) -> None:
    """Random expenses and incomes, a random part of them known: L ≤ G ≤ U, and equal when all is known."""
    balance = initial = data.draw(st.integers(0, 20))
    events: list[Event] = []
    outcomes: dict[Seq, Outcome] = {}
    for seq in range(data.draw(st.integers(0, 12))):
        expense = data.draw(st.integers(0, 30))
        most = data.draw(st.integers(0, 30))
        if expense:
            events.append(_event(seq, RowKind.EXPENSE, expense))
        if most:
            events.append(_event(seq, RowKind.CREDIT, most))
        funded = balance >= expense
        income = data.draw(st.integers(0, most))
        balance += income - (expense if funded else 0)
        failure = None if funded else FailureKind.INSUFFICIENT_FUNDS
        credits = (Movement(USER, income),) if income else ()
        outcomes[Seq(seq)] = Outcome(failure, "", 1, credits=credits)
    events.sort()
    end = Seq(len(outcomes))
    known: dict[Seq, Outcome] = {seq: outcome for seq, outcome in outcomes.items() if data.draw(st.booleans())}
    walk = _timeline(initial, events).walk(end, known.get)
    assert walk.lower <= balance <= walk.upper
    assert lower_bound_under(USER, initial, events, known.get) <= balance
    timeline = _timeline(initial, events)
    exact = timeline.walk(end, outcomes.get)
    assert exact.lower == exact.upper == balance
    again = timeline.walk(Seq(end // 2), known.get)
    assert again.lower == again.upper  # the exact prefix is remembered
    middle = Seq(data.draw(st.integers(0, end)))
    narrow = _timeline(initial, events).walk(middle, known.get)
    later = Timeline(USER, Checkpoint(middle, narrow.lower, narrow.upper), whole=False)
    later.append(postings_of(event for event in events if event.seq >= middle), end)
    walk = later.walk(end, known.get)
    assert walk.lower <= balance <= walk.upper  # and from a checkpoint on


SMALL = range(4)


def test_a_step_over_an_unknown_transaction_is_tight() -> None:
    """All small intervals and postings: the step gives the least and the most of what may be, no more and no less."""
    ranges = (SMALL, SMALL, range(5), SMALL, range(2), range(2), (None, 0, 1, 2))
    for lower, upper, expense, debit, credit, settled, returned in product(*ranges):
        if lower > upper or (expense and debit):  # users have expenses, contracts debits
            continue
        posting = Posting(Seq(0), expense, debit, credit, settled, returned)
        after: set[int] = set()
        for balance in range(lower, upper + 1):
            left, back = balance - expense, range(credit + 1)
            if left < 0:
                left, back = balance, range(credit + 1) if returned is None else range(returned, returned + 1)
            came = [left + settled + units for units in back]
            after |= {most - paid for most in came for paid in range(min(debit, most) + 1)}
        assert step_unknown(posting, lower, upper) == (min(after), max(after))
        if posting.decided(lower, upper):
            assert max(after) - min(after) == upper - lower


def test_a_step_over_a_known_transaction_is_tight() -> None:
    """The same where the outcome is known: what cannot have been, given the outcome, is excluded."""
    for lower, upper, expense, paid, came in product(SMALL, SMALL, range(5), SMALL, SMALL):
        if lower > upper or (expense and paid):
            continue
        posting = Posting(Seq(0), expense, paid, came)
        for failure in (None, FailureKind.INSUFFICIENT_FUNDS):
            outcome = Outcome(failure, "", 1, credits=(Movement(USER, came),), debits=(Movement(USER, paid),))
            funded = failure is None
            before = [b for b in range(lower, upper + 1) if funded == (b >= expense) or not expense]
            after = [b - (expense if funded else 0) + came - paid for b in before]
            after = [balance for balance in after if balance >= 0]
            if after:
                assert step_known(USER, posting, outcome, lower, upper) == (min(after), max(after))


def test_the_bound_under_theta_restarts_after_a_known_debit() -> None:
    """A payout in Θ of money that the bound knows nothing of leaves it at zero, not below."""
    events = [
        _event(0, RowKind.CREDIT, 10),
        _event(1, RowKind.DEBIT, 10),
        _event(2, RowKind.CREDIT, 5),
        _event(3, RowKind.DEBIT, 2),
        _event(4, RowKind.SETTLED, 3),
    ]
    paid = Outcome(None, "", 1, debits=(Movement(USER, 10),))
    known = {Seq(1): paid, Seq(2): _paid(5)}
    assert lower_bound_under(USER, 0, events, known.get) == 6
    assert _timeline(0, events).walk(Seq(5), known.get)[:2] == (6, 8)
