"""Where a failed transaction was: it is run again in its place, which changes and decides nothing."""

from accountant.chain.fees import intrinsic_gas
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.world import TraceFrame
from accountant.execution.lazy_world import LazyWorld
from accountant.execution.selective import Selective
from accountant.execution.session import Inputs
from accountant.execution.transition import run_of, runs_code
from accountant.index.position import place_of
from accountant.primitives.types import Gas, Seq


def trace_of(selective: Selective, seq: Seq) -> tuple[TraceFrame, ...]:
    """The functions that the failure passed, innermost first. Empty after success, and where no code ran.

    The run counts as executed gas once more. Raises `Undecidable`.
    """
    outcome, session = selective.outcome(seq), selective.session
    located = session.index.transaction(seq)
    if outcome.failure in (None, FailureKind.INSUFFICIENT_FUNDS) or not runs_code(located):
        return ()
    block, genesis = session.index.block(located.height), session.index.genesis
    assert block is not None
    trace: list[TraceFrame] = []
    world = LazyWorld(session, place_of(located), {}, Inputs(), selective.find)
    gas = Gas(located.transaction.gas_limit - intrinsic_gas(located.transaction, genesis.gas))
    result = execute(run_of(located, block, genesis), world, gas, trace=trace, means=session.means())
    session.looked(result.gas_used)
    return tuple(trace)
