"""Transactions as bytes: vectors, and decoders under fire."""

import hashlib

import pytest
from Crypto.Hash import keccak as independent_keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.block import decode_block
from accountant.chain.footprint import Bound, Call, Credit, Debit, Entry, Query, Read, Write, canonical_footprint
from accountant.chain.genesis import decode_genesis
from accountant.chain.query import TransactionSucceeded, decode_query
from accountant.chain.state import ChainState
from accountant.chain.transaction import (
    TransactionKind,
    decode_call,
    decode_deployment,
    decode_transaction,
    sender_of,
    sign_transaction,
    signing_hash,
    transaction_hash,
)
from accountant.primitives.encoding import Record, encode
from accountant.primitives.errors import InvalidEncoding, InvalidSignature
from accountant.primitives.keys import signing_digest
from tests.support.chains import (
    ALICE,
    BOB,
    call,
    contract_id,
    deploy,
    extend,
    genesis,
    genesis_contract,
    open_envelope,
    transfer,
    unsigned,
)

ONE = contract_id("one")
ALL_KINDS: list[Entry] = [
    Read(ONE, b"s"), Write(ONE, b""), Credit(BOB.address), Debit(ONE, 2**63 - 1), Call(ONE), Bound(ONE), Query(b"q"),
]  # fmt: skip


def test_an_encoding_vector() -> None:
    """Every field in its place: the bytes of a call are put together here by hand."""
    raw = call(ALICE, 3, ONE, "f", (-1, b"x"), ALL_KINDS, zero_value=300, tip=1, gas_limit=5_000)
    payload = b"\x92\xa1f\x92\xff\xc4\x01x"
    one = b"\xc4\x20" + ONE
    footprint = (
        b"\x97\x93\x00" + one + b"\xc4\x01s" + b"\x93\x01" + one + b"\xc4\x00" + b"\x92\x02\xc4\x14" + BOB.address
        + b"\x93\x03" + one + b"\xcf" + b"\x7f" + b"\xff" * 7 + b"\x92\x04" + one + b"\x92\x05" + one
        + b"\x92\x06\xc4\x01q"
    )  # fmt: skip
    fields = b"\x01\x07\x03\x01" + one + b"\xcd\x01\x2c\x00\xcd\x13\x88\x01\x01" + b"\xc4\x08" + payload + footprint
    assert raw[:1] == b"\x9d" and raw[1:-67] == fields and raw[-67:-65] == b"\xc4\x41"
    assert transaction_hash(raw) == hashlib.sha256(raw).digest()
    expected = hashlib.sha256(b"anh/transaction\x00" + fields).digest()
    assert signing_hash(raw) == expected
    message = b"\x19Ethereum Signed Message:\n32" + expected
    assert signing_digest(signing_hash(raw)) == independent_keccak.new(digest_bits=256, data=message).digest()
    assert sender_of(raw, decode_transaction(raw)) == ALICE.address


def test_a_recorded_transaction() -> None:
    """A signed transfer has had these bytes' hash since the first release."""
    raw = transfer(ALICE, 1, BOB.address, zero=5, general=6, tip=7)
    assert transaction_hash(raw).hex() == "4dbe2f635fa411d826f18cc604fd4b152de2c2e9fc86c41a7bb28cf619c3ebac"


def test_the_signature_field_of_an_unsigned_transaction_is_ignored() -> None:
    """Whatever stands in the signature's place before signing, the signed bytes are the same."""
    blank = unsigned(TransactionKind.TRANSFER, 0, BOB.address)
    scrawled = unsigned(TransactionKind.TRANSFER, 0, BOB.address, signature=b"anything")
    assert sign_transaction(blank, ALICE) == sign_transaction(scrawled, ALICE)


@pytest.mark.parametrize("length", [0, 64, 66, 200])
def test_signatures_of_other_lengths(length: int) -> None:
    """A transaction whose signature has another length decodes, and recovers nobody."""
    raw = encode(unsigned(TransactionKind.TRANSFER, 0, BOB.address, signature=bytes(length)))
    with pytest.raises(InvalidSignature):
        sender_of(raw, decode_transaction(raw))


def _samples() -> list[tuple[str, bytes]]:
    contract = genesis_contract("one", open_envelope())
    start = genesis(contracts=(contract,))
    block = extend(ChainState.at_genesis(start), [transfer(ALICE, 0, BOB.address, zero=1)])
    called = call(ALICE, 0, ONE, "f", (1, b"x"), ALL_KINDS)
    deployed = deploy(ALICE, 0, b"wasm", open_envelope(), (1,))
    return [
        ("transaction", called),
        ("transaction", deployed),
        ("call", decode_transaction(called).payload),
        ("deployment", decode_transaction(deployed).payload),
        ("block", block.raw),
        ("genesis", encode(start)),
        ("query", encode(TransactionSucceeded(bytes(32)))),
    ]


SAMPLES = _samples()
DECODERS = {
    "transaction": decode_transaction,
    "call": decode_call,
    "deployment": decode_deployment,
    "block": decode_block,
    "genesis": decode_genesis,
    "query": decode_query,
}


def decoded_or_refused(name: str, raw: bytes) -> Record | None:
    """The value, whose canonical bytes are the input; None for `InvalidEncoding`; anything else is an error."""
    try:
        value = DECODERS[name](raw)
    except InvalidEncoding:
        return None
    assert encode(value) == raw
    return value  # type: ignore[return-value]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=3), st.data())
def test_decoders_on_damaged_bytes(
    sample: tuple[str, bytes], edits: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Good bytes, overwritten, cut or grown: a typed error, or a value that re-encodes to exactly them."""
    name, good = sample
    raw = bytearray(good)
    for place, byte in edits:
        raw[place % len(raw)] = byte
    end = data.draw(st.one_of(st.just(len(raw)), st.integers(0, len(raw))))
    decoded_or_refused(name, bytes(raw[:end]) + data.draw(st.binary(max_size=2)))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(DECODERS)), st.binary(max_size=60))
def test_decoders_on_arbitrary_bytes(name: str, raw: bytes) -> None:
    """Arbitrary bytes: a typed error, or a value that re-encodes to exactly them."""
    decoded_or_refused(name, raw)


@pytest.mark.parametrize(("name", "good"), SAMPLES)
def test_decoders_on_good_bytes(name: str, good: bytes) -> None:
    """Good bytes decode."""
    assert decoded_or_refused(name, good) is not None


def test_deep_envelopes_exhaust_no_stack() -> None:
    """A template that nests ten thousand hashes is refused while decoding."""
    deep = b"\x92\x04\x91" * 10_000
    assert decoded_or_refused("deployment", b"\x93\xc4\x00\x92\x91\x9a\xa1f\x90\x91\x95\x00\x91" + deep) is None


def test_canonical_footprints() -> None:
    """Any order and repetition of entries gives the same sorted footprint; caps of a contract add up."""
    assert canonical_footprint(ALL_KINDS[::-1] + ALL_KINDS[:3]) == tuple(ALL_KINDS)
    assert canonical_footprint([Debit(ONE, 2**62), Debit(ONE, 2**62), Debit(ONE, 1)]) == (Debit(ONE, 2**63 - 1),)
    assert canonical_footprint([Debit(ONE, 2), Debit(bytes(32), 9), Debit(ONE, 3)]) == (
        Debit(bytes(32), 9),
        Debit(ONE, 5),
    )
