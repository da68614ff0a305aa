"""Publications: which are taken, what they cost, and which blobs and how much memory a call may declare after them."""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.draft import DraftEntry, blobs_of, merged, sized
from accountant.chain.envelope import (
    CONSTRUCTOR,
    Arg,
    ArgumentKind,
    Envelope,
    FunctionEnvelope,
    Hashed,
    Literal,
    OpenAccess,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.chain.footprint import SIZE_OPEN, Blob, Entry, Memory, Read, blob_key, canonical_footprint, entry_order
from accountant.chain.genesis import FeeSchedule, Genesis, Limits
from accountant.chain.inclusion import Inclusion
from accountant.chain.rows import Row, RowKind
from accountant.chain.state import ChainState
from accountant.chain.transaction import (
    PublishPayload,
    Transaction,
    TransactionKind,
    decode_call,
    decode_transaction,
    sign_transaction,
)
from accountant.primitives.cid import CID_PREFIX, cid_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import Cid
from tests.support.chains import (
    ALICE,
    BOB,
    RICH,
    accept_any_module,
    call,
    contract_id,
    deploy,
    extend,
    genesis,
    genesis_contract,
    publish,
    transfer,
)

MODEL, OPEN = contract_id("model"), contract_id("open")
WEIGHTS, DATA, OTHER = cid_of(b"weights"), cid_of(b"data"), cid_of(b"other")
LIMITS = Limits(blob_bytes_most=1_000, tensor_bytes_most=2**20)

TRAIN = FunctionEnvelope(
    "train",
    (ArgumentKind.CID,),
    (TemplateEntry(TemplateKind.BLOB, (Arg(0),)), TemplateEntry(TemplateKind.BLOB, (Literal(DATA),))),
    complete=True,
)
FREE = FunctionEnvelope("free", (ArgumentKind.CID,), (TemplateEntry(TemplateKind.BLOB, (Arg(0),)),), complete=False)
HASHED = FunctionEnvelope(
    "hashed", (ArgumentKind.BYTES,),
    (TemplateEntry(TemplateKind.BLOB, (Literal(CID_PREFIX), Hashed((Arg(0),)))),), complete=True,
)  # fmt: skip
LOOSE = FunctionEnvelope("loose", (ArgumentKind.BYTES,), (TemplateEntry(TemplateKind.BLOB, (Arg(0),)),), complete=True)


def _genesis(fees: FeeSchedule = FeeSchedule()) -> Genesis:
    functions = tuple(sorted((TRAIN, FREE, HASHED, LOOSE), key=lambda function: function.name))
    return genesis(
        contracts=(
            genesis_contract("model", Envelope(functions, OpenAccess(blobs_most=1))),
            genesis_contract("open", Envelope((), OpenAccess(blobs_most=9))),
        ),
        limits=LIMITS,
        fees=fees,
    )


def _published() -> ChainState:
    """A chain on which ALICE published WEIGHTS and DATA."""
    state = ChainState.at_genesis(_genesis())
    extend(state, [publish(ALICE, 0, WEIGHTS, 7), publish(ALICE, 1, DATA, 4)])
    return state


STATE = _published()


def refusal(raw: bytes) -> Refusal | None:
    """Why the transaction is refused on STATE; None if it is included."""
    inclusion = Inclusion(STATE, accept_any_module)
    try:
        inclusion.include(raw)
    except InvalidTransaction as error:
        assert not inclusion.blobs and not inclusion.accounts and not inclusion.transactions
        return error.kind
    return None


def _payload(cid: object, size: object) -> bytes:
    return encode([cid, size])


PUBLICATIONS = [
    (None, publish(BOB, 0, OTHER, 1)),
    (None, publish(BOB, 0, OTHER, 1_000)),
    (None, publish(BOB, 0, OTHER, 1, gas_price=5, tip=3)),
    (Refusal.ALREADY_PUBLISHED, publish(BOB, 0, WEIGHTS, 7)),
    (Refusal.ALREADY_PUBLISHED, publish(BOB, 0, WEIGHTS, 8)),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER, 0)),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER, -1)),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER, 1_001)),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER, 2**63 - 1)),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER[:-1], 1)),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER + b"\0", 1)),
    (Refusal.PUBLICATION, publish(BOB, 0, bytes(36), 1)),
    (Refusal.PUBLICATION, publish(BOB, 0, b"", 1)),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER, 1, zero_value=1)),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER, 1, general_value=1, gas_limit=2_000)),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER, 1, gas_limit=1)),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER, 1, to=BOB.address)),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER, 1, footprint=(Memory(1),))),
    (Refusal.PUBLICATION, publish(BOB, 0, OTHER, 1, footprint=(Blob(WEIGHTS, 7),))),
    (Refusal.PAYLOAD, publish(BOB, 0, OTHER, 1, payload=b"")),
    (Refusal.PAYLOAD, publish(BOB, 0, OTHER, 1, payload=encode(PublishPayload(OTHER, 1)) + b"\0")),
    (Refusal.PAYLOAD, publish(BOB, 0, OTHER, 1, payload=_payload(OTHER, "1"))),
    (Refusal.PAYLOAD, publish(BOB, 0, OTHER, 1, payload=_payload(OTHER, 1.0))),
    (Refusal.PAYLOAD, publish(BOB, 0, OTHER, 1, payload=_payload(5, 1))),
    (Refusal.UNPAID, publish(BOB, 0, OTHER, 1, tip=RICH)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "raw"), PUBLICATIONS)
def test_what_is_published(kind: Refusal | None, raw: bytes) -> None:
    """A publication names one CID that nobody published and a size within the limit, and does nothing else."""
    assert refusal(raw) is kind


def _train(*entries: Entry, footprint: tuple[Entry, ...] | None = None) -> bytes:
    raw = call(BOB, 0, MODEL, "train", (WEIGHTS,), entries)
    if footprint is None:
        return raw
    return sign_transaction(msgspec.structs.replace(decode_transaction(raw), footprint=footprint), BOB)


W, D = Blob(WEIGHTS, 7), Blob(DATA, 4)

CALLS = [
    (None, _train()),
    (None, _train(W)),
    (None, _train(W, D)),
    (None, _train(W, D, Memory(2**20))),
    (None, _train(Memory(1))),
    (Refusal.FOOTPRINT_ENTRY, _train(Memory(2**20 + 1))),
    (Refusal.FOOTPRINT_ENTRY, _train(footprint=(Memory(0),))),
    (Refusal.FOOTPRINT_ENTRY, _train(footprint=(Memory(-1),))),
    (Refusal.FOOTPRINT_ORDER, _train(footprint=(Memory(1), Memory(2)))),
    (Refusal.FOOTPRINT_ORDER, _train(footprint=(Memory(1), W))),
    (Refusal.FOOTPRINT_ORDER, _train(footprint=(Blob(WEIGHTS, 7), Blob(WEIGHTS, 8)))),
    (Refusal.FOOTPRINT_ORDER, _train(footprint=(W, W))),
    (Refusal.FOOTPRINT_ENTRY, _train(footprint=(Blob(WEIGHTS, SIZE_OPEN),))),
    (Refusal.FOOTPRINT_ENTRY, _train(Blob(WEIGHTS, 1_001))),
    (Refusal.FOOTPRINT_ENTRY, _train(Blob(WEIGHTS, -7))),
    (Refusal.FOOTPRINT_ENTRY, _train(Blob(WEIGHTS[:-1], 7))),
    (Refusal.FOOTPRINT_ENTRY, _train(Blob(bytes(36), 7))),
    (Refusal.BLOB_SIZE, _train(Blob(WEIGHTS, 8))),
    (Refusal.UNPUBLISHED, _train(Blob(OTHER, 7))),
    (Refusal.UNPUBLISHED, call(BOB, 0, MODEL, "train", (OTHER,), (Blob(OTHER, 7),))),
    (Refusal.NOT_ADMITTED, call(BOB, 0, MODEL, "train", (DATA,), (W,))),  # complete, and names other blobs
    (None, call(BOB, 0, MODEL, "free", (WEIGHTS,), (W, D))),  # one by the template, one by the open access
    (None, call(BOB, 0, MODEL, "free", (WEIGHTS,), (D,))),
    (Refusal.NOT_ADMITTED, call(BOB, 0, MODEL, "free", (OTHER,), (W, D))),  # both need the open access, which has one
    (None, call(BOB, 0, MODEL, "hashed", (b"weights",), (W,))),
    (Refusal.NOT_ADMITTED, call(BOB, 0, MODEL, "hashed", (b"data",), (W,))),
    (None, call(BOB, 0, MODEL, "loose", (WEIGHTS,), (W,))),
    (Refusal.TEMPLATE, call(BOB, 0, MODEL, "loose", (b"weights",), (W,))),
    (None, deploy(BOB, 0, b"wasm", Envelope((), OpenAccess(blobs_most=2)), (), (W, D))),
    (Refusal.NOT_ADMITTED, deploy(BOB, 0, b"wasm", Envelope((), OpenAccess(blobs_most=1)), (), (W, D))),
    (Refusal.NOT_ADMITTED, deploy(BOB, 0, b"wasm", Envelope(()), (), (W,))),
    (None, deploy(BOB, 0, b"wasm", Envelope(()), (), (Memory(5),))),
    (None, deploy(BOB, 0, b"wasm", Envelope((FunctionEnvelope(
        CONSTRUCTOR, (), (TemplateEntry(TemplateKind.BLOB, (Literal(DATA),)),), complete=True),)), (), (D,))),
    (Refusal.ENVELOPE, deploy(BOB, 0, b"wasm", Envelope((), OpenAccess(blobs_most=-1)))),
    (Refusal.ENVELOPE, deploy(BOB, 0, b"wasm", Envelope((FunctionEnvelope(
        "f", (), (TemplateEntry(TemplateKind.BLOB, (Literal(DATA),), (Literal(b"slot"),)),), complete=True),)))),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "raw"), CALLS)
def test_which_blobs_and_how_much_memory_are_declared(kind: Refusal | None, raw: bytes) -> None:
    """Blobs were published with that size and the callee admits them; memory is within the limit, asked of nobody."""
    assert refusal(raw) is kind


def test_other_contracts_admit_no_blob() -> None:
    """Only the contract that the transaction calls says which blobs it may load, however open another one is."""
    raw = call(BOB, 0, MODEL, "loose", (WEIGHTS,), (D,))
    assert refusal(raw) is Refusal.NOT_ADMITTED


def test_a_publication_is_seen_by_the_next_transaction_and_never_twice() -> None:
    """From the publication on, also in the same block, a call may declare the blob, and nobody publishes it again."""
    inclusion = Inclusion(ChainState.at_genesis(_genesis()), accept_any_module)
    early = call(BOB, 0, MODEL, "train", (WEIGHTS,), (W,))
    with pytest.raises(InvalidTransaction) as caught:
        inclusion.include(early)
    assert caught.value.kind is Refusal.UNPUBLISHED
    inclusion.include(publish(ALICE, 0, WEIGHTS, 7))
    assert inclusion.blob(WEIGHTS) == 7 and inclusion.blob(DATA) is None
    with pytest.raises(InvalidTransaction) as caught:
        inclusion.include(publish(ALICE, 1, WEIGHTS, 7))
    assert caught.value.kind is Refusal.ALREADY_PUBLISHED
    inclusion.include(early)


def test_what_a_block_publishes_is_state() -> None:
    """A block carries what it publishes into the state after it, and nothing before it is applied."""
    state = ChainState.at_genesis(_genesis())
    block = extend(state, [publish(ALICE, 0, WEIGHTS, 7)])
    assert dict(block.blobs) == {WEIGHTS: 7} == dict(state.blobs())
    assert state.blob(WEIGHTS) == 7 and state.blob(DATA) is None


def test_rows_of_a_publication_and_of_a_loader() -> None:
    """The publication stands under the blob with its size, the loader without; memory stands nowhere."""
    state = ChainState.at_genesis(_genesis())
    loading = call(BOB, 0, MODEL, "train", (WEIGHTS,), (W, Memory(5)))
    block = extend(state, [publish(ALICE, 0, WEIGHTS, 7), loading])
    key = blob_key(WEIGHTS)
    first, second = block.transactions
    assert first.rows == [Row(b"g" + ALICE.address, RowKind.EXPENSE, 0), Row(key, RowKind.PUBLISH, 7)]
    assert [row for row in second.rows if row.key == key] == [Row(key, RowKind.BLOB, 0)]
    assert {row.key[:1] for row in second.rows} == {b"g", b"c", b"b"}


@pytest.mark.parametrize("size", [1, 2, 1_000])
def test_a_published_byte_has_its_price(size: int) -> None:
    """Publishing costs what a transfer of that many bytes costs, and blob_per_byte for each byte of the blob."""

    def fee(raw: bytes, per_byte: int) -> int:
        state = ChainState.at_genesis(_genesis(FeeSchedule(blob_per_byte=per_byte)))
        return Inclusion(state, accept_any_module).include(raw).fee

    raw = publish(ALICE, 0, WEIGHTS, size, tip=4)
    assert fee(raw, 0) == 1_000 + len(raw) + 4
    assert fee(raw, 3) == fee(raw, 0) + 3 * size
    other = transfer(ALICE, 0, BOB.address)
    assert fee(other, 3) == fee(other, 0)


@pytest.mark.parametrize(("units", "extra"), [(1, 0), (1_023, 0), (1_024, 1), (2**20, 1_024)])
def test_memory_is_priced_by_magnitude(units: int, extra: int) -> None:
    """A memory entry costs what every entry costs and its bytes shifted; a blob entry costs no more than any entry."""
    bare = Inclusion(STATE, accept_any_module).include(_train()).fee - len(_train())
    raw = _train(W, Memory(units))
    assert Inclusion(STATE, accept_any_module).include(raw).fee - len(raw) == bare + 2 * 50 + extra


def test_blob_and_memory_entries_have_one_encoding_and_a_place_in_the_order() -> None:
    """[7, cid, size] and [8, bytes]; blobs come after everything else but memory, which is last."""
    assert encode(W) == b"\x93\x07\xc4\x24" + WEIGHTS + b"\x07"
    assert encode(Memory(5)) == b"\x92\x08\x05"
    entries: list[Entry] = [Memory(5), W, D, Read(MODEL, b"")]
    ordered = sorted(entries, key=entry_order)
    assert ordered[0] == Read(MODEL, b"") and ordered[-1] == Memory(5)
    assert canonical_footprint([*entries, Memory(4), Blob(WEIGHTS, SIZE_OPEN)]) == tuple(ordered)


def test_a_wallet_fills_in_the_sizes() -> None:
    """Of the drafts of one blob the one with a size stays; an open one gets the size that was published, if any was."""
    drafts = [DraftEntry(Blob(WEIGHTS, SIZE_OPEN), 0, 0), DraftEntry(W, 2, 5), DraftEntry(Memory(3), 0, 0)]
    assert [draft.entry for draft in merged([*drafts, DraftEntry(Memory(9), 2, 1)])] == [W, Memory(9)]
    assert blobs_of([W, D, Memory(3)]) == {WEIGHTS, DATA}
    assert sized(Blob(DATA, SIZE_OPEN), STATE) == D
    assert sized(Blob(OTHER, SIZE_OPEN), STATE) == Blob(OTHER, SIZE_OPEN)
    assert sized(Blob(DATA, 5), STATE) == Blob(DATA, 5), "what somebody says is not corrected behind their back"


def test_a_publication_is_its_own_kind_on_the_wire() -> None:
    """Kind 3 with the CID and the size as payload: recorded bytes."""
    transaction = decode_transaction(publish(ALICE, 0, Cid(CID_PREFIX + bytes(32)), 258))
    assert transaction.kind is TransactionKind.PUBLISH and int(transaction.kind) == 3
    assert transaction.payload == b"\x92\xc4\x24\x01\x55\x12\x20" + bytes(32) + b"\xcd\x01\x02"


@given(st.randoms(use_true_random=True))
@settings(max_examples=60, deadline=None)
def test_what_is_taken_follows_from_what_was_published_before(random: Random) -> None:
    """Random publications and calls in random blocks: each is taken or refused as a list of what came before says."""
    state, known = ChainState.at_genesis(_genesis()), dict[bytes, int]()
    cids = [cid_of(bytes([number])) for number in range(4)]
    nonce = 0
    for _ in range(random.randrange(1, 4)):
        inclusion = Inclusion(state, accept_any_module)
        block = []
        for _ in range(random.randrange(8)):
            if random.random() < 0.4:
                cid, size = random.choice(cids), random.choice([0, 1, 2, 1_001])
                raw = publish(BOB, nonce, cid, size)
                expected = Refusal.PUBLICATION if size in (0, 1_001) else None
                if expected is None and cid in known:
                    expected = Refusal.ALREADY_PUBLISHED
                after = known | ({cid: size} if expected is None else {})
            else:
                named = random.choice(cids)
                entries = [Blob(cid, random.choice([1, 2])) for cid in random.sample(cids, random.randrange(3))]
                memory = random.choice([[], [Memory(random.choice([1, 2**20, 2**20 + 1]))]])
                raw = call(BOB, nonce, MODEL, random.choice(["free", "train"]), (named,), [*entries, *memory])
                expected, after = _expected(decode_transaction(raw), named, known), known
            assert _refusal(inclusion, raw) is expected
            if expected is None:
                nonce, known = nonce + 1, after
                block.append(raw)
        assert dict(state.blobs()) | dict(inclusion.blobs) == known
        assert dict(extend(state, block).blobs) == dict(inclusion.blobs)
        assert dict(state.blobs()) == known


def _refusal(inclusion: Inclusion, raw: bytes) -> Refusal | None:
    try:
        inclusion.include(raw)
    except InvalidTransaction as error:
        return error.kind
    return None


def _expected(made: Transaction, named: bytes, known: dict[bytes, int]) -> Refusal | None:
    """What admission says of a call of "free" or "train" that names one blob: form, then entry by entry."""
    if any(isinstance(entry, Memory) and entry.bytes > 2**20 for entry in made.footprint):
        return Refusal.FOOTPRINT_ENTRY
    complete, opened = decode_call(made.payload).function == "train", 0
    for entry in made.footprint:
        if isinstance(entry, Memory):
            continue
        assert isinstance(entry, Blob)
        if entry.cid not in known:
            return Refusal.UNPUBLISHED
        if known[entry.cid] != entry.size:
            return Refusal.BLOB_SIZE
        if entry.cid != named:
            opened += 1
            if complete or opened > 1:
                return Refusal.NOT_ADMITTED
    return None
