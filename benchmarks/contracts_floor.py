"""What `benchmarks.contracts` compares with: a least module, and host calls, through wasmtime's ordinary Python API."""

from collections.abc import Callable

from wasmtime import Engine, Func, FuncType, Instance, Linker, Module, Store, ValType, wat2wasm

from accountant.contracts.engine import engine
from accountant.contracts.native import Cell, HostCallbackType, define
from accountant.contracts.native import Store as NativeStore

FUEL = 10**9
HOST_CALLS = 1_000

_TRANSFER = """
(module
  (memory (export "memory") 1)
  (data (i32.const 0) "\\00\\00\\00\\00\\00\\00\\10\\00")
  (func (export "transfer") (param $units i64) (result i64) (local $balance i64)
    (local.set $balance (i64.load (i32.const 0)))
    (if (i64.lt_s (local.get $units) (i64.const 0)) (then (return (i64.const 0))))
    (if (i64.gt_s (local.get $units) (local.get $balance)) (then (return (i64.const 0))))
    (i64.store (i32.const 16) (i64.sub (local.get $balance) (local.get $units)))
    (i64.store (i32.const 24) (i64.add (i64.load (i32.const 8)) (local.get $units)))
    (i64.const 1)))
"""
"""Reads two slots of its memory, the sender's balance and the recipient's, and writes two, what they become."""

_LOOP = f"""
(module
  (import "anh" "same" (func $same (param i64) (result i64)))
  (func (export "main") (local $left i64)
    (local.set $left (i64.const {HOST_CALLS}))
    (loop $again
      (local.set $left (i64.sub (call $same (local.get $left)) (i64.const 1)))
      (br_if $again (i64.ne (local.get $left) (i64.const 0))))))
"""

_alive: list[object] = []
"""Callbacks that the engine knows."""


def floor(chosen: Engine, count: int) -> Callable[[], int]:
    """`count` transfers, each in a store and an instance of its own, and nothing else."""
    module = Module(chosen, bytes(wat2wasm(_TRANSFER)))

    def run_all() -> int:
        for _ in range(count):
            store = Store(chosen)
            if chosen is engine():
                store.set_fuel(FUEL)
            instance = Instance(store, module, [])
            transfer = instance.exports(store)["transfer"]
            assert isinstance(transfer, Func) and transfer(store, 5) == 1
            store.close()
        return count

    return run_all


def ordinary_host_calls() -> Callable[[], int]:
    """Host calls that return what they got, as `Linker.define_func` makes them."""
    linker = Linker(engine())
    linker.define_func("anh", "same", FuncType([ValType.i64()], [ValType.i64()]), lambda word: word)
    module = Module(engine(), bytes(wat2wasm(_LOOP)))

    def run_all() -> int:
        store = Store(engine())
        store.set_fuel(FUEL)
        main = linker.instantiate(store, module).exports(store)["main"]
        assert isinstance(main, Func)
        main(store)
        return HOST_CALLS

    return run_all


def bound_host_calls() -> Callable[[], int]:
    """The same through `contracts.native`."""
    callback = HostCallbackType(lambda _environment, _caller, _raw, _count: 0)  # the result has the argument's place
    _alive.append(callback)
    linker = Linker(engine())
    define(linker, b"anh", b"same", FuncType([ValType.i64()], [ValType.i64()]), callback)
    linked = linker.instantiate_pre(Module(engine(), bytes(wat2wasm(_LOOP))))

    def run_all() -> int:
        store = NativeStore(engine(), 0)
        cell = Cell(store)
        cell.set_fuel(FUEL)
        cell.instantiate(linked)
        cell.call("main")
        store.close()
        return HOST_CALLS

    return run_all
