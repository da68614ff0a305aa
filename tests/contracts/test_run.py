"""Runs as a whole: failure kinds, exceptions that are not failures, determinism, nothing left behind."""

import gc
import json
import resource
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from accountant.chain.footprint import Call, Entry, Read
from accountant.chain.genesis import GasSchedule, Limits
from accountant.contracts.errors import FailureKind
from accountant.contracts.host import running
from accountant.contracts.run import execute
from accountant.primitives.types import Gas
from tests.support.wat import GAS, MAIN, DictWorld, call_of, contract, escaped, main_module, module, run_main, text

LOOP = """(local.set $i (i64.const 200)) (loop $l {}
    (br_if $l (i64.ne (local.tee $i (i64.sub (local.get $i) (i64.const 1))) (i64.const 0))))"""
ROOT = Path(__file__).parents[2]


class Unresolved(Exception):
    """What a selective executor raises from the world."""


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("(unreachable)", "unreachable"),
        ("(drop (i64.div_s (i64.const 1) (call $arg_count)))", "integer_division_by_zero"),
        ("(drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1)))", "integer_overflow"),
        ("(drop (i64.trunc_f64_s (f64.const nan)))", "bad_conversion_to_integer"),
        ("(drop (i64.load (i32.const 65529)))", "memory_out_of_bounds"),
        ("(memory.fill (i32.const 1) (i32.const 0) (i32.const 65536))", "memory_out_of_bounds"),
    ],
)
def test_traps(code: str, detail: str) -> None:
    """A trap is TRAP with the engine's name for it, and uses up all gas."""
    result = run_main(main_module(code))
    assert result[:3] == (FailureKind.TRAP, detail, GAS)
    assert result[3:] == (None, (), {}, {}, {}, {}, {})


def test_out_of_gas_in_code_and_in_host_calls() -> None:
    """Exhausted gas is OUT_OF_GAS and all of it is used, whether an instruction or a host call lacked it."""
    for gas in (0, 1, 1_000, 1_001):
        result = run_main(main_module("(loop $l (br $l))"), gas=gas)
        assert (result.failure, result.gas_used) == (FailureKind.OUT_OF_GAS, gas)
    result = run_main(main_module(f"(drop {text(0, 1000)})"), gas=2_000)
    assert (result.failure, result.gas_used) == (FailureKind.OUT_OF_GAS, 2_000)


def test_exactly_enough_gas_is_enough() -> None:
    """What a run used is the least that it runs with."""
    code = main_module(f"(call $return_bytes (call $sha256 {text(0, 100)}))")
    used = run_main(code).gas_used
    assert run_main(code, gas=used).gas_used == used
    assert run_main(code, gas=used).failure is None
    assert run_main(code, gas=used - 1).failure is FailureKind.OUT_OF_GAS


def test_data_segments_are_paid_for() -> None:
    """Each frame pays for copying the module's data, wherever it lies, and gas may run out over it."""
    scattered = "".join(f'(data (i32.const {at}) "{"x" * 100}")' for at in range(0, 60_000, 5_000))
    code = module(f'{scattered} (func (export "main") (call $return_bytes {text(55_000, 3)}))')
    result = run_main(code)
    plain = main_module(f"(call $return_bytes {text(0, 3)})")
    larger = GasSchedule().code_per_byte * (len(code) - len(plain))
    assert (result.return_value, result.gas_used) == (b"xxx", run_main(plain).gas_used + larger + 1_213)
    entry = GasSchedule().code_per_byte * len(code) + GasSchedule().memory_page
    for gas in (entry, entry + 100, entry + 1_213):
        result = run_main(code, gas=gas)
        assert (result.failure, result.gas_used) == (FailureKind.OUT_OF_GAS, gas)


def test_memory_never_grows() -> None:
    """memory.grow gives −1 for any number of pages but 0, and nothing else happens: the first size is paid for."""
    grow = '(func (export "main") (call $return_int (i64.extend_i32_s (memory.grow (i32.const {})))))'
    for pages in (1, 2, 65_535, -1):
        assert run_main(module(grow.format(pages))).return_value == -1
    assert run_main(module(grow.format(0), pages=3)).return_value == 3
    loop = "(loop $l (drop (memory.grow (i32.const 1))) (br $l))"
    assert run_main(main_module(loop)).failure is FailureKind.OUT_OF_GAS


def test_frames_pay_for_module_and_memory() -> None:
    """A frame costs gas by the bytes of its module and by the pages of its memory, before any code runs."""
    prices = GasSchedule()
    for pages in (0, 1, 7, Limits().memory_pages_most):
        code = module('(func (export "main"))', pages=pages)
        price = prices.code_per_byte * len(code) + prices.memory_page * pages
        used = run_main(code).gas_used
        assert used == price + 1
        assert run_main(code, gas=used + 1).failure is None  # the engine enters a function with more fuel than it takes
        for gas in (0, prices.code_per_byte * len(code) - 1, price - 1, price):
            result = run_main(code, gas=gas)
            assert (result.failure, result.gas_used) == (FailureKind.OUT_OF_GAS, gas)


def test_nested_frames_pay_as_well() -> None:
    """A call costs its price and the called module's; where gas lacks for that, all of it is used."""
    prices = GasSchedule()
    inner = module('(func (export "main"))', pages=200)
    world = DictWorld()
    world.deploy(contract(1), inner)
    code = f"(drop (call $call {text(0, 32)} {text(32, 4)} (call $args_new) (i64.const 0)))"
    outer = main_module(code, escaped(contract(1)) + "main")
    used = run_main(outer, Call(contract(1)), world=world).gas_used
    alone = run_main(main_module("", escaped(contract(1)) + "main"), world=world).gas_used
    entry = prices.call + prices.code_per_byte * len(inner) + prices.memory_page * 200
    assert used - alone - entry - 3 * prices.host_copy - 36 * prices.host_per_byte in range(200)
    for gas in (used - 1, used - 2, used - prices.memory_page * 200):
        result = run_main(outer, Call(contract(1)), world=world, gas=gas)
        assert (result.failure, result.gas_used) == (FailureKind.OUT_OF_GAS, gas)


def test_floats_have_one_nan() -> None:
    """Arithmetic gives the canonical NaN, whatever NaN went in."""
    code = "(call $return_int (i64.reinterpret_f64 (f64.add (f64.const nan:0x123) (f64.const -nan:0x4000000000321))))"
    result = run_main(main_module(code)).return_value
    assert isinstance(result, int)
    assert result % 2**64 == 0x7FF8000000000000


def nest(depth: int) -> tuple[DictWorld, tuple[Entry, ...]]:
    """`depth` frames inside each other, of which the innermost reads a slot."""
    world = DictWorld()
    for number in range(depth - 1):
        data = escaped(contract(number + 1)) + "main"
        code = f"(drop (call $call {text(0, 32)} {text(32, 4)} (call $args_new) (i64.const 0)))"
        world.deploy(contract(number), main_module(code, data))
    last = contract(depth - 1)
    world.deploy(last, main_module(f"(call $return_bytes (call $storage_read {text(0, 1)}))", "s"))
    world.slots[last, b"s"] = b"value"
    return world, (Read(last, b"s"), *(Call(contract(number)) for number in range(depth)))


@pytest.mark.parametrize("depth", [1, 2, 5, 8])
@pytest.mark.parametrize(
    "error", [Unresolved("slot"), KeyboardInterrupt(), ValueError("bug")], ids=lambda e: type(e).__name__
)
def test_exceptions_of_the_world_pass_through(depth: int, error: BaseException) -> None:
    """An exception that is no failure arrives as the very same object, at any depth, and the run may start again."""
    world, footprint = nest(depth)
    run = call_of(footprint=footprint)
    expected = execute(run, world, GAS)
    assert expected.failure is None

    def stop(what: str, _of: object) -> None:
        if what == "slot":
            raise error

    world.before = stop
    for _ in range(3):
        with pytest.raises(type(error)) as caught:
            execute(run, world, GAS)
        assert caught.value is error
        assert running.frame is None
        assert running.pending is None
    world.before = lambda _what, _of: None
    assert execute(run, world, GAS) == expected


def test_exception_where_the_code_is_looked_up() -> None:
    """An exception from a look-up of code or of funds passes through as well."""
    world, footprint = nest(3)
    error = Unresolved("code")

    def stop(what: str, of: object) -> None:
        if (what, of) == ("code", contract(2)):
            raise error

    world.before = stop
    with pytest.raises(Unresolved) as caught:
        execute(call_of(footprint=footprint), world, GAS)
    assert caught.value is error


def test_a_run_inside_a_look_up() -> None:
    """The world may run another transaction while it is asked; both come out as if alone."""
    world, footprint = nest(3)
    run = call_of(footprint=footprint)
    expected = execute(run, world, GAS)
    inner_world, inner_footprint = nest(2)
    results = []

    def nested(what: str, _of: object) -> None:
        if what == "slot":
            results.append(execute(call_of(footprint=inner_footprint), inner_world, GAS))

    world.before = nested
    assert execute(run, world, GAS) == expected
    assert results == [execute(call_of(footprint=inner_footprint), nest(2)[0], GAS)]
    assert results[0].failure is None


def test_nothing_is_kept_of_a_run() -> None:
    """World and results of a run are freed with the last reference, after success, failure and exception alike."""
    gc.collect()
    gc.disable()
    try:
        for code in ("", "(unreachable)", f"(call $fail {text(0, 1)})", f"(drop (call $storage_read {text(0, 1)}))"):
            world = DictWorld()
            seen = weakref.ref(world)
            run_main(main_module(code), world=world)
            del world
            assert seen() is None, code
        world, footprint = nest(5)
        seen = weakref.ref(world)
        world.before = _raise_at_slot
        with pytest.raises(Unresolved):
            execute(call_of(footprint=footprint), world, GAS)
        del world
        assert seen() is None
    finally:
        gc.enable()


def _raise_at_slot(what: str, _of: object) -> None:
    if what == "slot":
        raise Unresolved


def test_memory_does_not_grow_with_runs() -> None:
    """Thousands of runs and interrupted runs, each with memory of its own, leave the process as large as it was."""
    fill = "(memory.fill (i32.const 0) (i32.const 1) (i32.const 100000))"
    body = f'(func (export "main") {fill} (drop (call $storage_read {text(0, 1)})))'
    world = DictWorld()
    world.deploy(MAIN, module(body, pages=100))
    run = call_of(footprint=(Read(MAIN, b"\x01"),))

    def many(count: int) -> None:
        for number in range(count):
            world.asked.clear()
            world.before = _raise_at_slot if number % 2 else lambda _what, _of: None
            try:
                assert execute(run, world, GAS).failure is None
            except Unresolved:
                assert number % 2

    many(200)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    many(2000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024  # KiB; one leaked page set is 100 KB


def test_threads_do_not_meet() -> None:
    """Runs in several threads at once give what they give alone."""
    world, footprint = nest(4)
    run = call_of(footprint=footprint)
    expected = execute(run, world, GAS)
    results: list[bool] = []

    def work() -> None:
        mine, _ = nest(4)
        results.extend(execute(run, mine, GAS) == expected for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 200


_PRINT_RUN = """
import json
from tests.contracts.test_run import LOOP, nest
from tests.support.wat import GAS, call_of, main_module, run_main, text
from accountant.contracts.run import execute
world, footprint = nest(6)
logs = f"(call $log {text(0, 9)} (call $keccak256 (call $bytes_from_int (local.get $i))))"
code = main_module(LOOP.format(logs), locals_="(local $i i64)")
print(json.dumps([repr(execute(call_of(footprint=footprint), world, GAS)), repr(run_main(code))]))
"""


def test_a_fresh_process_gives_the_same() -> None:
    """Results, logs and gas do not depend on the process, its hash seed, or what it did before."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _PRINT_RUN],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    first, second = json.loads(outputs.pop())
    world, footprint = nest(6)
    assert repr(execute(call_of(footprint=footprint), world, Gas(GAS))) == first
    assert "failure=None" in second
