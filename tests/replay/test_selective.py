"""What the selective executor runs for recorded calls: exactly the least set, and what over-declaring adds to it."""

import pytest

from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.memory import MemoryIndex
from accountant.primitives.types import Seq
from accountant.replay.least import gas_of, slices_of
from accountant.replay.record import record_chain
from accountant.replay.recording import RecordedBlock
from accountant.replay.sample import sample_blocks
from accountant.replay.translate import DEFAULTS, RecordOptions


def _compare(blocks: list[RecordedBlock], options: RecordOptions) -> list[tuple[set[int], frozenset[int], int, int]]:
    """For each call: what was executed besides it, its least set (both as places), and the gas of both."""
    chain = record_chain(blocks, options)
    index = MemoryIndex(chain.genesis)
    for sealed in chain.blocks:
        index.append(sealed)
    eager: EagerState = execute_everything(index)
    found = []
    first_seq = 0
    for block in blocks:
        slices = slices_of(block)
        for place, transaction in enumerate(block.transactions):
            if transaction.contract_call:
                session = Session(index, MemoryOutcomes())
                outcome = Selective(session).outcome(Seq(first_seq + place))
                assert outcome == eager.outcomes[first_seq + place]
                others = {other - first_seq for other in session.resolved} - {place}
                assert min(others, default=0) >= 0, "nothing of another block is executed"
                found.append((others, slices[place], gas_of(block, frozenset(others)), gas_of(block, slices[place])))
        first_seq += len(block.transactions)
    return found


@pytest.mark.parametrize("options", [DEFAULTS, RecordOptions(overdeclare=3)], ids=["plain", "overdeclared-reads"])
def test_exactly_the_least_set_is_executed(options: RecordOptions) -> None:
    """For every call of the sample, from a cold cache: the eager outcome, by executing its slice and nothing else.

    Slots that are declared for reading and not touched cost nobody an execution.
    """
    found = _compare(sample_blocks(), options)
    assert len(found) == 152 and all(executed == least for executed, least, _, _ in found)
    assert sum(least for _, _, _, least in found) == 42_098_561
    assert sum(len(executed) for executed, _, _, _ in found) == 566


def test_phantom_writers_must_be_executed() -> None:
    """Slots declared for writing and not written make readers execute the declarers, and outcomes stay right."""
    found = _compare(sample_blocks()[1:], RecordOptions(overdeclare_writes=3))
    assert all(executed >= least for executed, least, _, _ in found)
    assert sum(gas for _, _, gas, _ in found) > 3 * sum(least for _, _, _, least in found) > 0
