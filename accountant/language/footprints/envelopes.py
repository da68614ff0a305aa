"""A contract's envelope, from the footprints of its exported functions.

What follows from the arguments stands in the templates. Open access holds what authors state, and what a transaction
needs that reaches a function through another contract: whoever calls then is not the signer, so templates say nothing.
"""

from collections.abc import Iterable

from msgspec import structs

from accountant.chain.envelope import (
    CONSTRUCTOR,
    AmountExpression,
    Callers,
    Envelope,
    FunctionEnvelope,
    OpenAccess,
    Part,
    Self,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.envelope_rules import PREFIXES_MAX
from accountant.language.errors import ContractError
from accountant.language.footprints.accesses import Access
from accountant.language.footprints.derivation import Footprint
from accountant.language.footprints.symbols import Bytes, concatenated, key_pieces, parts
from accountant.language.slots import key_forms
from accountant.language.tree import CallerRule, Contract, TouchKind, Variable
from accountant.language.types import ARGUMENTS
from accountant.primitives.types import AMOUNT_MAX

_KINDS = {
    TouchKind.READS: TemplateKind.READ,
    TouchKind.WRITES: TemplateKind.WRITE,
    TouchKind.CREDITS: TemplateKind.CREDIT,
    TouchKind.CALLS: TemplateKind.CALL,
    TouchKind.BOUNDS: TemplateKind.BOUND,
    TouchKind.QUERIES: TemplateKind.QUERY,
    TouchKind.BLOBS: TemplateKind.BLOB,
}
CERTAIN = (TouchKind.READS, TouchKind.BLOBS)
"""Kinds that are looked up ahead of time."""
_CALLERS = {
    CallerRule.ANYONE: Callers.ANYONE,
    CallerRule.DEPLOYER: Callers.DEPLOYER,
    CallerRule.LISTED: Callers.LISTED,
}


def envelope_of(contract: Contract, footprints: tuple[Footprint, ...]) -> Envelope:
    """The envelope. Raises `ContractError` at a function that pays and does not say who may make it."""
    for footprint in footprints:
        _check_nested_payment(contract.file, footprint)
    functions = sorted((_function(footprint) for footprint in footprints), key=lambda function: function.name)
    return Envelope(tuple(functions), _open_access(contract, footprints))


def template_of(footprint: Footprint) -> tuple[TemplateEntry, ...]:
    """The template of calls by transactions, where the caller is the sender."""
    entries: dict[tuple[TemplateKind, tuple[Part, ...], tuple[Part, ...]], bool] = {}
    for access in footprint.known:
        entry = (_KINDS[access.kind], *_place(access))
        entries[entry] = entries.get(entry, False) or (access.certain and access.kind in CERTAIN)
    return (
        *(TemplateEntry(kind, on, slot, certain=certain) for (kind, on, slot), certain in entries.items()),
        *(_debit(cap) for cap in footprint.caps),
    )


def is_open_to_contracts(footprint: Footprint) -> bool:
    """Whether other contracts may call the function."""
    export = footprint.export
    return not (export.direct or export.zero_cost or footprint.function.name == CONSTRUCTOR)


def _place(access: Access) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """The contract, account or query of an entry, and its slot."""
    assert access.subject is not None, "only known entries stand in templates"
    if access.variable is None:
        (on,) = access.subject
        assert isinstance(on, tuple), "all but slots are bytes"
        return parts(on), ()
    return (Self(),), parts(_slot(access.variable, access))


def _slot(variable: Variable, access: Access) -> Bytes:
    pieces: Bytes = (variable.prefix,)
    for form, key in zip(key_forms(variable), access.subject or (), strict=True):
        found = key_pieces(form, key)
        assert found is not None, "a slot is known only if its keys are"
        pieces += found
    slot = concatenated(pieces)
    assert slot is not None, "a slot has few pieces"
    return slot


def _debit(cap: AmountExpression) -> TemplateEntry:
    return TemplateEntry(TemplateKind.DEBIT, (Self(),), cap=cap)


def _function(footprint: Footprint) -> FunctionEnvelope:
    function, export = footprint.function, footprint.export
    made = FunctionEnvelope(
        name=function.name,
        arguments=tuple(ARGUMENTS[parameter.type] for parameter in function.locals[: function.parameters]),
        template=template_of(footprint),
        complete=footprint.complete,
        callers=_CALLERS[export.callers],
        listed=export.listed,
        zero_cost=export.zero_cost,
        direct=export.direct,
        gas_least=export.gas_least or 0,
        payable=export.payable or export.zero_cost,
    )
    return made if export.gas_most is None else structs.replace(made, gas_most=export.gas_most)


def _check_nested_payment(file: str, footprint: Footprint) -> None:
    export, name = footprint.export, footprint.function.name
    if footprint.caps and is_open_to_contracts(footprint) and not export.nested_debits:
        raise ContractError(
            file,
            footprint.function.at,
            f"{name} pays, and other contracts may call it",
            f"write @direct above {name} if only transactions may call it, or @nested(times, debits=…) with the most "
            "base units that it pays in a transaction of another contract",
        )


def _open_access(contract: Contract, footprints: tuple[Footprint, ...]) -> OpenAccess:
    reachable = [footprint for footprint in footprints if is_open_to_contracts(footprint)]
    return OpenAccess(
        read_prefixes=_prefixes(contract, footprints, reachable, TouchKind.READS),
        write_prefixes=_prefixes(contract, footprints, reachable, TouchKind.WRITES),
        reads_most=_count(footprints, reachable, TouchKind.READS),
        writes_most=_count(footprints, reachable, TouchKind.WRITES),
        blobs_most=_count(footprints, reachable, TouchKind.BLOBS),
        debit_most=max((footprint.export.nested_debits or 0 for footprint in reachable), default=0),
        callable=bool(reachable),
    )


def _prefixes(
    contract: Contract, footprints: Iterable[Footprint], reachable: Iterable[Footprint], kind: TouchKind
) -> tuple[bytes, ...]:
    """Of the variables that are stated, and of those that calls by other contracts touch; in order."""
    stated = {touch.variable for footprint in footprints for touch in footprint.stated(kind)}
    nested = {access.variable for footprint in reachable for access in footprint.known if access.kind is kind}
    found = sorted(variable.prefix for variable in stated | nested if variable is not None)
    if len(found) > PREFIXES_MAX:
        last = contract.variables[PREFIXES_MAX]
        raise ContractError(
            contract.file,
            last.at,
            f"{len(found)} variables are open to other contracts, at most {PREFIXES_MAX} can be",
            "write @direct above functions that only transactions call, or keep values in fewer maps",
        )
    return tuple(found)


def _count(footprints: Iterable[Footprint], reachable: Iterable[Footprint], kind: TouchKind) -> int:
    """Entries that one transaction may declare: for its own call what that states, and all that others may reach."""
    stated = max((_stated(footprint, kind) for footprint in footprints), default=0)
    nested = 0
    for footprint in reachable:
        known = sum(access.kind is kind for access in footprint.known)
        nested += footprint.export.nested_times * (known + _stated(footprint, kind))
    return min(stated + nested, AMOUNT_MAX)


def _stated(footprint: Footprint, kind: TouchKind) -> int:
    return sum(touch.most for touch in footprint.stated(kind) if isinstance(touch.most, int))
