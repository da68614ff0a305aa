"""Worst cases of frames, memory, instructions, compilation, and native code that is loaded again."""

from collections.abc import Callable
from pathlib import Path

from wasmtime import Module

from accountant.chain.footprint import Call
from accountant.contracts.engine import ModuleCache, engine
from accountant.contracts.world import ContractCode
from accountant.storage.compiled import CompiledFolder
from benchmarks.metering_runs import (
    PRICES,
    SENDER,
    Case,
    contract,
    envelope,
    escaped,
    loop,
    main_of,
    runner,
    wasm,
    whole,
)

TOUCH = """(local.set $p (i32.const 2048)) (loop $t (i32.store8 (local.get $p) (i32.const 1))
    (br_if $t (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 4096))) (i32.const {}))))"""
_CALLS = "(call 0)" * 5
_TRUNCATION = "(drop (i64.trunc_f64_u (local.get 0)))" + "(nop)" * 13
_SETTING = "(if (local.get 0) (then (local.set 7 (i64.const 1))))"
_NEXT = """(drop (call $call (call $bytes_new (i32.const 0) (i32.const 32))
    (call $bytes_new (i32.const 32) (i32.const 4)) (call $args_new) (i64.const 0)))"""


def _frames() -> list[Case]:
    filler = "(func (result i64)" + "(i64.const 1)" + "(i64.add (i64.const 3))" * 300 + ")"
    large = wasm(main_of("") + filler * 280, imports=False)
    segments = (
        "".join(f'(data (i32.const {n * 200}) "x")' for n in range(250)) + "(global (mut i64) (i64.const 1))" * 250
    )
    cases = []
    for pages in (0, 1, 16, 256):
        plain = runner(wasm(main_of(""), pages, imports=False))
        touched = runner(wasm(main_of(TOUCH.format(pages << 16) if pages else ""), pages, imports=False))
        cases.append(whole(f"frame, {pages} pages", "frame", plain, PRICES.call_base))
        cases.append(whole(f"frame, {pages} pages, each 4 KiB touched", "frame", touched, PRICES.call_base))
    cases.append(whole("frame, whole host table", "frame", runner(wasm(main_of(""))), PRICES.call_base))
    cases.append(whole("frame, large module", "frame", runner(large), PRICES.call_base))
    cases.append(
        whole("frame, 250 segments and globals", "frame", runner(wasm(main_of("") + segments)), PRICES.call_base)
    )
    return [*cases, whole("frame, 8 in each other, 256 pages each, large", "frame", _deep(filler), PRICES.call_base)]


def _deep(filler: str) -> Callable[[], int]:
    """Eight frames in each other, each with a large module and all the memory there is, touched."""
    codes = {}
    touch = TOUCH.format(256 << 16)
    for number in range(1, 8):
        inner = _NEXT if number < 7 else ""
        code = wasm(main_of(touch + inner) + filler * 270, 256, escaped(contract(number + 1)) + "main")
        codes[bytes(contract(number))] = ContractCode(code, envelope(), SENDER)
    outer = wasm(main_of(touch + _NEXT) + filler * 270, 256, escaped(contract(1)) + "main")
    return runner(outer, tuple(Call(contract(number)) for number in range(1, 8)), codes=codes)


def _instructions() -> list[Case]:
    x, f = "(local.get $x)", "(local.get $f)"
    units = {
        "i64.div_s": f"(local.set $x (i64.div_s {x} (i64.const 3)))",
        "i64.rem_u": f"(local.set $x (i64.rem_u {x} (i64.const 3)))",
        "i64.mul": f"(local.set $x (i64.mul {x} (i64.const 3)))",
        "i64.popcnt": f"(local.set $x (i64.popcnt {x}))",
        "i64.rotl": f"(local.set $x (i64.rotl {x} (i64.const 3)))",
        "f64.sqrt": f"(local.set $f (f64.sqrt {f}))",
        "f64.div": f"(local.set $f (f64.div {f} (f64.const 1e-300)))",
        "f64.add, subnormal": f"(local.set $f (f64.mul (f64.const 1e-310) {f}))",
        "f64.nearest": f"(local.set $f (f64.nearest {f}))",
        "f64.floor": f"(local.set $f (f64.floor {f}))",
        "f64.min": f"(local.set $f (f64.min {f} (f64.const 3)))",
        "f64.convert_i64_u": f"(local.set $f (f64.convert_i64_u {x}))",
        "i64.trunc_sat_f64_u": f"(local.set $x (i64.trunc_sat_f64_u {f}))",
        "i64.trunc_f64_u": "(drop (i64.trunc_f64_u (f64.const 1e18)))",
        "i64.load": "(drop (i64.load (i32.const 7)))",
        "i64.store": "(i64.store (i32.const 61) (i64.const 7))",
        "memory.size": "(drop (memory.size))",
        "memory.grow 0": "(drop (memory.grow (i32.const 0)))",
        "memory.grow 1": "(drop (memory.grow (i32.const 1)))",
        "memory.fill 0": "(memory.fill (i32.const 0) (i32.const 1) (i32.const 0))",
        "memory.fill 1": "(memory.fill (i32.const 0) (i32.const 1) (i32.const 1))",
        "memory.copy 0": "(memory.copy (i32.const 0) (i32.const 1) (i32.const 0))",
        "memory.copy 1": "(memory.copy (i32.const 0) (i32.const 1) (i32.const 1))",
        "call": "(call $own)",
        "br_table": "(block $b (br_table $b $b $b (i32.const 1)))",
        "global": "(global.set $g (global.get $g))",
        "nop": "(nop)",
    }
    cases = []
    around = f'(global $g (mut i64) (i64.const 1)) (func $own) (func (export "filler") {"(nop)" * 400})'
    for name, unit in units.items():
        bodies = (main_of(f"(local.set $f (f64.const 2e9)) {loop(50_000, inside)}") for inside in (unit * 8, ""))
        code, empty = (wasm(around + body, imports=False) for body in bodies)
        if name == "nop":
            cases.append(Case("loop", "instruction", runner(empty), runner(wasm(main_of(""), imports=False))))
        else:
            cases.append(Case(name, "instruction", runner(code), runner(empty)))
    big = "(memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216))"
    copy = "(memory.copy (i32.const 0) (i32.const 8388608) (i32.const 8388608))"
    near = "(memory.copy (i32.const 1) (i32.const 0) (i32.const 16777215))"
    setup = TOUCH.format(256 << 16)
    for name, unit in {
        "memory.fill, 16 MiB": big,
        "memory.copy, 8 MiB": copy,
        "memory.copy, overlapping": near,
    }.items():
        made = [runner(wasm(main_of(setup + loop(3, inside)), 256, imports=False)) for inside in (unit, "")]
        cases.append(Case(name, "instruction", made[0], made[1]))
    chase = """(local.set $p (i32.and (i32.add (i32.add (i32.mul (local.get $p) (i32.const 1664525))
        (i32.const 1013904223)) (i32.load (local.get $p))) (i32.const 16777208)))"""
    simple = "(local.set $p (i32.load (local.get $p)))"
    cycle = """(local.set $i (i64.const 65536)) (local.set $p (i32.const 0)) (loop $c
        (i32.store (local.get $p) (i32.and (i32.add (local.get $p) (i32.const 10506496)) (i32.const 16777215)))
        (local.set $p (i32.load (local.get $p)))
        (br_if $c (i64.ne (local.tee $i (i64.sub (local.get $i) (i64.const 1))) (i64.const 0))))"""
    for name, unit, before in (
        ("loads at random", chase, setup + "(local.set $p (i32.const 0))"),
        ("loads in a chain over 16 MiB", simple * 8, setup + cycle),
    ):
        made = [runner(wasm(main_of(before + loop(200_000, inside)), 256, imports=False)) for inside in (unit, "")]
        cases.append(Case(name, "instruction", made[0], made[1]))
    return cases


def _compilations(folder: Path) -> list[Case]:
    modules = {
        "calls": "(func)" + f"(func {'(call 0)' * 2_047})" * 55,
        "loads": f"(func (param i32) (local.get 0) {'(i32.load)' * 2_047} (drop))" * 35,
        "stores": f"(func (param i32) {'(i32.store (local.get 0) (local.get 0))' * 2_040})" * 16,
        "conditional branches": f"(func (param i32) {'(br_if 0 (local.get 0))' * 2_047})" * 30,
        "ifs": f"(func (param i32) {'(if (local.get 0) (then))' * 2_047})" * 16,
        "divisions": f"(func (param i64) (local.get 0) {'(local.get 0) (i64.div_s)' * 2_047} (drop))" * 40,
        "roundings": f"(func (param f64) (local.get 0) {'(f64.nearest)' * 20_000} (drop))" * 12,
        "additions": f"(func (param f64) (local.get 0) {'(f64.add (local.get 0))' * 6_000} (drop))" * 12,
        "copies": f"(func (param i32) {'(memory.copy (local.get 0) (local.get 0) (local.get 0))' * 1_900})" * 12,
        "functions": "(func)" + f"(func {'(call 0)' * 6})" * 1_000,
        "loops": "(func)" + f"(func (param i32) {f'(loop (br_if 0 (local.get 0)) {_CALLS})' * 64})" * 200,
        "truncations": f"(func (param f64) {_TRUNCATION * 1_000})" * 15,
        "branches over locals": f"(func (param i32) (local {'i64 ' * 250}) {_SETTING * 500})" * 8,
        "small": "(func)" * 15,
    }
    cases = []
    for name, body in modules.items():
        code = wasm(body, imports=False)
        price = PRICES.deploy_base + PRICES.deploy_per_byte * len(code)
        cases.append(whole(f"compile, {name}", "deploy", _compiler(code), price))
        if len(code) > 100_000:
            cases.append(whole(f"load, {name}", "frame", _loader(code, folder), PRICES.code_per_byte * len(code)))
    return cases


def _compiler(code: bytes) -> Callable[[], int]:
    def work() -> int:
        Module(engine(), code)
        return 0

    return work


def _loader(code: bytes, folder: Path) -> Callable[[], int]:
    cache = ModuleCache(CompiledFolder(folder))

    def work() -> int:
        cache.get(code)
        cache._modules.clear()
        return 0

    return work


def code_cases(folder: Path) -> list[Case]:
    """All of them; native code is kept in `folder`."""
    return [*_frames(), *_instructions(), *_compilations(folder)]
