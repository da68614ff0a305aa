"""The purses on the chain: those that transactions deploy, and those that genesis sets."""

import sqlalchemy as sa

from accountant.chain.genesis import GenesisContract
from accountant.chain.transaction import sign_transaction
from accountant.oath.code import OATH_CODE
from accountant.oath.purse import OATH_ENVELOPE
from accountant.oath.swear import Stamp, deploy_transaction
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.types import GENESIS_SEQ, ContractId
from accountant.services.accountants import list_accountants, search_purses
from accountant.storage.database import Database, engine_of, migrate
from accountant.storage.index import PostgresIndex
from accountant.storage.purses import Purses
from tests.support.index_chain import RecordedIndex, imported
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, ChainNode, oath_genesis

OLD, OTHER = ContractId(b"\xaa" * 32), ContractId(b"\xbb" * 32)
CONTRACTS = (
    GenesisContract(OLD, ACCOUNTANT.address, OATH_CODE, OATH_ENVELOPE, 7),
    GenesisContract(OTHER, CUSTOMER.address, OATH_CODE + b"\x00\x02\x01x", OATH_ENVELOPE, 7),
)


def test_a_purse_of_genesis_is_listed(database_url: str) -> None:
    """Its owner is an accountant like one who deploys a purse, and its deposit counts; a look-alike's is none."""
    genesis = oath_genesis(10**15, *CONTRACTS)
    node = ChainNode(genesis)
    node.index = index = RecordedIndex(genesis)
    node.make_block(sign_transaction(deploy_transaction(Stamp(7, 0), genesis.gas), ACCOUNTANT))
    migrate(database_url)
    engine = engine_of(database_url)
    search_purses(engine)  # before there is a chain
    with Database(database_url) as database:
        imported(database, genesis, index.blocks)
        for _ in range(2):
            search_purses(engine)
        with engine.connect() as connection:
            (seen,), more = list_accountants(connection, PostgresIndex(database), 0, 10)
            assert [one.seq for one in Purses(connection).of(ACCOUNTANT.address)] == [0, GENESIS_SEQ]
    assert not more and seen.address == ACCOUNTANT.address and seen.purses_in_all == 2
    assert [(purse.contract, purse.deposit) for purse in seen.purses] == [
        (contract_id_of(ACCOUNTANT.address, 0), 0),
        (OLD, 7),
    ]
    engine.dispose()


def test_a_database_that_searched_before(database_url: str) -> None:
    """One whose search began before genesis was looked at looks at it once, and finds nothing twice."""
    genesis = oath_genesis(10**15, *CONTRACTS)
    migrate(database_url)
    engine = engine_of(database_url)
    with Database(database_url) as database:
        imported(database, genesis, [])
        with engine.begin() as connection:
            connection.execute(sa.text("insert into accountant.purse_search values (1, -1)"))
        for _ in range(3):
            search_purses(engine)
        with engine.connect() as connection:
            assert [one.contract for one in Purses(connection).of(ACCOUNTANT.address)] == [OLD]
            assert Purses(connection).of(CUSTOMER.address) == []
            assert connection.scalar(sa.text("select before from accountant.purse_search")) == 0
    engine.dispose()
