"""Bytes put together from pieces (slots, the data of events) in few host calls, which cost far more than code.

Pieces of bounded size are written into memory side by side and become a value at once, or are concatenated one
by one, whichever takes fewer calls. Values that may be long are always concatenated.
"""

from typing import NamedTuple

from accountant.language.emission.code import FunctionCode, HostCall, Pointer, RoutineCall, constant
from accountant.language.emission.instructions import I32_ADD, I32_WRAP, I64_ADD, MEMORY_COPY, address, get, number, put
from accountant.language.types import INT_BYTES


class Known(NamedTuple):
    """Constant bytes."""

    data: bytes


class Number(NamedTuple):
    """The integer in a local, as 8 bytes."""

    local: int


class Fixed(NamedTuple):
    """The bytes behind the handle in a local, of which there are always so many."""

    local: int
    size: int


class Framed(NamedTuple):
    """The bytes behind the handle in a local, at most so many, behind their length in 8 bytes."""

    local: int
    most: int


class Open(NamedTuple):
    """The bytes behind the handle in a local, however many."""

    local: int


Piece = Known | Number | Fixed | Framed | Open
_Bounded = Known | Number | Fixed | Framed


def assemble(code: FunctionCode, pieces: list[Piece]) -> None:
    """Push the handle of the pieces, one after the other, and give their locals back."""
    started = False
    run: list[_Bounded] = []
    for piece in _merged(pieces):
        if not isinstance(piece, Open):
            run.append(piece)
            continue
        if run:
            _bounded(code, run)
            _join(code, started)
            started, run = True, []
        code.add(get(piece.local))
        _join(code, started)
        started = True
    if run or not started:
        _bounded(code, run)
        _join(code, started)
    code.give_back(*sorted({piece.local for piece in pieces if not isinstance(piece, Known)}))


def _join(code: FunctionCode, started: bool) -> None:
    if started:
        code.add(HostCall("bytes_concat"))


def _merged(pieces: list[Piece]) -> list[Piece]:
    """The same pieces with neighbouring constants as one."""
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Known) and merged and isinstance(merged[-1], Known):
            merged[-1] = Known(merged[-1].data + piece.data)
        elif piece != Known(b""):
            merged.append(piece)
    return merged


def _bounded(code: FunctionCode, run: list[_Bounded]) -> None:
    """Push the handle of pieces that are all bounded."""
    values = [piece for piece in run if isinstance(piece, Fixed | Framed)]
    numbers = any(isinstance(piece, Number) for piece in run)
    in_memory = 1 + len(values)
    one_by_one = len(run) - 1 + sum(isinstance(piece, Number) for piece in run)
    if any(isinstance(piece, Framed) for piece in values) or in_memory < one_by_one or (numbers and not values):
        _in_memory(code, run)
        return
    for at, piece in enumerate(run or [Known(b"")]):
        match piece:
            case Known():
                code.add(*constant(piece.data))
            case Number():
                code.add(get(piece.local), HostCall("bytes_from_int"))
            case Fixed() | Framed():
                code.add(get(piece.local))
        _join(code, at > 0)


def _in_memory(code: FunctionCode, run: list[_Bounded]) -> None:
    """Write the pieces to memory from 0 on; once one of no fixed size was among them, a local says how far."""
    code.scratch = max(code.scratch, sum(map(_size_most, run)))
    if len(run) == 1 and isinstance(run[0], Number):
        code.add(get(run[0].local), HostCall("bytes_from_int"))
        return
    cursor: int | None = None
    offset = 0
    for piece in run:
        match piece:
            case Known():
                _address(code, cursor, offset)
                code.add(Pointer(piece.data), address(len(piece.data)), MEMORY_COPY)
            case Number():
                _address(code, cursor, offset)
                code.add(get(piece.local), RoutineCall("write_number"))
            case Fixed():
                code.add(get(piece.local), number(0))
                _address(code, cursor, offset)
                code.add(address(piece.size), HostCall("bytes_read"))
            case Framed():
                cursor = _write_framed(code, cursor, offset, piece.local)
                offset = 0
                continue
        offset += _size_most(piece)
    code.add(address(0))
    _address(code, cursor, offset)
    code.add(HostCall("bytes_new"))
    if cursor is not None:
        code.give_back(cursor)


def _write_framed(code: FunctionCode, cursor: int | None, offset: int, local: int) -> int:
    if cursor is None:
        code.add(number(offset))
        cursor = code.borrow()
    else:
        code.add(get(cursor), number(offset), I64_ADD)
    code.add(get(local), RoutineCall("write_framed"), put(cursor))
    return cursor


def _address(code: FunctionCode, cursor: int | None, offset: int) -> None:
    code.add(*([address(offset)] if cursor is None else [get(cursor), I32_WRAP, address(offset), I32_ADD]))


def _size_most(piece: _Bounded) -> int:
    match piece:
        case Known():
            return len(piece.data)
        case Number():
            return INT_BYTES
        case Fixed():
            return piece.size
        case Framed():
            return INT_BYTES + piece.most
