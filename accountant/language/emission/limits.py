"""The chain's structural limits (`accountant.contracts.module`), told at the function that breaks one.

Both sides measure with the same code: what passes here passes there.
"""

from accountant.chain.envelope import Envelope
from accountant.chain.genesis import Limits
from accountant.contracts.binary import Reader
from accountant.contracts.body import EDGES_TIMES_LOCALS_MOST, Body, Signature, walk
from accountant.contracts.callgraph import check_calls, frame_bytes
from accountant.contracts.errors import InvalidModule
from accountant.contracts.module import check_module
from accountant.language.emission.linker import Linked, Placed
from accountant.language.errors import ContractError, Place
from accountant.language.tree import Contract

_LIMITS = Limits()
_LOCALS_HEADER_BYTES = 5
"""What the declaration of a body's locals takes at most besides the instructions."""
_WHOLE = Place(1, 1)
_NONE: frozenset[int] = frozenset()
_OF_SIZE = (
    "module_size",
    "functions_limit",
    "exports_limit",
    "types_limit",
    "branch_limit",
    "memory_limit",
    "compile_limit",
)


def check_limits(contract: Contract, linked: Linked) -> None:
    """Raises `ContractError` at the first function that is too large, or at the file's start if the whole is."""
    places = {function.name: function.at for function in contract.functions}
    placed = (*linked.routines, *linked.functions, *linked.doors)
    calls: list[frozenset[int]] = []
    frames: list[int] = []
    for one in placed:
        try:
            body = _measure(linked, one)
        except InvalidModule as error:
            raise ContractError(
                contract.file, places[one.name], f"{one.name} is too large ({error})", "split it into several functions"
            ) from None
        calls.append(frozenset(callee - linked.imports for callee in body.callees if callee >= linked.imports))
        frames.append(frame_bytes(_values(one) + body.height))
    too_deep = _too_deep(calls, frames)
    if too_deep is not None:
        name = placed[too_deep].name
        raise ContractError(
            contract.file,
            places[name],
            f"the calls below {name} take too much stack",
            "nest fewer or smaller functions",
        )
    _check_whole(contract, linked)


def _measure(linked: Linked, one: Placed) -> Body:
    """What a function's body holds. Raises `InvalidModule`."""
    size, locals_ = one.end - one.start + _LOCALS_HEADER_BYTES, len(one.type.parameters) + one.locals
    if size > _LIMITS.function_bytes_most:
        raise InvalidModule("function_size", f"{size} bytes, at most {_LIMITS.function_bytes_most} are allowed")
    if locals_ > _LIMITS.locals_most:
        raise InvalidModule("locals_limit", f"{locals_} locals, at most {_LIMITS.locals_most} are allowed")
    signatures = [Signature(*kind) for kind in linked.types]
    body = walk(Reader(linked.code, one.start, one.end), [], signatures, len(one.type.results))
    work = body.edges * (locals_ + 1)
    if work > EDGES_TIMES_LOCALS_MOST:
        raise InvalidModule(
            "branch_limit", f"{work} branches times locals, at most {EDGES_TIMES_LOCALS_MOST} are allowed"
        )
    return body


def _values(one: Placed) -> int:
    return len(one.type.parameters) + one.locals + len(one.type.results)


def _too_deep(calls: list[frozenset[int]], frames: list[int]) -> int | None:
    """The function whose calls are the first to take too much stack, from the bottom up."""

    def exceeds(functions: set[int]) -> bool:
        return _exceeds([callees & functions if at in functions else _NONE for at, callees in enumerate(calls)], frames)

    everything = set(range(len(calls)))
    if not exceeds(everything):
        return None
    # of the functions from which it is too deep, the one that reaches fewest is the lowest
    return min(
        (at for at in range(len(calls)) if exceeds(_reachable(calls, at))), key=lambda at: len(_reachable(calls, at))
    )


def _reachable(calls: list[frozenset[int]], function: int) -> set[int]:
    found, waiting = {function}, [function]
    while waiting:
        for callee in calls[waiting.pop()] - found:
            found.add(callee)
            waiting.append(callee)
    return found


def _exceeds(calls: list[frozenset[int]], frames: list[int]) -> bool:
    try:
        check_calls(calls, frames)
    except InvalidModule as error:
        if error.kind == "stack_limit":
            return True
        raise
    return False


def _check_whole(contract: Contract, linked: Linked) -> None:
    try:
        check_module(linked.code, Envelope(()), _LIMITS)
    except InvalidModule as error:
        if error.kind not in _OF_SIZE:
            raise
        raise ContractError(contract.file, _WHOLE, f"the contract is too large ({error})", "split it") from None
