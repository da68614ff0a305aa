"""Blocks: every rule by its refusal, atomicity, finality and evidence."""

import hashlib
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.block import Block, Header, decode_block
from accountant.chain.envelope import Envelope
from accountant.chain.errors import BlockRefusal, ConflictingBlock, InvalidBlock, Refusal
from accountant.chain.genesis import Limits
from accountant.chain.state import ChainState
from accountant.chain.validator import apply_block, import_block, validate_block
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import recover
from accountant.primitives.types import Hash
from tests.support.chains import (
    ALICE,
    BOB,
    PROPOSER,
    accept_any_module,
    block_of,
    deploy,
    extend,
    genesis,
    header_of,
    key,
    publish,
    signed_block,
    transfer,
)

GENESIS = genesis(block_reward=3, limits=Limits(block_transactions_most=3, block_bytes_most=2_000))
SECOND = key("second proposer")


def chain() -> ChainState:
    """A chain of one block."""
    state = ChainState.at_genesis(GENESIS)
    extend(state, [transfer(ALICE, 0, BOB.address, zero=5)])
    return state


def snapshot(state: ChainState) -> tuple[object, ...]:
    return state.head, dict(state.accounts()), dict(state.contracts()), dict(state.blobs())


STATE = chain()
TRANSACTIONS = [transfer(ALICE, 1, BOB.address, zero=5), transfer(BOB, 0, ALICE.address, general=6)]
GOOD = header_of(STATE, TRANSACTIONS)


def altered(**fields: object) -> bytes:
    return signed_block(msgspec.structs.replace(GOOD, **fields), TRANSACTIONS)


def with_transactions(*transactions: bytes) -> bytes:
    return signed_block(msgspec.structs.replace(GOOD, transaction_count=len(transactions)), transactions)


def other_signature() -> bytes:
    block = decode_block(altered())
    return encode(msgspec.structs.replace(block, signature=BOB.sign(block.header.hash)))


REFUSED: list[tuple[BlockRefusal, bytes]] = [
    (BlockRefusal.SIZE, bytes(2_001)),
    (BlockRefusal.ENCODING, b""),
    (BlockRefusal.ENCODING, altered() + b"\x00"),
    (BlockRefusal.ENCODING, altered()[:-1]),
    (BlockRefusal.VERSION, altered(version=2)),
    (BlockRefusal.CHAIN_ID, altered(chain_id=8)),
    (BlockRefusal.HEIGHT, altered(height=3)),
    (BlockRefusal.HEIGHT, altered(height=0)),
    (BlockRefusal.HEIGHT, altered(height=-1)),
    (BlockRefusal.HEIGHT, altered(height=2**64 - 1)),
    (BlockRefusal.PREVIOUS_HASH, altered(previous_hash=GENESIS.hash)),
    (BlockRefusal.PREVIOUS_HASH, altered(previous_hash=b"")),
    (BlockRefusal.TIME, altered(time=STATE.head.time - 1)),
    (BlockRefusal.TIME, altered(time=2**63)),
    (BlockRefusal.PROPOSER, altered(proposer=BOB.address)),
    (BlockRefusal.SIGNATURE, other_signature()),
    (BlockRefusal.SIGNATURE, encode(msgspec.structs.replace(decode_block(altered()), signature=b""))),
    (BlockRefusal.TRANSACTION_COUNT, altered(transaction_count=1)),
    (BlockRefusal.TRANSACTION_COUNT, with_transactions(*[transfer(ALICE, n, BOB.address) for n in range(1, 5)])),
    (BlockRefusal.TRANSACTION_ROOT, altered(transaction_root=bytes(32))),
    (BlockRefusal.TRANSACTION_ROOT, altered(transaction_root=b"")),
    (BlockRefusal.TRANSACTION_ROOT, with_transactions(*reversed(TRANSACTIONS))),
    (BlockRefusal.FOOTPRINT_ROOT, altered(footprint_root=GOOD.transaction_root)),
    (BlockRefusal.TRANSACTION, with_transactions(TRANSACTIONS[0], TRANSACTIONS[0])),
    (BlockRefusal.TRANSACTION, with_transactions(TRANSACTIONS[0], b"")),
    (BlockRefusal.TRANSACTION, with_transactions(TRANSACTIONS[0], TRANSACTIONS[1][:-1] + b"\x00")),
]


@pytest.mark.parametrize(
    ("kind", "raw"), REFUSED, ids=lambda value: value.name if isinstance(value, BlockRefusal) else ""
)
def test_refusals(kind: BlockRefusal, raw: bytes) -> None:
    """A block that breaks a rule is refused by that rule's code, and the state is what it was."""
    before = snapshot(STATE)
    with pytest.raises(InvalidBlock) as caught:
        import_block(raw, STATE, accept_any_module)
    assert caught.value.kind is kind
    assert snapshot(STATE) == before


def test_every_refusal_has_a_test() -> None:
    """Only KNOWN is missing from the cases above; it has a test of its own."""
    assert set(BlockRefusal) - {kind for kind, _ in REFUSED} == {BlockRefusal.KNOWN}


@pytest.mark.parametrize(
    ("last", "cause"),
    [
        (b"", Refusal.ENCODING),
        (TRANSACTIONS[1][:-1] + b"\x00", Refusal.SIGNATURE),
        (transfer(BOB, 1, ALICE.address), Refusal.NONCE),
        (transfer(key("nobody"), 0, ALICE.address), Refusal.UNPAID),
        (transfer(BOB, 0, b""), Refusal.RECIPIENT),
    ],
)
def test_one_invalid_transaction_makes_the_block_invalid(last: bytes, cause: Refusal) -> None:
    """The refusal names the place of the transaction and its own code; what came before it has left no trace."""
    before = snapshot(STATE)
    with pytest.raises(InvalidBlock) as caught:
        import_block(with_transactions(TRANSACTIONS[0], last), STATE, accept_any_module)
    assert caught.value.index == 1 and caught.value.cause is not None and caught.value.cause.kind is cause
    assert snapshot(STATE) == before


def test_a_good_block_is_taken_as_a_whole() -> None:
    """Validation changes nothing; applying brings head, accounts and contracts to the end of the block at once."""
    state = chain()
    raw = block_of(state, [transfer(ALICE, 1, BOB.address, zero=5), deploy(BOB, 0, b"wasm", Envelope(()))])
    before = snapshot(state)
    block = validate_block(raw, state, accept_any_module)
    assert snapshot(state) == before
    apply_block(block, state)
    assert state.head.height == 2 and state.head.hash == block.hash and state.head.next_seq == 3
    assert block.first_seq == 1 and [t.hash for t in block.transactions] == [
        hashlib.sha256(raw).digest() for raw in decode_block(raw).transactions
    ]
    (contract,) = block.contracts
    deployed = state.contract(contract)
    assert deployed is not None and deployed.deployer == BOB.address


def test_import_is_deterministic() -> None:
    """Two validators that import the same bytes hold equal states; so does one restored midway."""
    one, other = ChainState.at_genesis(GENESIS), ChainState.at_genesis(GENESIS)
    blocks = [
        extend(
            one,
            [transfer(ALICE, n, BOB.address, zero=5, general=n, tip=2), publish(BOB, n, cid_of(bytes([n])), n + 1)],
        ).raw
        for n in range(4)
    ]
    for raw in blocks[:2]:
        import_block(raw, other, accept_any_module)
    stored = [(c, d.deployer, d.envelope) for c, d in other.contracts().items()]
    restored = ChainState.restored(GENESIS, other.head, other.accounts().items(), stored, other.blobs().items())
    for raw in blocks[2:]:
        import_block(raw, restored, accept_any_module)
    assert snapshot(restored) == snapshot(one)


def test_proposers_take_turns() -> None:
    """Block h is signed by proposers[(h − 1) mod n], and by nobody else."""
    state = ChainState.at_genesis(genesis(proposers=(PROPOSER, SECOND)))
    for turn in (PROPOSER, SECOND, PROPOSER):
        wrong = SECOND if turn is PROPOSER else PROPOSER
        with pytest.raises(InvalidBlock) as caught:
            import_block(signed_block(header_of(state, [], wrong), [], wrong), state, accept_any_module)
        assert caught.value.kind is BlockRefusal.PROPOSER
        extend(state, [], turn)


def test_equal_times_are_monotonic() -> None:
    """A block may carry the previous block's time, and there is no rule about the future."""
    state = chain()
    for time in (state.head.time, 2**63 - 1):
        import_block(signed_block(header_of(state, [], time=time), []), state, accept_any_module)


def test_the_same_block_again_is_known() -> None:
    """A block that is on the chain is refused as known, at the head and, with a look-up, below it."""
    state = ChainState.at_genesis(GENESIS)
    blocks = [extend(state, []).raw for _ in range(3)]
    hashes = {height: decode_block(raw).header.hash for height, raw in enumerate(blocks, 1)}
    for raw in blocks:
        with pytest.raises(InvalidBlock) as caught:
            import_block(raw, state, accept_any_module, hashes.get)
        assert caught.value.kind is BlockRefusal.KNOWN
    with pytest.raises(InvalidBlock) as caught:
        import_block(blocks[0], state, accept_any_module)
    assert caught.value.kind is BlockRefusal.HEIGHT


@pytest.mark.parametrize("height", [1, 2, 3])
def test_a_conflicting_block_is_evidence(height: int) -> None:
    """A second block signed by the proposer at a final height is refused with both hashes and what proves it."""
    state = ChainState.at_genesis(GENESIS)
    hashes: dict[int, Hash] = {h: extend(state, []).hash for h in (1, 2, 3)}
    header = msgspec.structs.replace(header_of(state, []), height=height, previous_hash=GENESIS.hash)
    before = snapshot(state)
    with pytest.raises(ConflictingBlock) as caught:
        import_block(signed_block(header, []), state, accept_any_module, hashes.get)
    error = caught.value
    assert (error.height, error.known, error.other) == (height, hashes[height], header.hash)
    assert recover(error.other, error.signature) == PROPOSER.address
    assert msgspec.msgpack.decode(error.header, type=Header).hash == error.other
    assert snapshot(state) == before


def test_a_forged_conflict_is_no_evidence() -> None:
    """Whoever is not the proposer cannot make evidence against it."""
    state = chain()
    header = msgspec.structs.replace(header_of(state, []), height=1, previous_hash=GENESIS.hash)
    with pytest.raises(InvalidBlock) as caught:
        import_block(signed_block(header, [], BOB), state, accept_any_module)
    assert caught.value.kind is BlockRefusal.SIGNATURE


def test_the_reward_ends_before_minting_reaches_2_63() -> None:
    """A reward that would bring all minting to 2^63 is not paid, so amounts stay amounts."""
    state = ChainState.at_genesis(genesis(accounts=[(ALICE, 2**63 - 25)], block_reward=10))
    rewards = [extend(state, []).reward for _ in range(4)]
    assert rewards == [10, 10, 0, 0]
    assert sum(account.zero for account in state.accounts().values()) < 2**63


FUZZED = block_of(STATE, TRANSACTIONS)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(FUZZED) - 1), st.integers(1, 255))
def test_no_changed_byte_gets_through(place: int, flip: int) -> None:
    """Whatever single byte of a good block changes, it is refused with a typed error and nothing has changed."""
    raw = bytearray(FUZZED)
    raw[place] ^= flip
    before = snapshot(STATE)
    with pytest.raises(AccountantError):
        import_block(bytes(raw), STATE, accept_any_module)
    assert snapshot(STATE) == before


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.builds(lambda cut: FUZZED[:cut], st.integers(0, len(FUZZED) - 1))))
def test_arbitrary_bytes_are_refused(raw: bytes) -> None:
    """Bytes that nobody signed as a block raise `InvalidBlock`, never anything else."""
    with pytest.raises(InvalidBlock):
        validate_block(raw, STATE, accept_any_module)


def test_a_header_vector() -> None:
    """A header's hash is SHA-256 over the domain and the MessagePack array of its fields."""
    header = Header(1, 7, 2, bytes(32), 5, bytes(20), 0, bytes(32), bytes(32))
    fields: Callable[[int], bytes] = lambda size: b"\xc4" + bytes([size]) + bytes(size)  # noqa: E731
    raw = b"\x99\x01\x07\x02" + fields(32) + b"\x05" + fields(20) + b"\x00" + fields(32) + fields(32)
    assert header.hash == hashlib.sha256(b"anh/block\x00" + raw).digest()
    assert encode(Block(header, b"s", (b"t",))) == b"\x93" + raw + b"\xc4\x01s\x91\xc4\x01t"
