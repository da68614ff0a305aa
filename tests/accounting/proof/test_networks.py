"""Certificates of answers that rest on networks: whoever checks makes saved files again, and has the published ones."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.proof.build import build
from accountant.accounting.proof.errors import BlobMissing
from accountant.accounting.proof.verify import verify
from accountant.chain.block import Position
from accountant.chain.query import AccountingQuery, Storage, TransactionSucceeded
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryBlobs, MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.primitives.types import Seq
from tests.support.network_chain import LEARNERS, SLOTS
from tests.support.signed_chain import SignedNetworkChain


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=True))
def test_proofs_say_what_is_true(random: Random) -> None:
    """Made from records, with files kept or lost; checking executes the slice from nothing, for the gas it states."""
    chain = SignedNetworkChain(random)
    chain.grow(4)
    eager = execute_everything(chain.index, blobs=chain.blobs)
    store = MemoryOutcomes(MemoryBlobs(bytes_most=random.choice([0, 200, 10_000]), beneath=chain.blobs))
    head = chain.index.head()
    for seq in range(head.next_seq):
        Selective(Session(chain.index, store)).outcome(Seq(seq))
    queries: list[AccountingQuery] = [
        TransactionSucceeded(chain.index.transaction(Seq(seq)).hash) for seq in range(head.next_seq)
    ]
    queries += [Storage(contract, slot, Position(head.hash, 0)) for contract in LEARNERS for slot in SLOTS]
    for query in [*random.sample(queries, 5), chain.view()]:
        raw = build(chain.index, store, query)
        verified = verify(raw, chain.blocks.headers(), blobs=chain.blobs)
        assert verified.answer == eager.answer(query)


def test_whoever_checks_needs_the_published_files() -> None:
    """Without them the certificate is neither proved nor refused, and it says for want of which file."""
    chain = SignedNetworkChain(Random(0))
    chain.append([chain.publication(0.5)])
    chain.random.random = lambda: 0.5  # type: ignore[method-assign]
    chain.append([chain.call("tune", chain.cids[0], b"a", 0)])
    store = MemoryOutcomes(chain.blobs)
    query = TransactionSucceeded(chain.index.transaction(Seq(1)).hash)
    raw = build(chain.index, store, query, execute=True)
    assert verify(raw, chain.blocks.headers(), blobs=chain.blobs).answer is True
    with pytest.raises(BlobMissing) as missing:
        verify(raw, chain.blocks.headers())
    assert missing.value.cid == chain.cids[0]
