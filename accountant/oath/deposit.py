"""The deposit of a purse, from below, without executing anything (DESIGN section 5; Lemma 1 for contracts)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from accountant.chain.rows import RowKind
from accountant.execution.outcome import Outcome
from accountant.execution.port import OutcomeStore
from accountant.execution.timeline import lower_bounds_under
from accountant.index.port import ChainIndex, Event
from accountant.primitives.types import GENESIS_SEQ, ContractId, Seq


class Bounds(NamedTuple):
    """Base units that a purse's G holds at least, along its timeline."""

    before: dict[Seq, int]
    """Right before each transaction that may move it."""
    end: int
    """After all of them."""


def deposit_bound(index: ChainIndex, purse: ContractId, before: Seq, outcomes: OutcomeStore | None = None) -> int:
    """Base units that the purse's G holds at least right before transaction `before`.

    Where `outcomes` holds what a transaction did, δ is exact: an oath found true gives its penalty back to the bound.
    """
    events = index.events(purse, GENESIS_SEQ, before)
    known = outcomes.get_many({e.seq for e in events if e.kind != RowKind.SETTLED}) if outcomes is not None else {}
    return deposit_bounds(index, purse, events, {seq: observed.outcome for seq, observed in known.items()}).end


def deposit_bounds(
    index: ChainIndex, purse: ContractId, events: Sequence[Event], known: Mapping[Seq, Outcome]
) -> Bounds:
    """The bound along all of a purse's events, from genesis on, with these outcomes known.

    Walking its timeline, L ← max(0, L + δ): a zero-cost transfer adds exactly its value; any other
    income adds nothing; a transaction that declares a debit may have taken its whole cap (a withdrawal,
    a penalty). Restarting at zero is sound because G never goes below zero.
    """
    steps = list(lower_bounds_under(purse, genesis_deposit(index, purse), events, known.get))
    return Bounds(dict(steps[:-1]), steps[-1][1])


def deposit_bound_since(index: ChainIndex, purse: ContractId, since: Seq, before: Seq) -> int:
    """The same by bytes alone, walked from right before transaction `since`, where the purse counts as empty.

    Sound wherever it begins, since G is never below zero; from 0 on it begins with genesis and is the bound above.
    """
    events = index.events(purse, Seq(since - 1), before)
    initial = genesis_deposit(index, purse) if since <= 0 else 0
    return list(lower_bounds_under(purse, initial, events, lambda _seq: None))[-1][1]


def genesis_deposit(index: ChainIndex, purse: ContractId) -> int:
    """Base units that genesis gives a purse."""
    return next((c.general_balance for c in index.genesis.contracts if c.contract == purse), 0)
