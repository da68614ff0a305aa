"""What exported functions touch: derived from the checked tree, and stated by the author where that is open.

A blob whose identifier does not follow from the arguments is stated only if it may be a published one: what contracts
saved is loaded without an entry.

A touch that neither follows from the arguments nor is stated is an error of the author, but in a view, which runs
without a footprint.
"""

from typing import NamedTuple

from accountant.chain.envelope import AmountArg, AmountExpression, AmountLiteral, AmountValue
from accountant.language.errors import ContractError, Place
from accountant.language.footprints.accesses import UNITS, Access, Paid, Touched
from accountant.language.footprints.paths import Context
from accountant.language.footprints.symbols import Argument, Passed, amount
from accountant.language.footprints.walk import Walker
from accountant.language.tree import Contract, Export, Function, Touch, TouchKind, Variable
from accountant.language.types import ARGUMENTS, Type

_OPEN = {
    TouchKind.DEBITS: "the amount that is paid does not follow from the arguments",
    TouchKind.CREDITS: "the account that is paid does not follow from the arguments",
    TouchKind.CALLS: "what another contract touches does not follow from the arguments",
    TouchKind.BOUNDS: "the account that is bounded does not follow from the arguments",
    TouchKind.QUERIES: "the query does not follow from the arguments",
}


class Footprint(NamedTuple):
    """What one exported function touches."""

    function: Function
    export: Export
    known: tuple[Access, ...]
    """Entries that follow from the call, in the order of the first touch."""
    open: tuple[Access, ...]
    """Kinds of entries that do not; but in a view, all of them are stated."""
    caps: tuple[AmountExpression, ...]
    """Together the most that a call pays; empty if it pays nothing."""

    @property
    def complete(self) -> bool:
        """Whether `known` and `caps` are all that a call by a transaction ever touches."""
        return not self.open

    def stated(self, kind: TouchKind) -> tuple[Touch, ...]:
        """The author's statements of this kind."""
        return tuple(touch for touch in self.export.touches if touch.kind is kind)


def derive(contract: Contract) -> tuple[Footprint, ...]:
    """The footprint of each exported function, in the order of the source.

    Raises `ContractError` at a touch that must be stated and is not, at a statement that is not needed, and where
    footprints get too large for a template or for walking.
    """
    walker = Walker(contract)
    return tuple(
        _footprint(walker, function, function.export) for function in contract.functions if function.export is not None
    )


def _footprint(walker: Walker, function: Function, export: Export) -> Footprint:
    parameters = function.locals[: function.parameters]
    arguments = [Argument(index, ARGUMENTS[parameter.type]) for index, parameter in enumerate(parameters)]
    symbols = tuple(
        argument if parameter.type.is_number else (argument,)
        for argument, parameter in zip(arguments, parameters, strict=True)
    )
    touched = walker.walk(function, symbols, Context()).touched
    known = tuple(access for access in touched.accesses.values() if access.subject is not None)
    stated = {touch.kind for touch in export.touches}
    unknown = tuple(
        access
        for access in touched.accesses.values()
        if access.subject is None and (access.kind is not TouchKind.BLOBS or TouchKind.BLOBS in stated)
    )
    _check_statements(walker.contract.file, function, export, touched, unknown)
    return Footprint(function, export, known, unknown, _caps(walker.contract.file, function, export, touched.peak))


def _caps(file: str, function: Function, export: Export, peak: Paid) -> tuple[AmountExpression, ...]:
    """What is stated, else what is derived."""
    for touch in export.touches:
        if touch.kind is TouchKind.DEBITS:
            return (_stated_cap(file, function, touch),)
    caps: list[AmountExpression] = []
    for expression, count in peak.items():
        if expression == UNITS:
            caps.append(AmountLiteral(count))
        else:
            caps += [_amount(expression)] * count
    return tuple(caps)


def _amount(expression: Argument | Passed | int) -> AmountExpression:
    cap = amount(expression)
    assert cap is not None, "only amounts that a template can name are kept"
    return cap


def _stated_cap(file: str, function: Function, touch: Touch) -> AmountExpression:
    if isinstance(touch.most, int):
        return AmountLiteral(touch.most)
    for index, parameter in enumerate(function.locals[: function.parameters]):
        if parameter.name == touch.most and parameter.type is Type.INT:
            return AmountArg(index)
    if touch.most == "value":
        return AmountValue()
    raise ContractError(
        file,
        touch.at,
        f"{touch.most!r} is no int parameter of {function.name}",
        'state base units, the name of an int parameter, or "value"',
    )


def _check_statements(
    file: str, function: Function, export: Export, touched: Touched, unknown: tuple[Access, ...]
) -> None:
    """Everything open is stated, and everything stated is open."""
    open_at: dict[tuple[TouchKind, str | None], Place] = {}
    variables: dict[str, Variable] = {}
    for access in unknown:
        if access.variable is not None:
            variables[access.variable.name] = access.variable
        open_at[access.kind, None if access.variable is None else access.variable.name] = access.at
    if touched.unknown_payment is not None:
        open_at[TouchKind.DEBITS, None] = touched.unknown_payment
    stated: set[tuple[TouchKind, str | None]] = set()
    for touch in export.touches:
        name = None if touch.variable is None else touch.variable.name
        if (touch.kind, name) in stated:
            raise ContractError(
                file, touch.at, f"{_shown(touch.kind, name)} is stated twice", "state it once, with the larger number"
            )
        stated.add((touch.kind, name))
        pays = touch.kind is TouchKind.DEBITS and bool(touched.peak)
        if not pays and (touch.kind, name) not in open_at:
            raise ContractError(
                file,
                touch.at,
                f"{function.name} needs no {_shown(touch.kind, name)}: what it touches follows from the arguments",
                "leave it out",
            )
    missing = [key for key in open_at if key not in stated]
    if missing and not export.view:
        _refuse(file, function, export, open_at[missing[0]], missing, variables)


def _refuse(
    file: str,
    function: Function,
    export: Export,
    at: Place,
    missing: list[tuple[TouchKind, str | None]],
    variables: dict[str, Variable],
) -> None:
    kind, name = missing[0]
    what = _OPEN[kind] if name is None else f"the slot of {_slots(variables[name])} does not follow from the arguments"
    needed = ", ".join(_statement(*key) for key in missing)
    instead = (
        f"add {needed} to the @touches above {function.name}"
        if export.touches
        else f"write @touches({needed}) above {function.name}"
    )
    raise ContractError(file, at, what, instead)


def _statement(kind: TouchKind, name: str | None) -> str:
    if kind is TouchKind.DEBITS:
        return "debits(…)"
    return f"{kind.value}(most=…)" if name is None else f"{kind.value}({name}, most=…)"


def _shown(kind: TouchKind, name: str | None) -> str:
    return kind.value if name is None else f"{kind.value}({name})"


def _slots(variable: Variable) -> str:
    return variable.name + "[...]" * len(variable.type.keys)
