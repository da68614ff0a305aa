"""Incomes of an account (Definition 2): what brought it money, or may have, with amount and cost, known or bounded.

Listed are transactions: what blocks bring to their proposers, rewards and tips, is zero-cost money without one.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from accountant.accounting.cost import FREE, GasRange, IncomeCost, income_cost
from accountant.chain.rows import RowKind
from accountant.chain.transaction import TransactionKind
from accountant.execution.income import INCOME_KINDS, income_bounds, income_of
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Outcome
from accountant.execution.port import OutcomeStore
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.port import ChainIndex, Event, Located
from accountant.primitives.types import AccountId, Seq

LOOK_UPS_MOST = 1_000
"""Look-ups of each kind for the costs of one page; its incomes share them."""

SCANNED_MOST = 500
"""Transactions that are looked at for one page, whatever a filter leaves of them."""


class IncomeKind(StrEnum):
    """How the money arrives."""

    ZERO_COST = "zero_cost"
    """A user's zero-cost money, at inclusion (Lemma 2)."""
    DEPOSIT = "deposit"
    """A contract's general money, at inclusion: a zero-cost transfer to it."""
    GENERAL = "general"
    """From somebody else's transaction: a transfer, or a payout."""
    OWN = "own"
    """From a transaction that the account signed: unused gas, value returned, or paid out to it."""


class IncomeFilter(NamedTuple):
    """Which incomes are wanted."""

    known: bool | None = None
    """Whether the amount is known."""
    amount_least: int = 0
    """Incomes that may be at least this."""
    kind: IncomeKind | None = None
    gas_price: int | None = None
    """Base units for one unit of gas, to compare cost and amount; None: as the transaction itself says."""


class IncomeItem(NamedTuple):
    """One transaction as an income. `low` ≤ income ≤ `high`, in base units: known where they are equal."""

    located: Located
    kind: IncomeKind
    low: int
    high: int
    expense: int
    """What of the account's general money the same transaction sent away (Definition 1); 0 for others' transactions."""
    cost: IncomeCost
    gas_price: int
    worth: bool | None
    """Whether it brings more than determining it costs, at the gas price; None while that is open."""


class IncomePage(NamedTuple):
    """Some incomes, latest first; `next_before`: where to go on, None at the end of the list."""

    items: list[IncomeItem]
    next_before: Seq | None


def list_incomes(
    index: ChainIndex,
    outcomes: OutcomeStore,
    account: AccountId,
    window: tuple[Seq, Seq],
    wanted: IncomeFilter,
    limit: int,
) -> IncomePage:
    """Up to `limit` incomes with after < seq < before, latest first. Executes nothing.

    A page may hold fewer, even none, and go on all the same: where a filter leaves little, `SCANNED_MOST` ends it.
    """
    after, before = window
    rows = index.movements(account, INCOME_KINDS, after, before, SCANNED_MOST)
    items: list[IncomeItem] = []
    last: Seq | None = None
    for bounds in _bounded(index, outcomes, account, rows, wanted):
        last = bounds.located.seq
        if _fits(bounds, wanted):
            items.append(_priced(index, outcomes, account, bounds, wanted.gas_price, LOOK_UPS_MOST // limit))
            if len(items) == limit:
                break
    if last is None:
        return IncomePage([], None)
    more = bool(index.movements(account, INCOME_KINDS, after, last, 1))
    return IncomePage(items, last if more else None)


class _Bounds(NamedTuple):
    located: Located
    kind: IncomeKind
    low: int
    high: int


def _bounded(
    index: ChainIndex, outcomes: OutcomeStore, account: AccountId, rows: list[Event], wanted: IncomeFilter
) -> Iterator[_Bounds]:
    """The amounts, from outcomes where there are some: all of them in few look-ups."""
    grouped = [(seq, list(of_one)) for seq, of_one in groupby(rows, key=lambda row: row.seq)]
    for start in range(0, len(grouped), _BATCH):
        batch = grouped[start : start + _BATCH]
        observed = outcomes.get_many([seq for seq, _ in batch])
        for (seq, of_one), located in zip(batch, index.transactions([seq for seq, _ in batch]), strict=True):
            found = observed.get(seq)
            outcome = _without_execution(index, located) if found is None else found.outcome
            low, high = income_bounds(of_one)
            if outcome is not None:
                low = high = income_of(located, outcome, account)
            yield _Bounds(located, _kind(located, of_one, account), low, high)


_BATCH = 100


def _without_execution(index: ChainIndex, located: Located) -> Outcome | None:
    """The outcome of a zero-cost transfer, unused gas included, which nobody has to execute."""
    if located.transaction.kind != TransactionKind.TRANSFER or located.transaction.general_value:
        return None
    return Selective(Session(index, MemoryOutcomes())).outcome(located.seq)


def _kind(located: Located, rows: Iterable[Event], account: AccountId) -> IncomeKind:
    kinds = {row.kind for row in rows}
    if located.sender == account and RowKind.CREDIT in kinds:
        return IncomeKind.OWN
    if RowKind.ZERO in kinds:
        return IncomeKind.ZERO_COST
    return IncomeKind.DEPOSIT if RowKind.SETTLED in kinds else IncomeKind.GENERAL


def _fits(bounds: _Bounds, wanted: IncomeFilter) -> bool:
    if wanted.known is not None and (bounds.low == bounds.high) != wanted.known:
        return False
    if wanted.kind is not None and bounds.kind is not wanted.kind:
        return False
    return bounds.high >= wanted.amount_least


def _priced(
    index: ChainIndex, outcomes: OutcomeStore, account: AccountId, bounds: _Bounds, gas_price: int | None, look_ups: int
) -> IncomeItem:
    located = bounds.located
    settled = bounds.kind in (IncomeKind.ZERO_COST, IncomeKind.DEPOSIT)
    cost = FREE if settled else income_cost(index, outcomes, located.seq, account, look_ups)
    price = located.transaction.gas_price if gas_price is None else gas_price
    expense = located.transaction.general_value if located.sender == account else 0
    worth = worth_it(bounds.low, bounds.high, cost.cost, price)
    return IncomeItem(located, bounds.kind, bounds.low, bounds.high, expense, cost, price, worth)


def worth_it(low: int, high: int, cost: GasRange, gas_price: int) -> bool | None:
    """Whether an income of `low` to `high` units brings more than determining it costs at a gas price.

    The paper (II-E): an income item whose accounting cost exceeds its value is essentially worthless.
    """
    if cost.most * gas_price <= low:
        return True
    return False if cost.least * gas_price > high else None
