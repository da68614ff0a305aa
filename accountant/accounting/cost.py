"""Income cost (Definition 3): what determining an income takes, and what of that is left to us.

`cost` is the gas that an accountant who knows nothing executes to determine the income: a fact of the chain. Where
everything that such an accountant comes to was observed, a replay of the records tells it, without executing; else it
is bounded over the static slice. `remaining` is what of it nobody here has executed yet: nothing once the income
itself was observed.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from accountant.accounting.quote import quote_outcome
from accountant.accounting.quote_facts import POSTINGS_MOST, CutOff
from accountant.chain.rows import RowKind
from accountant.execution.income import INCOME_KINDS
from accountant.execution.port import OutcomeStore
from accountant.execution.replay import Unobserved, replaying
from accountant.index.blocks import EVENT_KINDS
from accountant.index.port import ChainIndex, Event
from accountant.primitives.types import AccountId, ContractId, Gas, Seq

LOOK_UPS_MOST = 500
"""Look-ups for one income: for a whole page of them a request has to pay."""

_EVENTS = tuple(sorted(EVENT_KINDS))
_ROWS_PER_LOOK_UP = 64


class GasRange(NamedTuple):
    """An amount of gas that is known between two bounds, exactly where they are equal."""

    least: Gas
    most: Gas


NO_GAS = GasRange(Gas(0), Gas(0))


class IncomeCost(NamedTuple):
    """What determining one income takes."""

    cost: GasRange
    remaining: GasRange
    cut_off: bool
    """Whether bounds are as wide as they are because looking further would have been too much work."""


FREE = IncomeCost(NO_GAS, NO_GAS, False)


def income_cost(
    index: ChainIndex, outcomes: OutcomeStore, seq: Seq, account: AccountId, look_ups: int = LOOK_UPS_MOST
) -> IncomeCost:
    """The cost of a transaction as an income of the account. Executes nothing, changes nothing.

    What settles at inclusion costs nothing (Lemma 2), and so does what is no income.
    """
    rows = index.movements(account, INCOME_KINDS, Seq(seq - 1), Seq(seq + 1), 1)
    if not any(row.kind == RowKind.CREDIT for row in rows):
        return FREE
    observed = outcomes.get(seq)
    if observed is not None:
        exact = _replayed(index, outcomes, seq, look_ups)
        if exact is not None:
            return IncomeCost(GasRange(exact, exact), NO_GAS, False)
    whole = quote_outcome(index, outcomes, seq, from_nothing=True, look_ups=look_ups)
    cost = GasRange(whole.gas_least, whole.gas_most)
    if observed is not None:
        return IncomeCost(cost, NO_GAS, whole.cut_off)
    rest = quote_outcome(index, outcomes, seq, from_nothing=False, look_ups=look_ups)
    return IncomeCost(cost, GasRange(rest.gas_least, rest.gas_most), whole.cut_off or rest.cut_off)


def _replayed(index: ChainIndex, outcomes: OutcomeStore, seq: Seq, look_ups: int) -> Gas | None:
    """The gas of finding an outcome from nothing; None where something was not recorded, or it is too much work."""
    replay = replaying(cast(ChainIndex, _Counted(index, look_ups)), outcomes)
    try:
        replay.outcome(seq)
    except (Unobserved, CutOff):
        return None
    return replay.session.gas_executed


class _Counted:
    """An index that has enough after so many look-ups of histories, writers and transactions."""

    def __init__(self, index: ChainIndex, look_ups: int) -> None:
        self._index, self._left = index, look_ups

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def _spend(self, look_ups: int) -> None:
        self._left -= look_ups
        if self._left < 0:
            raise CutOff

    def transaction(self, seq: Seq) -> object:
        self._spend(1)
        return self._index.transaction(seq)

    def transactions(self, seqs: list[Seq]) -> object:
        self._spend(len(seqs))
        return self._index.transactions(seqs)

    def writers(self, contract: ContractId, slot: bytes, before: Seq, limit: int) -> list[Seq]:
        self._spend(1)
        return self._index.writers(contract, slot, before, limit)

    def ahead(self, asked: Sequence[tuple[ContractId, bytes, Seq]], limit: int) -> bool:
        return len(asked) <= self._left and self._index.ahead(asked, limit)

    def events(self, account: AccountId, after: Seq, before: Seq) -> list[Event]:
        rows = self._index.movements(account, _EVENTS, after, before, POSTINGS_MOST + 1)
        self._spend(1 + len(rows) // _ROWS_PER_LOOK_UP)
        if len({row.seq for row in rows}) > POSTINGS_MOST:
            raise CutOff
        return sorted(rows)
