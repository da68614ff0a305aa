"""Chains for tests of indexes: blocks that were appended to a `MemoryIndex`, and the way to have them in Postgres."""

import secrets
from collections.abc import Sequence
from random import Random

import psycopg

from accountant.chain.footprint import Entry
from accountant.chain.genesis import Genesis, GenesisAccount
from accountant.chain.transaction import CallPayload, PublishPayload, Transaction, TransactionKind
from accountant.index.blocks import IndexedBlock
from accountant.index.memory import MemoryIndex
from accountant.index.posting import Posting
from accountant.index.unlimited import postings_of
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import AccountId, Address, ContractId, Seq
from accountant.storage.database import Database, plain_url
from accountant.storage.importer import Importer

PROPOSER = Address(b"P" * 20)
ANN, BEN, CAT = (Address(name * 20) for name in (b"a", b"b", b"c"))
VAULT, SHOP = (ContractId(name * 32) for name in (b"V", b"S"))


class RecordedIndex(MemoryIndex):
    """A `MemoryIndex` that remembers the blocks it was given."""

    def __init__(self, genesis: Genesis) -> None:
        super().__init__(genesis)
        self.blocks: list[IndexedBlock] = []

    def append(self, block: IndexedBlock) -> None:
        super().append(block)
        self.blocks.append(block)


class UnfoldedIndex(MemoryIndex):
    """A `MemoryIndex` that knows no static interval, as one that was given a few accounts' rows alone."""

    def postings(self, account: AccountId, since: Seq, before: Seq, limit: int) -> list[Posting]:
        return postings_of(self.events(account, Seq(since - 1), before))[-limit:]


def small_genesis(chain_id: int = 7) -> Genesis:
    """Three users with money, one proposer, a block reward."""
    accounts = tuple(GenesisAccount(user, 10**15) for user in (ANN, BEN, CAT))
    return Genesis(chain_id, 1_700_000_000, "none", (PROPOSER,), accounts, block_reward=11)


def transaction(
    kind: TransactionKind,
    nonce: int,
    to: bytes = b"",
    zero: int = 0,
    general: int = 0,
    entries: Sequence[Entry] = (),
    payload: bytes = b"",
    tip: int = 0,
    gas: int = 0,
) -> Transaction:
    """An unsigned transaction."""
    return Transaction(1, 7, nonce, kind, to, zero, general, gas, 1, tip, payload, tuple(entries), b"")


def transfer(nonce: int, to: bytes, zero: int = 0, general: int = 0, tip: int = 0, gas: int = 0) -> Transaction:
    """An unsigned transfer."""
    return transaction(TransactionKind.TRANSFER, nonce, to, zero, general, tip=tip, gas=gas)


def call(nonce: int, to: bytes, *entries: Entry, gas: int = 50_000) -> Transaction:
    """An unsigned call."""
    payload = encode(CallPayload("run", ()))
    return transaction(TransactionKind.CALL, nonce, to, entries=entries, payload=payload, gas=gas)


def publication(nonce: int, cid: bytes, size: int) -> Transaction:
    """An unsigned publication."""
    return transaction(TransactionKind.PUBLISH, nonce, payload=encode(PublishPayload(cid, size)))


def transfers_chain(blocks: int, transactions: int, seed: int = 0) -> RecordedIndex:
    """Blocks of random transfers between thirty users; the same seed gives the same chain."""
    random = Random(seed)
    users = [Address(sha256(b"user %d" % number)[:20]) for number in range(30)]
    index = RecordedIndex(small_genesis())
    for height in range(blocks):
        made = [
            (
                random.choice(users),
                transfer(
                    height * transactions + number, random.choice([*users, VAULT]), *random.choice([(5, 0), (0, 9)])
                ),
            )
            for number in range(transactions)
        ]
        index.append_unsigned(made)
    return index


def paying_chain(blocks: int, transactions: int, seed: int = 0) -> RecordedIndex:
    """Blocks of transfers between three users, most of them of general money, which gas that comes back provides."""
    random = Random(seed)
    index = RecordedIndex(small_genesis())
    for height in range(blocks):
        made = []
        for number in range(transactions):
            zero, general = random.choice([(5, 0), (0, 9), (0, 60), (0, 200)])
            nonce, to = height * transactions + number, random.choice([ANN, BEN, CAT, VAULT])
            paying = transaction(TransactionKind.TRANSFER, nonce, to, zero, general, gas=2_050)
            made.append((random.choice([ANN, BEN, CAT]), paying))
        index.append_unsigned(made)
    return index


def emptied(url: str) -> None:
    """Takes every row out of a migrated database."""
    with psycopg.connect(plain_url(url), autocommit=True) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'accountant' AND tablename <> 'alembic_version'"
        ).fetchall()
        connection.execute("TRUNCATE " + ", ".join(f"accountant.{name}" for (name,) in names) + " CASCADE")


def imported(database: Database, genesis: Genesis, blocks: Sequence[IndexedBlock]) -> Importer:
    """The chain, in an empty database."""
    importer = Importer(database)
    importer.install(genesis, secrets.token_bytes(32))
    importer.import_blocks(blocks)
    return importer
