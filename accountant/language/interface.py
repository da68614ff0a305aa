"""The interface file beside a module: what people and programs need to call a contract and to read its events."""

import msgspec

from accountant.chain.envelope import CONSTRUCTOR, Envelope
from accountant.language.footprints.derivation import Footprint
from accountant.language.footprints.envelopes import CERTAIN
from accountant.language.footprints.shown import shown_access, shown_touches
from accountant.language.tree import CallerRule, Contract, EventType, Export, Field, Variable
from accountant.language.types import Type
from accountant.primitives.addresses import account_of, show
from accountant.primitives.encoding import Decoder, encode
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.hashes import sha256

LANGUAGE = 1
"""The version of the language and of this file."""
INTERFACE_BYTES_MAX = 16 * 1024 * 1024


class InvalidInterface(AccountantError):
    """A file that is no interface of this version."""

    code = "invalid_interface"


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A parameter, or a field of an event: a name and how a source spells its type."""

    name: str
    type: str


class FunctionInterface(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An exported function. `touches`, `certain`: its footprint as people read it."""

    name: str
    documentation: str
    parameters: tuple[Named, ...]
    returns: str
    view: bool
    payable: bool
    zero_cost: bool
    direct: bool
    callers: tuple[str, ...]
    """`anyone`, `deployer`, or accounts."""
    complete: bool
    """Whether `touches` is all that a call ever touches; a wallet needs no simulation then."""
    touches: tuple[str, ...]
    certain: tuple[str, ...]
    memory: int | None = None
    """So many bytes of tensors are enough for a call (`@memory`); left out where the source does not say."""


class EventInterface(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event: the topic of a log is its name, the data are its fields (`accountant.language.events`)."""

    name: str
    fields: tuple[Named, ...]


class StorageInterface(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A storage variable; a map has keys."""

    name: str
    keys: tuple[str, ...]
    value: str


class Interface(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. Hashes and the envelope's canonical encoding are hexadecimal."""

    contract: str
    language: int
    source_sha256: str
    code_sha256: str
    documentation: str
    functions: tuple[FunctionInterface, ...]
    constructor: FunctionInterface | None
    events: tuple[EventInterface, ...]
    storage: tuple[StorageInterface, ...]
    envelope: str

    def function(self, name: str) -> FunctionInterface | None:
        """The function of this name, the constructor not among them."""
        return next((function for function in self.functions if function.name == name), None)


_envelopes = Decoder(Envelope, INTERFACE_BYTES_MAX)


def interface_of(
    name: str, contract: Contract, code: bytes, envelope: Envelope, footprints: tuple[Footprint, ...]
) -> Interface:
    """The interface of a compiled contract. Functions are in the order of the source."""
    functions = [_function(footprint) for footprint in footprints]
    constructors = [function for function in functions if function.name == CONSTRUCTOR]
    return Interface(
        contract=name,
        language=LANGUAGE,
        source_sha256=sha256(contract.source).hex(),
        code_sha256=sha256(code).hex(),
        documentation=contract.documentation,
        functions=tuple(function for function in functions if function.name != CONSTRUCTOR),
        constructor=constructors[0] if constructors else None,
        events=tuple(_event(event) for event in contract.events),
        storage=tuple(_storage(variable) for variable in contract.variables),
        envelope=encode(envelope).hex(),
    )


def write_interface(interface: Interface) -> bytes:
    """As JSON: sorted keys, two spaces, the same bytes for the same interface."""
    return msgspec.json.format(msgspec.json.encode(interface, order="sorted"), indent=2) + b"\n"


def read_interface(raw: bytes) -> Interface:
    """Raises `InvalidInterface`, also where types or the envelope make no sense."""
    try:
        interface = msgspec.json.decode(raw, type=Interface)
        known = {kind.value for kind in Type if not kind.is_local}
        for kind in _types_of(interface):
            if kind not in known:
                raise InvalidInterface(f"{kind!r} is no type of contract Python")
        envelope_of_interface(interface)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidInterface(f"no interface of a contract: {error}") from None
    if interface.language != LANGUAGE:
        raise InvalidInterface(f"an interface of language {interface.language}; this program reads {LANGUAGE}")
    return interface


def envelope_of_interface(interface: Interface) -> Envelope:
    """The envelope. Raises `InvalidInterface`."""
    try:
        return _envelopes.decode(bytes.fromhex(interface.envelope))
    except (ValueError, InvalidEncoding) as error:
        raise InvalidInterface(f"the envelope of {interface.contract}: {error}") from None


def fields_of(named: tuple[Named, ...]) -> tuple[Field, ...]:
    """Parameters or fields with their types, of an interface that `read_interface` or the compiler gave."""
    return tuple(Field(one.name, Type(one.type)) for one in named)


def _types_of(interface: Interface) -> list[str]:
    functions = interface.functions if interface.constructor is None else (*interface.functions, interface.constructor)
    named = [one for function in functions for one in function.parameters]
    named += [one for event in interface.events for one in event.fields]
    slots = [kind for variable in interface.storage for kind in (*variable.keys, variable.value)]
    return [one.type for one in named] + [function.returns for function in functions] + slots


def _function(footprint: Footprint) -> FunctionInterface:
    function, export = footprint.function, footprint.export
    certain = (access for access in footprint.known if access.certain and access.kind in CERTAIN)
    return FunctionInterface(
        name=function.name,
        documentation=function.documentation,
        parameters=_named(function.locals[: function.parameters]),
        returns=function.returns.value,
        view=export.view,
        payable=export.payable or export.zero_cost,
        zero_cost=export.zero_cost,
        direct=export.direct,
        callers=_callers(export),
        complete=footprint.complete,
        touches=shown_touches(footprint),
        certain=tuple(shown_access(function, access) for access in certain),
        memory=export.memory,
    )


def _callers(export: Export) -> tuple[str, ...]:
    if export.callers is CallerRule.LISTED:
        return tuple(show(account_of(account)) for account in export.listed)
    return (export.callers.value,)


def _event(event: EventType) -> EventInterface:
    return EventInterface(event.name, _named(event.fields))


def _storage(variable: Variable) -> StorageInterface:
    keys = tuple(key.value for key in variable.type.keys)
    return StorageInterface(variable.name, keys, variable.type.value.value)


def _named(fields: tuple[Field, ...]) -> tuple[Named, ...]:
    return tuple(Named(field.name, field.type.value) for field in fields)
