"""What a worker process opens, and what it refuses to work on."""

import pytest
from pydantic import SecretStr

from accountant.contracts.engine import EngineMismatch
from accountant.settings import Settings
from accountant.storage.database import Database, migrate
from tests.support.index_chain import imported, transfers_chain
from workers.lifecycle import open_resources


def test_a_chain_with_another_engine_is_refused(database_url: str, redis_url: str) -> None:
    """Fuel is part of the rules, so a worker with another engine would find other outcomes: it finds none."""
    migrate(database_url)
    chain = transfers_chain(1, 2)
    with Database(database_url) as database:
        imported(database, chain.genesis, chain.blocks)
    settings = Settings(database_url=SecretStr(database_url), redis_url=SecretStr(redis_url))
    with pytest.raises(EngineMismatch, match=chain.genesis.engine):
        open_resources(settings)
