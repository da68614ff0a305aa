"""Slots as people read them: `balances[0x7E5F…]` for the bytes that a footprint declares."""

from collections.abc import Mapping

from accountant.chain.values import text_of
from accountant.language.interface import Interface, StorageInterface
from accountant.language.slots import KeyForm, key_form
from accountant.language.types import ARGUMENTS, INT_BYTES, SIZES, Type
from accountant.primitives.types import HASH_BYTES

_NAME_END = b":"


def shown_slot(interface: Interface, slot: bytes, hashed: Mapping[bytes, str]) -> str | None:
    """The variable and its keys; None where the slot is none of the contract's variables'.

    `hashed`: texts of keys that may be in a slot by their SHA-256, by that hash. Others are shown as the hash.
    """
    name, end, rest = slot.partition(_NAME_END)
    variable = next((one for one in interface.storage if one.name.encode() == name), None)
    keys = None if variable is None or not end else _keys(variable, rest, hashed)
    return None if keys is None else name.decode() + "".join(f"[{key}]" for key in keys)


def _keys(variable: StorageInterface, rest: bytes, hashed: Mapping[bytes, str]) -> list[str] | None:
    shown = []
    for at, kind in enumerate(map(Type, variable.keys)):
        is_last = at == len(variable.keys) - 1
        form = key_form(kind, is_last)
        size = len(rest) if is_last else _size(kind, form)
        key, rest = rest[:size], rest[size:]
        if len(key) not in _sizes(kind, form):
            return None
        shown.append(_shown(kind, form, key, hashed))
    return None if rest else shown


def _size(kind: Type, form: KeyForm) -> int:
    return _sizes(kind, form)[0]


def _sizes(kind: Type, form: KeyForm) -> tuple[int, ...]:
    if form is KeyForm.NUMBER:
        return (INT_BYTES,)
    return (HASH_BYTES,) if form is KeyForm.HASHED else SIZES[kind]


def _shown(kind: Type, form: KeyForm, key: bytes, hashed: Mapping[bytes, str]) -> str:
    if form is KeyForm.NUMBER:
        return text_of(ARGUMENTS[kind], int.from_bytes(key, "big", signed=True))
    if form is KeyForm.HASHED:
        return hashed.get(key) or f"what hashes to 0x{key.hex()}"
    return text_of(ARGUMENTS[kind], key)
