"""Chains with a purse on them, put together without admission: every oath that nobody should trust can be placed."""

import msgspec

from accountant.chain.block import Position
from accountant.chain.footprint import Entry
from accountant.chain.genesis import Genesis, GenesisAccount, GenesisContract
from accountant.chain.query import AccountingQuery, BalanceAtLeast
from accountant.chain.transaction import Transaction
from accountant.contracts.engine import ENGINE
from accountant.index.memory import MemoryIndex
from accountant.oath.code import OATH_CODE
from accountant.oath.counts import FlawKind, OathStanding, counts
from accountant.oath.oath import SwornTerms, oath_of
from accountant.oath.purse import OATH_ENVELOPE
from accountant.oath.swear import (
    Stamp,
    deploy_transaction,
    deposit_transaction,
    swear_transaction,
    withdraw_transaction,
)
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import BLACKHOLE, UNITS_PER_TOKEN, Address, Amount, ContractId, Seq

TOKEN = UNITS_PER_TOKEN
OWNER = Address(b"\x01" * 20)
CLIENT = Address(b"\x02" * 20)
RICH = Address(b"\x03" * 20)
PROPOSER = Address(b"\x09" * 20)
GENESIS_PURSE = ContractId(b"\xaa" * 32)


def genesis_with(*contracts: GenesisContract) -> Genesis:
    """A genesis that pays owner, client and a rich account 1,000 tokens each."""
    return Genesis(
        chain_id=7,
        time=1_700_000_000,
        engine=ENGINE,
        proposers=(PROPOSER,),
        accounts=tuple(GenesisAccount(a, 1_000 * TOKEN) for a in (OWNER, CLIENT, RICH)),
        contracts=contracts,
    )


def genesis_purse(units: int = 0) -> GenesisContract:
    """An audited purse that is there from the beginning."""
    return GenesisContract(GENESIS_PURSE, OWNER, OATH_CODE, OATH_ENVELOPE, units)


class OathChain:
    """A growing chain of unsigned blocks; every method that adds says under which number."""

    def __init__(self, *contracts: GenesisContract) -> None:
        self.index = MemoryIndex(genesis_with(*contracts))
        self.nonces: dict[Address, int] = {}

    def stamp(self, sender: Address = OWNER) -> Stamp:
        """Nonce and prices of the sender's next transaction."""
        nonce = self.nonces.get(sender, 0)
        self.nonces[sender] = nonce + 1
        return Stamp(7, nonce)

    def block(self, *transactions: tuple[Address, Transaction]) -> list[Seq]:
        """Add a block."""
        first = self.index.head().next_seq
        self.index.append_unsigned(list(transactions))
        return [Seq(first + i) for i in range(len(transactions))]

    def add(self, transaction: Transaction, sender: Address = OWNER) -> Seq:
        """Add a block of one transaction."""
        return self.block((sender, transaction))[0]

    def deploy(self, sender: Address = OWNER) -> ContractId:
        """Deploy a purse in a block of its own."""
        stamp = self.stamp(sender)
        self.add(deploy_transaction(stamp, self.index.genesis.gas), sender)
        return contract_id_of(sender, stamp.nonce)

    def deposit(self, purse: ContractId, units: int) -> Seq:
        """Deposit in a block of its own."""
        return self.add(deposit_transaction(self.stamp(), purse, Amount(units)))

    def withdraw(self, purse: ContractId, units: int) -> Seq:
        """Withdraw in a block of its own."""
        return self.add(withdraw_transaction(self.stamp(), purse, OWNER, Amount(units)))

    def swear(self, purse: ContractId, terms: SwornTerms) -> Seq:
        """Swear in a block of its own."""
        return self.add(swear_transaction(self.stamp(), purse, terms))

    def transfer(self, sender: Address, to: bytes, zero: int, general: int = 0) -> Seq:
        """Pay in a block of its own."""
        plain = deposit_transaction(self.stamp(sender), ContractId(to), Amount(zero))
        return self.add(msgspec.structs.replace(plain, general_value=general), sender)

    def rich_has(self, units: int) -> AccountingQuery:
        """Does the rich account own at least so much at the end of the last block? It owns 1,000 tokens."""
        last = self.index.block(self.index.head().height)
        assert last is not None
        return BalanceAtLeast(RICH, units, Position(last.previous_hash, last.count))

    def standing(self, seq: Seq) -> OathStanding:
        """Whether the oath counts."""
        return counts(self.index, oath_of(self.index, seq))

    def flaws(self, seq: Seq) -> set[FlawKind]:
        """The kinds of reasons why it does not count."""
        return {flaw.kind for flaw in self.standing(seq).flaws}


def terms(
    query: AccountingQuery | bytes, answer: object, penalty: int = TOKEN, beneficiary: Address = BLACKHOLE
) -> SwornTerms:
    """The four arguments of `swear`."""
    raw = query if isinstance(query, bytes) else encode(query)
    return SwornTerms(raw, answer if isinstance(answer, bytes) else encode(answer), Amount(penalty), beneficiary)


def altered(transaction: Transaction, **changes: object) -> Transaction:
    """The transaction with some fields changed."""
    return msgspec.structs.replace(transaction, **changes)


def without(transaction: Transaction, kind: type[Entry], account: bytes | None = None) -> Transaction:
    """The transaction without its footprint entries of a kind (and, for credits, of an account)."""
    kept = tuple(
        e
        for e in transaction.footprint
        if not (isinstance(e, kind) and (account is None or getattr(e, "account", None) == account))
    )
    return altered(transaction, footprint=kept)


def funded(*contracts: GenesisContract, units: int = 10 * TOKEN) -> tuple[OathChain, ContractId]:
    """A chain with a deployed purse that holds `units`."""
    chain = OathChain(*contracts)
    purse = chain.deploy()
    chain.deposit(purse, units)
    return chain, purse
