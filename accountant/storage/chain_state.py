"""The validator's state from the index: last values, one look at each table, no block validated again."""

from collections.abc import Iterator

from psycopg import Connection
from psycopg.rows import TupleRow
from sqlalchemy import bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import distinct_on

from accountant.chain.envelope import Envelope
from accountant.chain.genesis import Genesis, decode_genesis
from accountant.chain.state import Account, ChainHead, ChainState
from accountant.chain.transaction import TransactionKind, decode_deployment, decode_transaction, deployed_contract
from accountant.primitives.types import Address, ContractId, Hash, Height, Seq
from accountant.storage import tables
from accountant.storage.database import Database, compiled

_b, _t, _e, _z = tables.blocks, tables.transactions, tables.expenses, tables.zero_balances

_GENESIS = compiled(select(tables.genesis.c.raw))
_HEAD = compiled(
    select(_b.c.height, _b.c.hash, _b.c.time, _b.c.first_seq + _b.c.count)
    .order_by(_b.c.height.desc())
    .limit(literal_column("1"))
)
_HASH = compiled(select(_b.c.hash).where(_b.c.height == bindparam("height")))
_BALANCES = compiled(
    select(_z.c.account, _z.c.balance).ext(distinct_on(_z.c.account)).order_by(_z.c.account, _z.c.moment.desc())
)
_TOTALS = compiled(
    select(_e.c.account, _e.c.total).ext(distinct_on(_e.c.account)).order_by(_e.c.account, _e.c.seq.desc())
)
_NONCES = compiled(select(_t.c.sender, func.max(_t.c.nonce) + literal_column("1")).group_by(_t.c.sender))
_DEPLOYMENTS = compiled(
    select(_t.c.sender, _t.c.raw)
    .where(_t.c.kind == literal_column(str(int(TransactionKind.DEPLOY))))
    .order_by(_t.c.seq)
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
        return ChainState.restored(genesis, head, _accounts(connection), _contracts(connection, genesis))


def _accounts(connection: Connection[TupleRow]) -> Iterator[tuple[Address, Account]]:
    """Every user with a balance: paying a fee or being paid gives it one, so nobody is left out."""
    nonces: dict[bytes, int] = dict(connection.execute(_NONCES, binary=True).fetchall())
    totals: dict[bytes, int] = dict(connection.execute(_TOTALS, binary=True).fetchall())
    for account, balance in connection.execute(_BALANCES, binary=True):
        yield Address(account), Account(nonces.get(account, 0), balance, int(totals.get(account, 0)))


def _contracts(connection: Connection[TupleRow], genesis: Genesis) -> Iterator[tuple[ContractId, Address, Envelope]]:
    for contract in genesis.contracts:
        yield ContractId(contract.contract), Address(contract.deployer), contract.envelope
    for sender, raw in connection.execute(_DEPLOYMENTS, binary=True):
        transaction = decode_transaction(raw)
        deployer = Address(sender)
        yield deployed_contract(deployer, transaction), deployer, decode_deployment(transaction.payload).envelope
