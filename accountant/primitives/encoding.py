"""Canonical encoding: MessagePack of structs as arrays, one byte string for each value.

Decoding refuses bytes that do not re-encode to themselves, so a value has exactly one encoding
and a hash of the bytes is a hash of the value.
"""

from typing import Generic, TypeVar

import msgspec

from accountant.primitives.errors import InvalidEncoding

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()


class Record(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False):
    """Base of everything with a canonical encoding: an immutable struct, encoded as an array."""


def encode(value: object) -> bytes:
    """The canonical bytes of a record, a list, or a scalar."""
    return _encoder.encode(value)


class Decoder(Generic[T]):
    """Decodes values of one type and refuses every encoding but the canonical one."""

    def __init__(self, kind: type[T], bytes_max: int) -> None:
        """`bytes_max`: longer input is refused before it is looked at."""
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._name = getattr(kind, "__name__", str(kind))
        self._bytes_max = bytes_max

    def decode(self, data: bytes) -> T:
        """The value that `data` encodes. Raises `InvalidEncoding`."""
        if len(data) > self._bytes_max:
            raise InvalidEncoding(f"{self._name}: {len(data)} bytes, at most {self._bytes_max} are allowed")
        try:
            value = self._decoder.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise InvalidEncoding(f"{self._name}: {error}") from None
        if _encoder.encode(value) != data:
            raise InvalidEncoding(f"{self._name}: the bytes are not the canonical encoding of what they decode to")
        return value
