"""Events as records: decoded from logs by the contract's interface, compared and shown by their fields."""

from collections.abc import Mapping

from accountant.execution.outcome import LogEntry
from accountant.language.events import InvalidEvent, decode_fields
from accountant.language.tree import Field
from accountant.language.types import Type
from accountant.sandbox.errors import WrongArgument
from accountant.sandbox.values import Names, Value, from_wire, to_wire

Fields = tuple[Field, ...]


class EventRecord:
    """An event. Each contract's object has one class for each event that its interface declares."""

    __slots__ = ("_values",)

    name: str
    fields: Fields
    names: Names

    def __init__(self, *given: object, **named: object) -> None:
        """Fields by position or by name; accounts may be users and contracts. Raises `WrongArgument`."""
        names = [field.name for field in self.fields]
        values = dict(zip(names, given, strict=False))
        if len(given) > len(self.fields) or named.keys() & values.keys():
            raise WrongArgument(f"{self.name} has {len(self.fields)} fields; some are given twice or too much")
        values |= named
        if values.keys() != set(names):
            raise WrongArgument(f"{self.name} has the fields {', '.join(names)}, all of them")
        self._values: dict[str, Value] = {
            one.name: from_wire(one.type, to_wire(f"{self.name}: {one.name}", one.type, values[one.name]), self.names)
            for one in self.fields
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
    fields = (Field("contract", Type.CONTRACT), Field("topic", Type.BYTES), Field("data", Type.BYTES))
    names = Names()


def decoded(entry: LogEntry, classes: Mapping[str, type[EventRecord]]) -> EventRecord:
    """The event that a contract logged, or a `RawEvent` where its interface does not describe it."""
    made = classes.get(entry.topic.decode("utf-8", "replace"))
    if made is not None:
        try:
            return made(**decode_fields(made.fields, entry.data))
        except InvalidEvent:
            pass
    return RawEvent(entry.contract, entry.topic, entry.data)
