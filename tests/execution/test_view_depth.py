"""A view may ask a view, which asks another: as deep as gas goes, whatever the native stack holds."""

from accountant.chain.block import Position
from accountant.chain.envelope import ArgumentKind
from accountant.chain.footprint import Query
from accountant.chain.genesis import Genesis, GenesisContract
from accountant.chain.query import View, ViewAnswer
from accountant.chain.transaction import CallPayload, Transaction, TransactionKind
from accountant.contracts.engine import ENGINE
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.memory import MemoryIndex
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address, ContractId, Seq
from tests.support.wat import admits, escaped, module

ANN = Address(b"\x0a" * 20)
DIVER = ContractId(b"\xd1" * 32)
STEP = 200_000
"""Gas that each view keeps for itself: more than running it and asking the next one takes."""
LAST = 200_000
"""Whoever is asked with less does not ask on."""
DEPTH = 300
NUMBER, PREVIOUS = 0x11223344, b"\x77" * 32


def _code() -> bytes:
    """`dive(gas)` asks `dive(gas - STEP)` with so much gas, at its own position, and returns the answer."""
    template = encode(View(DIVER, "dive", (NUMBER,), NUMBER, Position(PREVIOUS, 0)))
    number = NUMBER.to_bytes(4, "big")
    first, second, rest = template.split(number)
    third, last = rest.split(PREVIOUS)
    gas = "(call $arg_int (i64.const 0))"
    parts, at = [], 0
    for piece in (first, second, third, last):
        parts.append(f"(call $bytes_new (i32.const {at}) (i32.const {len(piece)}))")
        at += len(piece)
    inner = f"(i64.sub {gas} (i64.const {STEP}))"
    between = [_number(inner), _number(gas), "(call $previous_hash)"]
    whole = parts[0]
    for varying, part in zip(between, parts[1:], strict=True):
        whole = f"(call $bytes_concat (call $bytes_concat {whole} {varying}) {part})"
    asks = f"(call $return_bytes (call $query {whole}))"
    return module(
        f"""(func (export "dive") (if (i64.gt_s {gas} (i64.const {LAST})) (then {asks})))""",
        escaped(first + second + third + last),
    )


def _number(value: str) -> str:
    return f"(call $bytes_slice (call $bytes_from_int {value}) (i64.const 4) (i64.const 4))"


def test_a_long_chain_of_views() -> None:
    """Both executors answer it alike, asked for and inside a transaction."""
    contract = GenesisContract(DIVER, ANN, _code(), admits("dive", arguments=(ArgumentKind.INT,)), 0)
    index = MemoryIndex(Genesis(7, 0, ENGINE, (ANN,), (), (contract,)))
    gas = LAST + DEPTH * STEP
    view = View(DIVER, "dive", (gas - STEP,), gas, Position(index.genesis.hash, 0))
    asked = encode(View(DIVER, "dive", (gas - 2 * STEP,), gas - STEP, view.position))
    payload = encode(CallPayload("dive", (gas - STEP,)))
    footprint = (Query(asked),)
    call = Transaction(1, 7, 0, TransactionKind.CALL, DIVER, 0, 0, gas, 0, 0, payload, footprint, bytes(65))
    index.append_unsigned([(ANN, call)])
    eager = execute_everything(index)
    answer = eager.answer(view)
    assert isinstance(answer, ViewAnswer) and isinstance(answer.value, bytes) and len(answer.value) > 3 * (DEPTH - 2)
    assert Selective(Session(index, MemoryOutcomes())).answer(view) == answer
    assert eager.outcomes[0].return_value == answer.value
    assert Selective(Session(index, MemoryOutcomes())).outcome(Seq(0)) == eager.outcomes[0]
