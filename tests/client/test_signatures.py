"""What contracts offer to Python: arguments by position and name, results and events by their types."""

import pytest

from accountant.chain.envelope import Envelope
from accountant.chain.values import InvalidArgument, WrongArguments
from accountant.client.signatures import Signatures, UnknownFunction, Value, value_of, wire_of
from accountant.language.compiler import compile_source
from accountant.language.events import encode_event
from accountant.language.types import Type
from accountant.primitives.addresses import show
from tests.support.chains import ALICE, contract_id

SOURCE = b"""
from accountant.language import Account, Cid, Event, export, log, view

owner: Account


class Said(Event):
    who: Account
    what: str
    loud: bool


def init(first: Account) -> None:
    global owner
    owner = first


@export
def say(who: Account, what: str, times: int, loud: bool, raw: bytes) -> None:
    log(Said(who=who, what=what, loud=loud))


@view
def name() -> str:
    return "talker"
"""
COMPILED = compile_source(SOURCE, "talker.py")
NAMED = Signatures(COMPILED.envelope, COMPILED.interface)
BARE = Signatures(COMPILED.envelope)
THERE = contract_id("there")
WIRE = (bytes(ALICE.address), b"hello", -7, 1, b"\x01\x02")


def test_accounts_are_bytes_text_or_what_has_an_address() -> None:
    """All of them are the same argument; so are numbers and their text."""
    say = NAMED.function("say")
    for who in (ALICE.address, show(ALICE.address), ALICE):
        assert say.arguments((who, "hello", -7, True, b"\x01\x02")) == WIRE
    assert say.arguments((THERE, "hello", "-7", "true", "0x0102")) == (THERE, *WIRE[1:])


def test_arguments_by_name() -> None:
    """Some by position and the rest by name; an envelope alone numbers them."""
    named = {"raw": b"\x01\x02", "times": -7, "loud": True}
    assert NAMED.function("say").arguments((ALICE, "hello"), named) == WIRE
    assert BARE.function("say").arguments((ALICE, "hello", -7, True, b"\x01\x02")) == WIRE
    assert [name for name, _ in BARE.function("say").parameters] == ["0", "1", "2", "3", "4"]


def test_arguments_come_back_as_the_service_reads_them() -> None:
    """The texts of wire values are the same arguments again."""
    say = NAMED.function("say")
    texts = say.texts(WIRE)
    assert texts == [show(ALICE.address), "hello", "-7", "true", "0x0102"]
    assert say.arguments(texts) == WIRE


@pytest.mark.parametrize(
    ("given", "named", "said"),
    [
        ((), {}, r"0 arguments came; the parameters are \(who: account, what: str"),
        ((ALICE,), {"who": ALICE}, "who is given twice"),
        ((ALICE,), {"what": "x", "loudly": True}, "no parameter is named 'loudly'"),
        ((ALICE,), {"what": "x"}, "times is missing"),
        ((ALICE, "x", 2**63, True, b""), {}, "argument times"),
        ((ALICE, "x", 1, 1, b""), {}, "argument loud"),
        ((b"short", "x", 1, True, b""), {}, "argument who"),
        ((ALICE, 5, 1, True, b""), {}, "argument what"),
        ((ALICE, b"\xff", 1, True, b"", b"more"), {}, "6 arguments came"),
    ],
)
def test_wrong_arguments_are_named(given: tuple[object, ...], named: dict[str, object], said: str) -> None:
    """The message names the parameter, or lists all of them."""
    with pytest.raises((WrongArguments, InvalidArgument), match=said):
        NAMED.function("say").arguments(given, named)


def test_functions_are_found_by_name() -> None:
    """The constructor is none of them; an unknown one is told with those that there are."""
    assert list(NAMED.functions) == ["name", "say"]
    assert NAMED.constructor.parameters[0][0] == "first"
    assert (NAMED.function("name").view, BARE.function("name").view) == (True, False)
    with pytest.raises(UnknownFunction, match="no function 'init'; it has name, say"):
        NAMED.function("init")
    assert Signatures(Envelope(())).constructor.parameters == ()


@pytest.mark.parametrize(
    ("returns", "text", "value"),
    [
        (Type.INT, "-5", -5),
        (Type.BOOL, "1", True),
        (Type.BOOL, "2", 2),
        (Type.STR, "0x6869", "hi"),
        (Type.STR, "0xff", b"\xff"),
        (Type.BYTES, "0x", b""),
        (Type.ADDRESS, "0x" + ALICE.address.hex(), bytes(ALICE.address)),
        (Type.NONE, None, None),
        (None, "1", 1),
    ],
)
def test_results_have_their_types(returns: Type | None, text: str | None, value: Value) -> None:
    """What the service shows becomes a Python value; what does not fit its type stays as it is."""
    found = value_of(returns, wire_of(text))
    assert (found, type(found)) == (value, type(value))


def test_events_are_read_by_the_interface() -> None:
    """Fields have names and values; a log that no interface explains keeps topic and data."""
    topic, data = encode_event(COMPILED.interface, "Said", {"who": bytes(ALICE.address), "what": "hi", "loud": True})
    said = NAMED.event(THERE, topic, data)
    assert (said.contract, said.name) == (THERE, "Said")
    assert said.fields == {"who": bytes(ALICE.address), "what": "hi", "loud": True}
    for event in (BARE.event(THERE, topic, data), NAMED.event(THERE, topic, data + b"\x00")):
        assert (event.name, event.fields["topic"]) == ("", topic)
