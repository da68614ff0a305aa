"""Provenance, a step at a time: what the outcome of one transaction rests on, found by look-ups. Executes nothing.

Where somebody observed the transaction, what it asked for then says so. Elsewhere its declarations do: then it may
rest on more writers than are shown, since the latest declared one need not have written.
"""

from collections.abc import Iterator
from typing import NamedTuple

from accountant.chain.footprint import Bound, Call, Debit, Query, Read
from accountant.chain.query import AccountingQuery, BalanceAtLeast, Income, TransactionSucceeded
from accountant.chain.transaction import TransactionKind
from accountant.execution.income import INCOME_KINDS
from accountant.execution.needs import AllOf, AnswerOf, BoundUnder, CoversBefore, OutcomeOf, SlotBefore
from accountant.execution.outcome import Observed
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex, Located
from accountant.monitoring.reads.transaction import Shown, shown_bytes
from accountant.primitives.types import GENESIS_SEQ, AccountId, ContractId, Hash, Seq

SOURCES_MOST = 24
"""Sources of one transaction that are shown; the rest is counted."""
WRITERS_MOST = 16
"""Declared writers of one slot that are looked at."""
INCOMES_MOST = 4
"""Incomes of an account that are named as what may cover an amount: the latest."""


class Source(NamedTuple):
    """One thing that an outcome rests on. `seq`: the transaction it comes from; None: genesis, or several."""

    why: str
    account: bytes | None
    slot: Shown | None
    units: int | None
    seq: Seq | None
    hash: bytes | None
    known: bool
    """Whether the outcome of `seq` is stored."""


class Provenance(NamedTuple):
    """What one transaction's outcome rests on."""

    located: Located
    gas_used: int | None
    """None where nobody observed it."""
    failure: str | None
    declared: bool
    """Whether this is told by declarations, not by what it really asked for."""
    sources: list[Source]
    left_out: int


def provenance(index: ChainIndex, outcomes: OutcomeStore, seq: Seq) -> Provenance:
    """The sources of the transaction with this number, which must exist."""
    located = index.transaction(seq)
    observed = outcomes.get(seq)
    declared = observed is None or observed.needs is None
    walk = _Walk(index, outcomes, located)
    found = list(walk.declared() if declared else walk.asked(observed))  # type: ignore[arg-type]
    failure = None if observed is None or observed.outcome.failure is None else observed.outcome.failure.value
    return Provenance(
        located,
        None if observed is None else observed.outcome.gas_used,
        failure,
        declared,
        found[:SOURCES_MOST],
        max(0, len(found) - SOURCES_MOST),
    )


class _Walk:
    """One step back from a transaction."""

    def __init__(self, index: ChainIndex, outcomes: OutcomeStore, located: Located) -> None:
        self._index, self._outcomes, self._located = index, outcomes, located
        self._left = 4 * SOURCES_MOST
        """Look-ups."""

    def asked(self, observed: Observed) -> Iterator[Source]:
        """By what the transaction asked of the past when it was executed."""
        yield from self._funding()
        for need in observed.needs or ():
            yield from self._source(need)

    def declared(self) -> Iterator[Source]:
        """By what the transaction declares."""
        yield from self._funding()
        transaction, before = self._located.transaction, self._located.seq
        if transaction.kind == TransactionKind.CALL:
            yield from self._code(ContractId(transaction.to))
        for entry in transaction.footprint:
            match entry:
                case Read(contract, slot):
                    yield self._slot(ContractId(contract), slot, before)
                case Debit(contract, cap):
                    yield from self._covers("balance that pays", ContractId(contract), cap, before)
                case Call(contract):
                    yield from self._code(ContractId(contract))
                case Bound(account):
                    yield Source("lower bound of an account", account, None, None, None, None, False)
                case Query(query):
                    yield Source("answer of a query", None, shown_bytes(query), None, None, None, False)

    def _source(self, need: object) -> Iterator[Source]:
        match need:
            case OutcomeOf(seq):
                yield self._of("outcome of a transaction", seq)
            case SlotBefore(contract, slot, before):
                yield self._slot(contract, slot, before)
            case CoversBefore(account, amount, before):
                yield from self._covers("balance that pays", account, amount, before)
            case BoundUnder(account, theta, _):
                yield Source("lower bound of an account", account, None, None, None, None, False)
                for seq in theta:
                    yield self._of("member of Θ", seq, account)
            case AnswerOf(query):
                yield self._query(query)
            case AllOf(needs):
                for one in needs:
                    yield from self._source(one)

    def _query(self, query: AccountingQuery) -> Source:
        match query:
            case TransactionSucceeded(transaction) | Income(transaction):
                seq = self._index.seq_of(Hash(transaction))
                if seq is not None:
                    return self._of("answer of a query", seq)
            case BalanceAtLeast(account, amount):
                return Source("answer of a query", account, None, amount, None, None, False)
        return Source("answer of a query", None, None, None, None, None, False)

    def _funding(self) -> Iterator[Source]:
        general = self._located.transaction.general_value
        if general:
            yield from self._covers("general money that it sends", self._located.sender, general, self._located.seq)

    def _covers(self, why: str, account: AccountId, units: int, before: Seq) -> Iterator[Source]:
        """An amount that an account must have, and the latest incomes that may be it."""
        yield Source(why, account, None, units, None, None, False)
        if not self._spend():
            return
        rows = self._index.movements(account, INCOME_KINDS, GENESIS_SEQ, before, INCOMES_MOST)
        for seq in dict.fromkeys(row.seq for row in rows):
            yield self._of("income that may cover it", seq, account)

    def _code(self, contract: ContractId) -> Iterator[Source]:
        if self._spend():
            seq = self._index.deployment(contract)
            if seq is not None and seq < self._located.seq:
                yield self._of("code of a contract", seq, contract)

    def _slot(self, contract: ContractId, slot: bytes, before: Seq) -> Source:
        """The latest writer that is known to have written, or else the latest that nobody observed."""
        if self._spend():
            for writer in self._index.writers(contract, slot, before, WRITERS_MOST):
                observed = self._outcomes.get(writer) if self._spend() else None
                if observed is None or observed.outcome.written(contract, slot) is not None:
                    return self._of("slot", writer, contract, shown_bytes(slot))
        return Source("slot", contract, shown_bytes(slot), None, None, None, False)

    def _of(self, why: str, seq: Seq, account: bytes | None = None, slot: Shown | None = None) -> Source:
        located = self._index.transaction(seq)
        known = self._spend() and self._outcomes.get(seq) is not None
        return Source(why, account, slot, None, seq, located.hash, known)

    def _spend(self) -> bool:
        self._left -= 1
        return self._left >= 0
