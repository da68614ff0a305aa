"""Arguments between people and the wire: command-line text and JSON values of each argument kind, and back.

INT: decimal or 0x hexadecimal, perhaps after `-`; in JSON a number too. BOOL: `true`, `false`. BYTES: 0x hexadecimal.
STR: the text itself. ADDRESS, CONTRACT, ACCOUNT: as `primitives.addresses` shows them. HASH: 0x and 64 hexadecimal
digits. CID: the base32 text that begins with `b`.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from accountant.chain.envelope import ArgumentKind
from accountant.chain.kinds import is_of_kind
from accountant.chain.transaction import Argument
from accountant.primitives.addresses import account_of, parse_account, show
from accountant.primitives.cid import parse_cid, show_cid
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Cid

_DECIMAL = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_HEXADECIMAL = re.compile(r"-?0x[0-9a-fA-F]{1,16}", re.ASCII)
_BYTES = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)
_SHOWN_CHARACTERS_MAX = 80

EXPECTED = {
    ArgumentKind.INT: "an integer from -2^63 to 2^63 - 1, decimal or 0x hexadecimal",
    ArgumentKind.BOOL: "true or false",
    ArgumentKind.BYTES: "bytes as 0x and two hexadecimal digits each",
    ArgumentKind.STR: "Unicode text",
    ArgumentKind.ADDRESS: "a user's address, 0x and 40 hexadecimal digits",
    ArgumentKind.CONTRACT: "a contract's id, 0x and 64 hexadecimal digits",
    ArgumentKind.ACCOUNT: "an account, 0x and 40 hexadecimal digits (user) or 64 (contract)",
    ArgumentKind.HASH: "a hash, 0x and 64 hexadecimal digits",
    ArgumentKind.CID: "a CIDv1 of raw bytes under SHA-256, b and 58 characters of base32",
}
"""What each kind looks like, for people."""


class InvalidArgument(AccountantError):
    """A value that is none of its parameter's kind. It tells the argument's name, what came, and what is expected."""

    code = "invalid_argument"

    def __init__(self, name: str, came: str, expected: str) -> None:
        super().__init__(f"argument {name}: {came} came, expected is {expected}")
        self.name = name
        self.came = came
        self.expected = expected


class WrongArguments(AccountantError):
    """Arguments that are too few, too many, or named as no parameter is."""

    code = "wrong_arguments"


Parameter = tuple[str, ArgumentKind]
"""A parameter's name (its number, where only an envelope is known) and kind."""


def parameters_of(kinds: Sequence[ArgumentKind]) -> tuple[Parameter, ...]:
    """The parameters of a function of which only the envelope is known: numbered from 0."""
    return tuple((str(index), kind) for index, kind in enumerate(kinds))


def arguments_of(
    parameters: Sequence[Parameter], given: Sequence[object] | Mapping[str, object]
) -> tuple[Argument, ...]:
    """Wire arguments from JSON values or texts, in order or by name.

    Raises `WrongArguments` where number or names differ, `InvalidArgument` for a value of another kind.
    """
    names = [name for name, _ in parameters]
    signature = ", ".join(f"{name}: {kind.name.lower()}" for name, kind in parameters)
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in names]
        missing = [name for name in names if name not in given]
        if unknown or missing:
            what = f"no parameter is named {unknown[0]!r:.80}" if unknown else f"{missing[0]} is missing"
            raise WrongArguments(f"{what}; the parameters are ({signature})")
        given = [given[name] for name in names]
    if len(given) != len(parameters):
        raise WrongArguments(f"{len(given)} arguments came; the parameters are ({signature})")
    return tuple(argument_of(name, kind, value) for (name, kind), value in zip(parameters, given, strict=True))


def argument_of(name: str, kind: ArgumentKind, given: object) -> Argument:
    """One wire argument from a JSON value or a text. `name` is for the error. Raises `InvalidArgument`."""
    found: Argument | None = None
    reason = ""
    if kind is ArgumentKind.INT and type(given) is int:
        found = given
    elif kind is ArgumentKind.BOOL and type(given) is bool:
        found = int(given)
    elif isinstance(given, str):
        try:
            found = _PARSERS[kind](given)
        except AccountantError as error:
            reason = f" ({error.detail})"
        except UnicodeEncodeError:
            reason = " (a surrogate alone is no character)"
    if found is None or not is_of_kind(kind, found):
        raise InvalidArgument(name, _came(given), EXPECTED[kind] + reason)
    return found


def text_of(kind: ArgumentKind | None, value: Argument) -> str:
    """The text of a wire value, which `argument_of` reads back.

    Return values are checked by nobody: one that is none of its kind, or of no known kind, is shown as the
    integer or the bytes that it is.
    """
    if kind is None or not is_of_kind(kind, value):
        kind = ArgumentKind.INT if isinstance(value, int) else ArgumentKind.BYTES
    if isinstance(value, int):
        return str(value) if kind is ArgumentKind.INT else _BOOLS[value]
    if kind is ArgumentKind.STR:
        return value.decode()
    if kind is ArgumentKind.CID:
        return show_cid(Cid(value))
    if kind in (ArgumentKind.BYTES, ArgumentKind.HASH):
        return "0x" + value.hex()
    return show(account_of(value))


def json_of(kind: ArgumentKind | None, value: Argument) -> str | bool:
    """A wire value for JSON: booleans as they are, all else as text; integers pass 2^53, so they are text too."""
    return bool(value) if kind is ArgumentKind.BOOL and value in (0, 1) else text_of(kind, value)


_BOOLS = ("false", "true")


def _parse_int(text: str) -> int | None:
    if _DECIMAL.fullmatch(text):
        return int(text)
    return int(text, 16) if _HEXADECIMAL.fullmatch(text) else None


def _parse_bool(text: str) -> int | None:
    return _BOOLS.index(text) if text in _BOOLS else None


def _parse_bytes(text: str) -> bytes | None:
    return bytes.fromhex(text[2:]) if _BYTES.fullmatch(text) else None


_PARSERS: dict[ArgumentKind, Callable[[str], Argument | None]] = {
    ArgumentKind.INT: _parse_int,
    ArgumentKind.BOOL: _parse_bool,
    ArgumentKind.BYTES: _parse_bytes,
    ArgumentKind.STR: str.encode,
    ArgumentKind.ADDRESS: parse_account,
    ArgumentKind.CONTRACT: parse_account,
    ArgumentKind.ACCOUNT: parse_account,
    ArgumentKind.HASH: _parse_bytes,
    ArgumentKind.CID: parse_cid,
}


def _came(given: object) -> str:
    """What came, short enough to be read, whatever it is."""
    if isinstance(given, bool) or given is None:
        return "null" if given is None else _BOOLS[given]
    if isinstance(given, int):
        # Python refuses to write integers of thousands of digits.
        return str(given) if given.bit_length() <= 128 else f"an integer of {given.bit_length()} bits"
    if isinstance(given, str):
        text = ascii(given[:_SHOWN_CHARACTERS_MAX])
        return text if len(given) <= _SHOWN_CHARACTERS_MAX else f"{text} and {len(given)} characters in all"
    return str(given) if isinstance(given, float) else f"a value of type {type(given).__name__}"
