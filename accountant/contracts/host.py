"""Binds the host table to the engine: one set of callbacks for all stores; a thread knows its running frame."""

import math
import threading
from collections.abc import Callable
from struct import pack, unpack
from typing import TYPE_CHECKING

from wasmtime import Engine, FuncType, Linker, ValType

from accountant.contracts.frame import Arguments, Frame, invalid
from accountant.contracts.native import RAW_STRIDE, HostCallbackType, define, new_trap
from accountant.contracts.table import HOST_TABLE, MODULE, HostFunction, Kind
from accountant.contracts.tensor_values import Held, HeldList

if TYPE_CHECKING:
    from accountant.contracts.native import HostCallback, Int64Pointer


class Running(threading.local):
    """What runs in this thread: the innermost frame, and the exception that ends it."""

    frame: Frame | None = None
    pending: BaseException | None = None


running = Running()

_callbacks: list[object] = []
"""ctypes callbacks must live as long as the engine, which lives as long as the process."""


def linker_of(engine: Engine) -> Linker:
    """A linker with the whole host table, for all stores of `engine`."""
    linker = Linker(engine)
    for row in HOST_TABLE:
        callback = HostCallbackType(_callback(row))
        _callbacks.append(callback)
        parameters = [_value_type(kind) for kind in row.parameters]
        results = [] if row.result is None else [_value_type(row.result)]
        define(linker, MODULE.encode(), row.name.encode(), FuncType(parameters, results), callback)
    return linker


def _callback(row: HostFunction) -> "HostCallback":
    call = _call_with(row)

    def enter(_environment: int | None, _caller: int | None, raw: "Int64Pointer", _count: int) -> int:
        try:
            frame = running.frame
            assert frame is not None, "code runs in frames alone"
            result = call(frame, raw)
            if result is not None:
                raw[0] = result
            return 0
        except BaseException as error:  # whatever it is, it must reach the caller on the far side of the engine
            running.pending = error
            return new_trap()

    return enter


def _call_with(row: HostFunction) -> Callable[[Frame, "Int64Pointer"], int | None]:
    """What calls a row with its raw parameters, decoded in their order. Those of most rows are one or two."""
    implementation = row.implementation
    if not row.parameters:
        return lambda frame, _raw: implementation(frame)
    decoders = tuple((RAW_STRIDE * index, _DECODERS[kind]) for index, kind in enumerate(row.parameters))
    (_, first), (second_at, second) = decoders[0], decoders[-1]
    if len(decoders) == 1:
        return lambda frame, raw: implementation(frame, first(frame, raw[0]))
    if len(decoders) == 2:
        return lambda frame, raw: implementation(frame, first(frame, raw[0]), second(frame, raw[second_at]))
    return lambda frame, raw: implementation(frame, *[decode(frame, raw[at]) for at, decode in decoders])


def _as_int(_frame: Frame, word: int) -> int:
    return word


def _as_unsigned(_frame: Frame, word: int) -> int:
    return word & 0xFFFF_FFFF


def _as_bool(_frame: Frame, word: int) -> int:
    if word not in (0, 1):
        raise invalid(f"{word} is neither 0 nor 1")
    return word


def _as_real(_frame: Frame, word: int) -> float:
    (number,) = unpack(">d", pack(">q", word))
    if not math.isfinite(number):
        raise invalid(f"{number} is no number that a host function takes")
    return float(number)


def _tensor_or_none(frame: Frame, handle: int) -> Held | None:
    return frame.tensor_at(handle) if handle else None


def _indices_or_none(frame: Frame, handle: int) -> Held | None:
    return frame.indices_at(handle) if handle else None


_Decoded = int | float | bytes | Arguments | Held | HeldList | None

_DECODERS: dict[Kind, Callable[[Frame, int], _Decoded]] = {
    Kind.INT: _as_int,
    Kind.BOOL: _as_bool,
    Kind.TENSOR: Frame.tensor_at,
    Kind.TENSOR_OR_NONE: _tensor_or_none,
    Kind.TENSORS: Frame.tensors_at,
    Kind.INDICES: Frame.indices_at,
    Kind.INDICES_OR_NONE: _indices_or_none,
    Kind.REAL: _as_real,
    Kind.BYTES: Frame.bytes_at,
    Kind.LIST: Frame.list_at,
    Kind.PTR: _as_unsigned,
    Kind.LEN: _as_unsigned,
}


def _value_type(kind: Kind) -> ValType:
    return ValType.i32() if kind in (Kind.PTR, Kind.LEN) else ValType.i64()
