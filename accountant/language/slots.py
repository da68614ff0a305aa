"""Where storage variables live: the one definition of slots, of the bytes of keys, and of unset values.

A slot is the variable's prefix and its keys one after the other. No two keys of a variable share a slot: every
form has one size, but for an account in the last place, where nothing follows it.
"""

from enum import Enum

from accountant.language.tree import Variable
from accountant.language.types import INT_BYTES, SIZES, Type
from accountant.primitives.hashes import sha256
from accountant.primitives.types import HASH_BYTES

Value = int | bytes | str
"""A key or value as Python has it; a bool is an int."""


class KeyForm(Enum):
    """How a key becomes part of a slot."""

    NUMBER = "number"
    """8 bytes, big-endian two's complement; a bool is 0 or 1."""
    RAW = "raw"
    """The bytes themselves."""
    HASHED = "hashed"
    """SHA-256 of the bytes (of text, its UTF-8)."""


def key_form(key: Type, is_last: bool) -> KeyForm:
    """The form of a key of this type; `is_last`: no other key of the variable follows it."""
    if key.is_number:
        return KeyForm.NUMBER
    if key in (Type.BYTES, Type.STR) or (key is Type.ACCOUNT and not is_last):
        return KeyForm.HASHED
    return KeyForm.RAW


def key_forms(variable: Variable) -> tuple[KeyForm, ...]:
    """The forms of a variable's keys, in their order."""
    keys = variable.type.keys
    return tuple(key_form(key, at == len(keys) - 1) for at, key in enumerate(keys))


def key_bytes(form: KeyForm, value: Value) -> bytes:
    """A key's part of the slot, for a key whose value is known."""
    if isinstance(value, int):
        return value.to_bytes(INT_BYTES, "big", signed=True)
    raw = raw_bytes(value)
    return sha256(raw) if form is KeyForm.HASHED else raw


def slot_of(variable: Variable, keys: tuple[Value, ...]) -> bytes:
    """The slot under these keys, one for each of the variable's."""
    return variable.prefix + b"".join(map(key_bytes, key_forms(variable), keys))


def slot_bytes_most(variable: Variable) -> int:
    """How long a slot of the variable gets at most. The chain refuses those over `SLOT_BYTES_MAX`."""
    sizes = (
        INT_BYTES if form is KeyForm.NUMBER else HASH_BYTES if form is KeyForm.HASHED else max(SIZES[key])
        for form, key in zip(key_forms(variable), variable.type.keys, strict=True)
    )
    return len(variable.prefix) + sum(sizes)


def raw_bytes(value: Value) -> bytes:
    """A value as it lies in its slot: integers as 8 bytes, text as UTF-8."""
    if isinstance(value, int):
        return value.to_bytes(INT_BYTES, "big", signed=True)
    return value.encode() if isinstance(value, str) else bytes(value)


def unset_bytes(value: Type) -> bytes:
    """What an empty slot reads as, as bytes: zeros of the type's first size, or nothing. For types but numbers."""
    return bytes(SIZES[value][0]) if value in SIZES else b""
