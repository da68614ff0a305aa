"""Footprints as people read them: `reads balances[to]`, `pays at most units`."""

from collections.abc import Iterable

from accountant.chain.envelope import AmountArg, AmountExpression, AmountLiteral
from accountant.language.footprints.accesses import Access
from accountant.language.footprints.derivation import Footprint
from accountant.language.footprints.symbols import Argument, Digest, Origin, Passed, Piece, Symbol
from accountant.language.tree import Function, Touch, TouchKind
from accountant.language.types import Type

_VERBS = {
    TouchKind.READS: "reads",
    TouchKind.WRITES: "writes",
    TouchKind.CREDITS: "credits",
    TouchKind.CALLS: "calls",
    TouchKind.BOUNDS: "bounds",
    TouchKind.QUERIES: "asks",
    TouchKind.BLOBS: "loads",
}
_THINGS = {
    TouchKind.CREDITS: "credits {} accounts that depend on the state",
    TouchKind.CALLS: "calls {} other contracts, with what they touch",
    TouchKind.BOUNDS: "bounds {} accounts that depend on the state",
    TouchKind.QUERIES: "asks {} queries that depend on the state",
    TouchKind.BLOBS: "loads {} published blobs that depend on the state",
}
_OF_ACCOUNTS = (TouchKind.CREDITS, TouchKind.CALLS, TouchKind.BOUNDS)
_OPEN = (" that depend on the state", ", with what they touch")
"""How the lines of what is not known from the call end: those above, and those of storage."""
_UNSTATED = "any number of"
"""In a view, which needs no statements."""


def shown_touches(footprint: Footprint) -> tuple[str, ...]:
    """One line for each entry and statement; what is paid comes last."""
    lines = [shown_access(footprint.function, access) for access in footprint.known]
    stated = {_key(touch): touch.most for touch in footprint.export.touches}
    lines += [_shown_open(access, stated.get(_key(access), _UNSTATED)) for access in footprint.open]
    if footprint.caps:
        lines.append(f"pays at most {' + '.join(_shown_caps(footprint.function, footprint.caps))}")
    return tuple(lines)


def is_open(line: str) -> bool:
    """Whether a line of `shown_touches` is about entries that do not follow from the call."""
    return line.endswith(_OPEN)


def shown_access(function: Function, access: Access) -> str:
    """A known entry."""
    assert access.subject is not None, "only known entries are shown so"
    if access.variable is None:
        kind = Type.ACCOUNT if access.kind in _OF_ACCOUNTS else Type.BYTES
        return f"{_VERBS[access.kind]} {_shown_symbol(function, access.subject[0], kind)}"
    keys = (
        f"[{_shown_symbol(function, key, kind)}]"
        for key, kind in zip(access.subject, access.variable.type.keys, strict=True)
    )
    return f"{_VERBS[access.kind]} {access.variable.name}{''.join(keys)}"


def _key(of: Access | Touch) -> tuple[TouchKind, str | None]:
    return of.kind, None if of.variable is None else of.variable.name


def _shown_open(access: Access, most: int | str) -> str:
    shown = f"at most {most}" if isinstance(most, int) else most
    if access.variable is not None:
        return f"{_VERBS[access.kind]} {shown} slots of {access.variable.name} that depend on the state"
    return _THINGS[access.kind].format(shown)


def _shown_caps(function: Function, caps: Iterable[AmountExpression]) -> list[str]:
    times: dict[str, int] = {}
    for cap in caps:
        if isinstance(cap, AmountLiteral):
            name = str(cap.units)
        else:
            name = function.locals[cap.index].name if isinstance(cap, AmountArg) else "value"
        times[name] = times.get(name, 0) + 1
    return [name if count == 1 else f"{count} × {name}" for name, count in times.items()]


def _shown_symbol(function: Function, symbol: Symbol, kind: Type) -> str:
    if isinstance(symbol, int):
        return str(bool(symbol)) if kind is Type.BOOL else str(symbol)
    if isinstance(symbol, Argument):
        return function.locals[symbol.index].name
    if isinstance(symbol, Passed):
        return "value"
    return " + ".join(_shown_piece(function, piece, kind) for piece in symbol or ()) or repr("")


def _shown_piece(function: Function, piece: Piece, kind: Type) -> str:
    if isinstance(piece, Argument):
        return function.locals[piece.index].name
    if isinstance(piece, Digest):
        return f"sha256({_shown_symbol(function, piece.pieces, Type.BYTES)})"
    if isinstance(piece, Origin):
        return "self" if piece is Origin.SELF else "sender"
    if kind is Type.STR:
        return repr(piece.decode("utf-8", "backslashreplace"))
    return f"0x{piece.hex()}"
