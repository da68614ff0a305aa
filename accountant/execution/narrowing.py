"""Narrowing one balance until it says yes or no: looking further back and executing, whichever is cheaper.

A question begins with the static interval and the latest postings. While they leave it open, outcomes are found
that may decide it; where none of them can, the window doubles. So a question costs what its own neighbourhood
costs, however long the account's history is, and still ends: with everything known the interval is exact.
"""

from accountant.execution.choice import SMALL, cheapest, next_to_execute, reach
from accountant.execution.session import Session
from accountant.primitives.types import AccountId, Seq

GAS_PER_POSTING = 10_000
"""Gas whose execution costs about as much as looking at one posting more."""


class Narrowing:
    """The question whether G of an account is at least `amount` right before `before`."""

    def __init__(self, session: Session, account: AccountId, amount: int, before: Seq) -> None:
        self._session, self._account, self._amount, self._before = session, account, amount, before
        self._most = session.window
        self._rounds = 0
        self.walk = session.glance(account, before)
        """What is known now."""

    @property
    def covered(self) -> bool | None:
        """The answer; None while it is open."""
        return self.walk.covers(self._amount)

    def next(self) -> list[Seq]:
        """Transactions whose outcomes to find now, given all that were found before; none once the answer is there."""
        if self.covered is None:
            self._look()
        while self.covered is None:
            chosen = self._chosen()
            if chosen:
                self._rounds += 1
                return chosen
            self._most *= 2
            self._look()
        self._session.keep(self._account, self._before, self.walk)
        return []

    def _look(self) -> None:
        self._session.beat()
        self.walk = self._session.walk(self._account, self._before, self._most)

    def _chosen(self) -> list[Seq]:
        """What to execute; nothing where looking further back comes first."""
        walk, amount = self.walk, self._amount
        highest, lowest = reach(walk, own=False)
        decidable = highest >= amount or lowest < amount
        if not walk.whole and not decidable:
            if self._most < SMALL:
                return []
            highest, lowest = reach(walk, own=True)
            if highest < amount <= lowest:
                return []
        candidates = cheapest(walk, amount, self._session.estimates)
        if not walk.whole and decidable and candidates[0].gas > GAS_PER_POSTING * self._most:
            return []
        return next_to_execute(walk, amount, self._rounds, candidates)
