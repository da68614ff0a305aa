"""Bytes at random: a module is refused with an `InvalidModule`, or it is taken, compiles and runs."""

import time

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from wasmtime import wat2wasm

from accountant.chain.envelope import Envelope
from accountant.chain.genesis import Limits
from accountant.contracts.errors import FailureKind, InvalidModule
from accountant.contracts.module import MAGIC, check_module
from accountant.contracts.opcodes import IMMEDIATES, Immediate
from accountant.contracts.run import execute
from accountant.primitives.types import Gas
from tests.support.wat import MAIN, DictWorld, admits, call_of, main_module, module, text

LIMITS = Limits(memory_pages_most=16)
EVERY_EXPORT = ("main", "other")

SEEDS = [
    main_module(f"(call $return_bytes (call $sha256 {text(0, 3)}))", "abc"),
    main_module(
        """(local.set $i (i64.const 9)) (block $out (loop $l (br_if $out (i64.eqz (local.get $i)))
        (local.set $i (i64.sub (local.get $i) (i64.const 1)))
        (if (i64.eqz (i64.rem_u (local.get $i) (i64.const 2))) (then (nop)) (else (br $l))) (br $l)))""",
        locals_="(local $i i64)",
    ),
    module(
        """(global $g (mut f64) (f64.const 1.5))
        (func $f (param i64 i32) (result i64) (select (local.get 0) (i64.const 7) (local.get 1)))
        (func (export "main") (global.set $g (f64.sqrt (global.get $g)))
            (call $return_int (call $f (i64.trunc_sat_f64_s (global.get $g)) (i32.const 1))))
        (func (export "other") (block $a (block $b (br_table $a $b (i32.const 1))))
            (memory.fill (i32.const 0) (i32.const 1) (i32.const 9)) (drop (memory.grow (i32.const 1))))"""
    ),
    bytes(wat2wasm('(module (func (export "main")))')),
]


def check(code: bytes) -> None:
    """Refuse or take, then run whatever is there. Anything but a typed refusal or a result is an error."""
    try:
        check_module(code, Envelope(()), LIMITS)
    except InvalidModule:
        return
    world = DictWorld()
    world.deploy(MAIN, code, admits(*EVERY_EXPORT))
    for name in EVERY_EXPORT:
        try:
            check_module(code, admits(name), LIMITS)
        except InvalidModule as refusal:
            assert refusal.kind == "missing_export"  # noqa: PT017
            continue
        first = execute(call_of(name, limits=LIMITS), world, Gas(20_000))
        assert execute(call_of(name, limits=LIMITS), world, Gas(20_000)) == first
        assert 0 <= first.gas_used <= 20_000
        assert first.failure is None or isinstance(first.failure, FailureKind)


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    """Random bytes, and random bytes behind a right beginning, never raise anything else."""
    check(data)
    check(MAGIC + data)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1 << 16), st.integers(0, 255)), max_size=4),
)
def test_mutated_modules(seed: bytes, edits: list[tuple[int, int, int]]) -> None:
    """Modules with bytes changed, inserted, removed or cut off are refused or run."""
    code = bytearray(seed)
    for edit, where, byte in edits:
        at = where % len(code) if code else 0
        if edit == 0 and code:
            code[at] = byte
        elif edit == 1:
            code.insert(at, byte)
        elif edit == 2 and code:
            del code[at]
        else:
            del code[max(8, len(code) - byte) :]
    check(bytes(code))


def leb(number: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def with_body(body: bytes, types: bytes = b"\x01\x60\x00\x00") -> bytes:
    """A module whose `main` has these instructions, over two locals and one page of memory."""

    def section(kind: int, content: bytes) -> bytes:
        return bytes([kind]) + leb(len(content)) + content

    inner = b"\x02\x01\x7e\x01\x7f" + body + b"\x0b"
    export = b"\x02\x04main\x00\x00\x06memory\x02\x00"
    return (
        MAGIC
        + section(1, types)
        + section(3, b"\x01\x00")
        + section(5, b"\x01\x00\x01")
        + section(7, export)
        + section(10, b"\x01" + leb(len(inner)) + inner)
    )


_KNOWN = [opcode for opcode in range(256) if IMMEDIATES[opcode] != Immediate.UNKNOWN]
_LITTLE = st.integers(0, 3).map(lambda number: bytes([number]))


@st.composite
def instruction(draw: st.DrawFn) -> bytes:
    """An opcode that is known, with immediates that often fit."""
    opcode = draw(st.sampled_from(_KNOWN))
    kind = Immediate(IMMEDIATES[opcode])
    match kind:
        case Immediate.NONE:
            rest = b""
        case Immediate.INDEX | Immediate.I32 | Immediate.I64:
            rest = draw(_LITTLE)
        case Immediate.MEMORY_ARGUMENT:
            rest = b"\x00" + draw(_LITTLE)
        case Immediate.ZERO_BYTE:
            rest = b"\x00"
        case Immediate.F32:
            rest = draw(st.binary(min_size=4, max_size=4))
        case Immediate.F64:
            rest = draw(st.binary(min_size=8, max_size=8))
        case _:
            rest = draw(st.sampled_from([b"", b"\x40", b"\x00", b"\x7e", b"\x01\x00\x00", b"\x0b\x00"]))
    return bytes([opcode]) + rest


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(instruction(), max_size=12).map(b"".join))
@example(b"\x00\x7c\x1a")
@example(b"\x02\x7e\x00\x0b\x1a")
def test_random_instructions(body: bytes) -> None:
    """Bodies of known instructions in any order are refused by a rule or by the types, or run."""
    check(with_body(body))


def test_refusing_costs_no_more_than_the_size() -> None:
    """A few bytes that claim huge numbers of things, and large modules, are refused or taken in linear time."""
    start = time.process_time()
    for kind in range(14):
        for claim in (b"\xff\xff\xff\xff\x0f", b"\xff\xff\x03", b"\x80\x80\x80\x80\x00"):
            check(MAGIC + bytes([kind]) + leb(len(claim)) + claim)
    check(with_body(b"\x02\x40" * 100_000))
    check(with_body(b"\x42\x00" * 9_000 + b"\x1a" * 9_000))
    check(MAGIC + b"\x00\x01\x00" * 80_000)
    assert time.process_time() - start < 5
