"""Slots: the bytes under which variables live, which wallets, templates and compiled code must agree on."""

import hashlib

import pytest

from accountant.language.errors import Place
from accountant.language.slots import Value, slot_bytes_most, slot_of, unset_bytes
from accountant.language.tree import Variable
from accountant.language.types import StorageType, Type

USER, CONTRACT = b"\x51" * 20, b"\xc0" * 32


def variable(*keys: Type) -> Variable:
    """A variable `m` under these keys."""
    return Variable(Place(1, 1), "m", StorageType(keys, Type.INT))


@pytest.mark.parametrize(
    ("keys", "values", "slot"),
    [
        ((), (), b"m:"),
        ((Type.INT,), (-2,), b"m:\xff\xff\xff\xff\xff\xff\xff\xfe"),
        ((Type.BOOL,), (True,), b"m:\x00\x00\x00\x00\x00\x00\x00\x01"),
        ((Type.BYTES,), (b"key",), b"m:" + hashlib.sha256(b"key").digest()),
        ((Type.STR,), ("é",), b"m:" + hashlib.sha256("é".encode()).digest()),
        ((Type.ACCOUNT,), (USER,), b"m:" + USER),
        ((Type.ACCOUNT,), (CONTRACT,), b"m:" + CONTRACT),
        ((Type.ACCOUNT, Type.ACCOUNT), (USER, USER), b"m:" + hashlib.sha256(USER).digest() + USER),
        ((Type.ADDRESS, Type.INT), (USER, 5), b"m:" + USER + bytes(7) + b"\x05"),
    ],
)
def test_slots(keys: tuple[Type, ...], values: tuple[Value, ...], slot: bytes) -> None:
    """A prefix, then numbers as 8 bytes, fixed sizes as they are, anything else hashed unless nothing follows it."""
    assert slot_of(variable(*keys), values) == slot
    assert len(slot) <= slot_bytes_most(variable(*keys))


def test_unset_values() -> None:
    """An empty slot reads as zeros of the type's size, or as nothing."""
    assert [unset_bytes(kind) for kind in (Type.BYTES, Type.STR)] == [b"", b""]
    assert [len(unset_bytes(kind)) for kind in (Type.ADDRESS, Type.ACCOUNT, Type.HASH, Type.CID)] == [20, 20, 32, 36]
