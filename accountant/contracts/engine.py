"""The WASM engine of a process. Its version and settings are part of the chain's rules: fuel depends on them."""

import threading
from collections import OrderedDict
from functools import lru_cache
from importlib.metadata import version
from typing import NamedTuple, Protocol

from wasmtime import Config, Engine, InstancePre, Module, WasmtimeError

from accountant.chain.genesis import MEMORY_PAGES_MOST
from accountant.contracts.binary import memory_pages
from accountant.contracts.host import linker_of
from accountant.contracts.native import Store, pool_memories
from accountant.primitives.errors import AccountantError
from accountant.primitives.hashes import sha256

ENGINE = "wasmtime 50.0.1"
"""What `Genesis.engine` must say."""

WASM_STACK_BYTES = 512 * 1024
"""Native stack that one frame's code may use. The structural limits keep every module far below it."""

PAGE_BYTES = 64 * 1024

MEMORY_RESERVED_BYTES = MEMORY_PAGES_MOST * PAGE_BYTES
"""Addresses reserved for a memory; growing within them never moves it."""

POOLED_PAGES_MOST = 4
"""Memories up to this size come from a pool: asking the system for each, and giving it back, takes 20 µs and more."""

POOLED_MEMORIES = 256
"""Frames of such modules that may run at once in a process: some 40 in a thread, where contracts wait for others."""

MODULES_MOST = 256
MODULES_BYTES_MOST = 16 * 1024 * 1024
"""Compiled modules kept in a process, and their WASM bytes together; native code is up to 16 times as large."""


class EngineMismatch(AccountantError):
    """A chain whose rules name another engine than the one installed."""

    code = "engine_mismatch"


def require_engine(name: str) -> None:
    """Refuse to work on a chain of another engine. Raises `EngineMismatch`."""
    installed = f"wasmtime {version('wasmtime')}"
    if not name == ENGINE == installed:
        raise EngineMismatch(
            f"the chain is of engine {name!r}; this software is of {ENGINE!r}, installed is {installed!r}"
        )


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The engine, made at first use (so that processes may fork before). Raises `EngineMismatch`."""
    return Engine(_config(MEMORY_RESERVED_BYTES))


@lru_cache(maxsize=1)
def pooled_engine() -> Engine:
    """The same for modules with small memories. It has no other rules: where a memory comes from decides nothing."""
    config = _config(POOLED_PAGES_MOST * PAGE_BYTES)
    pool_memories(config, POOLED_MEMORIES, POOLED_PAGES_MOST * PAGE_BYTES, PAGE_BYTES)
    return Engine(config)


def _engine_of(pages: int) -> Engine:
    return pooled_engine() if pages <= POOLED_PAGES_MOST else engine()


def _config(memory_bytes: int) -> Config:
    require_engine(ENGINE)
    config = Config()
    config.consume_fuel = True
    config.cranelift_nan_canonicalization = True
    # Without optimisation a native frame follows from the WASM stack and locals, so that it can be bounded
    # without compiling; loops run as fast, measured.
    config.cranelift_opt_level = "none"
    # Memory as it is used rather than 4 GiB of addresses for each instance: workers run under address-space limits.
    config.memory_reservation = memory_bytes
    config.memory_guard_size = 0
    config.memory_reservation_for_growth = memory_bytes
    # No open file for each compiled module.
    config.memory_init_cow = False
    config.max_wasm_stack = WASM_STACK_BYTES
    config.parallel_compilation = False
    # Reference types alone stay on: the engine's component model wants them. `check_module` has no opcode for them.
    config.wasm_threads = False
    config.shared_memory = False
    config.wasm_simd = False
    config.wasm_relaxed_simd = False
    config.wasm_relaxed_simd_deterministic = True
    config.wasm_tail_call = False
    config.wasm_exceptions = False
    config.wasm_function_references = False
    config.wasm_gc = False
    config.wasm_multi_memory = False
    config.wasm_memory64 = False
    config.wasm_wide_arithmetic = False
    config.wasm_custom_page_sizes = False
    config.wasm_stack_switching = False
    config.wasm_bulk_memory = True
    config.wasm_multi_value = True
    return config


class CompiledModule(NamedTuple):
    """A module that can be instantiated, and the pages of its memory."""

    linked: InstancePre
    pages: int


class CompiledCode(Protocol):
    """Where a machine keeps native code for its own later use. See `storage/compiled.py`."""

    def load(self, name: str) -> bytes | None:
        """What `keep` was given under this name, unaltered, on this very machine; None if it is not there."""

    def keep(self, name: str, native: bytes) -> None:
        """Keep it, or not; never raises."""


class ModuleCache:
    """Compiled modules by their code, the most recently used.

    Whoever goes through more modules than fit has each compiled anew, unless `keep_compiled` said where native
    code is kept: then it is loaded, which `GasSchedule.code_per_byte` pays for.
    """

    def __init__(self, kept: CompiledCode | None = None) -> None:
        self._modules: OrderedDict[bytes, CompiledModule] = OrderedDict()  # bytes remember their hash
        self._bytes = 0
        self._lock = threading.Lock()
        self._linkers = {chosen: linker_of(chosen) for chosen in (engine(), pooled_engine())}
        self._kept = kept

    def get(self, code: bytes) -> CompiledModule:
        """The compiled module, linked with the host table. `code` must have passed `check_module`."""
        with self._lock:
            known = self._modules.get(code)
            if known is not None:
                self._modules.move_to_end(code)
                return known
        pages = memory_pages(code)
        chosen = _engine_of(pages)
        compiled = CompiledModule(self._linkers[chosen].instantiate_pre(self._compiled(code, chosen)), pages)
        with self._lock:
            if code not in self._modules:
                self._modules[code] = compiled
                self._bytes += len(code)
            while len(self._modules) > MODULES_MOST or self._bytes > MODULES_BYTES_MOST:
                self._bytes -= len(self._modules.popitem(last=False)[0])
        return compiled

    def _compiled(self, code: bytes, chosen: Engine) -> Module:
        if self._kept is None:
            return Module(chosen, code)
        name = f"{sha256(code).hex()}-{ENGINE.replace(' ', '-')}"
        native = self._kept.load(name)
        if native is not None:
            try:
                return Module.deserialize(chosen, native)
            except WasmtimeError:
                pass  # of another build of the engine or another processor: compiled and kept anew
        module = Module(chosen, code)
        self._kept.keep(name, bytes(module.serialize()))
        return module


_kept: list[CompiledCode] = []


def keep_compiled(kept: CompiledCode) -> None:
    """Say where this process keeps native code. Call it before the first contract runs."""
    modules.cache_clear()
    _kept[:] = [kept]


@lru_cache(maxsize=1)
def modules() -> ModuleCache:
    """The process's compiled modules."""
    return ModuleCache(*_kept)


def new_store(pages: int) -> Store:
    """A store for one frame, whose memory never grows beyond `pages`, with which it begins. To be closed."""
    return Store(_engine_of(pages), pages * PAGE_BYTES)
