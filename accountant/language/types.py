"""The types of contract Python, how wide their values are, and what may stand for what.

On the machine an `int` or `bool` is an i64, a `float` is the i64 of its bits, and everything else is an i64 handle.
"""

from enum import Enum
from typing import NamedTuple

from accountant.chain.envelope import ArgumentKind
from accountant.primitives.cid import CID_BYTES
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES

INT_BYTES = 8
"""Integers in slots, keys and events: big-endian two's complement."""
INT_LEAST, INT_MOST = -(2**63), 2**63 - 1


class Type(Enum):
    """A type of values; its value is how a source spells it."""

    INT = "int"
    BOOL = "bool"
    BYTES = "bytes"
    STR = "str"
    """UTF-8 behind its handle; lengths and positions count code points, as Python's do."""
    ADDRESS = "Address"
    CONTRACT = "Contract"
    ACCOUNT = "Account"
    HASH = "Hash"
    CID = "Cid"
    TENSOR = "Tensor"
    TENSORS = "Tensors"
    INDICES = "Indices"
    REAL = "float"
    """A finite binary64, a setting of `nn` and nothing else: there is no arithmetic on it."""
    NONE = "None"

    @property
    def is_number(self) -> bool:
        """Whether the i64 is the value itself; otherwise it is a handle."""
        return self in (Type.INT, Type.BOOL, Type.REAL)

    @property
    def is_bytes(self) -> bool:
        """Whether it may be used wherever `bytes` are."""
        return self in _BYTES

    @property
    def is_local(self) -> bool:
        """Whether only locals, and functions for the contract's own use, have such values."""
        return self in (Type.TENSOR, Type.TENSORS, Type.INDICES, Type.REAL)


_BYTES = (Type.BYTES, Type.ADDRESS, Type.CONTRACT, Type.ACCOUNT, Type.HASH, Type.CID)

SIZES: dict[Type, tuple[int, ...]] = {
    Type.ADDRESS: (ADDRESS_BYTES,),
    Type.CONTRACT: (HASH_BYTES,),
    Type.ACCOUNT: (ADDRESS_BYTES, HASH_BYTES),
    Type.HASH: (HASH_BYTES,),
    Type.CID: (CID_BYTES,),
}
"""How many bytes a value of these types has. An unset storage variable reads as so many zeros (the first size)."""

ARGUMENTS: dict[Type, ArgumentKind] = {
    Type.INT: ArgumentKind.INT,
    Type.BOOL: ArgumentKind.BOOL,
    Type.BYTES: ArgumentKind.BYTES,
    Type.STR: ArgumentKind.STR,
    Type.ADDRESS: ArgumentKind.ADDRESS,
    Type.CONTRACT: ArgumentKind.CONTRACT,
    Type.ACCOUNT: ArgumentKind.ACCOUNT,
    Type.HASH: ArgumentKind.HASH,
    Type.CID: ArgumentKind.CID,
}
"""What a parameter of an exported function is to the chain."""


def fits(value: Type, wanted: Type) -> bool:
    """Whether a value may be used where `wanted` is asked for, as Python's subclasses may."""
    if value is wanted:
        return True
    if wanted is Type.ACCOUNT:
        return value in (Type.ADDRESS, Type.CONTRACT)
    return wanted is Type.BYTES and value.is_bytes


class StorageType(NamedTuple):
    """What a storage variable holds: a value, or a map (nested maps have several keys) to values."""

    keys: tuple[Type, ...]
    value: Type
