"""Where a failure happened: frames lead to the very instruction, across contracts, and change no outcome."""

import pytest

from accountant.chain.footprint import Call
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.world import RunResult, TraceFrame
from accountant.primitives.hashes import sha256
from accountant.primitives.types import ContractId, Gas
from tests.support.wat import GAS, MAIN, DictWorld, call_of, contract, escaped, imports_of, main_module, module, text

INNER = contract(1)
IMPORTED = imports_of("").count("(import")
UNREACHABLE, CALL, DIVIDE = 0x00, 0x10, 0x7F

DEEP = """
    (func $third (param i64) {})
    (func $second (call $third (i64.const 0)))
    (func $first (export "main") (call $second))"""


def traced(codes: dict[ContractId, bytes], *footprint: Call, gas: int = GAS) -> tuple[RunResult, list[TraceFrame]]:
    world = DictWorld()
    for at, code in codes.items():
        world.deploy(at, code)
    trace: list[TraceFrame] = []
    result = execute(call_of(footprint=footprint), world, Gas(gas), trace=trace)
    assert execute(call_of(footprint=footprint), world, Gas(gas)) == result
    return result, trace


@pytest.mark.parametrize(
    ("body", "failure", "opcode"),
    [
        ("(unreachable)", FailureKind.TRAP, UNREACHABLE),
        ("(drop (i64.div_s (i64.const 1) (local.get 0)))", FailureKind.TRAP, DIVIDE),
        (f"(call $fail {text(0, 4)})", FailureKind.ASSERTION, CALL),
        (f"(drop (call $storage_read {text(0, 4)}))", FailureKind.UNDECLARED_ACCESS, CALL),
        ("(drop (call $bytes_len (i64.const 99)))", FailureKind.INVALID_HANDLE, CALL),
        (f"(drop (call $sha256 {text(0, 60000)}))", FailureKind.OUT_OF_GAS, CALL),
    ],
)
def test_a_failure_leads_to_its_instruction(body: str, failure: FailureKind, opcode: int) -> None:
    """Traps and failures of host functions name function and instruction, then their callers, innermost first."""
    code = module(DEEP.format(body), data="slot")
    result, trace = traced({MAIN: code}, gas=100_000)
    assert result.failure is failure
    assert [frame.function - IMPORTED for frame in trace] == [0, 1, 2]
    assert {(frame.contract, frame.code_hash) for frame in trace} == {(MAIN, sha256(code))}
    assert [code[frame.offset] for frame in trace] == [opcode, CALL, CALL]


def test_exhausted_gas_leads_to_the_loop() -> None:
    """Code that runs out of fuel between host calls has its place too."""
    result, trace = traced({MAIN: module(DEEP.format("(loop $more (br $more))"))})
    assert result.failure is FailureKind.OUT_OF_GAS
    assert [frame.function - IMPORTED for frame in trace] == [0, 1, 2]


def test_a_failure_in_a_called_contract() -> None:
    """The inner contract's frames come before those of the contract that called it."""
    call = f"(drop (call $call {text(0, 32)} {text(32, 4)} (call $args_new) (i64.const 0)))"
    outer = main_module(call, escaped(INNER) + "main")
    inner = module(DEEP.format("(unreachable)"))
    result, trace = traced({MAIN: outer, INNER: inner}, Call(INNER))
    assert result.failure is FailureKind.TRAP
    assert [frame.contract for frame in trace] == [INNER, INNER, INNER, MAIN]
    assert [frame.code_hash for frame in trace] == [sha256(inner)] * 3 + [sha256(outer)]
    assert outer[trace[-1].offset] == CALL


def test_a_deep_stack_has_a_short_trace() -> None:
    """However deep the calls, the engine names a bounded number of frames, the innermost among them."""
    chain = "".join(f"(func $f{n} (call $f{n + 1}))" for n in range(100)) + "(func $f100 (unreachable))"
    result, trace = traced({MAIN: module(chain + '(func (export "main") (call $f0))')})
    assert result.failure is FailureKind.TRAP
    assert trace[0].function - IMPORTED == 100
    assert len(trace) <= 64


def test_no_frame_without_code() -> None:
    """Success leaves no trace, and a call that reached no code has none."""
    assert traced({MAIN: main_module("")}) == (execute_plain(main_module("")), [])
    result, trace = traced({})
    assert (result.failure, trace) == (FailureKind.NO_CODE, [])


def execute_plain(code: bytes) -> RunResult:
    world = DictWorld()
    world.deploy(MAIN, code)
    return execute(call_of(), world, GAS)


def test_exceptions_that_are_no_failures_leave_no_trace() -> None:
    """A run that stops for something unknown and starts again does not collect frames of its earlier starts."""
    world = DictWorld()
    world.deploy(MAIN, main_module(f"(drop (call $call {text(0, 32)} {text(32, 4)} (call $args_new) (i64.const 0)))"))

    def stop(_what: str, _of: object) -> None:
        raise KeyError

    world.before = stop
    trace: list[TraceFrame] = []
    with pytest.raises(KeyError):
        execute(call_of(), world, GAS, trace=trace)
    assert trace == []
