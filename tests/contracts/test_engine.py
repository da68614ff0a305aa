"""The pinned engine."""

import pytest

from accountant.contracts.engine import ENGINE, MODULES_MOST, EngineMismatch, ModuleCache, engine, require_engine
from tests.support.wat import main_module


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
