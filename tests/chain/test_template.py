"""Instantiating templates: wallet and validator compute the same footprint from the call."""

import hashlib

import pytest

from accountant.chain.envelope import (
    AmountArg,
    AmountLiteral,
    AmountValue,
    Arg,
    ArgumentKind,
    Envelope,
    FunctionEnvelope,
    Hashed,
    Literal,
    Self,
    Sender,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.chain.footprint import Call, Credit, Debit, Query, Read, Write
from accountant.chain.inclusion import Inclusion
from accountant.chain.state import ChainState
from accountant.chain.template import INSTANTIATION_BYTES_MAX, instantiate
from tests.support.chains import ALICE, BOB, accept_any_module, call, contract_id, genesis, genesis_contract

ME, OTHER = contract_id("me"), contract_id("other")
SELF = (Self(),)


def function(*template: TemplateEntry, arguments: tuple[ArgumentKind, ...] = ()) -> FunctionEnvelope:
    return FunctionEnvelope("f", arguments, template, complete=True)


def test_parts() -> None:
    """Literals, arguments, sender, own id and hashes of parts are put together as the envelope says."""
    inner = Hashed((Sender(), Arg(1)))
    entry = TemplateEntry(TemplateKind.READ, SELF, (Literal(b"a"), Arg(0), inner))
    (read,) = instantiate(
        function(entry, arguments=(ArgumentKind.INT, ArgumentKind.BYTES)), (-2, b"xyz"), ALICE.address, ME, 0
    )
    number = (2**64 - 2).to_bytes(8, "big")
    assert read == Read(ME, b"a" + number + hashlib.sha256(ALICE.address + b"xyz").digest())


def test_entries_are_sorted_unique_and_caps_add_up() -> None:
    """A footprint comes out whatever the template's order: duplicates once, debits of one contract as their sum."""
    entries = instantiate(
        function(
            TemplateEntry(TemplateKind.DEBIT, SELF, cap=AmountValue()),
            TemplateEntry(TemplateKind.WRITE, SELF, (Literal(b"b"),)),
            TemplateEntry(TemplateKind.DEBIT, SELF, cap=AmountLiteral(5)),
            TemplateEntry(TemplateKind.WRITE, SELF, (Literal(b"a"),)),
            TemplateEntry(TemplateKind.WRITE, SELF, (Literal(b"b"),)),
            TemplateEntry(TemplateKind.CALL, (Literal(OTHER),)),
            TemplateEntry(TemplateKind.CREDIT, (Sender(),)),
            TemplateEntry(TemplateKind.QUERY, (Literal(b"q"),)),
            TemplateEntry(TemplateKind.DEBIT, (Literal(OTHER),), cap=AmountArg(0)),
            arguments=(ArgumentKind.INT,),
        ),
        (9,),
        ALICE.address,
        ME,
        37,
    )
    assert entries == (
        Write(ME, b"a"),
        Write(ME, b"b"),
        Credit(ALICE.address),
        Debit(ME, 42),
        Debit(OTHER, 9),
        Call(OTHER),
        Query(b"q"),
    )


def test_a_negative_amount_admits_nothing() -> None:
    """A debit whose argument is negative is left out; one of zero stays."""
    debit = function(TemplateEntry(TemplateKind.DEBIT, SELF, cap=AmountArg(0)), arguments=(ArgumentKind.INT,))
    assert instantiate(debit, (-1,), ALICE.address, ME, 0) == ()
    assert instantiate(debit, (0,), ALICE.address, ME, 0) == (Debit(ME, 0),)


@pytest.mark.parametrize(
    ("kind", "length"),
    [
        (TemplateKind.READ, 31),
        (TemplateKind.WRITE, 20),
        (TemplateKind.DEBIT, 33),
        (TemplateKind.CALL, 0),
        (TemplateKind.CREDIT, 31),
        (TemplateKind.BOUND, 0),
        (TemplateKind.QUERY, 0),
        (TemplateKind.QUERY, 1025),
    ],
)
def test_arguments_that_give_no_entry(kind: TemplateKind, length: int) -> None:
    """A contract, account or query of impossible length is refused, not passed on."""
    cap = AmountLiteral(1) if kind is TemplateKind.DEBIT else None
    template = function(TemplateEntry(kind, (Arg(0),), cap=cap), arguments=(ArgumentKind.BYTES,))
    with pytest.raises(InvalidTransaction) as caught:
        instantiate(template, (bytes(length),), ALICE.address, ME, 0)
    assert caught.value.kind is Refusal.TEMPLATE


def test_how_much_a_template_may_put_together() -> None:
    """All parts of a call's entries together, hashed ones before and after, and not a byte more."""
    before_hash = INSTANTIATION_BYTES_MAX - 32 - 32
    for size in (before_hash, before_hash + 1):
        slot = (Hashed((Literal(bytes(size)),)),)
        made = function(TemplateEntry(TemplateKind.READ, (Self(),), slot))
        if size == before_hash:
            assert instantiate(made, (), ALICE.address, ME, 0)
        else:
            with pytest.raises(InvalidTransaction) as refused:
                instantiate(made, (), ALICE.address, ME, 0)
            assert refused.value.kind is Refusal.TEMPLATE


def test_what_a_wallet_instantiates_a_validator_admits() -> None:
    """A call that declares exactly the instantiated footprint of a complete template is included."""
    shown = FunctionEnvelope(
        "pay",
        (ArgumentKind.ADDRESS, ArgumentKind.INT),
        (
            TemplateEntry(TemplateKind.READ, SELF, (Literal(b"rate"),), certain=True),
            TemplateEntry(TemplateKind.WRITE, SELF, (Hashed((Sender(), Arg(0))),)),
            TemplateEntry(TemplateKind.CREDIT, (Arg(0),)),
            TemplateEntry(TemplateKind.DEBIT, SELF, cap=AmountArg(1)),
        ),
        complete=True,
    )
    state = ChainState.at_genesis(genesis(contracts=(genesis_contract("me", Envelope((shown,))),)))
    arguments = (BOB.address, 12)
    footprint = instantiate(shown, arguments, ALICE.address, ME, 3)
    raw = call(ALICE, 0, ME, "pay", arguments, footprint, zero_value=3)
    assert Inclusion(state, accept_any_module).include(raw).transaction.footprint == footprint
