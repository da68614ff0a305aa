"""The pinned engine."""

import pytest

from accountant.chain.genesis import GasSchedule
from accountant.contracts.engine import (
    ENGINE,
    MODULES_MOST,
    PAGE_BYTES,
    POOLED_MEMORIES,
    POOLED_PAGES_MOST,
    EngineMismatch,
    ModuleCache,
    engine,
    modules,
    new_store,
    require_engine,
)
from accountant.contracts.native import ENDED, Cell, EngineFault
from tests.support.wat import main_module, module, run_main


def test_the_pinned_engine_is_installed() -> None:
    """The installed wasmtime is the one that the chain's rules name."""
    require_engine(ENGINE)


@pytest.mark.parametrize("name", ["wasmtime 50.0.0", "wasmtime 51.0.1", "", "wasmer 50.0.1"])
def test_another_engine_is_refused(name: str) -> None:
    """A chain whose genesis names another engine is not worked on."""
    with pytest.raises(EngineMismatch, match=r"50\.0\.1"):
        require_engine(name)


def test_one_engine_in_a_process() -> None:
    """The engine is made once."""
    assert engine() is engine()


def test_compiled_modules_are_kept_and_bounded() -> None:
    """The same code is compiled once; the least recently used module goes when there are too many."""
    cache = ModuleCache()
    codes = [main_module(f"(drop (i32.const {number}))") for number in range(MODULES_MOST + 1)]
    first = cache.get(codes[0])
    assert cache.get(codes[0]) is first
    for code in codes[1:]:
        cache.get(code)
    assert len(cache._modules) == MODULES_MOST
    assert cache.get(codes[0]) is not first


@pytest.mark.parametrize("pages", [1, POOLED_PAGES_MOST, POOLED_PAGES_MOST + 1])
def test_a_memory_begins_with_zeros(pages: int) -> None:
    """Whoever had the memory before, and wrote all of it, leaves nothing behind, pooled or not."""
    size = pages * PAGE_BYTES
    dirty = module(
        f'(func (export "main") (memory.fill (i32.const 0) (i32.const 255) (i32.const {size})))', pages=pages
    )
    ends_badly = module(
        f'(func (export "main") (memory.fill (i32.const 0) (i32.const 255) (i32.const {size})) (unreachable))',
        pages=pages,
    )
    for code in (dirty, ends_badly):
        run_main(code)
        store = new_store(pages)
        cell = Cell(store)
        cell.set_fuel(10**9)
        assert cell.instantiate(modules().get(dirty).linked) == ENDED
        assert cell.read(0, size) == bytes(size)
        assert cell.read(0, size + 1) is None
        store.close()


def test_gas_and_traps_know_nothing_of_the_pool() -> None:
    """The same code with a pooled memory and with another costs the same but for its pages, and ends as it does."""
    bodies = ("(call $return_int (i64.load (i32.const 65528)))", "(i32.store (i32.const {}) (i32.const 1))")
    prices = []
    for pages in (POOLED_PAGES_MOST, POOLED_PAGES_MOST + 1):
        fine, outside = (
            run_main(module(f'(func (export "main") {body.format(pages * PAGE_BYTES - 3)})', pages=pages))
            for body in bodies
        )
        assert fine.failure is None
        assert outside.detail == "memory_out_of_bounds"
        prices.append(fine.gas_used)
    assert prices[1] - prices[0] == GasSchedule().memory_page


def test_no_memory_left_is_no_outcome() -> None:
    """More frames at once than the pool has memories are the machine's fault; those that end make room again."""
    linked, stores = modules().get(main_module("(nop)")).linked, []

    def begin() -> str:
        stores.append(new_store(1))
        cell = Cell(stores[-1])
        cell.set_fuel(10**6)
        return cell.instantiate(linked)

    assert all(begin() == ENDED for _ in range(POOLED_MEMORIES))
    with pytest.raises(EngineFault):
        begin()
    for store in stores:
        store.close()
    assert begin() == ENDED
    stores[-1].close()
