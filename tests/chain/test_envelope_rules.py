"""Well-formed envelopes."""

import msgspec
import pytest

from accountant.chain.envelope import (
    AmountArg,
    AmountExpression,
    AmountLiteral,
    Arg,
    ArgumentKind,
    Callers,
    Envelope,
    FunctionEnvelope,
    Hashed,
    Literal,
    OpenAccess,
    Part,
    Self,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.envelope_rules import check_envelope
from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.chain.genesis import Limits
from tests.support.chains import ALICE, open_envelope

PLAIN = FunctionEnvelope("f", (ArgumentKind.INT, ArgumentKind.BYTES), (), complete=True)


def nested(depth: int) -> Part:
    part: Part = Literal(b"")
    for _ in range(depth):
        part = Hashed((part,))
    return part


def reading(*slot: Part) -> FunctionEnvelope:
    entry = TemplateEntry(TemplateKind.READ, (Self(),), slot)
    return msgspec.structs.replace(PLAIN, template=(entry,))


def debiting(kind: TemplateKind, cap: AmountExpression | None) -> FunctionEnvelope:
    return msgspec.structs.replace(PLAIN, template=(TemplateEntry(kind, (Self(),), cap=cap),))


def but(**fields: object) -> FunctionEnvelope:
    return msgspec.structs.replace(PLAIN, **fields)


GOOD = [
    Envelope(()),
    open_envelope(PLAIN, but(name="g")),
    Envelope((reading(Arg(1), nested(4)),)),
    Envelope((debiting(TemplateKind.DEBIT, AmountArg(0)),)),
    Envelope((but(callers=Callers.LISTED, listed=(ALICE.address, bytes(32))),)),
]

BAD = [
    Envelope((PLAIN, PLAIN)),
    Envelope((PLAIN, but(name="e"))),
    Envelope(tuple(but(name=f"f{i:03}") for i in range(129))),
    Envelope((but(name=""),)),
    Envelope((but(name="é" * 33),)),
    Envelope((but(arguments=(ArgumentKind.INT,) * 33),)),
    Envelope((but(gas_least=2, gas_most=1),)),
    Envelope((but(gas_least=-1),)),
    Envelope((but(gas_most=2**63),)),
    Envelope((but(listed=(ALICE.address,)),)),
    Envelope((but(callers=Callers.LISTED),)),
    Envelope((but(callers=Callers.LISTED, listed=(b"x",)),)),
    Envelope((but(callers=Callers.LISTED, listed=(ALICE.address,) * 1025),)),
    Envelope((but(template=reading().template * 257),)),
    Envelope((reading(*[Literal(b"")] * 2049),)),
    Envelope((reading(Arg(2)),)),
    Envelope((reading(Arg(-1)),)),
    Envelope((reading(Hashed((Arg(2),))),)),
    Envelope((reading(Literal(bytes(1025))),)),
    Envelope((reading(nested(5)),)),
    Envelope((reading(nested(200)),)),
    Envelope((debiting(TemplateKind.DEBIT, None),)),
    Envelope((debiting(TemplateKind.READ, AmountLiteral(1)),)),
    Envelope((debiting(TemplateKind.DEBIT, AmountLiteral(-1)),)),
    Envelope((debiting(TemplateKind.DEBIT, AmountLiteral(2**63)),)),
    Envelope((debiting(TemplateKind.DEBIT, AmountArg(1)),)),
    Envelope((debiting(TemplateKind.DEBIT, AmountArg(2)),)),
    Envelope((but(template=(TemplateEntry(TemplateKind.CREDIT, (Self(),), (Literal(b"s"),)),)),)),
    Envelope((), OpenAccess(read_prefixes=(b"",) * 65)),
    Envelope((), OpenAccess(write_prefixes=(bytes(129),))),
    Envelope((), OpenAccess(reads_most=-1)),
    Envelope((), OpenAccess(debit_most=2**63)),
]


@pytest.mark.parametrize("envelope", GOOD)
def test_well_formed(envelope: Envelope) -> None:
    """What keeps every rule is taken."""
    check_envelope(envelope, Limits())


@pytest.mark.parametrize("envelope", BAD)
def test_malformed(envelope: Envelope) -> None:
    """Every broken rule is refused at deployment, so that no later check meets it."""
    with pytest.raises(InvalidTransaction) as caught:
        check_envelope(envelope, Limits())
    assert caught.value.kind is Refusal.ENVELOPE
