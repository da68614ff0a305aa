"""Runs that no block holds: to guess a footprint, to find the line that failed. None of them decides anything."""

from collections.abc import Iterable

from accountant.chain.block import Position
from accountant.chain.draft import DraftEntry, merged
from accountant.chain.fees import intrinsic_gas
from accountant.chain.footprint import Entry, canonical_footprint
from accountant.chain.query import View
from accountant.chain.transaction import Transaction, TransactionKind, decode_deployment
from accountant.contracts.errors import InvalidModule
from accountant.contracts.module import check_module
from accountant.contracts.simulate import Simulation, simulate
from accountant.contracts.world import Run, TraceFrame
from accountant.execution import trace
from accountant.execution.lazy_world import LazyWorld
from accountant.execution.session import Inputs
from accountant.execution.transition import run_of
from accountant.index.port import BlockInfo, Located
from accountant.index.position import Place, resolve
from accountant.primitives.types import BLACKHOLE, Address, Amount, ContractId, Gas, Hash
from accountant.sandbox.ledger import Ledger


def touched_by(ledger: Ledger, made: Transaction, sender: Address, time: int) -> tuple[Entry, ...]:
    """What a transaction would touch if it were the next block's first; after a failure, what it touched until then.

    Nothing if it deploys a module that breaks the structural rules: such code is never run.
    """
    if made.kind is TransactionKind.DEPLOY and not _may_run(made, ledger):
        return ()
    place = _end(ledger)
    head = ledger.index.head()
    located = Located(place.seq, Hash(bytes(32)), sender, place.height, 0, made)
    block = BlockInfo(place.height, Hash(bytes(32)), head.hash, time, Address(bytes(20)), place.seq, 1)
    run = run_of(located, block, ledger.index.genesis)
    gas = Gas(made.gas_limit - intrinsic_gas(made, ledger.index.genesis.gas))
    return tuple(touch.entry for touch in simulate(run, _world(ledger, place), gas).touched)


def united(template: Iterable[Entry], touched: Iterable[Entry]) -> tuple[Entry, ...]:
    """Both as one footprint; of two debits of one contract the larger cap."""
    drafts = [DraftEntry(entry, order, 0) for order, some in enumerate((template, touched)) for entry in some]
    return canonical_footprint(draft.entry for draft in merged(drafts))


def trace_of(ledger: Ledger, transaction: Hash) -> list[TraceFrame]:
    """Where a failed transaction was, innermost first: it is run again in its place."""
    seq = ledger.index.seq_of(transaction)
    assert seq is not None
    return list(trace.trace_of(ledger.selective(), seq))


def look_again(ledger: Ledger, view: View) -> Simulation:
    """A failed view with all that a query's answer leaves out: the detail, and where it was."""
    place = _end(ledger)
    head = ledger.index.head()
    run = Run(
        contract=ContractId(view.contract),
        function=view.function,
        arguments=view.arguments,
        sender=BLACKHOLE,
        value=Amount(0),
        footprint=(),
        height=place.height,
        index=0,
        previous_hash=head.hash,
        time=ledger.state.head.time,
        schedule=ledger.index.genesis.gas,
        limits=ledger.index.genesis.limits,
    )
    return simulate(run, _world(ledger, place), Gas(view.gas_limit))


def _may_run(made: Transaction, ledger: Ledger) -> bool:
    deployment = decode_deployment(made.payload)
    try:
        check_module(deployment.code, deployment.envelope, ledger.index.genesis.limits)
    except InvalidModule:
        return False
    return True


def _end(ledger: Ledger) -> Place:
    place = resolve(ledger.index, Position(ledger.index.head().hash, 0))
    assert place is not None
    return place


def _world(ledger: Ledger, place: Place) -> LazyWorld:
    return LazyWorld(ledger.selective().session, place, {}, Inputs(), ledger.resolve)
