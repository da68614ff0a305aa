"""What a contract offers, as the sandbox calls it: functions with named and typed parameters, events with fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from accountant.chain.envelope import CONSTRUCTOR, Envelope
from accountant.chain.transaction import Argument
from accountant.language.interface import FunctionInterface, Interface, fields_of
from accountant.language.tree import Field
from accountant.language.types import ARGUMENTS, Type
from accountant.sandbox.errors import WrongArgument
from accountant.sandbox.values import to_wire

_TYPES = {kind: of for of, kind in ARGUMENTS.items()}


@dataclass(frozen=True)
class Signature:
    """An exported function. `returns` is None where nobody says what comes back."""

    name: str
    parameters: tuple[Field, ...]
    returns: Type | None = None
    view: bool = False
    memory: int | None = None
    """Bytes of tensors that a call declares; None if it says nothing."""

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{one.name}: {one.type.value}' for one in self.parameters)})"

    def arguments(self, of: str, given: tuple[object, ...], named: Mapping[str, object]) -> tuple[Argument, ...]:
        """The arguments of a call, as they go into a transaction. `of` is the contract. Raises `WrongArgument`."""
        where = f"{of}.{self}"
        if len(given) > len(self.parameters):
            raise WrongArgument(f"{where} takes {len(self.parameters)} arguments, not {len(given) + len(named)}")
        values = dict(zip((one.name for one in self.parameters), given, strict=False))
        for name, value in named.items():
            if all(name != one.name for one in self.parameters):
                raise WrongArgument(f"{where} has no parameter {name!r}")
            if name in values:
                raise WrongArgument(f"{where}: {name} is given twice")
            values[name] = value
        missing = [one.name for one in self.parameters if one.name not in values]
        if missing:
            raise WrongArgument(f"{where}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
        return tuple(to_wire(f"{where}: {one.name}", one.type, values[one.name]) for one in self.parameters)


@dataclass(frozen=True)
class Signatures:
    """A contract's functions and events by name. Without a constructor, deploying takes no arguments."""

    functions: Mapping[str, Signature]
    constructor: Signature = Signature(CONSTRUCTOR, ())
    events: Mapping[str, tuple[Field, ...]] = field(default_factory=lambda: MappingProxyType({}))


def signatures_of(envelope: Envelope) -> Signatures:
    """What an envelope alone says: parameters without names, results without types, no events, no views."""
    made = {
        function.name: Signature(
            function.name, tuple(Field(f"arg{index}", _TYPES[kind]) for index, kind in enumerate(function.arguments))
        )
        for function in envelope.functions
    }
    constructor = made.pop(CONSTRUCTOR, Signature(CONSTRUCTOR, ()))
    return Signatures(made, constructor)


def signatures_from(interface: Interface) -> Signatures:
    """What an interface file says."""
    functions = {function.name: _signature(function) for function in interface.functions}
    constructor = Signature(CONSTRUCTOR, ()) if interface.constructor is None else _signature(interface.constructor)
    return Signatures(functions, constructor, {event.name: fields_of(event.fields) for event in interface.events})


def _signature(function: FunctionInterface) -> Signature:
    return Signature(
        function.name, fields_of(function.parameters), Type(function.returns), function.view, function.memory
    )
