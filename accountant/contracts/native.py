"""The few calls of wasmtime's C interface that run for every host call and every frame, bound without detours.

wasmtime-py's own `Func` and `Linker.define_func` convert every value through several Python objects, about 20 µs
a host call; these bindings take about half a microsecond. Short calls keep the interpreter lock (`PyDLL`);
instantiating and running code release it (`CDLL`). The engine's version is pinned, so are these signatures.
"""

import ctypes
from typing import TYPE_CHECKING

from wasmtime import Config, Engine, FuncType, InstancePre, Linker, TrapCode, _ffi

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
_store_new = _short.wasmtime_store_new
_store_new.argtypes, _store_new.restype = [_pointer, _pointer, _pointer], _pointer
_store_context = _short.wasmtime_store_context
_store_context.argtypes, _store_context.restype = [_pointer], _pointer
_store_limiter = _short.wasmtime_store_limiter
_store_limiter.argtypes, _store_limiter.restype = [_pointer, *[ctypes.c_int64] * 5], None
_store_delete = _long.wasmtime_store_delete
_store_delete.argtypes, _store_delete.restype = [_pointer], None
# Every host call makes these two. They are given `_as_pointer` and a c_uint64 as they stand: converting takes longer.
_get_fuel = _short.wasmtime_context_get_fuel
_get_fuel.restype = _pointer
_set_fuel = _short.wasmtime_context_set_fuel
_set_fuel.restype = _pointer
_as_pointer = _pointer.from_param
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


def pool_memories(config: Config, memories: int, bytes_most: int, bytes_kept: int) -> None:
    """Let an engine keep `memories` memories of at most `bytes_most` and use them again.

    Each begins with zeros: its first `bytes_kept` are overwritten, the rest is given back to the system.
    """
    pool = _ffi.wasmtime_pooling_allocation_config_new()
    _ffi.wasmtime_pooling_allocation_config_total_core_instances_set(pool, 2 * memories)
    _ffi.wasmtime_pooling_allocation_config_total_memories_set(pool, memories)
    _ffi.wasmtime_pooling_allocation_config_total_tables_set(pool, 0)
    _ffi.wasmtime_pooling_allocation_config_total_stacks_set(pool, 0)
    _ffi.wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, 0)
    _ffi.wasmtime_pooling_allocation_config_max_memory_size_set(pool, bytes_most)
    _ffi.wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, bytes_kept)
    _ffi.wasmtime_pooling_allocation_strategy_set(config.ptr(), pool)
    _ffi.wasmtime_pooling_allocation_config_delete(pool)


def new_trap() -> int:
    """A trap for a host function to return; the engine takes it over. Why is kept on the Python side."""
    trap: int = _trap_new(b"host", 4)
    return trap


class Store:
    """A store for one instance without tables, whose memory takes at most `memory_bytes`.

    Close it: nothing else frees its memory. The engine must outlive it.
    """

    __slots__ = ("_at", "context")

    def __init__(self, engine: Engine, memory_bytes: int) -> None:
        self._at: int = _store_new(engine.ptr(), None, None)
        self.context: int = _store_context(self._at)
        table_elements, instances, tables, memories = 0, 1, 0, 1
        _store_limiter(self._at, memory_bytes, table_elements, instances, tables, memories)

    def close(self) -> None:
        """Free it with everything in it. Its cells must not be used any more."""
        _store_delete(self._at)


class Cell:
    """An instance in its store: fuel, memory and exported functions. Dies with the store."""

    __slots__ = ("_context", "_fuel", "_fuel_at", "_instance", "_memory", "_trace")

    def __init__(self, store: Store, trace: list[tuple[int, int]] | None = None) -> None:
        """`trace`: where a trap happened is added to it, (function index, offset in the module), innermost first."""
        self._trace = trace
        self._context = _as_pointer(store.context)
        self._fuel = ctypes.c_uint64(0)
        self._fuel_at = ctypes.byref(self._fuel)
        self._instance = _Instance()
        self._memory: memoryview | None = None
        """Found when somebody asks for it."""

    def instantiate(self, module: InstancePre) -> str:
        """Make the instance: `ENDED`, or the name of the trap in lower case. Copying data segments takes fuel.

        Raises `EngineFault` where the machine lacks the means.
        """
        trap = _pointer()
        error = _instantiate(module.ptr(), self._context, ctypes.addressof(self._instance), ctypes.addressof(trap))
        end = _end_of(trap.value, error, self._trace)
        if end == HOST:
            raise EngineFault("a checked module could not be instantiated")
        return end

    def fuel(self) -> int:
        """What is left."""
        _get_fuel(self._context, self._fuel_at)
        return self._fuel.value

    def set_fuel(self, fuel: int) -> None:
        """Make `fuel` what is left."""
        self._fuel.value = fuel
        error = _set_fuel(self._context, self._fuel)
        assert not error, "fuel is on"

    def take(self, fuel: int) -> bool:
        """Take some of what is left; False if there is less, and nothing is taken."""
        context, cell = self._context, self._fuel
        _get_fuel(context, self._fuel_at)
        left = cell.value - fuel
        if left < 0:
            return False
        cell.value = left
        _set_fuel(context, cell)
        return True

    def read(self, pointer: int, length: int) -> bytes | None:
        """Bytes of the memory; None outside of it."""
        memory, end = self._memory or self._found_memory(), pointer + length
        return memory[pointer:end].tobytes() if end <= len(memory) else None

    def write(self, pointer: int, data: bytes) -> bool:
        """Copy into the memory; False if `data` does not fit there, and nothing is copied."""
        memory, end = self._memory or self._found_memory(), pointer + len(data)
        if end > len(memory):
            return False
        memory[pointer:end] = data
        return True

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

    def _found_memory(self) -> memoryview:
        """The memory. It never moves and its size never changes, since the store lets none grow."""
        export, base, size = Extern(), 0, 0
        if self._export(b"memory", export):
            assert export.kind == _ffi.WASMTIME_EXTERN_MEMORY.value, "no checked module exports another memory"
            memory_at = ctypes.addressof(export) + Extern.of.offset
            size = _memory_data_size(self._context, memory_at)
            base = _memory_data(self._context, memory_at)
        self._memory = memoryview((ctypes.c_char * size).from_address(base)).cast("B") if size else memoryview(b"")
        return self._memory


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
