"""The proposer: what it makes, every validator takes."""

import pytest

from accountant.chain.errors import BlockRefusal, InvalidBlock, Refusal
from accountant.chain.genesis import Limits
from accountant.chain.proposer import propose
from accountant.chain.state import ChainState
from accountant.chain.transaction import transaction_hash
from accountant.chain.validator import validate_block
from accountant.primitives.cid import cid_of
from accountant.primitives.types import Cid
from tests.support.chains import ALICE, BOB, CAROL, PROPOSER, accept_any_module, genesis, key, publish, transfer


def test_a_proposal_is_what_a_validator_makes_of_its_bytes() -> None:
    """The proposer's own result and a validation of the signed bytes are equal; the state is untouched."""
    state = ChainState.at_genesis(genesis(block_reward=5))
    candidates = [transfer(ALICE, 0, BOB.address, zero=3, tip=9), transfer(BOB, 0, CAROL.address, general=4)]
    proposal = propose(candidates, state, PROPOSER, 1_800_000_000, accept_any_module)
    assert proposal.dropped == () and state.head.height == 0
    assert validate_block(proposal.block.raw, state, accept_any_module) == proposal.block
    assert proposal.block.header.time == 1_800_000_000
    again = propose(candidates, state, PROPOSER, 1_800_000_000, accept_any_module)
    assert again == proposal


def test_what_fails_is_dropped() -> None:
    """Candidates that cannot be included are reported with their refusals, and the rest makes a valid block."""
    state = ChainState.at_genesis(genesis())
    good, unpaid, early = (
        transfer(ALICE, 0, BOB.address),
        transfer(key("x"), 0, BOB.address),
        transfer(BOB, 4, ALICE.address),
    )
    proposal = propose([unpaid, good, early, b"junk"], state, PROPOSER, 0, accept_any_module)
    assert [t.raw for t in proposal.block.transactions] == [good]
    assert [(name, error.kind) for name, error in proposal.dropped] == [
        (transaction_hash(unpaid), Refusal.UNPAID),
        (transaction_hash(early), Refusal.NONCE),
        (transaction_hash(b"junk"), Refusal.ENCODING),
    ]
    validate_block(proposal.block.raw, state, accept_any_module)


def test_time_is_lifted_to_the_previous_blocks() -> None:
    """A clock that runs behind makes no invalid block."""
    state = ChainState.at_genesis(genesis())
    block = propose([], state, PROPOSER, 5, accept_any_module).block
    assert block.header.time == state.head.time
    validate_block(block.raw, state, accept_any_module)


def test_limits_of_number() -> None:
    """A block holds at most as many transactions as genesis says; the others stay for later."""
    state = ChainState.at_genesis(genesis(limits=Limits(block_transactions_most=2)))
    proposal = propose([transfer(ALICE, n, BOB.address) for n in range(4)], state, PROPOSER, 0, accept_any_module)
    assert len(proposal.block.transactions) == 2 and proposal.dropped == ()


@pytest.mark.parametrize("room", range(600, 1_400, 37))
def test_limits_of_bytes(room: int) -> None:
    """A block fills its bytes and never passes them; what did not fit, and what follows it, is not dropped."""
    state = ChainState.at_genesis(genesis(limits=Limits(block_bytes_most=room)))
    size = len(transfer(ALICE, 0, BOB.address))
    candidates = [transfer(ALICE, n, BOB.address) for n in range(12)]
    proposal = propose(candidates, state, PROPOSER, 2**40, accept_any_module)
    assert proposal.dropped == ()
    assert len(proposal.block.raw) <= room
    assert len(proposal.block.raw) + size > room - 120
    validate_block(proposal.block.raw, state, accept_any_module)


def test_a_publication_waits_for_its_bytes() -> None:
    """What a proposer could not serve it does not include, nor drop, nor what follows it; with the bytes it does."""
    held: set[tuple[Cid, int]] = set()

    class Holdings:
        def has(self, cid: Cid, size: int) -> bool:
            return (cid, size) in held

    state, cid = ChainState.at_genesis(genesis()), cid_of(b"weights")
    candidates = [publish(ALICE, 0, cid, 7), transfer(ALICE, 1, BOB.address), transfer(BOB, 0, ALICE.address)]
    for size in (8, 9):  # a blob of another size is another blob
        held.add((cid, size))
        proposal = propose(candidates, state, PROPOSER, 0, accept_any_module, Holdings())
        assert [t.raw for t in proposal.block.transactions] == candidates[2:] and proposal.dropped == ()
    held.add((cid, 7))
    proposal = propose(candidates, state, PROPOSER, 0, accept_any_module, Holdings())
    assert [t.raw for t in proposal.block.transactions] == candidates and proposal.dropped == ()
    validate_block(proposal.block.raw, state, accept_any_module)
    again = [publish(ALICE, 0, cid, 7), publish(BOB, 0, cid, 7)]
    proposal = propose(again, state, PROPOSER, 0, accept_any_module, Holdings())
    assert [error.kind for _, error in proposal.dropped] == [Refusal.ALREADY_PUBLISHED]


def test_out_of_turn() -> None:
    """Only the key whose turn it is proposes."""
    state = ChainState.at_genesis(genesis())
    with pytest.raises(InvalidBlock) as caught:
        propose([], state, ALICE, 0, accept_any_module)
    assert caught.value.kind is BlockRefusal.PROPOSER
