"""What the cases of `benchmarks.metering` are made of: modules, a world, runs with gas and time."""

from collections.abc import Callable
from typing import NamedTuple

from wasmtime import wat2wasm

from accountant.chain.envelope import ArgumentKind, Callers, Envelope, FunctionEnvelope
from accountant.chain.footprint import Entry
from accountant.chain.genesis import GasSchedule, Limits
from accountant.chain.transaction import Argument
from accountant.contracts.module import check_module
from accountant.contracts.run import execute
from accountant.contracts.table import HOST_TABLE, Kind
from accountant.contracts.world import ContractCode, Run
from accountant.primitives.types import AccountId, Address, Amount, Cid, ContractId, Gas, Hash, Height, Seq

REFERENCE = "arg_int"
"""The case that all others are compared with."""

PRICES, LIMITS = GasSchedule(), Limits()
SENDER = Address(b"\x51" * 20)
MAIN = ContractId(b"\xc0" * 32)
GAS = Gas(2**50)
MIB = 1024 * 1024


class Case(NamedTuple):
    """Work that uses gas, and the same without what is measured."""

    name: str
    row: str
    """The host function, or what else is measured."""
    work: Callable[[], int]
    """Does it and returns the gas that it used."""
    base: Callable[[], int] | None
    intrinsic: int = 0
    """Gas that is due besides, outside of any run."""


class BenchmarkWorld:
    """A world of dictionaries."""

    def __init__(self, slots: dict[bytes, bytes], codes: dict[bytes, ContractCode]) -> None:
        self._slots = slots
        self._codes = codes

    def slot(self, _contract: ContractId, slot: bytes) -> bytes:
        """A slot's value, the same in every contract."""
        return self._slots.get(slot, b"")

    def source(self, _contract: ContractId, _slot: bytes) -> Seq | None:
        """No slot holds a file's CID."""
        return None

    def published(self, _cid: Cid) -> bool:
        """Nothing is."""
        return False

    def blob(self, cid: Cid, _source: Seq | None) -> bytes:
        """There are no files."""
        raise KeyError(cid)

    def code(self, contract: ContractId) -> ContractCode | None:
        """What is deployed."""
        return self._codes.get(contract)

    def covers(self, _contract: ContractId, _amount: Amount) -> bool:
        """Everybody is rich."""
        return True

    def lower_bound(self, _account: AccountId, _theta: tuple[Hash, ...]) -> Amount:
        """The host's side alone is measured."""
        return Amount(1)

    def answer(self, _query: bytes) -> bytes:
        """The host's side alone is measured."""
        return b"\xc3"


def contract(number: int) -> ContractId:
    """An id."""
    return ContractId(bytes([number]) * 32)


def envelope(*kinds: ArgumentKind) -> Envelope:
    """Admits `main` with these arguments."""
    return Envelope((FunctionEnvelope("main", kinds, (), False, Callers.ANYONE, (), False, False),))


def wasm(body: str, pages: int = 1, data: str = "", imports: bool = True) -> bytes:
    """A module with the whole host table, or with none of it."""
    lines = []
    for row in HOST_TABLE if imports else ():
        types = " ".join("i32" if kind in (Kind.PTR, Kind.LEN) else "i64" for kind in row.parameters)
        shape = (f"(param {types})" if types else "") + ("(result i64)" if row.result else "")
        lines.append(f'(import "anh" "{row.name}" (func ${row.name} {shape}))')
    segment = f'(data (i32.const 0) "{data}")' if data else ""
    code = bytes(wat2wasm(f'(module {"".join(lines)} (memory (export "memory") {pages}) {segment} {body})'))
    check_module(code, Envelope(()), LIMITS)
    return code


def main_of(code: str) -> str:
    """The exported function."""
    locals_ = "".join(f"(local ${name} i64)" for name in ("i", "a", "b", "c", "x")) + "(local $p i32) (local $f f64)"
    return f'(func (export "main") {locals_} {code})'


def loop(count: int, unit: str) -> str:
    """`unit`, so many times."""
    return f"""(local.set $i (i64.const {count})) (loop $l {unit}
        (br_if $l (i64.ne (local.tee $i (i64.sub (local.get $i) (i64.const 1))) (i64.const 0))))"""


def escaped(data: bytes) -> str:
    """Bytes as a WAT string."""
    return "".join(f"\\{byte:02x}" for byte in data)


def runner(
    code: bytes,
    entries: tuple[Entry, ...] = (),
    arguments: tuple[Argument, ...] = (),
    slots: dict[bytes, bytes] | None = None,
    codes: dict[bytes, ContractCode] | None = None,
    fails: bool = False,
) -> Callable[[], int]:
    """A run of `code`; the gas it uses."""
    kinds = (ArgumentKind.INT if isinstance(argument, int) else ArgumentKind.BYTES for argument in arguments)
    mine = ContractCode(code, envelope(*kinds), SENDER)
    world = BenchmarkWorld(slots or {}, {**(codes or {}), MAIN: mine})
    run = Run(
        *(MAIN, "main", arguments, SENDER, Amount(0), entries),
        *(Height(7), 3, Hash(bytes(32)), 1_700_000_000, PRICES, LIMITS),
    )

    def work() -> int:
        result = execute(run, world, GAS)
        assert (result.failure is not None) == fails, result
        return result.gas_used

    return work


class Given(NamedTuple):
    """What a case of a host function finds when it starts."""

    setup: str = ""
    data: str = ""
    entries: tuple[Entry, ...] = ()
    arguments: tuple[Argument, ...] = ()
    slots: dict[bytes, bytes] | None = None
    codes: dict[bytes, ContractCode] | None = None
    pages: int = 1


def host(name: str, row: str, unit: str, count: int = 2_000, given: Given = Given()) -> Case:
    """A host call in a loop, against the loop without it."""

    def of(inside: str) -> Callable[[], int]:
        code = wasm(main_of(given.setup + loop(count, inside)), given.pages, given.data)
        return runner(code, given.entries, given.arguments, given.slots, given.codes)

    return Case(name, row, of(unit), of(""))


def whole(name: str, row: str, work: Callable[[], int], intrinsic: int) -> Case:
    """A run from its beginning to its end, with the gas that its transaction uses besides."""
    return Case(name, row, work, None, intrinsic)
