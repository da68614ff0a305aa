"""The structural rules: each has a module that breaks it and nothing else, and one that just keeps to it."""

import time

import pytest
from wasmtime import Module, wat2wasm

from accountant.chain.envelope import Envelope
from accountant.chain.footprint import Call
from accountant.chain.genesis import Limits
from accountant.contracts.body import EDGES_TIMES_LOCALS_MOST, LOOPS_MOST, NESTING_MOST, POINTS_MOST, TARGETS_MOST
from accountant.contracts.engine import engine
from accountant.contracts.errors import InvalidModule
from accountant.contracts.module import HEAVY_BYTES_LEAST, HEAVY_FREE, MAGIC, check_module
from accountant.contracts.run import execute
from accountant.primitives.types import Gas
from tests.support.wat import MAIN, DictWorld, admits, call_of, contract, escaped, main_module, module, text

LIMITS = Limits()
NOBODY = Envelope(())


def checked(wat: str, envelope: Envelope = NOBODY, limits: Limits = LIMITS) -> str:
    """The kind under which a module is refused; empty if it is taken."""
    return checked_bytes(bytes(wat2wasm(wat)), envelope, limits)


def checked_bytes(code: bytes, envelope: Envelope = NOBODY, limits: Limits = LIMITS) -> str:
    """The same for bytes."""
    try:
        check_module(code, envelope, limits)
    except InvalidModule as refusal:
        return refusal.kind if refusal.detail.startswith(refusal.kind + ": ") else f"without its kind: {refusal.detail}"
    return ""


def test_the_whole_host_table_may_be_imported() -> None:
    """A module that imports every row with its type, and exports what its envelope names, is taken."""
    assert checked_bytes(main_module(""), admits("main")) == ""
    assert checked_bytes(bytes(wat2wasm("(module)"))) == ""


@pytest.mark.parametrize(
    ("kind", "wat"),
    [
        ("unknown_import", '(module (import "anh" "balance" (func (result i64))))'),
        ("unknown_import", '(module (import "env" "arg_count" (func (result i64))))'),
        ("unknown_import", '(module (import "wasi_snapshot_preview1" "fd_write" (func)))'),
        ("unknown_import", '(module (import "anh" "arg_count" (global i64)))'),
        ("unknown_import", '(module (import "anh" "memory" (memory 1)))'),
        ("wrong_import_type", '(module (import "anh" "arg_count" (func (result i32))))'),
        ("wrong_import_type", '(module (import "anh" "arg_count" (func (param i64) (result i64))))'),
        ("wrong_import_type", '(module (import "anh" "bytes_new" (func (param i64 i64) (result i64))))'),
        ("table", "(module (table 1 funcref))"),
        ("table", "(module (table 1 funcref) (func $f) (elem (i32.const 0) $f))"),
        ("element", "(module (func $f) (elem func $f))"),
        ("element", "(module (func $f) (elem declare func $f))"),
        ("start", "(module (func $f) (start $f))"),
        ("tag", "(module (tag))"),
        ("unknown_opcode", "(module (type $t (func)) (func (unreachable) (drop (ref.null func))))"),
        ("unknown_opcode", "(module (func $f (return_call $f)))"),
        ("unknown_opcode", "(module (func (drop (v128.const i64x2 0 0))))"),
        ("unknown_opcode", '(module (memory (export "memory") 1) (func (atomic.fence)))'),
        ("unknown_opcode", "(module (func (drop (select (result i64) (i64.const 1) (i64.const 2) (i32.const 0)))))"),
        ("unknown_opcode", "(module (func (try_table)))"),
        (
            "unknown_opcode",
            "(module (func (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)) drop drop))",
        ),
        ("data", '(module (memory (export "memory") 1) (data "passive"))'),
        ("data", '(module (memory (export "memory") 1) (data (i32.const 65533) "four"))'),
        ("data", '(module (memory (export "memory") 1) (data (i32.const -1) "x"))'),
        ("memory", "(module (memory 1))"),
        ("memory", '(module (memory (export "mem") 1))'),
        ("memory", '(module (memory (export "memory") (export "mem") 1))'),
        ("memory", '(module (memory (export "memory") 1) (memory 1))'),
        ("memory", '(module (memory (export "memory") i64 1))'),
        ("memory", '(module (memory (export "memory") 1 2 shared))'),
        ("memory_limit", f'(module (memory (export "memory") {LIMITS.memory_pages_most + 1}))'),
        ("constant", "(module (global $a i64 (i64.const 1)) (global i64 (global.get $a)))"),
        ("constant", "(module (global i64 (i64.add (i64.const 1) (i64.const 1))))"),
        ("global", "(module (global funcref (ref.null func)))"),
        ("type", "(module (func (param funcref)))"),
        ("type", "(module (func (local externref)))"),
        ("type", "(module (func (param v128)))"),
        ("type", "(module (type (struct)))"),
        ("wrong_export_type", '(module (func (export "f") (param i64)))'),
        ("wrong_export_type", '(module (func (export "f") (result i64) (i64.const 1)))'),
        ("wrong_export_type", '(module (import "anh" "arg_count" (func $a (result i64))) (export "f" (func $a)))'),
        ("recursion", "(module (func $f (call $f)))"),
        ("recursion", "(module (func $f (call $g)) (func $g (call $h)) (func $h (call $f)))"),
        ("recursion", '(module (func (export "main") (call $f)) (func $f (if (i32.const 0) (then (call $f)))))'),
        ("invalid", "(module (func (drop (i64.add (i32.const 1) (i64.const 1)))))"),
        ("invalid", "(module (func (i64.const 1)))"),
        ("invalid", "(module (func (br 1)))"),
        ("invalid", "(module (func (drop (local.get 0))))"),
        ("invalid", "(module (func (drop (i64.load (i32.const 0)))))"),
    ],
)
def test_rules(kind: str, wat: str) -> None:
    """Each of these modules is refused for its own reason."""
    code = _binary(wat)
    assert checked_bytes(code) == kind


def _binary(wat: str) -> bytes:
    return bytes(wat2wasm(wat))


@pytest.mark.parametrize(
    "wat",
    [
        '(module (memory (export "memory") 1 1000))',
        f'(module (memory (export "memory") {LIMITS.memory_pages_most}))',
        '(module (memory (export "memory") 1) (data (i32.const 65532) "four"))',
        '(module (global (export "g") (mut f64) (f64.const 1.5)) (func (export "extra")))',
        "(module (func $f (call $g) (call $h)) (func $g (call $h)) (func $h))",
        """(module (func (param i64 f32) (result i64 i64) (local.get 0) (i64.const 2))
            (func (call 0 (i64.const 1) (f32.const 0)) drop drop))""",
        "(module (func (drop (i64.trunc_sat_f64_s (f64.const 1))) (drop (i64.extend8_s (i64.const 200)))))",
        '(module (memory (export "memory") 1) (func (memory.copy (i32.const 0) (i32.const 1) (i32.const 2))))',
        '(module (func (block $b (br_table $b $b $b (i32.const 1)))) (@custom "producers" "anyone"))',
        "(module (func (unreachable) (i64.add) (drop)))",
        "(module (func (block (result i64) (br 0 (i64.const 1)) (i64.mul) (i64.add)) (drop)))",
    ],
)
def test_what_is_taken(wat: str) -> None:
    """These are unusual and allowed."""
    assert checked(wat) == ""


def test_every_function_of_the_envelope_is_exported() -> None:
    """A function that the envelope names and the module does not export as one is missing_export."""
    wat = '(module (memory (export "memory") 1) (func (export "main")))'
    assert checked(wat, admits("main")) == ""
    assert checked(wat, admits("main", "other")) == "missing_export"
    assert checked(wat, admits("memory")) == "missing_export"


def _functions(count: int) -> str:
    return "(module " + f"(func {'(nop)' * HEAVY_BYTES_LEAST})" * count + ")"


@pytest.mark.parametrize(
    ("kind", "taken", "refused"),
    [
        ("functions_limit", _functions(LIMITS.functions_most), _functions(LIMITS.functions_most + 1)),
        (
            "locals_limit",
            f"(module (func (param {'i64 ' * 6}) (local {'i64 ' * (LIMITS.locals_most - 6)})))",
            f"(module (func (param {'i64 ' * 6}) (local {'i64 ' * (LIMITS.locals_most - 5)})))",
        ),
        (
            "exports_limit",
            "(module " + "".join(f'(func (export "function {n:06}"))' for n in range(LIMITS.exports_most)) + ")",
            "(module " + "".join(f'(func (export "function {n:06}"))' for n in range(LIMITS.exports_most + 1)) + ")",
        ),
        (
            "function_size",
            f"(module (func {'(nop)' * (LIMITS.function_bytes_most - 2)}))",
            f"(module (func {'(nop)' * (LIMITS.function_bytes_most - 1)}))",
        ),
        (
            "nesting_limit",
            f"(module (func {'(block ' * (NESTING_MOST - 1)}{')' * (NESTING_MOST - 1)}))",
            f"(module (func {'(block ' * NESTING_MOST}{')' * NESTING_MOST}))",
        ),
        (
            "branch_limit",
            f"(module (func (br_table {'0 ' * (TARGETS_MOST + 1)} (i32.const 0))))",
            f"(module (func (br_table {'0 ' * (TARGETS_MOST + 2)} (i32.const 0))))",
        ),
        (
            "branch_limit",
            f"(module (func (local {'i64 ' * 255}) {'(block)' * (EDGES_TIMES_LOCALS_MOST // 256)}))",
            f"(module (func (local {'i64 ' * 255}) {'(block)' * (EDGES_TIMES_LOCALS_MOST // 256 + 1)}))",
        ),
        (
            "globals_limit",
            "(module " + "(global i64 (i64.const 1))" * 256 + ")",
            "(module " + "(global i64 (i64.const 1))" * 257 + ")",
        ),
        (
            "module_size",
            f'(module (@custom "c" "{"x" * (LIMITS.module_bytes_most - 30)}"))',
            f'(module (@custom "c" "{"x" * LIMITS.module_bytes_most}"))',
        ),
    ],
    ids=lambda value: value if len(value) < 20 else "wat",
)
def test_limits(kind: str, taken: str, refused: str) -> None:
    """Exactly the limit is taken, one more is refused."""
    assert checked(taken) == ""
    assert checked(refused) == kind


def test_compile_work_of_the_whole_module_is_bounded() -> None:
    """Eight functions at the branch limit are taken, nine are not."""
    function = f"(func (local {'i64 ' * 255}) {'(block)' * (EDGES_TIMES_LOCALS_MOST // 256)})"
    assert checked(f"(module {function * 8})") == ""
    assert checked(f"(module {function * 9})") == "branch_limit"


@pytest.mark.parametrize(
    ("kind", "code", "most"),
    [
        ("loops_limit", f"(loop) {'(nop)' * 16} {{}}", LOOPS_MOST),
        ("points_limit", "(call 0) {}", POINTS_MOST),
        ("points_limit", "(br_if 0 (i32.const 0)) {}", POINTS_MOST),
        ("points_limit", "(if (i32.const 0) (then)) {}", POINTS_MOST),
        ("points_limit", "(drop (i64.load (i32.const 0))) {}", POINTS_MOST),
        ("points_limit", "(drop (i32.rem_u (i32.const 7) (i32.const 3))) {}", POINTS_MOST),
        ("compile_limit", f"(drop (memory.grow (i32.const 0))) {'(nop)' * 10} {{}}", None),
        ("compile_limit", f"(drop (i64.trunc_f64_u (f64.const 0))) {'(nop)' * 4} {{}}", None),
    ],
)
def test_what_is_slow_to_compile_is_bounded(kind: str, code: str, most: int | None) -> None:
    """Loops and branching instructions of a function are counted; heavy ones need bytes to go with them."""

    def repeated(count: int) -> str:
        function = f"(func {code.format('') * count})"
        return checked(f'(module (func) (memory (export "memory") 1) {function})')

    if most is None:  # 15 bytes each: one too few, and the flat part makes up for it until it does not
        assert repeated(HEAVY_FREE * HEAVY_BYTES_LEAST - 50) == ""
        assert repeated(HEAVY_FREE * HEAVY_BYTES_LEAST + 50) == kind
    else:
        assert repeated(most) == ""
        assert repeated(most + 1) == kind


def test_every_host_function_is_imported_once() -> None:
    """Each import takes time in each frame, so none is there twice."""
    row = '(import "anh" "caller" (func (result i64)))'
    assert checked(f"(module {row})") == ""
    assert checked(f"(module {row} {row})") == "duplicate_import"


def test_small_modules_may_have_some_heavy_instructions() -> None:
    """So many functions are in any module, however small; a module of nothing but tiny ones is refused."""
    assert checked("(module " + "(func)" * HEAVY_FREE + ")") == ""
    assert checked("(module " + "(func)" * 3 * HEAVY_FREE + ")") == "compile_limit"


def test_stack_of_the_deepest_chain_is_bounded() -> None:
    """A chain of functions with many locals is refused where their frames together could pass the bound."""

    def chain(count: int) -> str:
        locals_ = f"(local {'i64 ' * 250}) (nop) (nop) (nop) (nop)"
        calls = "".join(f"(func $f{n} {locals_} (call $f{n + 1}))" for n in range(count))
        return f"(module {calls} (func $f{count}))"

    assert checked(chain(30)) == ""
    assert checked(chain(31)) == "stack_limit"
    # Many functions that do not call each other may have as many locals.
    assert checked("(module " + f"(func (local {'i64 ' * 250}) {'(nop)' * 10})" * 1000 + ")") == ""


def deepest_chain(then: str, data: str) -> bytes:
    """A module whose native frames are as large as the check admits: live locals and operands over 28 calls."""
    keep = "".join(f"(local.set {n} (i64.add (call $arg_count) (i64.const {n})))" for n in range(200))
    use = "".join(f"(local.get {n}) (i64.add)" for n in range(200))
    push, add = "(f64.convert_i64_s (call $arg_count))" * 30, "(f64.add)" * 29
    functions = "".join(
        f"""(func $f{n} (result i64) (local {"i64 " * 200}) {keep} {push} (call $f{n + 1}) {use}
            (local.set 0) {add} (drop) (local.get 0))"""
        for n in range(31)
    )
    last = f"(func $f31 (result i64) {then} (i64.const 1))"
    main = '(func (export "main") (call $return_int (call $f0)))'
    return module(functions + last + main, data)


def test_worst_admitted_module_stays_off_the_native_stacks_end() -> None:
    """Modules at the stack bound, called in each other to the greatest depth, run to their end."""
    most = LIMITS.call_depth_most
    world = DictWorld()
    for number in range(most):
        then, data = "", ""
        if number < most - 1:
            then = f"(drop (call $call {text(0, 32)} {text(32, 4)} (call $args_new) (i64.const 0)))"
            data = escaped(contract(number + 1)) + "main"
        code = deepest_chain(then, data)
        check_module(code, admits("main"), LIMITS)
        world.deploy(contract(number), code)
    footprint = tuple(Call(contract(number)) for number in range(most))
    result = execute(call_of(footprint=footprint), world, Gas(10**9))
    assert (result.failure, result.detail) == (None, "")


def test_slow_modules_are_refused_and_the_slowest_taken_are_bearable() -> None:
    """Nested loops over many locals, which would compile for 20 s, are refused at once; at the limit they compile."""

    def loops(nesting: int, branches: int) -> bytes:
        body = "".join(
            f"(local.set {n % 250} (i64.add (local.get {n * 7 % 250}) (i64.const 1)))"
            f"(br_if {n % nesting} (i64.eqz (local.get {n * 3 % 250})))"
            for n in range(branches)
        )
        return _binary(f"(module (func (local {'i64 ' * 250}) {'(loop ' * nesting}{body}{')' * nesting}))")

    start = time.process_time()
    assert checked_bytes(loops(900, 900)) == "nesting_limit"
    assert checked_bytes(loops(60, 2000)) in ("branch_limit", "function_size")
    assert checked_bytes(_binary(f"(module (func (block (br_table {'0 ' * 9000} (i32.const 0)))))")) == "branch_limit"
    assert time.process_time() - start < 2
    worst = loops(60, 400)
    assert checked_bytes(worst) == ""
    start = time.process_time()
    Module(engine(), worst)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "code",
    [
        b"",
        b"\x00asm",
        b"\x00asm\x02\x00\x00\x00",
        MAGIC + b"\x01",
        MAGIC + b"\x01\x05\x01\x60",
        MAGIC + b"\x01\x02\x01\x60\x00",
        MAGIC + b"\x01\x80\x80\x80\x80\x80\x00",
        MAGIC + b"\x01\xff\xff\xff\xff\x1f",
        MAGIC + b"\x0e\x00",
        MAGIC + b"\x03\x01\x00\x01\x01\x00",
        MAGIC + b"\x01\x01\x00\x01\x01\x00",
        MAGIC + b"\x01\x02\x00\x00",
        MAGIC + b"\x03\x02\x01\x00",
        MAGIC + b"\x00\x02\x01\xff",
        MAGIC + b"\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00",
        MAGIC + b"\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x01",
        MAGIC + b"\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x05\x01\x03\x00\x0b\x01",
        MAGIC + b"\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x05\x01\x03\x00\x10\x07",
        MAGIC + b"\x0c\x01\x01",
        MAGIC + b"\x07\x05\x01\x01a\x00\x00",
    ],
)
def test_malformed_bytes(code: bytes) -> None:
    """Bytes that are no module are refused as such, or by a rule that they break first."""
    assert checked_bytes(code) in ("malformed", "wrong_export_type")


def test_smaller_limits_hold() -> None:
    """The limits are the chain's, not the code's."""
    code = main_module("")
    assert checked_bytes(code, limits=Limits(module_bytes_most=len(code))) == ""
    assert checked_bytes(code, limits=Limits(module_bytes_most=len(code) - 1)) == "module_size"
    assert checked_bytes(code, limits=Limits(memory_pages_most=0)) == "memory_limit"


def test_main_of_a_checked_module_runs() -> None:
    """What is checked runs: the check and the engine agree on a plain contract."""
    code = main_module("(call $return_int (i64.const 3))")
    check_module(code, admits("main"), LIMITS)
    world = DictWorld()
    world.deploy(MAIN, code)
    assert execute(call_of(), world, Gas(10_000)).return_value == 3
