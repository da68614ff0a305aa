"""Small signed chains: keys, genesis, transactions and blocks in one line each, all through the real validator."""

from collections.abc import Iterable, Sequence

from accountant.chain.block import Block, Header
from accountant.chain.envelope import Envelope, FunctionEnvelope, OpenAccess
from accountant.chain.footprint import Entry, canonical_footprint
from accountant.chain.footprint_root import footprint_root
from accountant.chain.genesis import FeeSchedule, GasSchedule, Genesis, GenesisAccount, GenesisContract, Limits
from accountant.chain.inclusion import Inclusion
from accountant.chain.proposer import propose
from accountant.chain.state import ChainState
from accountant.chain.transaction import (
    VERSION,
    Argument,
    CallPayload,
    DeployPayload,
    PublishPayload,
    Transaction,
    TransactionKind,
    sign_transaction,
)
from accountant.chain.validator import ValidatedBlock, import_block
from accountant.primitives import merkle
from accountant.primitives.encoding import encode
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import UNITS_PER_TOKEN, Cid, ContractId

CHAIN_ID = 7
GENESIS_TIME = 1_700_000_000
RICH = 1_000_000 * UNITS_PER_TOKEN


def key(name: str | int) -> PrivateKey:
    """The test key of this name; the same name gives the same key."""
    return PrivateKey.from_seed(f"test/{name}".encode())


PROPOSER = key("proposer")
ALICE, BOB, CAROL = key("alice"), key("bob"), key("carol")


def contract_id(name: str) -> ContractId:
    """A contract id for genesis: 32 bytes of the name."""
    return ContractId(name.encode().ljust(32, b"\0"))


def accept_any_module(code: bytes, envelope: Envelope, limits: Limits) -> None:
    """A `ModuleCheck` for chains whose code is never run."""


def open_envelope(*functions: FunctionEnvelope) -> Envelope:
    """An envelope that admits every entry; the functions sorted by name."""
    access = OpenAccess((b"",), (b"",), reads_most=2**31, writes_most=2**31, debit_most=2**62, callable=True)
    return Envelope(tuple(sorted(functions, key=lambda f: f.name)), access)


def genesis(
    accounts: Iterable[tuple[PrivateKey, int]] = ((ALICE, RICH), (BOB, RICH), (CAROL, RICH)),
    contracts: Iterable[GenesisContract] = (),
    proposers: Sequence[PrivateKey] = (PROPOSER,),
    block_reward: int = 0,
    fees: FeeSchedule = FeeSchedule(),
    limits: Limits = Limits(),
) -> Genesis:
    """A genesis; ALICE, BOB and CAROL are rich unless `accounts` says otherwise."""
    return Genesis(
        chain_id=CHAIN_ID,
        time=GENESIS_TIME,
        engine="none",
        proposers=tuple(p.address for p in proposers),
        accounts=tuple(GenesisAccount(k.address, units) for k, units in accounts),
        contracts=tuple(contracts),
        block_reward=block_reward,
        fees=fees,
        gas=GasSchedule(),
        limits=limits,
    )


def genesis_contract(
    name: str, envelope: Envelope, general_balance: int = 0, deployer: PrivateKey = ALICE, code: bytes = b""
) -> GenesisContract:
    """A contract that is there from the beginning, at `contract_id(name)`."""
    return GenesisContract(contract_id(name), deployer.address, code, envelope, general_balance)


def unsigned(kind: TransactionKind, nonce: int, to: bytes, **fields: object) -> Transaction:
    """A transaction with modest defaults; name any field to change it."""
    defaults: dict[str, object] = {
        "version": VERSION,
        "chain_id": CHAIN_ID,
        "zero_value": 0,
        "general_value": 0,
        "gas_limit": 0,
        "gas_price": 1,
        "tip": 0,
        "payload": b"",
        "footprint": (),
        "signature": b"",
    }
    return Transaction(**{**defaults, "kind": kind, "nonce": nonce, "to": to, **fields})  # type: ignore[arg-type]


def transfer(sender: PrivateKey, nonce: int, to: bytes, zero: int = 0, general: int = 0, **fields: object) -> bytes:
    """A signed transfer; with a general_value its gas limit covers the check."""
    fields = {"gas_limit": 2_000 if general else 0, **fields}
    made = unsigned(TransactionKind.TRANSFER, nonce, to, zero_value=zero, general_value=general, **fields)
    return sign_transaction(made, sender)


def call(
    sender: PrivateKey,
    nonce: int,
    to: bytes,
    function: str,
    arguments: tuple[Argument, ...] = (),
    entries: Iterable[Entry] = (),
    **fields: object,
) -> bytes:
    """A signed call; the entries are put in order."""
    fields = {
        "gas_limit": 100_000,
        "payload": encode(CallPayload(function, arguments)),
        "footprint": canonical_footprint(entries),
        **fields,
    }
    return sign_transaction(unsigned(TransactionKind.CALL, nonce, to, **fields), sender)


def deploy(
    sender: PrivateKey,
    nonce: int,
    code: bytes,
    envelope: Envelope,
    arguments: tuple[Argument, ...] = (),
    entries: Iterable[Entry] = (),
    **fields: object,
) -> bytes:
    """A signed deployment; its gas limit covers the code."""
    payload = encode(DeployPayload(code, envelope, arguments))
    fields = {
        "gas_limit": 300_000 + 500 * len(payload),
        "payload": payload,
        "footprint": canonical_footprint(entries),
        **fields,
    }
    return sign_transaction(unsigned(TransactionKind.DEPLOY, nonce, b"", **fields), sender)


class _Everything:
    def has(self, cid: Cid, size: int) -> bool:
        return True


EVERYTHING_HELD = _Everything()
"""The holdings of a proposer who believes that it can serve any blob."""


def publish(sender: PrivateKey, nonce: int, cid: bytes, size: int, to: bytes = b"", **fields: object) -> bytes:
    """A signed publication of a blob."""
    fields = {"payload": encode(PublishPayload(cid, size)), **fields}
    return sign_transaction(unsigned(TransactionKind.PUBLISH, nonce, to, **fields), sender)


def signed_block(header: Header, transactions: Sequence[bytes], proposer: PrivateKey = PROPOSER) -> bytes:
    """A block's bytes under any header, right or wrong."""
    return encode(Block(header, proposer.sign(header.hash), tuple(transactions)))


def header_of(
    state: ChainState, transactions: Sequence[bytes], proposer: PrivateKey = PROPOSER, time: int | None = None
) -> Header:
    """The right header of a block of valid transactions on `state`."""
    inclusion = Inclusion(state, accept_any_module)
    included = [inclusion.include(raw) for raw in transactions]
    return Header(
        version=1,
        chain_id=state.genesis.chain_id,
        height=state.head.height + 1,
        previous_hash=state.head.hash,
        time=state.head.time + 1 if time is None else time,
        proposer=proposer.address,
        transaction_count=len(included),
        transaction_root=merkle.root([t.hash for t in included]),
        footprint_root=footprint_root([t.rows for t in included]),
    )


def block_of(state: ChainState, transactions: Sequence[bytes], proposer: PrivateKey = PROPOSER) -> bytes:
    """The signed next block of these transactions, which must all be valid. `state` stays as it is."""
    proposal = propose(transactions, state, proposer, state.head.time + 1, accept_any_module, EVERYTHING_HELD)
    assert not proposal.dropped, proposal.dropped
    return proposal.block.raw


def extend(state: ChainState, transactions: Sequence[bytes], proposer: PrivateKey = PROPOSER) -> ValidatedBlock:
    """Make the next block of these transactions, and import it into `state` from its bytes."""
    return import_block(block_of(state, transactions, proposer), state, accept_any_module)
