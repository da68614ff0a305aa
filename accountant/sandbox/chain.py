"""The chain that contract tests run on: accounts, blocks, deployments, and a check that nobody was misled."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from accountant.chain.block import Position
from accountant.chain.draft import publication
from accountant.chain.envelope import CONSTRUCTOR, Envelope
from accountant.chain.genesis import Genesis, GenesisAccount
from accountant.chain.query import View, ViewAnswer
from accountant.chain.transaction import Argument, deployed_contract
from accountant.contracts.engine import ENGINE
from accountant.execution.outcome import Outcome
from accountant.primitives.cid import show_cid
from accountant.primitives.hashes import sha256
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import UNITS_PER_TOKEN, Cid, Hash
from accountant.sandbox.blocks import Blocks
from accountant.sandbox.check import Observations, check_against_eager
from accountant.sandbox.compiled import built
from accountant.sandbox.contract import Contract
from accountant.sandbox.errors import BlockOpen, SandboxError, ViewFailed
from accountant.sandbox.events import EventRecord, decoded
from accountant.sandbox.expected import Expectation
from accountant.sandbox.ledger import Ledger
from accountant.sandbox.result import Result
from accountant.sandbox.runs import look_again, trace_of
from accountant.sandbox.signature import Signature, Signatures, signatures_from, signatures_of
from accountant.sandbox.sources import Sources
from accountant.sandbox.values import AccountLike, Names, User, Value, account, from_wire
from accountant.sandbox.wallet import GAS, Wallet

GENESIS_TIME = 1_700_000_000
RICH = 1_000_000 * UNITS_PER_TOKEN
"""What an account gets unless a test says otherwise, in base units."""
_FAUCET_UNITS = 2**62


class Deployment(NamedTuple):
    """What is to be deployed."""

    code: bytes
    envelope: Envelope
    signatures: Signatures
    name: str


class Chain:
    """A chain of this process alone. Blocks, signatures, footprints, admission, fees and gas are the real ones."""

    def __init__(self, root: Path | None = None) -> None:
        """`root`: the folder that the paths of contracts are relative to; default: the current one."""
        proposer, self._faucet = _key("proposer"), _key("faucet")
        self.genesis = Genesis(
            chain_id=1,
            time=GENESIS_TIME,
            engine=ENGINE,
            proposers=(proposer.address,),
            accounts=(GenesisAccount(self._faucet.address, _FAUCET_UNITS),),
        )
        self.names = Names()
        self._root = root or Path()
        self.ledger = Ledger(self.genesis, proposer)
        """The chain underneath: state, index, outcomes."""
        self._blocks = Blocks(self.ledger)
        self._wallet = Wallet(self.genesis)
        self._sources = Sources()
        self._users: dict[str, User] = {}
        self._contracts: dict[bytes, Contract] = {}
        self.observations = Observations()
        """What the test was told: `check` compares it."""

    # Accounts and time

    def account(self, name: str, units: int | None = None) -> User:
        """The user of this name. A new one is paid `units` of zero-cost money (or `RICH`) in a block of its own."""
        known = self._users.get(name)
        if known is not None:
            if units is not None:
                raise SandboxError(f"{name} is there already; give it money with chain.transfer")
            return known
        key = _key(f"user/{name}")
        units = RICH if units is None else units
        if units:
            fields = self._blocks.fields(self._faucet, units)
            self._blocks.pay(self._wallet.transfer(key.address, fields), self._faucet)
        user = self._users[name] = User(self.names.give(key.address, name), key)
        return user

    def balance(self, of: AccountLike) -> int:
        """Z + G of an account now, in base units, exactly: whatever may have moved it is executed."""
        return self.zero_balance(of) + self.general_balance(of)

    def zero_balance(self, of: AccountLike) -> int:
        """Z of an account now: what pays fees. Contracts have none."""
        return self.ledger.zero(account(of))

    def general_balance(self, of: AccountLike) -> int:
        """G of an account now: what contracts pay, and what gas comes back to."""
        self._blocks.demand_closed("a balance")
        asked = account(of)
        units = self.ledger.general(asked)
        self.observations.balances.append((self.ledger.seq_now(), asked, units))
        return units

    def advance(self, seconds: int) -> None:
        """Move the time of all later blocks. An empty block carries it at once, so that views see it."""
        self._blocks.advance(seconds)

    @property
    def now(self) -> int:
        """The time of the next block, Unix seconds; it stands still unless a test moves it."""
        return self._blocks.now

    @property
    def height(self) -> int:
        """The last block's height; genesis is 0."""
        return self.ledger.state.head.height

    # Blocks

    def block(self) -> AbstractContextManager[None]:
        """`with chain.block():` puts all that is sent inside into one block, in this order.

        Results can be looked at afterwards. If the body raises there is no block.
        """
        return self._blocks.block()

    def fails(self, reason: str | None = None) -> Expectation:
        """`with chain.fails(reason):` demands that something is sent or viewed inside, and that all of it fails.

        `reason`: what the assertion in the contract says, or the kind of another failure, as in `Result.reason`.
        Raises `AssertionError`.
        """
        return Expectation(self._blocks.expectations, reason)

    # Contracts and money

    def transfer(
        self, to: AccountLike, units: int, *, sender: User, general_value: int = 0, gas: int = 0, tip: int = 0
    ) -> Result:
        """Send money: `units` of zero-cost money, and `general_value` besides. Raises `Refused`."""
        fields = self._blocks.fields(sender.key, units, general_value, gas, tip)
        made = self._wallet.transfer(account(to), fields)
        return self._blocks.send(self, made, sender.key, f"transfer to {self.names.of(account(to))!r}")

    def publish(self, data: bytes, *, sender: User, tip: int = 0) -> Cid:
        """Publish a blob, so that contracts may load it from then on; its CID. Raises `Refused`: each CID once."""
        cid = self.ledger.blobs.put(data)
        nonce = self._blocks.fields(sender.key)["nonce"]
        made = publication(self.genesis, nonce, cid, len(data), tip)
        self._blocks.send(self, made, sender.key, f"publication of {show_cid(cid)}")
        return cid

    def deploy(
        self,
        file: str | Path,
        *given: object,
        sender: User,
        value: int = 0,
        general_value: int = 0,
        gas: int = 0,
        **named: object,
    ) -> Contract:
        """Compile a contract and deploy it, with the constructor's arguments by position or name.

        `file`: its source, or what a build made of it, relative to the test's file. Raises `ContractError` where it
        does not compile, `SandboxError` where there is no file, and as `deploy_module`.
        """
        path = self._root / file
        code, envelope, interface, source_map = built(path)
        if source_map is not None:
            self._sources.add(sha256(code), f"{path.stem}.py", source_map)
        deployment = Deployment(code, envelope, signatures_from(interface), interface.contract)
        return self._deploy(deployment, given, named, sender, value=value, general_value=general_value, gas=gas)

    def deploy_module(
        self,
        code: bytes,
        envelope: Envelope,
        *given: object,
        sender: User,
        name: str = "contract",
        signatures: Signatures | None = None,
        value: int = 0,
        general_value: int = 0,
        gas: int = 0,
        **named: object,
    ) -> Contract:
        """Deploy a WASM module of any compiler. Its functions take what the envelope says.

        Raises `WrongArgument`, `Refused`, `DeploymentFailed` (in `chain.block()` at the block's end).
        """
        deployment = Deployment(code, envelope, signatures or signatures_of(envelope), name)
        return self._deploy(deployment, given, named, sender, value=value, general_value=general_value, gas=gas)

    def _deploy(
        self,
        contract: Deployment,
        given: tuple[object, ...],
        named: dict[str, object],
        sender: User,
        **money: int,
    ) -> Contract:
        arguments = contract.signatures.constructor.arguments(contract.name, given, named)
        fields = self._blocks.fields(sender.key, **money)
        made = self._wallet.deployment(contract.code, contract.envelope, arguments, sender.key.address, fields)
        made = self._blocks.declared(
            made, sender.key, contract.envelope.function(CONSTRUCTOR), contract.signatures.constructor.memory
        )
        result = self._blocks.send(self, made, sender.key, f"deployment of {contract.name}")
        address = self.names.give(deployed_contract(sender.key.address, made), contract.name)
        return self._contracts.setdefault(address, Contract(self, address, contract.signatures, result))

    def blob(self, cid: bytes) -> bytes:
        """A blob's bytes: what was published, or what a contract saved in a transaction that was looked at."""
        found = self.ledger.blobs.get(Cid(cid))
        if found is None:
            raise SandboxError(f"there is no blob 0x{cid.hex()}")
        return found

    def slot(self, contract: Contract, slot: bytes) -> bytes:
        """A slot of a contract now, as it lies on the chain; empty where nothing is."""
        self._blocks.demand_closed("a slot")
        value = self.ledger.slot(contract.id, slot)
        self.observations.slots.append((self.ledger.seq_now(), contract.id, slot, value))
        return value

    def check(self) -> None:
        """Executes everything in order and compares: all that this test was told must be so. A difference is a bug."""
        check_against_eager(self.ledger.index, self.ledger.outcomes, self.observations)

    # What contracts and results ask

    def call(
        self, contract: Contract, function: Signature, arguments: tuple[Argument, ...], sender: User, **money: int
    ) -> Result:
        """Send a transaction that calls a function. See `Function`."""
        known = self.ledger.state.contract(contract.id)
        if known is None:
            raise BlockOpen(f"{contract!r} is deployed by a block that is still open")
        fields = self._blocks.fields(sender.key, **money)
        admitted = known.functions[function.name]
        made = self._wallet.call(contract.id, admitted, arguments, sender.key.address, fields)
        made = self._blocks.declared(made, sender.key, admitted, function.memory)
        return self._blocks.send(self, made, sender.key, f"{contract!r}.{function.name}", function)

    def view(self, contract: Contract, function: Signature, arguments: tuple[Argument, ...]) -> Value:
        """What a view returns on the state now. Raises `ViewFailed`."""
        self._blocks.demand_closed("a view")
        query = View(contract.id, function.name, arguments, GAS, Position(self.ledger.index.head().hash, 0))
        answer = self.ledger.selective().answer(query)
        assert isinstance(answer, ViewAnswer)
        self.observations.answers.append((query, answer))
        where = f"{contract!r}.{function.name}"
        if answer.failure is not None:
            again = look_again(self.ledger, query)
            places = self._sources.places(again.trace)
            raise ViewFailed(where, answer.failure, again.result.detail, places[0] if places else None)
        for expectation in self._blocks.expectations:
            expectation.returned(where)
        return from_wire(function.returns, answer.value, self.names)

    def outcome(self, transaction: Hash) -> Outcome:
        """What a transaction of a finished block did."""
        return self.ledger.outcome(transaction)

    def events(self, outcome: Outcome) -> list[EventRecord]:
        """What contracts logged, decoded by the interfaces of those that this chain deployed."""
        classes: Mapping[str, type[EventRecord]] = {}
        found = []
        for entry in outcome.logs:
            contract = self._contracts.get(entry.contract)
            found.append(decoded(entry, contract.event_classes if contract else classes))
        return found

    def places(self, transaction: Hash) -> tuple[str, ...]:
        """Where a failed transaction was in the sources of its contracts, innermost first."""
        return self._sources.places(trace_of(self.ledger, transaction))


def _key(name: str) -> PrivateKey:
    """The sandbox's key of this name: public, and the same on every machine."""
    return PrivateKey.from_seed(f"anh/sandbox/{name}".encode())
