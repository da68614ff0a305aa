"""Wrong outcomes that nobody would notice by themselves: everything later is computed on top of them."""

from random import Random

import msgspec

from accountant.chain.transaction import TransactionKind
from accountant.contracts.errors import FailureKind
from accountant.execution.eager import EagerState
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Movement, Observed, Outcome, SlotWrite
from accountant.execution.port import OutcomeStore
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.port import ChainIndex, Located
from accountant.primitives.types import Seq


def corrupted(random: Random, located: Located, outcome: Outcome) -> Outcome | None:
    """Another outcome that the chain's bytes alone do not refute; None if we know of none."""
    transaction = located.transaction
    ways = []
    if outcome.writes:
        writes = tuple(SlotWrite(w.contract, w.slot, w.value[:-1] + b"\x07") for w in outcome.writes)
        ways.append(msgspec.structs.replace(outcome, writes=writes))
    returned = transaction.value + (transaction.gas_limit - outcome.gas_used) * transaction.gas_price
    back = (Movement(located.sender, returned),) if returned else ()
    if outcome.failure is not FailureKind.INSUFFICIENT_FUNDS and transaction.kind != TransactionKind.TRANSFER:
        ways.append(Outcome(FailureKind.ASSERTION, "", outcome.gas_used, credits=back))
    if outcome.failure is None and outcome.credits and not outcome.debits:
        ways.append(msgspec.structs.replace(outcome, credits=outcome.credits[:-1]))
    ways = [way for way in ways if way != outcome]
    return random.choice(ways) if ways else None


def observe_everything(random: Random, index: ChainIndex, store: OutcomeStore) -> list[Outcome]:
    """Asks for every outcome, in a random order and in many pieces of work; in the order of the chain."""
    count = index.head().next_seq
    found = {seq: Selective(Session(index, store)).outcome(Seq(seq)) for seq in random.sample(range(count), count)}
    return [found[seq] for seq in range(count)]


def wrong_from(random: Random, index: ChainIndex, eager: EagerState) -> tuple[Seq, MemoryOutcomes] | None:
    """A store in which everything was computed on top of one wrong outcome, and which.

    Of several wrong outcomes the first is taken that made another one wrong, else the last; None where there is none.
    """
    stored = [seq for seq, outcome in enumerate(eager.outcomes) if outcome.gas_used]
    taken: tuple[Seq, MemoryOutcomes] | None = None
    for seq in random.sample(stored, min(len(stored), 12)):
        wrong = corrupted(random, index.transaction(Seq(seq)), eager.outcomes[seq])
        if wrong is None:
            continue
        store = MemoryOutcomes()
        store.put(Seq(seq), Observed(wrong, ()))
        observe_everything(random, index, store)
        taken = Seq(seq), store
        if wrong_ones(store, eager) != {seq}:
            return taken
    return taken


def wrong_ones(store: MemoryOutcomes, eager: EagerState) -> set[Seq]:
    """The stored outcomes that are not what eager execution says."""
    return {seq for seq, observed in store.stored_after(Seq(-1)) if observed.outcome != eager.outcomes[seq]}
