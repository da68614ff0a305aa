"""What a contract offers its callers: parameters by name and kind, results and events by type.

An interface file says all of that, an envelope the kinds of the arguments alone. Values are Python's: `int`, `bool`,
`str`, and `bytes` for everything else; an account may also be given as its text, or as what has an `address`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from accountant.chain.envelope import CONSTRUCTOR, ArgumentKind, Envelope, FunctionEnvelope
from accountant.chain.kinds import is_of_kind
from accountant.chain.transaction import Argument
from accountant.chain.values import Parameter, WrongArguments, arguments_of, parameters_of, text_of
from accountant.language.events import InvalidEvent, decode_event
from accountant.language.interface import FunctionInterface, Interface
from accountant.language.types import ARGUMENTS, Type
from accountant.primitives.errors import AccountantError

Value = int | bool | bytes | str | None
"""What a function returns, and what an event's field holds."""


class UnknownFunction(AccountantError):
    """A contract has no function of this name."""

    code = "unknown_function"


class Signature(NamedTuple):
    """A function. `returns` is None where nobody says what comes back."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: Type | None = None
    view: bool = False

    @property
    def kinds(self) -> tuple[ArgumentKind, ...]:
        """The kinds of its arguments, in order."""
        return tuple(kind for _, kind in self.parameters)

    def arguments(self, given: Sequence[object], named: Mapping[str, object] | None = None) -> tuple[Argument, ...]:
        """Wire values of a call's arguments, by position and by name. Raises `WrongArguments`, `InvalidArgument`."""
        names = [name for name, _ in self.parameters]
        values = dict(zip(names, given, strict=False))
        twice = [name for name in named or {} if name in values]
        if twice:
            raise WrongArguments(f"{self.name}: {twice[0]} is given twice")
        if not named:
            return arguments_of(self.parameters, [self._shown(at, value) for at, value in enumerate(given)])
        by_name = {**values, **named}
        return arguments_of(
            self.parameters,
            {name: self._shown(names.index(name) if name in names else 0, value) for name, value in by_name.items()},
        )

    def texts(self, arguments: Sequence[Argument]) -> list[str]:
        """Wire values as the service reads them."""
        return [text_of(kind, value) for kind, value in zip(self.kinds, arguments, strict=True)]

    def _shown(self, at: int, value: object) -> object:
        """Bytes, and what has an address, as the text of the parameter's kind."""
        address = getattr(value, "address", value)
        if not isinstance(address, bytes):
            return address
        kind = self.kinds[at] if at < len(self.parameters) else ArgumentKind.BYTES
        return text_of(kind if is_of_kind(kind, address) else ArgumentKind.BYTES, address)


class Happened(NamedTuple):
    """An event that a contract logged. A log that no interface explains has its topic and data as fields."""

    contract: bytes
    name: str
    fields: dict[str, Value]


class Signatures:
    """All of a contract's functions."""

    def __init__(self, envelope: Envelope, interface: Interface | None = None) -> None:
        self.interface = interface
        """None where only the envelope is known."""
        known = {} if interface is None else {function.name: function for function in interface.functions}
        if interface is not None and interface.constructor is not None:
            known[CONSTRUCTOR] = interface.constructor
        made = [_signature(function, known.get(function.name)) for function in envelope.functions]
        self.functions = {signature.name: signature for signature in made if signature.name != CONSTRUCTOR}
        self.constructor = next(
            (signature for signature in made if signature.name == CONSTRUCTOR), Signature(CONSTRUCTOR, ())
        )

    def function(self, name: str) -> Signature:
        """The function of this name. Raises `UnknownFunction`."""
        if name in self.functions:
            return self.functions[name]
        raise UnknownFunction(f"the contract has no function {name!r}; it has {', '.join(self.functions) or 'none'}")

    def event(self, contract: bytes, topic: bytes, data: bytes) -> Happened:
        """The event that a log is, by the interface; the log itself where that does not explain it."""
        if self.interface is not None:
            try:
                event = decode_event(self.interface, topic, data)
                return Happened(contract, event.name, dict(event.fields))
            except InvalidEvent:
                pass
        return Happened(contract, "", {"topic": topic, "data": data})


def wire_of(text: str | None) -> Argument | None:
    """The value that the service shows as digits or hex."""
    if text is None:
        return None
    return bytes.fromhex(text[2:]) if text.startswith("0x") else int(text)


def value_of(returns: Type | None, wire: Argument | None) -> Value:
    """What a function returned, as its type says; as it is where no type is known or it does not fit."""
    kind = None if returns is None else ARGUMENTS.get(returns)
    if wire is None or kind is None or not is_of_kind(kind, wire):
        return wire
    if isinstance(wire, int):
        return bool(wire) if kind is ArgumentKind.BOOL else wire
    return wire.decode() if kind is ArgumentKind.STR else wire


def _signature(envelope: FunctionEnvelope, function: FunctionInterface | None) -> Signature:
    if function is None or len(function.parameters) != len(envelope.arguments):
        return Signature(envelope.name, parameters_of(envelope.arguments))
    named = zip((parameter.name for parameter in function.parameters), envelope.arguments, strict=True)
    return Signature(envelope.name, tuple(named), Type(function.returns), function.view)
