"""Random chains made of the library's contracts, their users, and a rogue: for properties of execution.

Unsigned, but admitted: every transaction keeps to form and envelopes. Everything is executed while the chain grows,
since a wallet that declares what a call of another contract touches has to try it out.
"""

from collections import Counter
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from msgspec import structs

import accountant.library
from accountant.chain.admission import Deployed, check_admission, check_form
from accountant.chain.block import Position
from accountant.chain.envelope import CONSTRUCTOR
from accountant.chain.errors import InvalidTransaction
from accountant.chain.fees import intrinsic_gas
from accountant.chain.footprint import Credit, Debit, Entry, Read, Write, canonical_footprint
from accountant.chain.genesis import Genesis, GenesisAccount
from accountant.chain.query import AccountingQuery, BalanceAtLeast, Income, Storage, TransactionSucceeded, View
from accountant.chain.template import instantiate
from accountant.chain.transaction import Argument, CallPayload, DeployPayload, Transaction, TransactionKind
from accountant.contracts.engine import ENGINE
from accountant.contracts.module import check_module
from accountant.contracts.simulate import simulate
from accountant.execution.eager import EagerState, EagerWorld
from accountant.execution.transition import run_of
from accountant.index.memory import MemoryIndex
from accountant.index.port import BlockInfo, Located
from accountant.index.position import resolve
from accountant.language.compiler import Compiled, compile_file
from accountant.language.interface import FunctionInterface
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import (
    AMOUNT_MAX,
    BLACKHOLE,
    AccountId,
    Address,
    Cid,
    ContractId,
    Gas,
    Hash,
    Height,
    Seq,
)
from accountant.sandbox.runs import united

LIBRARY = Path(accountant.library.__path__[0])
USERS = [Address(sha256(b"user %d" % number)[:20]) for number in range(5)]
FIRST = ("token", "names", "pair", "rogue", "lending", "escrow", "vault", "splitter", "insurance")
KINDS = (*FIRST, "exec_dos", "targeted_exec_dos")
_WEIGHTS = (4, 3, 5, 5, 5, 1, 4, 3, 5, 2, 3)
_BEGAN = 1_700_000_000
_DAY = 24 * 60 * 60
_PREMIUM, _NAME_FEE = 50_000_000_000, 1_000_000_000
_AMOUNTS = (1, 7, 100, 200, 1_000, 1_000, 20_000, 5_000_000, 15_000_000)
_PAYABLE = {
    "insure": (_PREMIUM, _PREMIUM, 1),
    "register": (_NAME_FEE,),
    "buy_name": (_NAME_FEE,),
    "repay": (105 * 10**7,),
}
_PAYABLE |= {"deposit": (7, 1_000, 20_000, 10**12)}
_PAYABLE |= {"exec_dos": (0, 1, 100), "targeted_exec_dos": (0, 100, 20_000), "leak": (0, 100), "bounce": (0, 7, 100)}
_COMPANY = {
    "traded": ("token", "token", "rogue"),
    "contract": ("pair", "token", "token"),
    "spender": ("pair",),
    "registry": ("names",),
    "peer": ("rogue",),
    "insurance": ("insurance",),
}
"""Contracts that a parameter asks for."""
_OPENING = (
    ("token", "approve"),
    ("pair", "provide"),
    ("lending", "deposit"),
    ("lending", "attest"),
    ("insurance", "insure"),
)
_LIKED: dict[str, dict[str, Argument]] = {
    "token": {"init.units": 10**9, "approve.units": 10**9},
    "lending": {"borrow.units": 10**9},
}
_NAMES = (b"anna", b"ben")
_CIDS = (cid_of(b"dent"), cid_of(b"scratch"))

Wish = str | tuple[str, str] | None
"""What is to be drawn: a deployment, a call, anything."""


class Known(NamedTuple):
    """A contract of the chain: what it is, and arguments that its functions would take, by parameter or function."""

    kind: str
    id: ContractId
    users: list[Address]
    """Who called it so far, the deployer first."""
    liked: dict[str, Argument]


@cache
def compiled(kind: str) -> Compiled:
    """A contract of the library, or the rogue."""
    return compile_file(Path(__file__).parent / "rogue_contract.py" if kind == "rogue" else LIBRARY / f"{kind}.py")


class RandomLibraryChain:
    """Grows an index block by block, drawing every choice from one `Random`."""

    def __init__(self, random: Random) -> None:
        self.random = random
        accounts = tuple(GenesisAccount(user, 10**16) for user in USERS)
        self.genesis = Genesis(7, _BEGAN, ENGINE, (USERS[0],), accounts, block_reward=random.choice([0, 7]))
        self.index = MemoryIndex(self.genesis)
        self.eager = EagerState(self.index)
        """The reference, always at the end of the chain."""
        self.known: list[Known] = []
        self.called: Counter[str] = Counter()
        """What was called, and how it ended."""
        self.time = _BEGAN
        self._directory: dict[ContractId, Deployed] = {}
        self._nonces = dict.fromkeys(USERS, 0)
        self._calm = True
        """While everything is right, so that there is something to begin with."""
        for kind in FIRST:
            self._append([kind])
        for kind, function in _OPENING:
            self._append([(kind, function)])
        self._calm = False

    def contract(self, contract: ContractId) -> Deployed | None:
        """What validators know of a contract (`admission.Directory`)."""
        return self._directory.get(contract)

    def blob(self, cid: Cid) -> int | None:
        """No library contract loads a blob (`admission.Directory`)."""
        return None

    @property
    def accounts(self) -> list[AccountId]:
        """Everyone who may hold general money."""
        return [*USERS, BLACKHOLE, *(known.id for known in self.known)]

    def grow(self, blocks: int, transactions_most: int = 6) -> None:
        """Append some blocks."""
        for _ in range(blocks):
            self._append([None] * self.random.randrange(1, transactions_most + 1))

    def _append(self, wishes: list[Wish]) -> None:
        """A block: deployments of what is named, calls of (contract, function), anything for None."""
        self.time += self.random.choice([0, 0, 1, 30, _DAY, 200 * _DAY])
        made: list[tuple[Address, Transaction, str]] = []
        for wish in wishes:
            drawn = self._admitted(wish, len(made))
            if drawn is not None:
                made.append(drawn)
        self.index.append_unsigned([(sender, transaction) for sender, transaction, _ in made], self.time)
        for _, _, name in made:
            outcome = self.eager.step()
            self.called[f"{name}: {outcome.failure or 'succeeded'}"] += 1

    # Drawing

    def user(self) -> Address:
        """A user."""
        return self.random.choice(USERS)

    def account(self) -> AccountId:
        """A user, mostly; a contract, or the blackhole."""
        return self.user() if self.random.random() < 0.8 else self.random.choice(self.accounts)

    def slot(self) -> tuple[ContractId, bytes]:
        """A slot that somebody may have written."""
        declared = [entry for located in self.eager.located for entry in located.transaction.footprint]
        writes = [entry for entry in declared if isinstance(entry, Write)]
        chosen = self.random.choice(writes)
        return ContractId(chosen.contract), chosen.slot

    def position(self) -> Position:
        """A place on the chain."""
        block = self.index.block(Height(self.random.randrange(self.index.head().height + 1)))
        assert block is not None
        after = self.index.block(Height(block.height + 1))
        return Position(block.hash, self.random.randrange(after.count + 1) if after else 0)

    def earlier(self) -> Hash:
        """A transaction of the chain."""
        return self.random.choice(self.eager.located).hash

    def incomes(self, account: AccountId, before: Seq) -> list[Seq]:
        """Some transactions that may have moved the account's general balance."""
        moved = sorted({event.seq for event in self.index.events(account, Seq(-1), before)})
        return self.random.sample(moved, min(len(moved), self.random.randrange(4)))

    def view(self) -> View:
        """Any view of any contract."""
        known = self.random.choice(self.known)
        functions = [function for function in compiled(known.kind).interface.functions if function.view]
        function = self.random.choice(functions or compiled(known.kind).interface.functions)
        arguments = self._arguments(known, function)
        return View(known.id, function.name, arguments, self.random.choice([9_000, 300_000]), self.position())

    def query(self) -> AccountingQuery:
        """Any query."""
        match self.random.randrange(6):
            case 0:
                amount = self.random.choice([*_AMOUNTS, 10**16])
                return BalanceAtLeast(self.account(), amount, self.position())
            case 1:
                return TransactionSucceeded(self.earlier())
            case 2:
                return Income(self.earlier(), self.account())
            case 3:
                return Storage(*self.slot(), self.position())
            case _:
                return self.view()

    # Transactions

    def _admitted(self, wish: Wish, index: int) -> tuple[Address, Transaction, str] | None:
        """A transaction that a block takes; None if three drawn ones are refused."""
        for _ in range(3):
            sender, transaction, name, known = self._drawn(wish, index)
            try:
                payload = check_form(transaction, self.genesis)
                added = check_admission(transaction, payload, sender, self, self.genesis.limits, check_module)
            except InvalidTransaction as error:
                self.called[f"refused: {error.kind}"] += 1
                continue
            self._nonces[sender] += 1
            if added is not None:
                self._directory[added[0]] = added[1]
                self.known.append(known)
            return sender, transaction, name
        return None

    def _drawn(self, wish: Wish, index: int) -> tuple[Address, Transaction, str, Known]:
        sender, drawn = self.user(), self.random.random()
        if wish is None and drawn < 0.12:
            return sender, self._transfer(sender), "transfer", self.known[0]
        if wish is None and drawn < 0.16:
            wish = self.random.choice(KINDS)
        if isinstance(wish, str):
            return sender, *self._deployment(sender, wish, index)
        kind, name = wish or (self.random.choices(KINDS, _WEIGHTS)[0], None)
        candidates = [known for known in self.known if known.kind == kind]
        if not candidates:
            return sender, *self._deployment(sender, kind, index)
        known = self.random.choice(candidates)
        if self._calm:
            sender = self.known[0].users[0]
        elif self.random.random() < 0.6:
            sender = self.random.choice(known.users)
        known.users.append(sender)
        return sender, *self._call(sender, known, index, name)

    def _transfer(self, sender: Address) -> Transaction:
        zero, general = self._money(self.random.choice(_AMOUNTS))
        gas = self.genesis.gas.general_check if general else self.random.choice([0, 100])
        return self._made(sender, TransactionKind.TRANSFER, self.account(), b"", zero, general, gas)

    def _money(self, units: int) -> tuple[int, int]:
        """An amount as zero-cost and general money."""
        general = 0 if self._calm else self.random.choice([0, 0, 0, units // 2, units, units])
        return units - general, general

    def _made(
        self, sender: Address, kind: TransactionKind, to: bytes, payload: bytes, zero: int, general: int, gas: int
    ) -> Transaction:
        nonce, tip = self._nonces[sender], self.random.choice([0, 0, 4])
        return Transaction(1, 7, nonce, kind, to, zero, general, gas, 1, tip, payload, (), bytes(65))

    def _deployment(self, sender: Address, kind: str, index: int) -> tuple[Transaction, str, Known]:
        """A deployment, now and then one that fails: with arguments out of range, or too little gas."""
        contract = contract_id_of(sender, self._nonces[sender])
        constructor = compiled(kind).interface.constructor
        known = Known(kind, contract, [sender], dict(_LIKED.get(kind, {})))
        arguments = self._arguments(known, constructor) if constructor else ()
        payload = encode(DeployPayload(compiled(kind).code, compiled(kind).envelope, arguments))
        zero, general = 0, 0
        if kind == "escrow" and (self._calm or self.random.random() < 0.9):
            units = self.random.choice(_AMOUNTS)
            zero, general = self._money(units)
            known.liked.update({"units": units, "release.to": arguments[0], "refund.to": sender})
        if kind == "splitter":
            known.liked.update({"one": arguments[0], "two": arguments[1]})
        made = self._made(sender, TransactionKind.DEPLOY, b"", payload, zero, general, 0)
        return self._finished(sender, made, known, CONSTRUCTOR, arguments, index), f"{kind}.init", known

    def _call(self, sender: Address, known: Known, index: int, name: str | None) -> tuple[Transaction, str, Known]:
        functions = compiled(known.kind).interface.functions
        if name or self.random.random() < 0.97:
            functions = tuple(one for one in functions if (one.name == name if name else not one.view))
        function = self.random.choice(functions)
        arguments = self._arguments(known, function)
        units = 0
        if self.random.random() < (0.95 if function.payable else 0.02):
            choices = _PAYABLE.get(function.name, _AMOUNTS)
            units = max(choices) if self._calm else self.random.choice(choices)
        zero, general = (units, 0) if function.zero_cost and self.random.random() < 0.95 else self._money(units)
        payload = encode(CallPayload(function.name, arguments))
        made = self._made(sender, TransactionKind.CALL, known.id, payload, zero, general, 0)
        called = f"{known.kind}.{function.name}"
        return self._finished(sender, made, known, function.name, arguments, index), called, known

    def _finished(
        self, sender: Address, made: Transaction, known: Known, function: str, arguments: tuple[Argument, ...], at: int
    ) -> Transaction:
        """With gas, mostly enough, and a footprint, mostly right."""
        intrinsic = intrinsic_gas(made, self.genesis.gas)
        code_gas = 2_000_000 if self._calm else self.random.choice([500, 60_000, *[2_000_000] * 12, 16_000_000])
        made = structs.replace(made, gas_limit=intrinsic + code_gas)
        envelope = compiled(known.kind).envelope.function(function)
        if envelope is None:
            return made
        if self._calm or self.random.random() < 0.95:
            made = structs.replace(made, gas_limit=min(made.gas_limit, envelope.gas_most))
        entries = instantiate(envelope, arguments, sender, known.id, made.value)
        if not envelope.complete:
            entries = united(entries, self._touched(sender, made, at))
        return structs.replace(made, footprint=entries if self._calm else self._spoilt(list(entries)))

    def _touched(self, sender: Address, made: Transaction, at: int) -> tuple[Entry, ...]:
        """What a run on the state before this block touches."""
        head = self.index.head()
        place = resolve(self.index, Position(head.hash, 0))
        assert place is not None
        located = Located(place.seq, Hash(bytes(32)), sender, place.height, at, made)
        block = BlockInfo(place.height, Hash(bytes(32)), head.hash, self.time, USERS[0], place.seq, 1)
        run = run_of(located, block, self.genesis)
        gas = Gas(made.gas_limit - intrinsic_gas(made, self.genesis.gas))
        return tuple(touch.entry for touch in simulate(run, EagerWorld(self.eager, place), gas).touched)

    def _spoilt(self, entries: list[Entry]) -> tuple[Entry, ...]:
        """Sometimes with an entry missing, a cap cut, or more than is needed, where envelopes admit it."""
        drawn = self.random.random()
        if entries and drawn < 0.05:
            entries.pop(self.random.randrange(len(entries)))
        elif drawn < 0.08:
            entries = [Debit(one.contract, one.cap // 2) if isinstance(one, Debit) else one for one in entries]
        elif drawn < 0.14 and self.eager.located:
            contract, slot = self.slot()
            entries.append(Read(contract, slot) if self.random.random() < 0.5 else Write(contract, slot))
            entries.append(Credit(self.account()))
        return canonical_footprint(entries)

    # Arguments

    def _arguments(self, known: Known, function: FunctionInterface) -> tuple[Argument, ...]:
        return tuple(self._argument(known, function.name, one.name, one.type) for one in function.parameters)

    def _argument(self, known: Known, function: str, name: str, kind: str) -> Argument:
        if self._calm or self.random.random() < 0.9:
            liked = known.liked.get(f"{function}.{name}", known.liked.get(name))
            company = [one.id for one in self.known if one.kind in _COMPANY.get(name, ())]
            if liked is not None:
                return liked
            if company:
                return self.random.choice(company)
            if name in ("holder", "owner", "lender", "borrower"):
                return self.random.choice(known.users)
        match kind:
            case "int":
                return self._number(name)
            case "str":
                return self.random.choice(_NAMES)
            case "Address":
                return self.user()
            case "Contract":
                return self.random.choice(self.known).id if self.known else ContractId(bytes(32))
            case "Account":
                return self.account()
            case "Cid":
                return self.random.choice(_CIDS)
            case "bool":
                return self.random.randrange(2)
        if name == "theta":
            return b"".join(self.earlier() for _ in range(self.random.randrange(3)))
        return encode(self.query())

    def _number(self, name: str) -> int:
        match name:
            case "until":
                return self.time + self.random.choice([_DAY] if self._calm else [-_DAY, 0, 1, _DAY, 400 * _DAY])
            case "years":
                return self.random.choice([0, 1, 1, 1, 1, 2])
            case "number" | "depth" | "feeling":
                return self.random.choice([0, 1, 1, 2, 4, 4, 8])
            case "damage" | "speed":
                return self.random.choice([0, 20, 20, 90])
            case "hundredths":
                return self.random.choice([0, 33, 50, 100] if self._calm else [0, 33, 50, 100, 101])
            case "supply":
                return self.random.choice([1_000, 10**12])
            case "rounds":
                return self.random.choice([0, 3, 60, 2_000])
            case "income":
                return self.random.choice([100, 200, 500])
            case "debt":
                return self.random.choice([0, 0, 50])
            case "least":
                return self.random.choice([0, 0, 1, 100])
            case "estimate":
                return self.random.choice([100, 1_000, 10**9, 10**13])
        if self._calm:
            return 20_000
        return self.random.choice([*_AMOUNTS, *_AMOUNTS, *_AMOUNTS, 0, -1, 2**40, AMOUNT_MAX])
