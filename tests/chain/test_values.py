"""Arguments as text and JSON, to the wire and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.chain.envelope import ArgumentKind
from accountant.chain.kinds import is_of_kind
from accountant.chain.transaction import Argument
from accountant.chain.values import (
    EXPECTED,
    InvalidArgument,
    WrongArguments,
    argument_of,
    arguments_of,
    json_of,
    parameters_of,
    text_of,
)
from accountant.primitives.cid import cid_of, show_cid

Kind = ArgumentKind

USER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
DIGITS = "0x" + "ab" * 32
CID = show_cid(cid_of(b"hello world"))

VALUES: dict[ArgumentKind, st.SearchStrategy[Argument]] = {
    Kind.INT: st.integers(-(2**63), 2**63 - 1),
    Kind.BOOL: st.integers(0, 1),
    Kind.BYTES: st.binary(max_size=100),
    Kind.STR: st.text().map(str.encode),
    Kind.ADDRESS: st.binary(min_size=20, max_size=20),
    Kind.CONTRACT: st.binary(min_size=32, max_size=32),
    Kind.ACCOUNT: st.sampled_from([20, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size)),
    Kind.HASH: st.binary(min_size=32, max_size=32),
    Kind.CID: st.binary(max_size=40).map(cid_of),
}
TYPED = st.sampled_from(list(ArgumentKind)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind]))


@given(TYPED)
def test_round_trips(typed: tuple[ArgumentKind, Argument]) -> None:
    """Every value of every kind is what its text reads as, and what its JSON, written and read, reads as."""
    kind, value = typed
    assert is_of_kind(kind, value)
    assert argument_of("x", kind, text_of(kind, value)) == value
    assert argument_of("x", kind, json.loads(json.dumps(json_of(kind, value)))) == value


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@given(st.sampled_from(list(ArgumentKind)), JSON_VALUES | st.sampled_from([USER, DIGITS, CID, "0x", "0x0", "-1"]))
def test_whatever_comes_is_of_its_kind_or_refused(kind: ArgumentKind, came: object) -> None:
    """No input raises anything but InvalidArgument, and what is taken is a value that validators admit."""
    try:
        value = argument_of("x", kind, came)
    except InvalidArgument as error:
        refused = error
    else:
        assert is_of_kind(kind, value)
        return
    assert refused.name == "x" and refused.expected.startswith(EXPECTED[kind]) and len(refused.detail) < 1_000


@pytest.mark.parametrize(
    ("kind", "came", "value"),
    [
        (Kind.INT, "-5", -5), (Kind.INT, "0x1f", 31), (Kind.INT, "-0x8000000000000000", -(2**63)), (Kind.INT, 7, 7),
        (Kind.INT, "9223372036854775807", 2**63 - 1), (Kind.INT, "0", 0),
        (Kind.BOOL, True, 1), (Kind.BOOL, "true", 1), (Kind.BOOL, "false", 0),
        (Kind.BYTES, "0x", b""), (Kind.BYTES, "0xAb01", b"\xab\x01"),
        (Kind.STR, "Θ 0x12", "Θ 0x12".encode()), (Kind.STR, "", b""),
        (Kind.ADDRESS, USER, bytes.fromhex(USER[2:])), (Kind.ADDRESS, USER.lower(), bytes.fromhex(USER[2:])),
        (Kind.ACCOUNT, USER, bytes.fromhex(USER[2:])), (Kind.ACCOUNT, DIGITS, b"\xab" * 32),
        (Kind.CONTRACT, DIGITS, b"\xab" * 32), (Kind.HASH, DIGITS, b"\xab" * 32),
        (Kind.CID, CID, cid_of(b"hello world")),
    ],
)  # fmt: skip
def test_what_people_write(kind: ArgumentKind, came: object, value: Argument) -> None:
    """Each kind's forms are read as what they say; a checksum is not demanded of one case."""
    assert argument_of("x", kind, came) == value


@pytest.mark.parametrize(
    ("kind", "came"),
    [
        *[(Kind.INT, text) for text in ("", "+5", "007", "-0", "1_000", "1.0", " 1", "1\n", "٣", "0x", "0xg", "true")],
        *[(Kind.INT, other) for other in (True, 1.0, None, [1], 2**63, -(2**63) - 1, b"1")],
        (Kind.INT, "9223372036854775808"), (Kind.INT, "0x8000000000000000"),
        *[(Kind.BOOL, other) for other in (1, 0, "1", "True", "", None)],
        *[(Kind.BYTES, text) for text in ("", "ab", "0xa", "0x0g", "0Xab", "0x ab", b"ab")],
        (Kind.STR, "\ud800"), (Kind.STR, 5), (Kind.STR, None),
        *[(Kind.ADDRESS, text) for text in (DIGITS, USER[2:], USER[:-1], USER.replace("A", "a", 1), "")],
        *[(Kind.CONTRACT, text) for text in (USER, DIGITS + "00", DIGITS[2:])],
        (Kind.ACCOUNT, DIGITS[:50]), (Kind.HASH, USER), (Kind.HASH, DIGITS[:-2]), (Kind.HASH, 5),
        *[(Kind.CID, text) for text in ("", CID[:-1], CID.upper(), DIGITS, "Qm" + CID)],
    ],
)  # fmt: skip
def test_what_is_refused(kind: ArgumentKind, came: object) -> None:
    """Anything that could mean two things, is out of range or of another kind is refused by an error that names it."""
    with pytest.raises(InvalidArgument, match=r"argument amount: .* came, expected is ") as caught:
        argument_of("amount", kind, came)
    assert caught.value.name == "amount" and caught.value.expected.startswith(EXPECTED[kind])


def test_errors_say_what_came() -> None:
    """The error shows what came, short, and the right checksum where that was wrong."""
    with pytest.raises(InvalidArgument, match=f"should read {USER}"):
        argument_of("to", Kind.ACCOUNT, USER.replace("A", "a", 1))
    with pytest.raises(InvalidArgument) as caught:
        argument_of("count", Kind.INT, "twelve")
    assert caught.value.detail == (
        "argument count: 'twelve' came, expected is an integer from -2^63 to 2^63 - 1, decimal or 0x hexadecimal"
    )
    for came, shown in [
        (None, "null"), (True, "true"), (10**5000, "an integer of 16610 bits"), ([1], "a value of type list"),
        (0.5, "0.5"), ("x" * 1000, f"'{'x' * 80}' and 1000 characters in all"), ("\x1b", r"'\x1b'"),
    ]:  # fmt: skip
        with pytest.raises(InvalidArgument) as caught:
            argument_of("count", Kind.INT, came)
        assert caught.value.came == shown


PARAMETERS = (("to", Kind.ADDRESS), ("amount", Kind.INT))


def test_whole_calls() -> None:
    """Arguments come in order or by name; missing, unknown and surplus ones are named with the parameters."""
    wire = (bytes.fromhex(USER[2:]), 5)
    assert arguments_of(PARAMETERS, [USER, "5"]) == wire
    assert arguments_of(PARAMETERS, {"amount": 5, "to": USER}) == wire
    assert arguments_of((), []) == arguments_of((), {}) == ()
    bad: list[tuple[list[object] | dict[str, object], str]] = [
        ([USER], "1 arguments came"),
        ([USER, 5, 5], "3 arguments came"),
        ({"to": USER}, "amount is missing"),
        ({"to": USER, "amount": 5, "tip": 1}, "no parameter is named 'tip'"),
    ]
    for given_arguments, what in bad:
        with pytest.raises(WrongArguments, match=what) as caught:
            arguments_of(PARAMETERS, given_arguments)
        assert caught.value.detail.endswith("the parameters are (to: address, amount: int)")
    with pytest.raises(InvalidArgument, match="argument 1:"):
        arguments_of(parameters_of((Kind.ADDRESS, Kind.INT)), [USER, "five"])


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.BOOL, 2, "2"), (Kind.STR, b"\xff", "0xff"), (Kind.ADDRESS, b"\x01", "0x01"), (Kind.INT, b"\x01", "0x01"),
        (Kind.CID, bytes(36), "0x" + "00" * 36), (Kind.STR, 7, "7"), (None, 7, "7"), (None, b"a", "0x61"),
    ],
)  # fmt: skip
def test_return_values_that_are_none_of_their_kind(kind: ArgumentKind | None, value: Argument, text: str) -> None:
    """What a contract returned against its interface is shown as what it is, and never raises."""
    assert text_of(kind, value) == json_of(kind, value) == text
