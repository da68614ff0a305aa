"""Values between tests and the wire: what a type takes, and what comes back."""

import pytest

from accountant.chain.transaction import Argument
from accountant.language.types import Type
from accountant.sandbox.errors import WrongArgument
from accountant.sandbox.values import Names, from_wire, to_wire

USER, CONTRACT, CID = b"\1" * 20, b"\2" * 32, b"\x01\x55\x12\x20" + b"\3" * 32


@pytest.mark.parametrize(
    ("kind", "given", "wire"),
    [
        (Type.INT, -(2**63), -(2**63)),
        (Type.BOOL, True, 1),
        (Type.STR, "é", "é".encode()),
        (Type.BYTES, b"", b""),
        (Type.ADDRESS, USER, USER),
        (Type.CONTRACT, CONTRACT, CONTRACT),
        (Type.ACCOUNT, CONTRACT, CONTRACT),
        (Type.HASH, CONTRACT, CONTRACT),
        (Type.CID, CID, CID),
    ],
)
def test_a_value_of_the_type_goes_out_and_comes_back(kind: Type, given: object, wire: Argument) -> None:
    """Each type's values survive the wire, bool as bool and str as str."""
    assert to_wire("x", kind, given) == wire
    back = from_wire(kind, wire, Names())
    assert back == given
    assert isinstance(back, bool) == isinstance(given, bool)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Type.INT, 1.0),
        (Type.INT, "1"),
        (Type.INT, -(2**63) - 1),
        (Type.BOOL, 1),
        (Type.STR, b"bytes"),
        (Type.BYTES, "text"),
        (Type.ADDRESS, CONTRACT),
        (Type.CONTRACT, USER),
        (Type.ACCOUNT, b""),
        (Type.HASH, USER),
        (Type.CID, CONTRACT),
        (Type.BYTES, None),
    ],
)
def test_everything_else_is_refused(kind: Type, given: object) -> None:
    """The error begins with the parameter's name."""
    with pytest.raises(WrongArgument, match=r"^pay\(x\): x (is|has) "):
        to_wire("pay(x): x", kind, given)


def test_what_breaks_its_promise_comes_back_as_it_is() -> None:
    """A module that returns what its interface does not say is shown, not hidden."""
    assert from_wire(Type.BOOL, 2, Names()) == 2
    assert from_wire(Type.STR, b"\xff", Names()) == b"\xff"
    assert from_wire(Type.INT, b"x", Names()) == b"x"


def test_accounts_are_shown_by_name() -> None:
    """A named account shows its name, another one its address; both stay bytes."""
    names = Names()
    names.give(USER, "alice")  # type: ignore[arg-type]
    assert repr(from_wire(Type.ACCOUNT, USER, names)) == "alice"
    assert repr(from_wire(Type.CONTRACT, CONTRACT, names)) == "0x" + CONTRACT.hex()
