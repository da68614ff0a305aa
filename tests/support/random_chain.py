"""Random and hostile chains over one scripted contract, unsigned and unchecked: for properties of execution."""

from functools import cache
from pathlib import Path
from random import Random

import wasmtime

from accountant.chain.block import Position
from accountant.chain.envelope import ArgumentKind, Envelope, FunctionEnvelope, OpenAccess
from accountant.chain.footprint import Blob, Bound, Call, Credit, Debit, Entry, Memory, Query, Read, Write
from accountant.chain.genesis import GasSchedule, Genesis, GenesisAccount, GenesisContract
from accountant.chain.query import AccountingQuery, BalanceAtLeast, Income, Storage, TransactionSucceeded, View
from accountant.chain.transaction import CallPayload, DeployPayload, PublishPayload, Transaction, TransactionKind
from accountant.contracts.engine import ENGINE
from accountant.index.memory import MemoryIndex
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import AMOUNT_MAX, BLACKHOLE, AccountId, Address, Cid, ContractId, Seq

KEYS = {key.address: key for key in (PrivateKey.from_seed(b"user %d" % number) for number in range(5))}
USERS = list(KEYS)
CONTRACTS = [ContractId(sha256(b"contract %d" % number)) for number in range(3)]
SLOTS = [b"a", b"b", b"c"]
_AMOUNTS = (0, 1, 2, 5, 9, 20, 60, 200)
_REFUNDS = (2_000, 380_000, 1_950_000, 1_980_000, 5_900_000)
_HUGE = (2**58, 2**58, 2**59, 2**60, 2**61 - 1, 2**61, 2**61 + 1, 2**62)
_MIXES = ((0, 0), (0, 0), (1, 0), (1, 0), (0, 1), (1, 1))
_MIXES_CALM = ((0, 0), (0, 0), (1, 0), (0, 1), (0, 1), (1, 1))
GAS_LIMITS = [8_000, 60_000, 400_000, 2_000_000, 2_000_000, 2_000_000, 2_000_000]


@cache
def script_code() -> bytes:
    """The scripted contract's module."""
    return bytes(wasmtime.wat2wasm((Path(__file__).parent / "script.wat").read_text()))


def script_envelope(constructor: bool) -> Envelope:
    """An envelope that admits everything."""
    names = ("init", "run") if constructor else ("run",)
    functions = tuple(FunctionEnvelope(name, (ArgumentKind.BYTES,), (), complete=False) for name in names)
    access = OpenAccess((b"",), (b"",), 2_048, 2_048, 2**62, callable=True)
    return Envelope(functions, access)


class Program:
    """A program for the scripted contract and the entries that it needs."""

    def __init__(self) -> None:
        self.code = b""
        self.entries: list[Entry] = []

    def pay(self, payer: ContractId, account: AccountId, units: int, sometimes: bool = False) -> None:
        """Transfer `units`; with `sometimes` (below 2^16), only if what was seen so far is odd."""
        if units < 2**16:
            self.code += bytes([12 if sometimes else 4, len(account)]) + account + units.to_bytes(2, "big")
        else:
            self.code += bytes([17, len(account)]) + account + units.to_bytes(8, "big")
        self.entries += [Credit(account), Debit(payer, units)]

    def read(self, contract: ContractId, slot: bytes) -> None:
        """Read a slot into what was seen."""
        self.code += b"\x01" + slot
        self.entries.append(Read(contract, slot))

    def write(self, contract: ContractId, slot: bytes, operation: int = 2) -> None:
        """Write what was seen (2), clear (3), or write only if what was seen is odd (11)."""
        self.code += bytes([operation]) + slot
        self.entries.append(Write(contract, slot))

    def call(self, caller: ContractId, callee: ContractId, inner: "Program", units: int) -> None:
        """Call another contract's `run` with a program below 2^16 bytes."""
        if len(inner.code) < 2**8 and units < 2**16:
            self.code += b"\x05" + callee + bytes([len(inner.code)]) + inner.code + units.to_bytes(2, "big")
        else:
            self.code += b"\x12" + callee + len(inner.code).to_bytes(2, "big") + inner.code + units.to_bytes(8, "big")
        self.entries += [Call(callee), *inner.entries]
        if units:
            self.entries += [Credit(callee), Debit(caller, units)]

    def ask(self, query: AccountingQuery) -> None:
        """Ask a query."""
        raw = encode(query)
        self.code += (bytes([6, len(raw)]) if len(raw) < 2**8 else b"\x13" + len(raw).to_bytes(2, "big")) + raw
        self.entries.append(Query(raw))

    def bound(self, account: AccountId, theta: list[bytes]) -> None:
        """Ask for a lower bound under at most seven incomes, in this order."""
        members = b"".join(theta)
        self.code += bytes([7, len(account)]) + account + bytes([len(members)]) + members
        self.entries.append(Bound(account))


def footprint_of(entries: list[Entry]) -> tuple[Entry, ...]:
    """Sorted and unique; the caps of one contract's debits summed."""
    caps: dict[bytes, int] = {}
    rest = set()
    for entry in entries:
        if isinstance(entry, Debit):
            caps[entry.contract] = caps.get(entry.contract, 0) + entry.cap
        else:
            rest.add(entry)
    merged = [*rest, *(Debit(contract, min(cap, AMOUNT_MAX)) for contract, cap in caps.items())]
    return tuple(sorted(merged, key=encode))


def _admissible(footprint: tuple[Entry, ...], spent: int) -> tuple[Entry, ...]:
    """The footprint without the debits that admission refuses: value, caps and gas cost are below 2^63 together."""
    kept: list[Entry] = []
    for entry in footprint:
        if isinstance(entry, Debit):
            if spent + entry.cap > AMOUNT_MAX:
                continue
            spent += entry.cap
        kept.append(entry)
    return tuple(kept)


class RandomChain:
    """Grows an index block by block, drawing every choice from one `Random`."""

    def __init__(self, random: Random, calm: bool | None = None) -> None:
        """`calm`: mostly well-formed programs, so that more money moves; drawn if not given."""
        self.random = random
        self.calm = random.random() < 0.5 if calm is None else calm
        self.amounts = _AMOUNTS + random.choice([(), (), _REFUNDS, _HUGE])
        contracts = tuple(
            GenesisContract(
                contract,
                USERS[0],
                script_code(),
                script_envelope(False),
                general,
                ((b"a", b"first"),),
            )
            for contract, general in zip(CONTRACTS, self._general_balances(), strict=True)
        )
        accounts = tuple(GenesisAccount(user, 10**15) for user in USERS)
        reward = random.choice([0, 7])
        self.genesis = Genesis(
            7, 0, ENGINE, (USERS[0], USERS[1]), accounts, contracts, reward, gas=GasSchedule(general_check=3)
        )
        self.index = MemoryIndex(self.genesis)
        self.nonces = dict.fromkeys(USERS, 0)
        self.contracts = list(CONTRACTS)
        self.accounts: list[AccountId] = [*USERS, BLACKHOLE, *CONTRACTS]
        """Everyone who may ever hold general money."""
        self.published: dict[Cid, bytes] = {}
        """Blobs by their CIDs, each published by one transaction so far."""

    def _general_balances(self) -> list[int]:
        if self.amounts[-1] == _HUGE[-1]:
            return [2**62, 2**61, self.random.choice([0, 2**60])]
        return [self.random.choice([0, 5, 100, 1_000]) for _ in CONTRACTS]

    def grow(self, blocks: int, transactions_most: int = 6) -> None:
        """Append some blocks."""
        for _ in range(blocks):
            count = self.random.randrange(transactions_most + 1)
            self.index.append_unsigned([self._transaction() for _ in range(count)])

    # Accounts, positions, queries

    def user(self) -> Address:
        """A user."""
        return self.random.choice(USERS)

    def contract(self) -> ContractId:
        """A contract: of genesis, deployed, failed or never there."""
        return self.random.choice(CONTRACTS if self.random.random() < 0.6 else self.contracts)

    def account(self) -> AccountId:
        """A user, a contract or the blackhole."""
        if self.random.random() < 0.04:
            return BLACKHOLE
        return self.user() if self.random.random() < 0.6 else self.contract()

    def amount(self) -> int:
        """An amount such that balances are often short: small, about a gas refund, or near 2^63."""
        return self.random.choice(self.amounts)

    def position(self) -> Position:
        """A position, mostly on the chain, sometimes in the running block, past its end or on no chain."""
        if self.random.random() < 0.05:
            return Position(sha256(b"no chain"), 0)
        height = self.random.randrange(self.index.head().height + 1)
        block = self.index.block(height)  # type: ignore[arg-type]
        assert block is not None
        after = self.index.block(height + 1)  # type: ignore[arg-type]
        if after is not None and self.random.random() < 0.3:
            return Position(block.hash, after.count + self.random.choice([0, 0, 0, 1]))
        return Position(block.hash, self.random.randrange(8))

    def earlier(self) -> bytes:
        """The hash of a transaction on the chain, or of none."""
        count = self.index.head().next_seq
        if not count or self.random.random() < 0.05:
            return sha256(b"no transaction")
        return self.index.transaction(self.random.randrange(count)).hash  # type: ignore[arg-type]

    def moved(self, account: AccountId) -> bytes:
        """The hash of a transaction that may have moved the account's general balance, if there is one."""
        events = self.index.events(account, Seq(-1), self.index.head().next_seq)
        if not events or self.random.random() < 0.1:
            return self.earlier()
        return self.index.transaction(self.random.choice(events).seq).hash

    def query(self, views: int = 2) -> AccountingQuery:
        """Any query, also about nothing; views in views at most `views` deep."""
        match self.random.randrange(5 if views else 4):
            case 4:
                return self.view(views - 1)
            case 0:
                amount = self.random.choice([0, 10, 200, 10**15, 10**15 + 50, 10**15 + 2_000_000, 2**62])
                return BalanceAtLeast(self.account(), amount, self.position())
            case 1:
                return TransactionSucceeded(self.earlier())
            case 2:
                return Income(self.earlier(), self.account())
            case _:
                return Storage(self.contract(), self.random.choice(SLOTS), self.position())

    def view(self, views: int = 1) -> View:
        """A view, mostly one that looks around, sometimes one that would do something."""
        contract = self.contract()
        program = self._looking(contract, views) if self.random.random() < 0.8 else self.program(contract, 1)
        function = self.random.choice(["run"] * 30 + ["init", "none"])
        arguments: tuple[int | bytes, ...] = (program.code,) if self.random.random() < 0.97 else (7,)
        gas = self.random.choice([0, 4_000, 60_000, 300_000, 300_000, 600_000, 600_000])
        return View(contract, function, arguments, gas, self.position())

    def _looking(self, contract: ContractId, views: int, calls: int = 1) -> Program:
        """A program that changes nothing."""
        program = Program()
        for _ in range(self.random.randrange(1, 5)):
            choice = self.random.randrange(8)
            if choice < 4:
                program.read(contract, self.random.choice(SLOTS))
            elif choice < 6 and calls:
                callee = self.contract()
                program.call(contract, callee, self._looking(callee, views, calls - 1), 0)
            elif choice == 6:
                account = self.account()
                theta = [self.moved(account) for _ in range(self.random.randrange(3))]
                program.bound(account, list(dict.fromkeys(theta)))
            elif choice == 7:
                program.ask(self.query(views))
        return program

    # Transactions

    def _transaction(self) -> tuple[Address, Transaction]:
        sender = self.user()
        nonce = self.nonces[sender]
        self.nonces[sender] += 1
        zero, general = self.random.choice(_MIXES_CALM if self.calm else _MIXES)
        zero, general = zero * self.random.choice(_AMOUNTS), general * self.amount()
        gas, price = self.random.choice(GAS_LIMITS), self.random.choice([0, 0, 0, 1, 1, 3])
        tip = self.random.choice([0, 0, 0, 4])
        kind = self.random.choice([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3])
        to: bytes = b""
        payload = b""
        footprint: tuple[Entry, ...] = ()
        if kind == 0:
            to = sender if self.random.random() < 0.1 else self.account()
            gas = (3 if general else 0) + self.random.choice([0, 0, 20])
        elif kind == 1:
            to = self.contract()
            program = self._call_program(ContractId(to))
            payload = encode(CallPayload(self.random.choice(["run"] * 60 + ["none"]), (program.code,)))
            footprint = self._spoilt(program)
            gas = max(gas, 8_000)
        elif kind == 3:
            data = self.random.randbytes(self.random.choice([8, 40, 3_000]))
            self.published[cid_of(data)] = data
            zero = general = gas = 0
            payload = encode(PublishPayload(cid_of(data), len(data)))
        else:
            contract = contract_id_of(sender, nonce)
            self.contracts.append(contract)
            self.accounts.append(contract)
            constructor = self.random.random() < 0.7
            program = self.program(contract, 1) if constructor else Program()
            arguments = (program.code,) if constructor else ()
            payload = encode(DeployPayload(script_code(), script_envelope(constructor), arguments))
            footprint = self._spoilt(program)
            gas += self.genesis.gas.deploy_base + self.genesis.gas.deploy_per_byte * len(payload)
        footprint = _admissible(footprint, zero + general + gas * price)
        return sender, Transaction(
            1, 7, nonce, TransactionKind(kind), to, zero, general, gas, price, tip, payload, footprint, bytes(65)
        )

    def _call_program(self, callee: ContractId) -> Program:
        drawn = self.random.random()
        if drawn < 0.03:
            return self._deep(callee)
        if drawn > 0.86:
            asking = Program()
            asking.ask(self.view())
            asking.write(callee, self.random.choice(SLOTS))
            return asking
        if drawn < (0.25 if self.calm else 0.1):
            salary = Program()
            salary.pay(callee, self.user(), self.amount())
            return salary
        return self.program(callee, 2)

    def _deep(self, contract: ContractId) -> Program:
        """Calls in calls, each with money, up to the depth limit and one past it; the innermost pays back."""
        levels = self.random.choice([3, 6, 7, 7, 8])
        chain = [contract, *(self.random.choice(CONTRACTS) for _ in range(levels))]
        program = self.program(chain[-1], 0)
        program.pay(chain[-1], self.account(), self.random.choice([0, 1]))
        for caller, callee in zip(chain[-2::-1], chain[:0:-1], strict=True):
            inner, program = program, Program()
            program.read(caller, self.random.choice(SLOTS))
            program.call(caller, callee, inner, self.random.choice([0, 1, 2]))
        return program

    def program(self, contract: ContractId, depth: int) -> Program:
        """A random program for a contract."""
        program = Program()
        for _ in range(self.random.randrange(7)):
            choice = self.random.randrange(20)
            slot = self.random.choice(SLOTS)
            if choice < 5:
                program.read(contract, slot)
            elif choice < 8:
                program.write(contract, slot, self.random.choice([2, 2, 3, 11, 11]))
            elif choice < 12:
                program.pay(contract, self.account(), self.amount(), self.random.random() < 0.4)
            elif choice < 14 and depth:
                callee = self.contract()
                inner = self.program(callee, depth - 1)
                program.call(contract, callee, inner, self.amount())
            elif choice == 14:
                program.ask(self.query())
            elif choice == 15:
                account = self.account()
                theta = [self.moved(account) for _ in range(self.random.randrange(5))]
                program.bound(account, theta if self.random.random() < 0.05 else list(dict.fromkeys(theta)))
            elif choice == 16:
                program.code += b"\x08" + self.random.choice([10, 1_000, 60_000]).to_bytes(2, "big")
            elif choice == 17 and not self.calm:
                program.code += b"\x10"
            elif choice == 18:
                program.code += b"\x0d"
            elif self.random.random() < (0.02 if self.calm else 0.3):
                program.code += bytes([self.random.choice([9, 10, 14, 15])])
        return program

    def _tensors(self) -> list[Entry]:
        """Sometimes blobs that are published, and memory, little or as much as may be declared."""
        entries: list[Entry] = []
        if self.published and self.random.random() < 0.1:
            chosen = self.random.sample(list(self.published.items()), min(2, len(self.published)))
            entries += [Blob(cid, len(data)) for cid, data in chosen]
        if self.random.random() < 0.1:
            entries.append(Memory(self.random.choice([1, 2**20, self.genesis.limits.tensor_bytes_most])))
        return entries

    def _spoilt(self, program: Program) -> tuple[Entry, ...]:
        """The program's footprint, sometimes with entries missing, caps cut, or phantom entries added."""
        entries = [*program.entries, *self._tensors()]
        if self.calm and self.random.random() < 0.7:
            return footprint_of(entries)
        if entries and self.random.random() < 0.1:
            entries.pop(self.random.randrange(len(entries)))
        if self.random.random() < 0.15:
            entries.append(Write(self.contract(), self.random.choice(SLOTS)))
        if self.random.random() < 0.1:
            entries += [Debit(self.contract(), self.random.choice([1, 100, 2**62])), Credit(self.account())]
        if self.random.random() < 0.05:
            entries = [Debit(e.contract, e.cap // 2) if isinstance(e, Debit) else e for e in entries]
        return footprint_of(entries)
