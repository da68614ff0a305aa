"""Selective equals eager, for everything that a test was told: the law that all executors keep (DESIGN section 1)."""

from dataclasses import dataclass, field

from accountant.chain.query import AccountingQuery, Answer
from accountant.execution.eager import EagerState
from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.primitives.addresses import show
from accountant.primitives.types import AccountId, ContractId, Seq


@dataclass
class Observations:
    """What a test looked at besides outcomes, each with the number of the transaction that came next."""

    balances: list[tuple[Seq, AccountId, int]] = field(default_factory=list)
    slots: list[tuple[Seq, ContractId, bytes, bytes]] = field(default_factory=list)
    answers: list[tuple[AccountingQuery, Answer]] = field(default_factory=list)


def check_against_eager(index: ChainIndex, outcomes: OutcomeStore, observations: Observations) -> None:
    """Executes the whole chain in order. An `AssertionError` is a bug of the accountant, not of a contract."""
    eager = EagerState(index, outcomes.blobs)
    for seq in range(index.head().next_seq):
        expected = eager.step()
        observed = outcomes.get(Seq(seq))
        assert observed is None or observed.outcome == expected, f"transaction {seq}: {observed} and {expected}"
    for before, account, units in observations.balances:
        assert eager.general_before(account, before) == units, f"the balance of {show(account)} before {before}"
    for before, contract, slot, value in observations.slots:
        assert eager.slot_before(contract, slot, before) == value, f"slot {slot!r} of {show(contract)} before {before}"
    for query, answer in observations.answers:
        assert eager.answer(query) == answer, f"the answer of {query}"
