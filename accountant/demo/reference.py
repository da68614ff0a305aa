"""The demo's second opinion: execute everything, and compare with what the accountant stored and said."""

from typing import NamedTuple

from accountant.chain.genesis import Genesis
from accountant.chain.state import ChainState
from accountant.chain.validator import apply_block, validate_block
from accountant.contracts.module import check_module
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.port import Blobs, OutcomeStore
from accountant.index.memory import MemoryIndex
from accountant.primitives.types import Seq


class Comparison(NamedTuple):
    """Everything executed against what was executed selectively."""

    eager: EagerState
    gas_everything: int
    observed: int
    """Outcomes that the accountant has."""
    matches: bool
    """Whether each of them is the eager one."""


def compare_with_eager(genesis: Genesis, blocks: list[bytes], outcomes: OutcomeStore, blobs: Blobs) -> Comparison:
    """Validates the blocks' bytes anew, executes every transaction, and compares every stored outcome."""
    state, index = ChainState.at_genesis(genesis), MemoryIndex(genesis)
    for raw in blocks:
        block = validate_block(raw, state, check_module)
        apply_block(block, state)
        index.append(block)
    eager = execute_everything(index, blobs=blobs)
    known = outcomes.get_many([Seq(seq) for seq in range(len(eager.outcomes))])
    return Comparison(
        eager=eager,
        gas_everything=sum(outcome.gas_used for outcome in eager.outcomes),
        observed=len(known),
        matches=all(observed.outcome == eager.outcomes[seq] for seq, observed in known.items()),
    )
