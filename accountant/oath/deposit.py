"""The deposit of a purse, from below, without executing anything (DESIGN section 5; Lemma 1 for contracts)."""

from accountant.chain.rows import RowKind
from accountant.execution.outcome import Outcome
from accountant.execution.port import OutcomeStore
from accountant.execution.timeline import lower_bound_under
from accountant.index.port import ChainIndex
from accountant.primitives.types import GENESIS_SEQ, ContractId, Seq


def deposit_bound(index: ChainIndex, purse: ContractId, before: Seq, outcomes: OutcomeStore | None = None) -> int:
    """Base units that the purse's G holds at least right before transaction `before`.

    Walking its timeline, L ← max(0, L + δ): a zero-cost transfer adds exactly its value; any other
    income adds nothing; a transaction that declares a debit may have taken its whole cap (a withdrawal,
    a penalty). Restarting at zero is sound because G never goes below zero. Where `outcomes` holds what
    a transaction did, δ is exact: an oath found true gives its penalty back to the bound.
    """
    events = index.events(purse, GENESIS_SEQ, before)
    known = outcomes.get_many({e.seq for e in events if e.kind != RowKind.SETTLED}) if outcomes is not None else {}

    def outcome_of(seq: Seq) -> Outcome | None:
        observed = known.get(seq)
        return observed.outcome if observed is not None else None

    return lower_bound_under(purse, _genesis_balance(index, purse), events, outcome_of)


def _genesis_balance(index: ChainIndex, purse: ContractId) -> int:
    return next((c.general_balance for c in index.genesis.contracts if c.contract == purse), 0)
