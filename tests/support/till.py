"""A contract whose calls touch what their arguments say, what the state says, or both; and chains that hold it."""

from functools import cache

import msgspec
from wasmtime import wat2wasm

from accountant.chain.envelope import (
    AmountArg,
    Arg,
    ArgumentKind,
    Envelope,
    FunctionEnvelope,
    Literal,
    OpenAccess,
    Self,
    Sender,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.genesis import Genesis
from accountant.contracts.engine import ENGINE
from tests.support.chains import contract_id, genesis, genesis_contract
from tests.support.wat import imports_of, text

TILL = contract_id("till")

_BODY = f"""
(memory (export "memory") 1)
(data (i32.const 0) "ownernextk:main")
(func $slot (result i64) (call $bytes_concat {text(9, 2)} (call $arg_bytes (i64.const 0))))
(func (export "init") (call $storage_write {text(0, 5)} (call $caller)))
(func (export "put") (call $storage_write (call $slot) {text(11, 4)}))
(func (export "point") (call $storage_write {text(5, 4)} (call $arg_bytes (i64.const 0))))
(func (export "follow") (local $at i64)
  (local.set $at (call $storage_read {text(5, 4)}))
  (call $storage_write (call $bytes_concat {text(9, 2)} (local.get $at)) {text(11, 4)}))
(func (export "pay") (local $units i64)
  (local.set $units (call $int_from_bytes (call $storage_read {text(5, 4)})))
  (call $transfer (call $sender) (local.get $units)))
(func (export "refund") (call $transfer (call $sender) (call $arg_int (i64.const 0))))
(func (export "burn") (loop $more (br $more)))
"""
TILL_CODE = bytes(wat2wasm(f"(module {imports_of(_BODY)} {_BODY})"))

_ON_TILL = (Self(),)
_NEXT = (Literal(b"next"),)


def till_envelope(debit_most: int = 1_000) -> Envelope:
    """`put` and `refund` are complete; `follow` and `pay` depend on a slot; `burn` needs more gas than there is."""
    put = TemplateEntry(TemplateKind.WRITE, _ON_TILL, (Literal(b"k:"), Arg(0)))
    point = TemplateEntry(TemplateKind.WRITE, _ON_TILL, _NEXT)
    read = TemplateEntry(TemplateKind.READ, _ON_TILL, _NEXT, certain=True)
    credit = TemplateEntry(TemplateKind.CREDIT, (Sender(),))
    debit = TemplateEntry(TemplateKind.DEBIT, _ON_TILL, cap=AmountArg(0))
    owner = TemplateEntry(TemplateKind.WRITE, _ON_TILL, (Literal(b"owner"),))
    functions = (
        FunctionEnvelope("burn", (), (), complete=True, gas_most=50_000_000),
        FunctionEnvelope("follow", (), (read,), complete=False),
        FunctionEnvelope("init", (), (owner,), complete=True),
        FunctionEnvelope("pay", (), (read, credit), complete=False, gas_least=40_000),
        FunctionEnvelope("point", (ArgumentKind.BYTES,), (point,), complete=True),
        FunctionEnvelope("put", (ArgumentKind.BYTES,), (put,), complete=True),
        FunctionEnvelope("refund", (ArgumentKind.INT,), (credit, debit), complete=True),
    )
    access = OpenAccess((b"k:", b"next"), (b"k:",), reads_most=4, writes_most=4, debit_most=debit_most)
    return Envelope(functions, access)


@cache
def till_genesis() -> Genesis:
    """Alice, Bob and Carol are rich; the till has 500 units."""
    till = genesis_contract("till", till_envelope(), general_balance=500, code=TILL_CODE)
    return msgspec.structs.replace(genesis(contracts=(till,)), engine=ENGINE)
