"""What a view is run as, given what it may observe. Both executors run views through here."""

from accountant.chain.query import View, ViewAnswer
from accountant.contracts.tensor_means import Means
from accountant.contracts.view import execute_view
from accountant.contracts.world import Run, RunResult, World
from accountant.index.port import ChainIndex
from accountant.index.position import Place
from accountant.primitives.types import BLACKHOLE, Amount, ContractId, Gas, Hash


def run_view(
    view: View, place: Place, index: ChainIndex, world: World, gas: Gas, means: Means | None = None
) -> RunResult:
    """Run a view whose position is `place`, with at most `gas`. Exceptions of `world` pass through.

    It sees height, index and previous hash as a transaction at its position does. The time is that of the latest
    block of which the position has seen anything: a block's beginning may be asked about before there is a block.
    """
    named = index.block_by_hash(Hash(view.position.previous_hash))
    seen = index.block(place.height) if view.position.index else named
    assert named is not None and seen is not None
    run = Run(
        contract=ContractId(view.contract),
        function=view.function,
        arguments=view.arguments,
        sender=BLACKHOLE,
        value=Amount(0),
        footprint=(),
        height=place.height,
        index=view.position.index,
        previous_hash=named.hash,
        time=seen.time,
        schedule=index.genesis.gas,
        limits=index.genesis.limits,
    )
    return execute_view(run, world, gas, means)


def answer_of(result: RunResult) -> ViewAnswer:
    """What a view's run says."""
    return ViewAnswer(None if result.failure is None else result.failure.value, result.return_value)
