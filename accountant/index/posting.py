"""What one transaction can have done to one general balance, and the interval [L, U] that this leaves (Lemma 1)."""

from typing import NamedTuple

from accountant.primitives.types import AMOUNT_MAX, Gas, Seq


class Posting(NamedTuple):
    """All that one transaction can do to one general balance, in base units.

    The net effect is `settled`, less `expense` if it was funded (users), less at most `debit_most` (contracts),
    plus at most `credit_most`. Of an expense that was not funded there is exactly `settled` + `returned` instead.
    """

    seq: Seq
    expense: int = 0
    """The general_value that the account's owner signed away (Definition 1)."""
    debit_most: int = 0
    credit_most: int = 0
    settled: int = 0
    """What surely happens, whatever is executed; negative for an expense that is surely funded."""
    returned: int | None = 0
    """What comes back beside `settled` if the expense was not funded; None where that is at most `credit_most`."""
    gas: Gas = Gas(0)
    """About how much gas shows the account's latest income: an estimate that decides no answer, only what to try."""
    lower: int = 0
    upper: int = AMOUNT_MAX
    """The static interval right after the transaction; 0 ≤ G < 2^63 where nobody folded it."""

    @property
    def own(self) -> bool:
        """Whether it is an expense of the account's owner."""
        return self.expense > 0

    @property
    def only_returned(self) -> bool:
        """Whether nothing arrives but what the owner's own call sent or did not use: most of it only if that fails."""
        return not (self.expense or self.debit_most) and 0 < self.credit_most == self.returned

    @property
    def certain(self) -> bool:
        """Whether the posting is settled without its outcome, whatever the interval before it."""
        return not (self.expense or self.debit_most or self.credit_most)

    def decided(self, lower: int, upper: int) -> bool:
        """Whether the outcome says no more than the posting, given the interval right before it."""
        if self.debit_most or self.credit_most:
            return upper < self.expense and self.returned is not None
        return not lower < self.expense <= upper


def step_unknown(posting: Posting, lower: int, upper: int) -> tuple[int, int]:
    """The interval after a transaction that nobody executed: nothing but its posting is known."""
    _, expense, debit, credit, settled, returned, _, _, _ = posting
    if lower >= expense:  # surely funded, if there is anything to fund
        lower += settled - expense - debit
        return (lower if lower > 0 else 0), upper - expense + settled + credit
    least, most = (0, credit) if returned is None else (returned, returned)
    if upper < expense:  # surely not funded
        return lower + settled + least, upper + settled + most
    # funded: at most the difference is left; not funded: less than the expense is there
    return settled, max(upper - expense + credit, expense - 1 + most) + settled
