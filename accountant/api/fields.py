"""Types of fields on the wire. Amounts and gas pass 2^53, so they are answered as decimal strings."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from accountant.accounting.certificate import UndecidedReason
from accountant.chain.footprint import SLOT_BYTES_MAX
from accountant.primitives.addresses import parse_account, show
from accountant.primitives.errors import InvalidAddress
from accountant.primitives.types import AMOUNT_MAX, HASH_BYTES, AccountId

_HASH = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)
_SLOT = re.compile(f"0x(?:[0-9a-fA-F]{{2}}){{0,{SLOT_BYTES_MAX}}}", re.ASCII)
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_EXAMPLE_HASH = "0x" + "5c" * HASH_BYTES
_EXAMPLE_ACCOUNT = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"


def hex_of(raw: bytes) -> str:
    """0x and lower-case hex."""
    return "0x" + raw.hex()


def account_of(raw: AccountId | bytes) -> str:
    """An account's text: EIP-55 for users, hex for contracts."""
    return show(raw)  # type: ignore[arg-type]


def parse_hash(value: object) -> bytes:
    """32 bytes from 0x and 64 hex digits. Raises `ValueError`."""
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError("a hash is 0x and 64 hex digits")
    return bytes.fromhex(value[2:])


def digits(value: object) -> object:
    """Pydantic alone would take `1.0`, `+1` and `1_0` for numbers too. Raises `ValueError`."""
    if not (isinstance(value, str) and value.isascii() and value.isdecimal()):
        raise ValueError("a number is written in decimal digits alone")
    return value


def _account(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("an account is 0x and 40 hex digits (user) or 64 (contract)")
    try:
        return parse_account(value)
    except InvalidAddress as error:
        raise ValueError(error.detail) from None


def _slot(value: object) -> bytes:
    if not isinstance(value, str) or not _SLOT.fullmatch(value):
        raise ValueError(f"a slot is 0x and two hex digits a byte, of at most {SLOT_BYTES_MAX} bytes")
    return bytes.fromhex(value[2:])


def _units(value: object) -> int:
    """An integer, as a JSON number or a decimal string: what JavaScript cannot count goes as a string."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = int(value)
    if type(value) is not int or not 0 <= value <= AMOUNT_MAX:
        raise ValueError(
            "an integer with 0 ≤ v < 2^63, as a number or as a decimal string without sign or zeros before"
        )
    return value


def _index(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**24:
        raise ValueError("an integer with 0 ≤ v < 2^24")
    return value


def _units_schema(example: str) -> dict[str, Any]:
    number = {"type": "integer", "minimum": 0, "maximum": AMOUNT_MAX}
    text = {"type": "string", "pattern": "^(0|[1-9][0-9]{0,18})$"}
    return {"anyOf": [text, number], "examples": [example]}


HashIn = Annotated[
    bytes,
    PlainValidator(parse_hash),
    WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-fA-F]{64}$", "examples": [_EXAMPLE_HASH]}),
]
AccountIn = Annotated[
    bytes,
    PlainValidator(_account),
    WithJsonSchema(
        {"type": "string", "pattern": "^0x([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$", "examples": [_EXAMPLE_ACCOUNT]}
    ),
]
SlotIn = Annotated[
    bytes,
    PlainValidator(_slot),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^0x([0-9a-fA-F]{2})*$",
            "maxLength": 2 + 2 * SLOT_BYTES_MAX,
            "examples": ["0x61"],
        }
    ),
]
AmountIn = Annotated[int, PlainValidator(_units), WithJsonSchema(_units_schema("2500000000"))]
GasIn = Annotated[int, PlainValidator(_units), WithJsonSchema(_units_schema("50000000"))]
IndexIn = Annotated[
    int,
    PlainValidator(_index),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 2**24 - 1, "examples": [3]}),
]

HashOut = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$", examples=[_EXAMPLE_HASH])]
AccountOut = Annotated[str, Field(examples=[_EXAMPLE_ACCOUNT])]
AmountOut = Annotated[str, Field(pattern="^[0-9]+$", examples=["2500000000"], description="Base units, decimal.")]
GasOut = Annotated[str, Field(pattern="^[0-9]+$", examples=["48213"], description="Gas, decimal.")]
CidOut = Annotated[
    str,
    Field(pattern="^bafkrei[a-z2-7]{52}$", examples=["bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"]),
]
HexOut = Annotated[str, Field(pattern="^0x([0-9a-f]{2})*$", examples=["0x93a16101"])]

StoppedOut = Literal["budget_spent", "blob_unavailable"]


def stopped_by(reason: UndecidedReason | None) -> StoppedOut | None:
    """What kept a piece of work from its end: gas, or a published file that nobody serves."""
    match reason:
        case UndecidedReason.BUDGET_SPENT:
            return "budget_spent"
        case UndecidedReason.BLOB_UNAVAILABLE:
            return "blob_unavailable"
    assert reason is None, "Θ decides bounds alone"
    return None
