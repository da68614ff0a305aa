"""Finding an answer again from recorded outcomes, as an accountant who knows nothing would find it: no contract runs.

What a transaction asked of the past is recorded with its outcome. Following those needs from nothing visits exactly
the transactions that a cold accountant executes, in the same order, so it tells what the answer costs (Definition 3)
and what a proof of it has to carry.
"""

from accountant.execution.memory import MemoryBlobs, MemoryOutcomes
from accountant.execution.outcome import Observed
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.port import ChainIndex
from accountant.primitives.types import Gas, Seq


class Unobserved(Exception):
    """A replay came to a transaction that runs code and whose outcome nobody recorded, with what it asked for."""

    def __init__(self, seq: Seq) -> None:
        super().__init__(seq)
        self.seq = seq


def replaying(
    index: ChainIndex,
    recorded: OutcomeStore,
    heartbeat: Heartbeat | None = None,
    gas_budget: Gas | None = None,
    execute: bool = False,
) -> Selective:
    """An executor that knows nothing, and adopts recorded outcomes where it would run a contract.

    The gas of what it adopts counts as executed, against the budget too. `execute`: whether it runs what nobody
    recorded; otherwise it raises `Unobserved` there.
    """

    def records(seq: Seq) -> Observed | None:
        observed = recorded.get(seq)
        if (observed is None or observed.needs is None) and not execute:
            raise Unobserved(seq)
        return observed

    store = MemoryOutcomes(MemoryBlobs(beneath=recorded.blobs))
    return Selective(Session(index, store, heartbeat, gas_budget, records))
