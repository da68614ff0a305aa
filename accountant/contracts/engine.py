"""The one WASM engine of a process. Its version and settings are part of the chain's rules: fuel depends on them."""

import threading
from collections import OrderedDict
from functools import lru_cache
from importlib.metadata import version

from wasmtime import Config, Engine, InstancePre, Module, Store

from accountant.chain.genesis import MEMORY_PAGES_MOST
from accountant.contracts.host import linker_of
from accountant.primitives.errors import AccountantError
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Hash

ENGINE = "wasmtime 50.0.1"
"""What `Genesis.engine` must say."""

WASM_STACK_BYTES = 512 * 1024
"""Native stack that one frame's code may use. The structural limits keep every module far below it."""

PAGE_BYTES = 64 * 1024

MEMORY_RESERVED_BYTES = MEMORY_PAGES_MOST * PAGE_BYTES
"""Addresses reserved for a memory; growing within them never moves it."""

MODULES_MOST = 256
"""Compiled modules kept in a process."""


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
    require_engine(ENGINE)
    config = Config()
    config.consume_fuel = True
    config.cranelift_nan_canonicalization = True
    # Without optimisation a native frame follows from the WASM stack and locals, so that it can be bounded
    # without compiling; loops run as fast, measured.
    config.cranelift_opt_level = "none"
    # Memory as it is used rather than 4 GiB of addresses for each instance: workers run under address-space limits.
    config.memory_reservation = MEMORY_RESERVED_BYTES
    config.memory_guard_size = 0
    config.memory_reservation_for_growth = MEMORY_RESERVED_BYTES
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
    return Engine(config)


class ModuleCache:
    """Compiled modules by the hash of their code, the most recently used `MODULES_MOST` of them."""

    def __init__(self) -> None:
        self._modules: OrderedDict[Hash, InstancePre] = OrderedDict()
        self._lock = threading.Lock()
        self._linker = linker_of(engine())

    def get(self, code: bytes) -> InstancePre:
        """The compiled module, linked with the host table. `code` must have passed `check_module`."""
        name = sha256(code)
        with self._lock:
            known = self._modules.get(name)
            if known is not None:
                self._modules.move_to_end(name)
                return known
        compiled = self._linker.instantiate_pre(Module(engine(), code))
        with self._lock:
            self._modules[name] = compiled
            while len(self._modules) > MODULES_MOST:
                self._modules.popitem(last=False)
        return compiled


@lru_cache(maxsize=1)
def modules() -> ModuleCache:
    """The process's compiled modules."""
    return ModuleCache()


def new_store(pages_most: int) -> Store:
    """A store for one frame. Close it: nothing else frees its memory in time."""
    store = Store(engine())
    store.set_limits(memory_size=pages_most * PAGE_BYTES, table_elements=0, instances=1, tables=0, memories=1)
    return store
