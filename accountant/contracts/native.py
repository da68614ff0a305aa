"""The few calls of wasmtime's C interface that run for every host call and every frame, bound without detours.

wasmtime-py's own `Func` and `Linker.define_func` convert every value through several Python objects
(25 µs a host call); these bindings take about 1 µs. Short calls keep the interpreter lock (`PyDLL`);
instantiating and running code release it (`CDLL`). The engine's version is pinned, so are these signatures.
"""

import ctypes
from typing import TYPE_CHECKING

from wasmtime import FuncType, InstancePre, Linker, Store, TrapCode, _ffi

if TYPE_CHECKING:
    from collections.abc import Callable

    Int64Pointer = ctypes._Pointer[ctypes.c_int64]
    HostCallback = Callable[[int | None, int | None, Int64Pointer, int], int]

RAW_STRIDE = 2
"""A raw value takes 16 bytes: two 64-bit words, of which the first counts."""

HostCallbackType = ctypes.CFUNCTYPE(
    ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int64), ctypes.c_size_t
)
"""(environment, caller, raw arguments and results, their number) → 0, or a trap."""


ENDED = "ended"
HOST = "host"


class Extern(ctypes.Structure):
    """`wasmtime_extern_t`: a kind, and 24 bytes that say which function or memory of which store."""

    _fields_ = [("kind", ctypes.c_uint8), ("of", ctypes.c_uint64 * 3)]


class _Instance(ctypes.Structure):
    _fields_ = [("store", ctypes.c_uint64), ("index", ctypes.c_size_t)]


class _Frames(ctypes.Structure):
    """`wasm_frame_vec_t`."""

    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.POINTER(ctypes.c_void_p))]


class EngineFault(Exception):
    """The engine could not do its work (no address space, a broken binding): no outcome follows from that."""


_short = ctypes.PyDLL(str(_ffi.filename))
_long = ctypes.CDLL(str(_ffi.filename))

_pointer = ctypes.c_void_p
_get_fuel = _short.wasmtime_context_get_fuel
_get_fuel.argtypes, _get_fuel.restype = [_pointer, _pointer], _pointer
_set_fuel = _short.wasmtime_context_set_fuel
_set_fuel.argtypes, _set_fuel.restype = [_pointer, ctypes.c_uint64], _pointer
_memory_data = _short.wasmtime_memory_data
_memory_data.argtypes, _memory_data.restype = [_pointer, _pointer], _pointer
_memory_data_size = _short.wasmtime_memory_data_size
_memory_data_size.argtypes, _memory_data_size.restype = [_pointer, _pointer], ctypes.c_size_t
_export_get = _short.wasmtime_instance_export_get
_export_get.argtypes = [_pointer, _pointer, ctypes.c_char_p, ctypes.c_size_t, _pointer]
_export_get.restype = ctypes.c_bool
_trap_new = _short.wasmtime_trap_new
_trap_new.argtypes, _trap_new.restype = [ctypes.c_char_p, ctypes.c_size_t], ctypes.c_size_t
_trap_code = _short.wasmtime_trap_code
_trap_code.argtypes, _trap_code.restype = [_pointer, _pointer], ctypes.c_bool
_trap_delete = _short.wasm_trap_delete
_trap_delete.argtypes, _trap_delete.restype = [_pointer], None
_trap_trace = _short.wasm_trap_trace
_trap_trace.argtypes, _trap_trace.restype = [_pointer, _pointer], None
_error_trace = _short.wasmtime_error_wasm_trace
_error_trace.argtypes, _error_trace.restype = [_pointer, _pointer], None
_frames_delete = _short.wasm_frame_vec_delete
_frames_delete.argtypes, _frames_delete.restype = [_pointer], None
_frame_function = _short.wasm_frame_func_index
_frame_function.argtypes, _frame_function.restype = [_pointer], ctypes.c_uint32
_frame_offset = _short.wasm_frame_module_offset
_frame_offset.argtypes, _frame_offset.restype = [_pointer], ctypes.c_size_t
_error_delete = _short.wasmtime_error_delete
_error_delete.argtypes, _error_delete.restype = [_pointer], None
_define = _short.wasmtime_linker_define_func_unchecked
_define.argtypes = [
    *(_pointer, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t),
    *(_pointer, HostCallbackType, _pointer, _pointer),
]
_define.restype = _pointer
_instantiate = _long.wasmtime_instance_pre_instantiate
_instantiate.argtypes, _instantiate.restype = [_pointer] * 4, _pointer
_call = _long.wasmtime_func_call_unchecked
_call.argtypes, _call.restype = [_pointer, _pointer, _pointer, ctypes.c_size_t, _pointer], _pointer


def define(linker: Linker, module: bytes, name: bytes, kind: FuncType, callback: "ctypes._CFunctionType") -> None:
    """Define a host function for all stores. `callback` must be kept alive."""
    error = _define(linker.ptr(), module, len(module), name, len(name), kind.ptr(), callback, None, None)
    if error:
        _error_delete(error)
        raise EngineFault(f"cannot define {name.decode()}")


def new_trap() -> int:
    """A trap for a host function to return; the engine takes it over. Why is kept on the Python side."""
    trap: int = _trap_new(b"host", 4)
    return trap


class Cell:
    """An instance in its store: fuel, memory and exported functions. Dies with the store."""

    __slots__ = ("_context", "_fuel", "_fuel_at", "_instance", "_memory", "_memory_at", "_trace")

    def __init__(self, store: Store, trace: list[tuple[int, int]] | None = None) -> None:
        """`trace`: where a trap happened is added to it, (function index, offset in the module), innermost first."""
        self._trace = trace
        self._context: int = ctypes.cast(store._context(), _pointer).value or 0
        self._fuel = ctypes.c_uint64(0)
        self._fuel_at = ctypes.addressof(self._fuel)
        self._instance = _Instance()
        self._memory = Extern()
        self._memory_at = 0

    def instantiate(self, module: InstancePre) -> str:
        """Make the instance: `ENDED`, or the name of the trap in lower case. Copying data segments takes fuel.

        Raises `EngineFault` where the machine lacks the means.
        """
        trap = _pointer()
        error = _instantiate(module.ptr(), self._context, ctypes.addressof(self._instance), ctypes.addressof(trap))
        end = _end_of(trap.value, error, self._trace)
        if end == HOST:
            raise EngineFault("a checked module could not be instantiated")
        if end == ENDED and self._export(b"memory", self._memory):
            assert self._memory.kind == _ffi.WASMTIME_EXTERN_MEMORY.value, "no checked module exports another memory"
            self._memory_at = ctypes.addressof(self._memory) + Extern.of.offset
        return end

    def fuel(self) -> int:
        """What is left."""
        _get_fuel(self._context, self._fuel_at)
        return self._fuel.value

    def set_fuel(self, fuel: int) -> None:
        """Make `fuel` what is left."""
        error = _set_fuel(self._context, fuel)
        assert not error, "fuel is on"

    def read(self, pointer: int, length: int) -> bytes | None:
        """Bytes of the memory; None outside of it."""
        base = self._range(pointer, length)
        return None if base is None else ctypes.string_at(base, length)

    def write(self, pointer: int, data: bytes) -> bool:
        """Copy into the memory; False if `data` does not fit there, and nothing is copied."""
        base = self._range(pointer, len(data))
        if base is not None:
            ctypes.memmove(base, data, len(data))
        return base is not None

    def call(self, function: str) -> str:
        """Run an exported function of type () → (): `ENDED`, or `HOST`, or the name of the trap in lower case.

        `HOST` means that a host function returned a trap. Raises `EngineFault` if there is no such function.
        """
        name = function.encode()
        export = Extern()
        if not self._export(name, export) or export.kind != _ffi.WASMTIME_EXTERN_FUNC.value:
            raise EngineFault(f"a checked module does not export {function}")
        trap, room = _pointer(), ctypes.c_uint64(0)
        function_at = ctypes.addressof(export) + Extern.of.offset
        error = _call(self._context, function_at, ctypes.addressof(room), 0, ctypes.addressof(trap))
        return _end_of(trap.value, error, self._trace)

    def _export(self, name: bytes, into: Extern) -> bool:
        found: bool = _export_get(
            self._context, ctypes.addressof(self._instance), name, len(name), ctypes.addressof(into)
        )
        return found

    def _range(self, pointer: int, length: int) -> int | None:
        if not self._memory_at:
            return None
        if pointer + length > _memory_data_size(self._context, self._memory_at):
            return None
        base: int = _memory_data(self._context, self._memory_at) or 0
        return base + pointer


def _end_of(trap: int | None, error: int | None, trace: list[tuple[int, int]] | None) -> str:
    """How code ended; trap and error are freed. An error that is no trap of the engine's is `HOST`."""
    if not trap and not error:
        return ENDED
    code = ctypes.c_uint8(0)
    known = bool(trap) and _trap_code(trap, ctypes.addressof(code))
    if trap:
        if trace is not None:
            _add_frames(_trap_trace, trap, trace)
        _trap_delete(trap)
    if error:
        if trace is not None:  # the trap that a host function returned
            _add_frames(_error_trace, error, trace)
        _error_delete(error)
    return TrapCode(code.value).name.lower() if known else HOST


def _add_frames(frames_of: "Callable[[int, int], None]", end: int, trace: list[tuple[int, int]]) -> None:
    """Add the WASM frames that a trap or an error passed; the engine keeps the innermost ones, a bounded number."""
    frames = _Frames()
    frames_of(end, ctypes.addressof(frames))
    trace += [(_frame_function(frames.data[at]), _frame_offset(frames.data[at])) for at in range(frames.size)]
    _frames_delete(ctypes.addressof(frames))
