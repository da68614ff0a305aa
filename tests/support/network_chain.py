"""Random chains whose contracts train networks, save them, pass their CIDs on, load them and pay on what they say."""

from functools import cache
from random import Random

from wasmtime import wat2wasm

from accountant.chain.block import Position
from accountant.chain.envelope import ArgumentKind, Envelope, FunctionEnvelope, OpenAccess
from accountant.chain.footprint import Blob, Call, Credit, Debit, Entry, Memory, Read, Write, canonical_footprint
from accountant.chain.genesis import Genesis, GenesisAccount, GenesisContract
from accountant.chain.query import View
from accountant.chain.transaction import CallPayload, PublishPayload, Transaction, TransactionKind
from accountant.contracts.engine import ENGINE
from accountant.execution.memory import MemoryBlobs
from accountant.index.memory import MemoryIndex
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Address, Cid, ContractId, Height
from accountant.tensors import Tensor
from accountant.tensors.files import write_file
from tests.support.random_chain import USERS
from tests.support.tensor_calls import get, ints, listed, real
from tests.support.wat import imports_of

LEARNERS = [ContractId(sha256(b"learner %d" % number)) for number in range(2)]
SLOTS = [b"a", b"b", b"c"]

_LOCALS = """(local $h i64) (local $s i64) (local $ts i64) (local $t i64) (local $w i64) (local $x i64) (local $y i64)
    (local $l i64) (local $g i64) (local $m i64) (local $i i64)"""
_FROM, _TO, _N = "(call $arg_bytes (i64.const 0))", "(call $arg_bytes (i64.const 1))", "(call $arg_int (i64.const 2))"
_SPENT = "(call $nn_mean (call $nn_multiply (local.get $y) (local.get $y)) (local.get $s) (i64.const 0))"

_WEIGHTS = f"""
    (local.set $h (call $storage_read {_FROM}))
    (if (i64.eq (call $bytes_len {get("h")}) (i64.const 36))
      (then (local.set $ts (call $nn_load_all {get("h")})))
      (else {ints(3, 2)} (local.set $t (call $nn_init {_N} (i64.const 1) {get("s")})) {listed("t")}))"""

_STEP = f"""
    (local.set $m (call $nn_mark))
    (local.set $w (call $nn_at (call $nn_weights {get("ts")}) (i64.const 0)))
    {ints(4, 3)}
    (local.set $x (call $nn_uniform {_N} {get("i")} {get("s")} {real(-1.0)} {real(1.0)}))
    (local.set $y (call $nn_tanh (call $nn_matmul {get("x")} {get("w")} (i64.const 20))))
    {ints()}
    ;; Another slot is looked at in the second step, between a value and its gradient: who stops here begins anew.
    (if (i64.eq {get("i")} (i64.const 2)) (then (drop (call $storage_read {_TO}))))
    (local.set $g (call $nn_grad {_SPENT} (call $nn_weights {get("ts")})))
    (local.set $ts (call $nn_adam {get("ts")} {get("g")}
      {real(0.05)} {real(0.9)} {real(0.999)} {real(1e-8)} {real(0.0)}))
    (local.set $ts (call $nn_release {get("m")} {get("ts")}))"""

_BODY = f"""
  (func (export "train") {_LOCALS}
    {_WEIGHTS}
    (local.set $ts (call $nn_adam_start {get("ts")}))
    (local.set $i (i64.const 3))
    (loop $more {_STEP}
      (br_if $more (i64.ne (local.tee $i (i64.sub {get("i")} (i64.const 1))) (i64.const 0))))
    (local.set $h (call $nn_save_all (call $nn_weights {get("ts")})))
    (call $storage_write {_TO} {get("h")})
    (call $return_bytes {get("h")}))
  (func (export "pass") {_LOCALS}
    (call $storage_write {_TO} (call $storage_read {_FROM})))
  (func (export "forge") {_LOCALS}
    (call $storage_write {_TO} {_FROM}))
  (func (export "tune") {_LOCALS}
    (local.set $ts (call $nn_load_all {_FROM}))
    (local.set $t (call $nn_scale (call $nn_at {get("ts")} (i64.const 0)) {real(0.5)}))
    {listed("t", into="g")}
    (call $storage_write {_TO} (call $nn_save_all {get("g")})))
  (func (export "pay") {_LOCALS}
    (local.set $ts (call $nn_load_all (call $storage_read {_FROM})))
    (local.set $i (call $nn_item (call $nn_at {get("ts")} (i64.const 0)) (i64.const 0) {real(1000.0)}))
    (call $transfer {_TO} (i64.and {get("i")} (i64.const 63))))
  (func (export "look") {_LOCALS}
    (local.set $ts (call $nn_load_all {_FROM}))
    (call $return_int (call $nn_item (call $nn_at {get("ts")} (i64.const 0)) (i64.const 0) {real(1000.0)})))
  (func (export "ask") {_LOCALS}
    (local.set $l (call $args_new))
    (call $args_bytes {get("l")} {_FROM}) (call $args_bytes {get("l")} {_FROM}) (call $args_int {get("l")} {_N})
    (drop (call $call {_TO} (call $bytes_new (i32.const 0) (i32.const 4)) {get("l")} (i64.const 0))))"""


@cache
def learner_code() -> bytes:
    """The contract's module."""
    memory = '(memory (export "memory") 1) (data (i32.const 0) "pass")'
    return bytes(wat2wasm(f"(module {imports_of(_BODY)} {memory} {_BODY})"))


def learner_envelope() -> Envelope:
    """An envelope that admits everything."""
    kinds = (ArgumentKind.BYTES, ArgumentKind.BYTES, ArgumentKind.INT)
    names = ("ask", "forge", "look", "pass", "pay", "train", "tune")
    functions = tuple(FunctionEnvelope(name, kinds, (), complete=False) for name in names)
    return Envelope(functions, OpenAccess((b"",), (b"",), 99, 99, 2**62, callable=True))


class NetworkChain:
    """Grows an index block by block, drawing every choice from one `Random`."""

    def __init__(self, random: Random) -> None:
        self.random = random
        contracts = tuple(
            GenesisContract(at, USERS[0], learner_code(), learner_envelope(), random.choice([0, 60, 1_000]))
            for at in LEARNERS
        )
        accounts = tuple(GenesisAccount(user, 10**15) for user in USERS)
        self.genesis = Genesis(7, 0, ENGINE, (USERS[0],), accounts, contracts)
        self.index = MemoryIndex(self.genesis)
        self.nonces = dict.fromkeys(USERS, 0)
        self.blobs = MemoryBlobs()
        """Where the published files are."""
        self.cids: list[Cid] = []
        """Files that may be named: published, saved, or neither."""

    def append(self, transactions: list[tuple[Address, Transaction]]) -> None:
        """Append a block."""
        self.index.append_unsigned(transactions)

    def grow(self, blocks: int, transactions_most: int = 4) -> None:
        """Append some blocks; the first publishes a file."""
        self.append([self.publication(0.25), self.call("train", b"a", b"a", 1)])
        for _ in range(blocks):
            count = self.random.randrange(1, transactions_most + 1)
            self.append([self.transaction() for _ in range(count)])

    def publication(self, number: float) -> tuple[Address, Transaction]:
        """A transaction that publishes a file of one tensor."""
        data = write_file([Tensor.full((3, 2), number)])
        cid = self.blobs.put(data)
        self.cids.append(cid)
        return self._signed(TransactionKind.PUBLISH, b"", encode(PublishPayload(cid, len(data))), (), 0)

    def call(
        self, function: str, first: bytes, second: bytes, number: int, *, on: ContractId = LEARNERS[0], gas: int = 10**8
    ) -> tuple[Address, Transaction]:
        """A call with the entries that it needs."""
        entries: list[Entry] = []
        match function:
            case "train":
                entries = [Read(on, first), Read(on, second), Write(on, second)]
            case "pass":
                entries = [Read(on, first), Write(on, second)]
            case "forge":
                entries = [Write(on, second)]
            case "tune":
                entries = [Write(on, second), Blob(first, 1)]
            case "pay":
                entries = [Read(on, first), Credit(second), Debit(on, 63)]
            case "ask":
                to = ContractId(second)
                entries = [Call(to), Read(to, first), Write(to, first)]
        if self.random.random() < 0.1:
            entries.pop(self.random.randrange(len(entries)))
        if self.random.random() < 0.1:
            entries.append(Memory(self.random.choice((100, 1_000, 100_000_000))))
        payload = encode(CallPayload(function, (first, second, number)))
        return self._signed(TransactionKind.CALL, on, payload, canonical_footprint(entries), gas)

    def view(self) -> View:
        """A view of what some file holds."""
        head = self.index.head().height
        block = self.index.block(Height(self.random.randrange(head + 1)))
        assert block is not None
        arguments = (self.random.choice(self.cids), b"", 0)
        return View(self.random.choice(LEARNERS), "look", arguments, 10**6, Position(block.hash, 0))

    def transaction(self) -> tuple[Address, Transaction]:
        """Any of them."""
        random = self.random
        on, slot, other = random.choice(LEARNERS), random.choice(SLOTS), random.choice(SLOTS)
        gas = random.choice((10**8, 10**8, 10**8, 200_000))
        match random.randrange(9):
            case 0:
                return self.publication(random.random())
            case 1 | 2 | 3:
                return self.call("train", slot, other, random.randrange(3), on=on, gas=gas)
            case 4:
                return self.call("pass", slot, other, 0, on=on, gas=gas)
            case 5:
                return self.call("forge", random.choice(self.cids), slot, 0, on=on, gas=gas)
            case 6:
                return self.call("tune", random.choice(self.cids), slot, 0, on=on, gas=gas)
            case 7:
                return self.call("ask", slot, random.choice(LEARNERS), 0, on=on, gas=gas)
            case _:
                return self.call("pay", slot, random.choice(USERS), 0, on=on, gas=gas)

    def _signed(
        self, kind: TransactionKind, to: bytes, payload: bytes, footprint: tuple[Entry, ...], gas: int
    ) -> tuple[Address, Transaction]:
        sender = self.random.choice(USERS)
        nonce = self.nonces[sender]
        self.nonces[sender] += 1
        return sender, Transaction(1, 7, nonce, kind, to, 0, 0, gas, 0, 0, payload, footprint, bytes(65))
