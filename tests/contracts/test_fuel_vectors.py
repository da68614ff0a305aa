"""Recorded fuel: what instructions and host functions cost with the pinned engine and the default gas schedule.

Gas is part of the chain's rules, so a change here is a change of the rules: another engine needs another
genesis. `python -m tests.contracts.test_fuel_vectors` records the file again.
"""

import json
from pathlib import Path

import pytest

from accountant.chain.envelope import ArgumentKind
from accountant.chain.footprint import Bound, Call, Credit, Debit, Entry, Query, Read, Write
from accountant.contracts.engine import ENGINE
from accountant.contracts.run import execute
from accountant.contracts.table import HOST
from accountant.primitives.types import Gas
from tests.support.tensor_calls import CALLS, LOCALS
from tests.support.wat import FRIEND, MAIN, DictWorld, admits, call_of, contract, escaped, main_module, text

FILE = Path(__file__).with_name("fuel_vectors.json")

INNER = contract(1)
DATA = escaped(FRIEND + INNER) + "main" + "slot" + "word"
WHO, WHAT, NAME, SLOT = text(0, 20), text(20, 32), text(52, 4), text(56, 4)
FOOTPRINT: tuple[Entry, ...] = (
    *(Read(MAIN, b"slot"), Read(MAIN, b"word"), Write(MAIN, b"slot"), Credit(FRIEND), Credit(INNER)),
    *(Debit(MAIN, 100), Call(INNER), Bound(FRIEND), Query(b"slot")),
)

HOST_CALLS = {
    "arg_count": "(drop (call $arg_count))",
    "arg_int": "(drop (call $arg_int (i64.const 0)))",
    "arg_bytes": "(drop (call $arg_bytes (i64.const 1)))",
    "return_int": "(call $return_int (i64.const 1))",
    "return_bytes": "(call $return_bytes (call $self))",
    "fail": f"(call $fail {SLOT})",
    "caller": "(drop (call $caller))",
    "sender": "(drop (call $sender))",
    "self": "(drop (call $self))",
    "value": "(drop (call $value))",
    "height": "(drop (call $height))",
    "index": "(drop (call $index))",
    "time": "(drop (call $time))",
    "previous_hash": "(drop (call $previous_hash))",
    "bytes_new": "(drop (call $bytes_new (i32.const 0) (i32.const 1000)))",
    "bytes_read": f"(call $bytes_read {WHAT} (i64.const 2) (i32.const 100) (i32.const 30))",
    "bytes_len": f"(drop (call $bytes_len {WHAT}))",
    "bytes_at": f"(drop (call $bytes_at {WHAT} (i64.const 31)))",
    "bytes_concat": f"(drop (call $bytes_concat {WHAT} {WHO}))",
    "bytes_slice": f"(drop (call $bytes_slice {WHAT} (i64.const 1) (i64.const 7)))",
    "bytes_equal": f"(drop (call $bytes_equal {WHAT} {WHO}))",
    "bytes_compare": f"(drop (call $bytes_compare {WHO} {WHAT}))",
    "bytes_from_int": "(drop (call $bytes_from_int (i64.const 7)))",
    "int_from_bytes": f"(drop (call $int_from_bytes {SLOT}))",
    "hex_from_bytes": f"(drop (call $hex_from_bytes {WHAT}))",
    "text_check": f"(call $text_check {NAME})",
    "text_len": f"(drop (call $text_len {NAME}))",
    "text_slice": f"(drop (call $text_slice {NAME} (i64.const 1) (i64.const 2)))",
    "text_from_int": "(drop (call $text_from_int (i64.const -7)))",
    "int_from_text": "(drop (call $int_from_text (call $text_from_int (i64.const -7))))",
    "sha256": f"(drop (call $sha256 {WHAT}))",
    "keccak256": f"(drop (call $keccak256 {WHAT}))",
    "storage_read": f"(drop (call $storage_read {SLOT}))",
    "storage_write": f"(call $storage_write {SLOT} {WHAT})",
    "storage_read_int": f"(drop (call $storage_read_int {text(60, 4)}))",
    "storage_write_int": f"(call $storage_write_int {SLOT} (i64.const -7))",
    "transfer": f"(call $transfer {WHO} (i64.const 5))",
    "log": f"(call $log {SLOT} {WHAT})",
    "args_new": "(drop (call $args_new))",
    "args_int": "(call $args_int (call $args_new) (i64.const 5))",
    "args_bytes": f"(call $args_bytes (call $args_new) {WHAT})",
    "call": f"(drop (call $call {WHAT} {NAME} (call $args_new) (i64.const 5)))",
    "returned_int": f"(drop (call $call {WHAT} {NAME} (call $args_new) (i64.const 5))) (drop (call $returned_int))",
    "returned_bytes": f"(drop (call $call {WHAT} {NAME} (call $args_new) (i64.const 5))) (drop (call $returned_bytes))",
    "bound": f"(drop (call $bound {WHO} (call $bytes_concat {WHAT} {WHAT})))",
    "query": f"(drop (call $query {SLOT}))",
    **{f"nn_{name}": f"{before} (drop {call})" for name, (before, call) in CALLS.items()},
}
"""Those on tensors with what makes their operands: small ones. Prices of work are the default table's."""


def _loop(count: int, body: str = "") -> str:
    return f"""(local.set $i (i64.const {count})) (loop $l {body}
        (br_if $l (i64.ne (local.tee $i (i64.sub (local.get $i) (i64.const 1))) (i64.const 0))))"""


CODE = {
    "empty": "",
    "nops": "(nop)" * 10,
    "arithmetic": "(drop (i64.add (i64.mul (i64.const 3) (i64.const 5)) (i64.const 1)))" * 5,
    "division": "(drop (i64.rem_u (i64.div_s (i64.const 30) (i64.const 5)) (i64.const 4)))",
    "floats": "(drop (f64.sqrt (f64.div (f64.const 2) (f64.convert_i64_s (i64.const 3)))))",
    "saturating": "(drop (i64.trunc_sat_f64_s (f64.const 1e30)))",
    "select": "(drop (select (i64.const 1) (i64.const 2) (i32.const 0)))",
    "locals": "(local.set $i (i64.const 1)) (drop (local.tee $i (local.get $i)))",
    "loop_1": _loop(1),
    "loop_1000": _loop(1_000),
    "loop_100000": _loop(100_000),
    "nested_loop": "(local.set $j (i64.const 30)) (loop $o "
    + _loop(30)
    + "(br_if $o (i64.ne (local.tee $j (i64.sub (local.get $j) (i64.const 1))) (i64.const 0))))",
    "if_taken": "(if (i32.const 1) (then (nop) (nop)) (else (nop)))",
    "if_not_taken": "(if (i32.const 0) (then (nop) (nop)) (else (nop)))",
    "block_left_early": "(block $b (br $b) (nop) (nop))",
    "br_table": "(block $a (block $b (br_table $a $b (i32.const 1))))",
    "return": "(return)",
    "load_store": "(i64.store (i32.const 8) (i64.load (i32.const 16)))" * 4,
    "load_loop": _loop(1_000, "(drop (i64.load8_u (i32.wrap_i64 (local.get $i))))"),
    "memory_size": "(drop (memory.size))",
    "memory_grow": "(drop (memory.grow (i32.const 10)))",
    "memory_grow_refused": "(drop (memory.grow (i32.const 10000)))",
    "fill_0": "(memory.fill (i32.const 0) (i32.const 1) (i32.const 0))",
    "fill_1": "(memory.fill (i32.const 0) (i32.const 1) (i32.const 1))",
    "fill_60000": "(memory.fill (i32.const 0) (i32.const 1) (i32.const 60000))",
    "copy_1": "(memory.copy (i32.const 0) (i32.const 1) (i32.const 1))",
    "copy_60000": "(memory.copy (i32.const 0) (i32.const 1) (i32.const 60000))",
    "own_call": "(call $callee)" * 3,
    "host_loop": _loop(50, "(drop (call $arg_count))"),
    "trap": "(unreachable)",
}


def gas_of(code: str) -> int:
    """Gas used by a run of `code` as the body of `main`, with everything declared."""
    locals_ = LOCALS if "$nn_" in code else "(local $i i64) (local $j i64)"
    with_callee = main_module(f"{code}) (func $callee (nop)", DATA, locals_)
    world = DictWorld()
    world.deploy(MAIN, with_callee, admits("main", arguments=(ArgumentKind.INT, ArgumentKind.BYTES)))
    result = "(call $return_int (i64.const 1))"
    if "$returned_bytes" in code:
        result = "(call $return_bytes (call $self))"
    world.deploy(INNER, main_module(result))
    world.balances[MAIN] = 100
    world.slots[MAIN, b"slot"] = b"twelve bytes"
    world.slots[MAIN, b"word"] = (7).to_bytes(8, "big")
    world.bounds[FRIEND, (INNER, INNER)] = 1
    world.answers[b"slot"] = b"\xc3"
    run = call_of(arguments=(1, b"bytes"), footprint=FOOTPRINT)
    return execute(run, world, Gas(10**7 if "$nn_" in code else 10**6)).gas_used


def _measured() -> dict[str, dict[str, int]]:
    return {
        "code": {name: gas_of(code) for name, code in CODE.items()},
        "host": {name: gas_of(code) for name, code in HOST_CALLS.items()},
    }


RECORDED: dict[str, dict[str, int]] = (
    json.loads(FILE.read_text())["gas"] if __name__ != "__main__" else {"code": {}, "host": {}}
)


def test_vectors_are_of_the_pinned_engine_and_of_every_host_function() -> None:
    """The file names the engine and has a vector for each row of the host table and for each piece of code."""
    assert json.loads(FILE.read_text())["engine"] == ENGINE
    assert RECORDED["host"].keys() == HOST_CALLS.keys() == HOST.keys()
    assert RECORDED["code"].keys() == CODE.keys()


@pytest.mark.parametrize("name", CODE)
def test_code(name: str) -> None:
    """This code uses exactly the recorded gas."""
    assert gas_of(CODE[name]) == RECORDED["code"][name]


@pytest.mark.parametrize("name", HOST_CALLS)
def test_host_calls(name: str) -> None:
    """This host call uses exactly the recorded gas."""
    assert gas_of(HOST_CALLS[name]) == RECORDED["host"][name]


if __name__ == "__main__":
    FILE.write_text(json.dumps({"engine": ENGINE, "gas": _measured()}, indent=1) + "\n")
