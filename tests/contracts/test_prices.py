"""What host functions charge is what docs/host.md says, for any sizes; benchmarks/metering.py has the times."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.envelope import ArgumentKind
from accountant.chain.footprint import Bound, Call, Credit, Debit, Entry, Query, Read, Write
from accountant.chain.genesis import GasSchedule
from accountant.chain.query import PARTS_MOST, Every, TransactionSucceeded, decode_query
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.table import HOST
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import Gas
from tests.support.host_page import evaluated, formulas
from tests.support.wat import FRIEND, MAIN, DictWorld, admits, call_of, contract, main_module, module

PRICES = GasSchedule()
FREE = msgspec.structs.replace(PRICES, **{name: 0 for name in GasSchedule.__struct_fields__ if name != "tensors"})
INNER = contract(1)
INNER_CODE = main_module("(call $return_int (i64.const 1))")
INNER_BYTES = main_module("(call $return_bytes (call $self))")
A, B, M = "(local.get $a)", "(local.get $b)", "(local.get $m)"
SETUP = """(local $a i64) (local $b i64) (local $m i64) (local $list i64)
    (local.set $a (call $arg_bytes (i64.const 0))) (local.set $b (call $arg_bytes (i64.const 1)))
    (local.set $m (call $arg_int (i64.const 2)))"""
CALL = f"(drop (call $call {A} {B} (local.get $list) (i64.const 0)))"
LIST = f"(local.set $list (call $args_new)) {'(call $args_int (local.get $list) (i64.const 7))' * 3}"
SMALL_BYTES = st.binary(max_size=300)


class Row(NamedTuple):
    """How a row is called: code of handles $a, $b and the integer $m, what they may be, and what sizes it counts."""

    code: str
    a: st.SearchStrategy[bytes] = SMALL_BYTES
    b: st.SearchStrategy[bytes] = SMALL_BYTES
    m: st.SearchStrategy[int] = st.just(0)
    sizes: Callable[[bytes, bytes, int], dict[str, int]] = lambda a, b, m: {"value": len(a), "length": m}
    before: str = ""
    more: int = 0
    """Gas that the called contract's frame and its own call cost."""


def _two(a: bytes, b: bytes, _m: int) -> dict[str, int]:
    return {"both": len(a) + len(b), "shorter": min(len(a), len(b)), "slot": len(a), "value": len(b), "theta": len(b)}


def _one(a: bytes, _b: bytes, _m: int) -> dict[str, int]:
    return {"reason": len(a), "slot": len(a), "value": len(a), "length": len(a)}


def _together(parts: int) -> bytes:
    """Several queries at once."""
    return encode(Every((TransactionSucceeded(bytes(32)),) * parts))


def _answers(query: bytes) -> int:
    try:
        asked = decode_query(query)
    except InvalidEncoding:
        return 1
    return len(asked.queries) if isinstance(asked, Every) else 1


def _read(a: bytes, _b: bytes, _m: int) -> dict[str, int]:
    return {"slot": len(a), "value": 8}


_frame = PRICES.memory_page + PRICES.code_per_byte * len(INNER_CODE) + PRICES.host_base
_account, _slots = st.just(bytes(FRIEND)), st.binary(max_size=128)
_callee, _name = st.just(bytes(INNER)), st.just(b"main")
_called = Row(CALL, _callee, _name, before=LIST)
_plain = ("arg_count", "caller", "sender", "self", "value", "height", "index", "time", "previous_hash")
_texts = st.text(max_size=100).map(str.encode)

ROWS: dict[str, Row] = {
    **{name: Row(f"(drop (call ${name}))") for name in (*_plain, "args_new")},
    "arg_int": Row("(drop (call $arg_int (i64.const 2)))"),
    "arg_bytes": Row("(drop (call $arg_bytes (i64.const 1)))"),
    "return_int": Row(f"(call $return_int {M})"),
    "return_bytes": Row(f"(call $return_bytes {A})"),
    "fail": Row(f"(call $fail {A})", st.binary(max_size=600), sizes=_one),
    "bytes_new": Row(f"(drop (call $bytes_new (i32.const 9) (i32.wrap_i64 {M})))", m=st.integers(0, 60_000)),
    "bytes_read": Row(
        f"(call $bytes_read {A} (i64.const 1) (i32.const 5) (i32.wrap_i64 {M}))",
        st.binary(min_size=300, max_size=300),
        m=st.integers(0, 299),
    ),
    "bytes_len": Row(f"(drop (call $bytes_len {A}))"),
    "bytes_at": Row(f"(drop (call $bytes_at {A} (i64.const 0)))", st.binary(min_size=1, max_size=99)),
    "bytes_concat": Row(f"(drop (call $bytes_concat {A} {B}))", sizes=_two),
    "bytes_slice": Row(
        f"(drop (call $bytes_slice {A} (i64.const 0) {M}))",
        st.binary(min_size=300, max_size=300),
        m=st.integers(0, 300),
    ),
    "bytes_equal": Row(f"(drop (call $bytes_equal {A} {B}))", sizes=_two),
    "bytes_compare": Row(f"(drop (call $bytes_compare {A} {B}))", sizes=_two),
    "bytes_from_int": Row(f"(drop (call $bytes_from_int {M}))", m=st.integers(-(2**63), 2**63 - 1)),
    "int_from_bytes": Row(f"(drop (call $int_from_bytes {A}))", st.binary(max_size=8)),
    "hex_from_bytes": Row(f"(drop (call $hex_from_bytes {A}))"),
    "text_check": Row(f"(call $text_check {A})", _texts),
    "text_len": Row(f"(drop (call $text_len {A}))", _texts),
    "text_slice": Row(f"(drop (call $text_slice {A} (i64.const 0) (i64.const 0)))", _texts),
    "text_from_int": Row(f"(drop (call $text_from_int {M}))", m=st.integers(-(2**63), 2**63 - 1)),
    "int_from_text": Row(f"(drop (call $int_from_text {A}))", st.integers(0, 10**18).map(lambda n: b"%d" % n)),
    "sha256": Row(f"(drop (call $sha256 {A}))"),
    "keccak256": Row(f"(drop (call $keccak256 {A}))"),
    "storage_read": Row(f"(drop (call $storage_read {A}))", _slots, sizes=_read),
    "storage_write": Row(f"(call $storage_write {A} {B})", _slots, sizes=_two),
    "storage_read_int": Row(f"(drop (call $storage_read_int {A}))", _slots, sizes=_read),
    "storage_write_int": Row(f"(call $storage_write_int {A} {M})", _slots, sizes=_one),
    "transfer": Row(f"(call $transfer {A} (i64.const 1))", _account),
    "log": Row(f"(call $log {A} {B})", sizes=_two),
    "args_int": Row(f"(call $args_int (local.get $list) {M})", before=LIST),
    "args_bytes": Row(f"(call $args_bytes (local.get $list) {A})", before=LIST),
    "call": _called._replace(sizes=lambda _a, _b, _m: {"arguments": 3 * 40}, more=_frame),
    "returned_int": _called._replace(code="(drop (call $returned_int))", before=LIST + CALL),
    "returned_bytes": _called._replace(code="(drop (call $returned_bytes))", before=LIST + CALL),
    "bound": Row(
        f"(drop (call $bound {A} {B}))", _account, st.integers(0, 20).map(lambda n: bytes(32 * n)), sizes=_two
    ),
    "query": Row(
        f"(drop (call $query {A}))",
        st.one_of(SMALL_BYTES, st.integers(2, PARTS_MOST).map(_together)),
        sizes=lambda a, _b, _m: {"length": len(a), "answers": _answers(a)},
    ),
}


def _charged(code: bytes, arguments: tuple[bytes, bytes, int], row: str) -> int:
    """Gas of a run that is not fuel: what is left when everything but instructions is free is subtracted."""
    a, b, _ = arguments
    world = DictWorld()
    kinds = (ArgumentKind.BYTES, ArgumentKind.BYTES, ArgumentKind.INT)
    world.deploy(MAIN, code, admits("main", arguments=kinds))
    inner = INNER_BYTES if row == "returned_bytes" else INNER_CODE
    world.deploy(INNER, inner, admits("main", arguments=(ArgumentKind.INT,) * 3))
    world.balances[MAIN] = 100
    world.slots[MAIN, a] = bytes(8)
    world.answers[a] = b"\xc3"
    world.bounds[FRIEND, tuple(b[at : at + 32] for at in range(0, len(b), 32))] = 1
    entries: tuple[Entry, ...] = (Credit(FRIEND), Debit(MAIN, 9), Call(INNER), Bound(FRIEND), Query(a))
    if len(a) <= 128:
        entries += (Read(MAIN, a), Write(MAIN, a))
    used = []
    for schedule in (PRICES, FREE):
        result = execute(call_of(arguments=arguments, footprint=entries, schedule=schedule), world, Gas(10**9))
        assert result.failure in (None, FailureKind.ASSERTION), result
        used.append(result.gas_used)
    return used[0] - used[1]


def test_every_row_is_here() -> None:
    """Each row that computes with no tensor has a case (`test_prices_nn.py` has the others), and each row a formula."""
    assert ROWS.keys() == {name for name in HOST if not name.startswith("nn_")}
    assert HOST.keys() == formulas().keys()


@pytest.mark.parametrize("name", ROWS)
@settings(max_examples=15)
@given(data=st.data())
def test_charges_are_the_pages_formulas(name: str, data: st.DataObject) -> None:
    """A host call charges exactly what docs/host.md says, whatever the sizes of its values."""
    row = ROWS[name]
    a, b, m = data.draw(row.a), data.draw(row.b), data.draw(row.m)
    without, with_call = (module(f'(func (export "main") {SETUP} {row.before} {code})') for code in ("", row.code))
    charged = _charged(with_call, (a, b, m), name) - _charged(without, (a, b, m), name)
    charged -= PRICES.code_per_byte * (len(with_call) - len(without)) + row.more
    prices = {field: getattr(PRICES, field) for field in GasSchedule.__struct_fields__}
    sizes = row.sizes(a, b, m)
    assert not prices.keys() & sizes.keys()
    assert charged == evaluated(formulas()[name], {**prices, **sizes})
