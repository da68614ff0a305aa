"""Bounties in Postgres: found among all deployments, once each, whoever looks when."""

import pytest

from accountant.oath.bounty import Bounty
from accountant.primitives.encoding import encode
from accountant.primitives.types import ContractId, Height
from accountant.storage import bounties as module
from accountant.storage.bounties import Bounties, BountyState
from accountant.storage.database import Database, engine_of, migrate
from accountant.storage.index import PostgresIndex
from tests.support.bounty_chain import REWARD, BountyChain
from tests.support.index_chain import RecordedIndex, imported


def test_all_are_found_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece at a time, between purses and transfers, in the order of the chain; looking again finds what is new and
    nothing twice, and what was decided about a bounty stays."""
    monkeypatch.setattr(module, "PIECE", 2)
    chain = BountyChain()
    chain.index = recorded = RecordedIndex(chain.index.genesis)
    query = chain.payment()
    opened = [chain.open(query)]
    chain.deploy()
    opened += [chain.place(chain.opening(encode(query), bond=1)), chain.open(query)]
    seen = len(recorded.blocks)
    opened += [chain.open(query)]
    migrate(database_url)
    engine = engine_of(database_url)
    with Database(database_url) as database:
        importer = imported(database, chain.index.genesis, recorded.blocks[:seen])

        def search() -> list[ContractId]:
            more = True
            while more:
                with engine.begin() as connection:
                    more = Bounties(connection).search()
            with engine.connect() as connection:
                return Bounties(connection).to_judge(Height(0), 100)

        assert search() == opened[:3] and search() == opened[:3]
        with engine.begin() as connection:
            bounties = Bounties(connection)
            first = bounties.locked(opened[0])
            assert first is not None and first.state is BountyState.OPEN and first.reward == REWARD
            bounties.change(first, state=BountyState.EXPIRED, reason="seen_too_late")
        importer.import_blocks(recorded.blocks[seen:])
        assert search() == opened[1:]
        with engine.connect() as connection:
            rows = Bounties(connection).page(None, None, 10)
        assert [row.contract for row in rows] == opened[::-1]
        assert rows[-1].state is BountyState.EXPIRED
        index = PostgresIndex(database)
        assert [Bounty(index.transaction(row.seq), row.contract, chain.bounty(row.contract).terms) for row in rows] == [
            chain.bounty(row.contract) for row in rows
        ]
    engine.dispose()
