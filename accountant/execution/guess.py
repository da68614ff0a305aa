"""What is guessed of the past where nobody looked, so that a wallet can try a call without executing anything else.

A guess decides no answer and no outcome: it only helps to find what a call will probably touch.
"""

from typing import assert_never

from accountant.chain.query import Answer, BalanceAtLeast, Income, Storage, TransactionSucceeded, View, ViewAnswer
from accountant.contracts.errors import FailureKind
from accountant.execution.income import income_of
from accountant.execution.lazy_world import LazyWorld
from accountant.execution.needs import (
    NO_SOURCE,
    AnswerOf,
    BlobOf,
    BlobUnavailable,
    BoundUnder,
    CoversBefore,
    Need,
    OutcomeOf,
    SlotBefore,
    SourceOf,
)
from accountant.execution.outcome import Outcome, SlotWrite
from accountant.execution.queries import target_of
from accountant.execution.session import Inputs, Session
from accountant.execution.timeline import lower_bound_under
from accountant.execution.transition import runs_code, transition
from accountant.execution.view import answer_of, run_view
from accountant.index.port import Located
from accountant.index.position import Place, place_of
from accountant.primitives.addresses import account_of
from accountant.primitives.types import ADDRESS_BYTES, AccountId, Address, ContractId, Gas, Seq

_WRITERS_PAGE = 64
WRITERS_MOST = 1_024
"""Declared writers of one slot that are looked at; beyond them the slot is taken for untouched."""

VIEWS_MOST = 4
"""Views that may wait for each other on the native stack; the next one is taken for failed."""

VIEW_GAS_MOST = Gas(20_000_000)
"""The most gas that a guess spends on one view, whatever the view's own limit is."""


class Guesses:
    """Answers every need at once, from observed outcomes alone; `unobserved` collects what would have been better.

    Only a file that is not held here cannot be guessed: `BlobUnavailable`.

    A slot has the value of the latest observed writer. What was never observed succeeded and changed nothing else;
    where an interval leaves a balance open, the money is there; a bound counts the observed incomes.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._views = 0
        self.unobserved: set[Seq] = set()
        """Transactions that were consulted and that nobody executed."""

    def world(self, place: Place) -> LazyWorld:
        """The state at a place, with guesses where nobody looked."""
        return LazyWorld(self._session, place, {}, Inputs(), self)

    def __call__(self, need: Need) -> Outcome | Answer:
        """The best guess."""
        match need:
            case OutcomeOf(seq):
                return self._outcome(seq)
            case SlotBefore(contract, slot, before):
                return self._slot(contract, slot, before)
            case CoversBefore(account, amount, before):
                return self._covers(account, amount, before)
            case BoundUnder(account, theta, before):
                return self._bound(account, theta, before)
            case AnswerOf():
                return self._answer(need)
            case SourceOf(contract, slot, before):
                write = self._written(contract, slot, before)
                return NO_SOURCE if write is None or write.source is None else write.source
            case BlobOf(cid):
                raise BlobUnavailable(cid)  # what it holds cannot be guessed
        assert_never(need)

    def _known(self, seq: Seq) -> Outcome | None:
        """The outcome, if somebody observed it or nobody needs to: where no code and no general money is."""
        known = self._session.known(seq)
        if known is not None:
            return known
        located = self._session.index.transaction(seq)
        if not runs_code(located) and not located.transaction.general_value:
            return self._without_code(located)
        self.unobserved.add(seq)
        return None

    def _without_code(self, located: Located) -> Outcome:
        index = self._session.index
        block = index.block(located.height)
        assert block is not None
        return transition(located, block, index.genesis, self.world(place_of(located)))

    def _outcome(self, seq: Seq) -> Outcome:
        known = self._known(seq)
        if known is not None:
            return known
        located = self._session.index.transaction(seq)
        return Outcome(failure=None, detail="", gas_used=0) if runs_code(located) else self._without_code(located)

    def _slot(self, contract: ContractId, slot: bytes, before: Seq) -> bytes:
        write = self._written(contract, slot, before)
        return self._session.genesis.slot(contract, slot) if write is None else write.value

    def _written(self, contract: ContractId, slot: bytes, before: Seq) -> SlotWrite | None:
        for _ in range(WRITERS_MOST // _WRITERS_PAGE):
            writers = self._session.index.writers(contract, slot, before, _WRITERS_PAGE)
            self._session.fetch(writers)
            for writer in writers:
                outcome = self._session.known(writer)
                write = None if outcome is None else outcome.write_of(contract, slot)
                if write is not None:
                    return write
                if outcome is None:
                    self.unobserved.add(writer)
            if len(writers) < _WRITERS_PAGE:
                break
            before = writers[-1]
        return None

    def _covers(self, account: AccountId, amount: int, before: Seq) -> bool:
        covered = self._session.covers(account, amount, before)
        if covered is not None:
            return covered
        walk = self._session.walk(account, before, self._session.window)
        self.unobserved.update(posting.seq for posting in walk.unknown)
        return True

    def _bound(self, account: AccountId, theta: tuple[Seq, ...], before: Seq) -> int:
        self._session.fetch(theta)
        outcomes = {seq: outcome for seq in theta if (outcome := self._known(seq)) is not None}
        events = self._session.index.events(account, Seq(-1), before)
        return lower_bound_under(account, self._session.genesis.general(account), events, outcomes.get)

    def _answer(self, need: AnswerOf) -> Answer:
        query, index = need.query, self._session.index
        target = target_of(index, query)
        assert target is not None, "a world asks for what is on the chain"
        match query:
            case BalanceAtLeast(account=raw, amount=amount):
                assert target.place
                account = account_of(raw)
                if len(account) == ADDRESS_BYTES:
                    amount -= index.zero_balance(Address(account), target.place.moment)
                return amount <= 0 or self._covers(account, amount, target.place.seq)
            case Storage(contract=contract, slot=slot):
                assert target.place
                return self._slot(ContractId(contract), slot, target.place.seq)
            case TransactionSucceeded():
                assert target.seq is not None
                return self._outcome(target.seq).succeeded
            case Income(account=raw):
                assert target.seq is not None
                return income_of(index.transaction(target.seq), self._outcome(target.seq), account_of(raw))
            case View():
                assert target.place
                return self._view(query, target.place)
        assert_never(query)

    def _view(self, view: View, place: Place) -> ViewAnswer:
        if self._views >= VIEWS_MOST:
            return ViewAnswer(FailureKind.RECURSION_LIMIT.value, None)
        self._views += 1
        try:
            session, gas = self._session, min(Gas(view.gas_limit), VIEW_GAS_MOST)
            return answer_of(run_view(view, place, session.index, self.world(place), gas, session.means()))
        finally:
            self._views -= 1
