"""What an index takes in: a validated block, as rows and running values. `chain.validator` makes them.

`unsigned_block` makes the same from transactions whose sender is simply given: property tests and
benchmarks build long chains with it, without paying for signatures and without any rule being checked.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from accountant.chain.block import Header
from accountant.chain.fees import fee_of
from accountant.chain.genesis import Genesis
from accountant.chain.moment import Moment, moment_after_block, moment_of
from accountant.chain.rows import Row, RowKind, rows_of
from accountant.chain.transaction import Transaction, TransactionKind
from accountant.index.port import BlockInfo, Event, Head
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.keys import SIGNATURE_BYTES
from accountant.primitives.types import ADDRESS_BYTES, Address, Hash, Height, Seq

EVENT_KINDS = frozenset({RowKind.CREDIT, RowKind.DEBIT, RowKind.EXPENSE, RowKind.SETTLED})
"""The rows that say something of a general balance."""


def latest_transactions(events: Iterable[Event], limit: int) -> list[Event]:
    """All rows of the latest `limit` transactions among these, latest first, then by kind."""
    kept: list[Event] = []
    seqs: set[Seq] = set()
    for event in sorted(events, key=lambda event: (-event.seq, event.kind)):
        if event.seq not in seqs:
            if len(seqs) == limit:
                break
            seqs.add(event.seq)
        kept.append(event)
    return kept


class IndexedTransaction(Protocol):
    """A transaction of a validated block, and its postings."""

    @property
    def raw(self) -> bytes: ...
    @property
    def hash(self) -> Hash: ...
    @property
    def sender(self) -> Address: ...
    @property
    def transaction(self) -> Transaction: ...
    @property
    def rows(self) -> Sequence[Row]: ...


class IndexedBlock(Protocol):
    """A validated block. `zero_changes` and `expense_totals` are ascending for each account, and unique."""

    @property
    def header(self) -> Header: ...
    @property
    def hash(self) -> Hash: ...
    @property
    def signature(self) -> bytes: ...
    @property
    def first_seq(self) -> Seq: ...
    @property
    def transactions(self) -> Sequence[IndexedTransaction]: ...
    @property
    def zero_changes(self) -> Sequence[tuple[Address, Moment, int]]:
        """(account, moment, zero-cost balance after it)."""

    @property
    def expense_totals(self) -> Sequence[tuple[Address, Seq, int]]:
        """(account, transaction, sum of the account's general values up to and including it)."""


def genesis_info(genesis: Genesis) -> BlockInfo:
    """Genesis as block 0, without a predecessor or a proposer."""
    return BlockInfo(Height(0), genesis.hash, Hash(bytes(32)), genesis.time, Address(bytes(20)), Seq(0), 0)


def info_of(block: IndexedBlock) -> BlockInfo:
    """A block without its transactions."""
    header = block.header
    return BlockInfo(
        Height(header.height),
        block.hash,
        Hash(header.previous_hash),
        header.time,
        Address(header.proposer),
        block.first_seq,
        header.transaction_count,
    )


class UnsignedTransaction(NamedTuple):
    """A transaction whose sender was given, not recovered."""

    raw: bytes
    hash: Hash
    sender: Address
    transaction: Transaction
    rows: list[Row]


class UnsignedBlock(NamedTuple):
    """A block of such transactions. Nobody signed it and no validator would take it."""

    header: Header
    hash: Hash
    signature: bytes
    first_seq: Seq
    transactions: tuple[UnsignedTransaction, ...]
    zero_changes: list[tuple[Address, Moment, int]]
    expense_totals: list[tuple[Address, Seq, int]]


class RunningValues:
    """The zero-cost balances and expense totals at the end of a chain of unsigned blocks."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.zero = {Address(a.address): a.zero_balance for a in genesis.accounts}
        self.expenses: dict[Address, int] = {}


def unsigned_block(
    values: RunningValues, head: Head, transactions: Sequence[tuple[Address, Transaction]], time: int | None = None
) -> UnsignedBlock:
    """The next block after `head`, of (sender, transaction) in order; `values` is brought up to date.

    The sender takes the signature's place in the bytes, so equal transactions of two senders differ in hash.
    Nothing is checked: an account without money goes below zero.
    """
    genesis = values.genesis
    height = Height(head.height + 1)
    proposer = Address(genesis.proposers[(height - 1) % len(genesis.proposers)])
    zero_changes: dict[tuple[Address, Moment], int] = {}
    totals: list[tuple[Address, Seq, int]] = []
    made: list[UnsignedTransaction] = []
    tips = genesis.block_reward

    def add(account: Address, moment: Moment, units: int) -> None:
        values.zero[account] = values.zero.get(account, 0) + units
        zero_changes[account, moment] = values.zero[account]

    for index, (sender, given) in enumerate(transactions):
        transaction: Transaction = msgspec.structs.replace(given, signature=sender.ljust(SIGNATURE_BYTES, b"\0"))
        raw = encode(transaction)
        made.append(
            UnsignedTransaction(raw, sha256(raw), sender, transaction, rows_of(transaction, sender, genesis.gas))
        )
        moment = moment_of(height, index)
        add(sender, moment, -fee_of(transaction, len(raw), genesis.fees) - transaction.zero_value)
        if _is_zero_cost_income(transaction):
            add(Address(transaction.to), moment, transaction.zero_value)
        if transaction.general_value:
            values.expenses[sender] = values.expenses.get(sender, 0) + transaction.general_value
            totals.append((sender, Seq(head.next_seq + index), values.expenses[sender]))
        tips += transaction.tip
    if tips:
        add(proposer, moment_after_block(height), tips)
    header = Header(
        version=1,
        chain_id=genesis.chain_id,
        height=height,
        previous_hash=head.hash,
        time=genesis.time + height if time is None else time,
        proposer=proposer,
        transaction_count=len(made),
        transaction_root=sha256(b"".join(t.hash for t in made)),
        footprint_root=bytes(32),
    )
    changes = [(account, moment, balance) for (account, moment), balance in zero_changes.items()]
    return UnsignedBlock(header, header.hash, bytes(SIGNATURE_BYTES), head.next_seq, tuple(made), changes, totals)


def _is_zero_cost_income(transaction: Transaction) -> bool:
    return (
        transaction.kind is TransactionKind.TRANSFER
        and not transaction.general_value
        and len(transaction.to) == ADDRESS_BYTES
    )
