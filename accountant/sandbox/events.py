"""Events as records: decoded from logs by the contract's interface, compared and shown by their fields."""

from collections.abc import Mapping

from accountant.execution.outcome import LogEntry
from accountant.language.types import INT_BYTES, SIZES, Type
from accountant.sandbox.errors import WrongArgument
from accountant.sandbox.values import Names, Value, from_wire, to_wire

Fields = tuple[tuple[str, Type], ...]


class EventRecord:
    """An event. Each contract's object has one class for each event that its interface declares."""

    __slots__ = ("_values",)

    name: str
    fields: Fields
    names: Names

    def __init__(self, *given: object, **named: object) -> None:
        """Fields by position or by name; accounts may be users and contracts. Raises `WrongArgument`."""
        values = dict(zip((name for name, _ in self.fields), given, strict=False))
        if len(given) > len(self.fields) or named.keys() & values.keys():
            raise WrongArgument(f"{self.name} has {len(self.fields)} fields; some are given twice or too much")
        values |= named
        if values.keys() != dict(self.fields).keys():
            raise WrongArgument(f"{self.name} has the fields {', '.join(name for name, _ in self.fields)}, all of them")
        self._values: dict[str, Value] = {
            name: from_wire(kind, to_wire(f"{self.name}: {name}", kind, values[name]), self.names)
            for name, kind in self.fields
        }

    def __getattr__(self, name: str) -> Value:
        if name != "_values" and name in self._values:
            return self._values[name]
        raise AttributeError(f"{type(self).__name__} has no field {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values == other._values

    def __hash__(self) -> int:
        return hash((type(self), *self._values.values()))

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"


def event_class(name: str, fields: Fields, names: Names) -> type[EventRecord]:
    """The class of one contract's event."""
    return type(name, (EventRecord,), {"__slots__": (), "name": name, "fields": fields, "names": names})


class RawEvent(EventRecord):
    """A log that no interface describes: `contract`, `topic` and `data`, all bytes."""

    __slots__ = ()

    name = "RawEvent"
    fields = (("contract", Type.CONTRACT), ("topic", Type.BYTES), ("data", Type.BYTES))
    names = Names()


def decoded(entry: LogEntry, classes: Mapping[str, type[EventRecord]]) -> EventRecord:
    """The event that a contract logged, or a `RawEvent` where its interface does not describe it."""
    made = classes.get(entry.topic.decode("utf-8", "replace"))
    values = None if made is None else _values(entry.data, made.fields)
    if made is None or values is None:
        return RawEvent(entry.contract, entry.topic, entry.data)
    return made(*values)


def _values(data: bytes, fields: Fields) -> list[Value] | None:
    """The fields of an event, one after the other; None if the data are not exactly that."""
    values: list[Value] = []
    at = 0
    for _, kind in fields:
        sizes = SIZES.get(kind, ())
        size = INT_BYTES if kind.is_number else sizes[0] if len(sizes) == 1 else None
        if size is None:
            size = int.from_bytes(data[at : at + INT_BYTES], "big")
            at += INT_BYTES
        raw = data[at : at + size]
        at += size
        if len(raw) != size or (sizes and size not in sizes):
            return None
        number = int.from_bytes(raw, "big", signed=True)
        try:
            values.append(bool(number) if kind is Type.BOOL else number if kind is Type.INT else _text_or(kind, raw))
        except UnicodeDecodeError:
            return None
    return values if at == len(data) else None


def _text_or(kind: Type, raw: bytes) -> Value:
    return raw.decode() if kind is Type.STR else raw
