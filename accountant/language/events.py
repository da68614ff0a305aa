"""Events on the wire: a log's topic is the event's name, its data are the fields one after the other."""

from collections.abc import Mapping
from typing import NamedTuple

from accountant.language.interface import Interface, fields_of
from accountant.language.slots import Value, raw_bytes
from accountant.language.tree import Field
from accountant.language.types import INT_BYTES, SIZES, Type
from accountant.primitives.errors import AccountantError


class InvalidEvent(AccountantError):
    """A log that is no event of the interface."""

    code = "invalid_event"


class Event(NamedTuple):
    """An event and its fields by name, in the order of the declaration. A bool is a bool, text is text."""

    name: str
    fields: dict[str, Value]


def decode_event(interface: Interface, topic: bytes, data: bytes) -> Event:
    """The event that a contract of this interface logged. Raises `InvalidEvent` for any other log."""
    for event in interface.events:
        if event.name.encode() == topic:
            return Event(event.name, decode_fields(fields_of(event.fields), data))
    shown = topic[:64].decode("utf-8", "backslashreplace")
    raise InvalidEvent(f"{interface.contract} has no event {shown!r}")


def encode_event(interface: Interface, name: str, values: Mapping[str, Value]) -> tuple[bytes, bytes]:
    """Topic and data of an event. `values`: of the fields' types, one for each field."""
    event = next(event for event in interface.events if event.name == name)
    return name.encode(), encode_fields(fields_of(event.fields), values)


def decode_fields(fields: tuple[Field, ...], data: bytes) -> dict[str, Value]:
    """The values of all fields. Raises `InvalidEvent` unless the data are exactly that."""
    values: dict[str, Value] = {}
    at = 0
    for field in fields:
        size = _size(field.type)
        if size is None:
            size = int.from_bytes(data[at : at + INT_BYTES], "big")
            at += INT_BYTES
        if size > len(data) - at:
            raise InvalidEvent(f"the data end within {field.name}")
        values[field.name] = _value(field, data[at : at + size])
        at += size
    if at != len(data):
        raise InvalidEvent(f"{len(data) - at} bytes too many")
    return values


def encode_fields(fields: tuple[Field, ...], values: Mapping[str, Value]) -> bytes:
    """The fields one after the other."""
    encoded = b""
    for field in fields:
        raw = raw_bytes(values[field.name])
        encoded += raw if _size(field.type) is not None else raw_bytes(len(raw)) + raw
    return encoded


def _size(kind: Type) -> int | None:
    """How many bytes every value of a type has; None if they have not all the same."""
    if kind.is_number:
        return INT_BYTES
    sizes = SIZES.get(kind, ())
    return sizes[0] if len(sizes) == 1 else None


def _value(field: Field, raw: bytes) -> Value:
    if field.type.is_number:
        number = int.from_bytes(raw, "big", signed=True)
        if field.type is Type.INT:
            return number
        if number not in (0, 1):
            raise InvalidEvent(f"{field.name} is {number}, no bool")
        return bool(number)
    if field.type is Type.STR:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise InvalidEvent(f"{field.name} is no UTF-8") from None
    if field.type in SIZES and len(raw) not in SIZES[field.type]:
        raise InvalidEvent(f"{field.name} has {len(raw)} bytes, which no {field.type.value} has")
    return raw
