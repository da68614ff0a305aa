"""[L, U] of a general balance over the rows of a window, and where a window for some amount may begin (Lemma 1)."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from accountant.chain.rows import RowKind
from accountant.execution.outcome import Outcome
from accountant.index.port import Event
from accountant.primitives.types import AccountId, Seq

UNLIMITED = 1 << 200
"""Stands for an upper bound that nothing is known of."""

KnownOutcome = Callable[[Seq], Outcome | None]


class Touch(NamedTuple):
    """All that one transaction can do to one general balance, in base units."""

    seq: Seq
    expense: int
    debit_most: int
    credit_most: int
    settled: int

    @property
    def own(self) -> bool:
        """Whether it is an expense of the account's owner: its outcome depends on what was there before."""
        return self.expense > 0

    @property
    def open(self) -> bool:
        """Whether its outcome says more."""
        return bool(self.expense or self.debit_most or self.credit_most)


class Bounds(NamedTuple):
    """lower ≤ G ≤ upper, and the transactions whose outcomes would narrow that, in chain order."""

    lower: int
    upper: int
    unknown: tuple[Touch, ...]

    def covers(self, amount: int) -> bool | None:
        """Whether G is at least `amount`; None where that is open."""
        if self.lower >= amount:
            return True
        return False if self.upper < amount else None


def touches_of(events: Iterable[Event]) -> list[Touch]:
    """One for each transaction, ascending."""
    caps: dict[Seq, dict[int, int]] = {}
    for event in events:
        caps.setdefault(event.seq, {})[event.kind] = event.cap
    return [
        Touch(
            seq,
            rows.get(RowKind.EXPENSE, 0),
            rows.get(RowKind.DEBIT, 0),
            rows.get(RowKind.CREDIT, 0),
            rows.get(RowKind.SETTLED, 0),
        )
        for seq, rows in sorted(caps.items())
    ]


def bounds(
    account: AccountId, touches: Sequence[Touch], lower: int, upper: int, known: KnownOutcome, whole: bool
) -> Bounds:
    """The interval after all of `touches`. Where they are not the `whole`, incomes may be missing: U stays as it is."""
    unknown: list[Touch] = []
    for touch in touches:
        outcome = known(touch.seq) if touch.open else None
        expense = touch.expense
        if outcome is not None:
            if expense:
                if outcome.funded:
                    lower, upper = max(lower, expense) - expense, upper - expense
                else:
                    upper = min(upper, expense - 1)
            moved = outcome.credit_of(account) - outcome.debit_of(account)
            lower, upper = max(0, lower + moved), upper + moved
        else:
            if touch.open:
                unknown.append(touch)
            if lower >= expense:
                lower, upper = lower - expense, upper - expense
            elif upper >= expense:
                lower, upper = 0, max(upper - expense, expense - 1)
            lower = max(0, lower + touch.settled - touch.debit_most)
            upper += touch.settled + touch.credit_most
        if not whole:
            upper = UNLIMITED
        assert lower <= upper
    return Bounds(lower, upper, tuple(unknown))


def latest_start(
    account: AccountId, touches: Sequence[Touch], amount: int, initial: int, known: KnownOutcome
) -> Seq | None:
    """The latest transaction from before which L = 0 leads to at least `amount`; 0 for genesis; None if it does not."""
    needed = amount
    for touch in reversed(touches):
        outcome = known(touch.seq) if touch.open else None
        if outcome is None:
            rest = needed - touch.settled + touch.debit_most
            needed = rest + touch.expense if rest > 0 else 0
        else:
            rest = needed - outcome.credit_of(account) + outcome.debit_of(account)
            needed = rest + touch.expense if rest > 0 and outcome.funded else rest
        if needed <= 0:
            return touch.seq
    return Seq(0) if initial >= needed else None
