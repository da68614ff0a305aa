"""Contracts in WAT for tests: the host table as imports, envelopes, runs, and a world that is a few dictionaries."""

import re
from collections.abc import Callable, Iterable

from wasmtime import wat2wasm

from accountant.chain.envelope import ArgumentKind, Callers, Envelope, FunctionEnvelope
from accountant.chain.footprint import Entry
from accountant.chain.genesis import GasSchedule, Limits
from accountant.chain.transaction import Argument
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.run import execute
from accountant.contracts.table import HOST_TABLE, Kind
from accountant.contracts.world import ContractCode, Run, RunResult
from accountant.primitives.types import AccountId, Address, Amount, Cid, ContractId, Gas, Hash, Height, Seq

SENDER = Address(b"\x51" * 20)
DEPLOYER = Address(b"\xd0" * 20)
FRIEND = Address(b"\xf0" * 20)
PREVIOUS = Hash(b"\x9e" * 32)
GAS = Gas(10_000_000)


def contract(number: int) -> ContractId:
    """A contract id that is easy to tell from others."""
    return ContractId(bytes([0xC0 + number]) * 32)


MAIN = contract(0)


def imports(names: Iterable[str] | None = None) -> str:
    """The import declarations of the host table (of these rows, or of all), each named `$name`."""
    chosen = None if names is None else set(names)
    lines = []
    for row in HOST_TABLE:
        if chosen is None or row.name in chosen:
            parameters = " ".join("i32" if kind in (Kind.PTR, Kind.LEN) else "i64" for kind in row.parameters)
            shape = (f" (param {parameters})" if parameters else "") + (" (result i64)" if row.result else "")
            lines.append(f'(import "anh" "{row.name}" (func ${row.name}{shape}))')
    return "\n".join(lines)


def imports_of(body: str) -> str:
    """The import declarations of a module: every row but those on tensors, and of these the ones that it calls."""
    called = set(re.findall(r"\$(nn_\w+)", body))
    return imports(row.name for row in HOST_TABLE if not row.name.startswith("nn_") or row.name in called)


def module(body: str, data: str = "", pages: int = 1) -> bytes:
    """A module with its imports, a memory with `data` (a WAT string) at 0, and `body`."""
    segment = f'(data (i32.const 0) "{data}")' if data else ""
    return bytes(wat2wasm(f'(module {imports_of(body)} (memory (export "memory") {pages}) {segment} {body})'))


def main_module(code: str, data: str = "", locals_: str = "") -> bytes:
    """A module whose one function `main` runs `code`."""
    return module(f'(func (export "main") {locals_} {code})', data)


def text(at: int, size: int) -> str:
    """WAT of a handle of `size` bytes of memory at `at`."""
    return f"(call $bytes_new (i32.const {at}) (i32.const {size}))"


def escaped(data: bytes) -> str:
    """Bytes as a WAT string."""
    return "".join(f"\\{byte:02x}" for byte in data)


def admits(
    *names: str,
    arguments: tuple[ArgumentKind, ...] = (),
    callers: Callers = Callers.ANYONE,
    listed: tuple[bytes, ...] = (),
    direct: bool = False,
    zero_cost: bool = False,
    payable: bool = True,
) -> Envelope:
    """An envelope of functions that are all alike."""
    functions = (
        FunctionEnvelope(name, arguments, (), False, callers, listed, zero_cost, direct, payable=payable)
        for name in sorted(names)
    )
    return Envelope(tuple(functions))


class DictWorld:
    """A world out of dictionaries. It remembers what it was asked."""

    def __init__(self) -> None:
        self.slots: dict[tuple[bytes, bytes], bytes] = {}
        self.codes: dict[bytes, ContractCode] = {}
        self.balances: dict[bytes, int] = {}
        self.bounds: dict[tuple[bytes, tuple[bytes, ...]], int] = {}
        self.answers: dict[bytes, bytes] = {}
        self.sources: dict[tuple[bytes, bytes], int] = {}
        self.files: dict[tuple[bytes, int | None], bytes] = {}
        self.asked: list[tuple[str, object]] = []
        self.before: Callable[[str, object], None] = lambda _what, _of: None

    def deploy(self, at: ContractId, code: bytes, envelope: Envelope | None = None) -> None:
        """Put a contract in place; by default it admits a call of `main` without arguments."""
        self.codes[at] = ContractCode(code, envelope or admits("main"), DEPLOYER)

    def slot(self, contract: ContractId, slot: bytes) -> bytes:
        self._ask("slot", (contract, slot))
        return self.slots.get((contract, slot), b"")

    def source(self, contract: ContractId, slot: bytes) -> Seq | None:
        self._ask("source", (contract, slot))
        source = self.sources.get((contract, slot))
        return None if source is None else Seq(source)

    def published(self, cid: Cid) -> bool:
        self._ask("published", cid)
        return (cid, None) in self.files

    def blob(self, cid: Cid, source: Seq | None) -> bytes:
        self._ask("blob", (cid, source))
        return self.files[cid, source]

    def code(self, contract: ContractId) -> ContractCode | None:
        self._ask("code", contract)
        return self.codes.get(contract)

    def covers(self, contract: ContractId, amount: Amount) -> bool:
        self._ask("covers", (contract, amount))
        return self.balances.get(contract, 0) >= amount

    def lower_bound(self, account: AccountId, theta: tuple[Hash, ...]) -> Amount:
        self._ask("lower_bound", (account, theta))
        if (account, theta) not in self.bounds:
            raise ContractFailure(FailureKind.INVALID_THETA, "no such incomes")
        return Amount(self.bounds[account, theta])

    def answer(self, query: bytes) -> bytes:
        self._ask("answer", query)
        if query not in self.answers:
            raise ContractFailure(FailureKind.QUERY_VOID, "no such block")
        return self.answers[query]

    def _ask(self, what: str, of: object) -> None:
        self.asked.append((what, of))
        self.before(what, of)


def call_of(
    function: str = "main",
    arguments: tuple[Argument, ...] = (),
    footprint: tuple[Entry, ...] = (),
    value: int = 0,
    to: ContractId = MAIN,
    schedule: GasSchedule = GasSchedule(),
    limits: Limits = Limits(),
    deploying: ContractCode | None = None,
) -> Run:
    """A call of a contract by `SENDER` in block 7."""
    return Run(
        contract=to,
        function=function,
        arguments=arguments,
        sender=SENDER,
        value=Amount(value),
        footprint=footprint,
        height=Height(7),
        index=3,
        previous_hash=PREVIOUS,
        time=1_700_000_000,
        schedule=schedule,
        limits=limits,
        deploying=deploying,
    )


def run_main(
    code: bytes, *footprint: Entry, world: DictWorld | None = None, gas: int = GAS, value: int = 0
) -> RunResult:
    """Deploy `code` as `MAIN` and call its `main`."""
    world = world or DictWorld()
    world.deploy(MAIN, code)
    return execute(call_of(footprint=footprint, value=value), world, Gas(gas))
