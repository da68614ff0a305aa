"""The validator's state from the index: a few look-ups for each account, no history read, no block validated again."""

from collections.abc import Iterator
from typing import TypeVar

from psycopg import Connection
from psycopg.rows import TupleRow
from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Text,
    UnaryExpression,
    bindparam,
    func,
    literal_column,
    select,
)

from accountant.chain.envelope import Envelope
from accountant.chain.footprint import account_key
from accountant.chain.genesis import Genesis, decode_genesis
from accountant.chain.rows import RowKind
from accountant.chain.state import Account, ChainHead, ChainState
from accountant.chain.transaction import (
    TransactionKind,
    decode_deployment,
    decode_publication,
    decode_transaction,
    deployed_contract,
)
from accountant.primitives.types import Address, Cid, ContractId, Hash, Height, Seq
from accountant.storage import tables
from accountant.storage.database import Database, compiled

_V = TypeVar("_V")
_O = TypeVar("_O")

_b, _t, _e, _z, _p = tables.blocks, tables.transactions, tables.expenses, tables.zero_balances, tables.postings

_EXPENSE = literal_column(str(int(RowKind.EXPENSE)), Integer)
"""A row of this kind is filed under its sender for every transaction, whatever its general value."""
_ACCOUNT_KEY, _HEX = literal_column(f"'{account_key(b'').hex()}'", Text), literal_column("'hex'", Text)

_GENESIS = compiled(select(tables.genesis.c.raw))
_HEAD = compiled(
    select(_b.c.height, _b.c.hash, _b.c.time, _b.c.first_seq + _b.c.count)
    .order_by(_b.c.height.desc())
    .limit(literal_column("1"))
)
_HASH = compiled(select(_b.c.hash).where(_b.c.height == bindparam("height")))


def _accounts_query() -> Select[tuple[bytes, int, int | None, int | None]]:
    """Account, zero-cost balance, expenses, last nonce: of each account the newest row of each index.

    Accounts are found by leaping from one to the next: reading all their rows would read the whole history.
    """
    first = select(_newest(_z.c.account, _z.c.account.asc()).label("account")).cte("accounts", recursive=True)
    after = _newest(_z.c.account, _z.c.account.asc(), _z.c.account > first.c.account, outer=first)
    found = first.union_all(select(after).where(first.c.account.is_not(None)))
    balance = _newest(_z.c.balance, _z.c.moment.desc(), _z.c.account == found.c.account, outer=found)
    total = _newest(_e.c.total, _e.c.seq.desc(), _e.c.account == found.c.account, outer=found)
    key = func.decode(_ACCOUNT_KEY, _HEX).concat(found.c.account)
    last = _newest(_p.c.seq, _p.c.seq.desc(), _p.c.key == key, _p.c.kind == _EXPENSE, outer=found)
    nonce = select(_t.c.nonce).where(_t.c.seq == last).scalar_subquery()
    return select(found.c.account, balance, total, nonce).where(found.c.account.is_not(None))


def _newest(
    column: Column[_V], order: UnaryExpression[_O], *of: ColumnElement[bool], outer: CTE | None = None
) -> ScalarSelect[_V]:
    """The column in the first row of an order, of those rows whose conditions may look at the `outer` row."""
    return select(column).where(*of).order_by(order).limit(literal_column("1")).correlate(outer).scalar_subquery()


_ACCOUNTS = compiled(_accounts_query())
_DEPLOYMENTS = compiled(
    select(_t.c.sender, _t.c.raw)
    .where(_t.c.kind == literal_column(str(int(TransactionKind.DEPLOY))))
    .order_by(_t.c.seq)
)
_PUBLICATIONS = compiled(
    select(_t.c.raw).where(_t.c.kind == literal_column(str(int(TransactionKind.PUBLISH)))).order_by(_t.c.seq)
)


def stored_genesis(database: Database) -> Genesis | None:
    """The genesis that the index was begun with; None in an empty database."""
    row = database.fetch_one(_GENESIS)
    return None if row is None else decode_genesis(row[0])


def stored_hash(database: Database, height: Height) -> Hash | None:
    """The hash of the block at a height, genesis at 0; None above the head."""
    row = database.fetch_one(_HASH, {"height": height})
    return None if row is None else Hash(row[0])


def restored_state(database: Database, genesis: Genesis) -> ChainState:
    """The validator's state at the index' head, all of it as of one instant."""
    with database.connection() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = connection.execute(_HEAD).fetchone()
        assert row is not None, "genesis is a block of its own"
        head = ChainHead(Height(row[0]), Hash(row[1]), row[2], Seq(row[3]))
        contracts, blobs = _contracts(connection, genesis), _blobs(connection)
        return ChainState.restored(genesis, head, _accounts(connection), contracts, blobs)


def _accounts(connection: Connection[TupleRow]) -> Iterator[tuple[Address, Account]]:
    """Every user with a balance: paying a fee or being paid gives it one, so nobody is left out."""
    for account, balance, total, nonce in connection.execute(_ACCOUNTS, binary=True):
        yield Address(account), Account(0 if nonce is None else nonce + 1, balance, int(total or 0))


def _contracts(connection: Connection[TupleRow], genesis: Genesis) -> Iterator[tuple[ContractId, Address, Envelope]]:
    for contract in genesis.contracts:
        yield ContractId(contract.contract), Address(contract.deployer), contract.envelope
    for sender, raw in connection.execute(_DEPLOYMENTS, binary=True):
        transaction = decode_transaction(raw)
        deployer = Address(sender)
        yield deployed_contract(deployer, transaction), deployer, decode_deployment(transaction.payload).envelope


def _blobs(connection: Connection[TupleRow]) -> Iterator[tuple[Cid, int]]:
    for (raw,) in connection.execute(_PUBLICATIONS, binary=True):
        published = decode_publication(decode_transaction(raw).payload)
        yield Cid(published.cid), published.size
