"""What rests on a wrong outcome, found in one pass: whatever depends on a transaction stands later on the chain.

`Observed` names what an outcome was computed from: other outcomes one by one, and balances as ranges. A range counts
every outcome before its end that can move the balance. Which those are the chain says (the postings that timelines
walk), not the outcomes: one of them is wrong.
"""

from accountant.chain.genesis import GasSchedule
from accountant.chain.rows import rows_of
from accountant.execution.outcome import Observed
from accountant.index.blocks import EVENT_KINDS
from accountant.index.port import Located
from accountant.primitives.addresses import account_of
from accountant.primitives.types import AccountId, Seq


def movable_by(located: Located, gas: GasSchedule) -> set[AccountId]:
    """The accounts on whose timelines a transaction stands: all whose general balance its outcome can move."""
    rows = rows_of(located.transaction, located.sender, gas)
    return {account_of(row.key[1:]) for row in rows if row.kind in EVENT_KINDS}


class Dependents:
    """Grows in chain order: what is withdrawn, and what rests on it."""

    def __init__(self, gas: GasSchedule) -> None:
        self._gas = gas
        self.withdrawn: dict[Seq, bytes] = {}
        """Numbers and hashes of the transactions whose outcomes go."""
        self.since: dict[AccountId, Seq] = {}
        """The first of them for each account whose balance one of them can move."""

    def withdraw(self, located: Located) -> None:
        """The transaction's outcome goes. Ascending."""
        assert not self.withdrawn or located.seq > next(reversed(self.withdrawn))
        self.withdrawn[located.seq] = located.hash
        for account in movable_by(located, self._gas):
            self.since.setdefault(account, located.seq)

    def rests(self, observed: Observed) -> bool:
        """Whether an outcome was computed from what goes."""
        if not self.withdrawn.keys().isdisjoint(observed.inputs):
            return True
        return any(self.moves(account_of(b.account), Seq(b.before)) for b in observed.balances)

    def moves(self, account: AccountId, before: Seq) -> bool:
        """Whether what goes can move the account's general balance somewhere before transaction `before`."""
        first = self.since.get(account)
        return first is not None and first < before
