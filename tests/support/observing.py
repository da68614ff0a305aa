"""Accountants beside a sandbox that know nothing but the chain's bytes and what was published."""

from collections.abc import Iterable

from accountant.accounting.certificate import ViewCertificate
from accountant.accounting.outcome import OutcomeCertificate, OutcomeQuestion, find_outcome
from accountant.accounting.questions import ViewQuestion
from accountant.accounting.view import view
from accountant.chain.block import Position
from accountant.chain.transaction import Argument
from accountant.execution.memory import MemoryBlobs, MemoryOutcomes
from accountant.sandbox import Chain, Contract
from accountant.sandbox.result import Result

VIEW_GAS = 20_000_000


def newcomer(files: Iterable[bytes] = ()) -> MemoryOutcomes:
    """Nothing observed yet; `files`: those that were published."""
    blobs = MemoryBlobs()
    for data in files:
        blobs.put(data)
    return MemoryOutcomes(blobs)


def observed(chain: Chain, store: MemoryOutcomes, result: Result) -> OutcomeCertificate:
    """What a transaction did, and what it took to know it; the store remembers."""
    return find_outcome(chain.ledger.index, store, OutcomeQuestion(result.hash))


def viewed(
    chain: Chain, store: MemoryOutcomes, contract: Contract, function: str, *arguments: Argument
) -> ViewCertificate:
    """What a view returns at the head, and what it took to know it; the store remembers."""
    position = Position(chain.ledger.index.head().hash, 0)
    return view(chain.ledger.index, store, ViewQuestion(contract.id, function, arguments, VIEW_GAS, position))
