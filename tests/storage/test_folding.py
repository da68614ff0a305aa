"""The static fold in Postgres: the same whatever the batches, whoever imports, and for what was there before it."""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from alembic import command
from alembic.config import Config

from accountant.index.static import EVERYONE, StaticFold, fold_blocks, running_at_genesis, supply_at_genesis
from accountant.storage.database import ALEMBIC_INI, Database, engine_of, migrate
from accountant.storage.importer import Importer
from tests.support.index_chain import RecordedIndex, emptied
from tests.support.random_chain import RandomChain

SECRET = bytes(32)


@pytest.fixture(scope="module")
def migrated(module_database_url: str) -> str:
    migrate(module_database_url)
    return module_database_url


@pytest.fixture
def database(migrated: str) -> Iterator[Database]:
    emptied(migrated)
    with Database(migrated) as opened:
        yield opened


def chain_of(seed: int, blocks: int) -> RecordedIndex:
    chain = RandomChain(Random(seed), calm=True)
    index = chain.index = RecordedIndex(chain.genesis)
    chain.grow(blocks)
    return index


def stored(database: Database) -> set[tuple[object, ...]]:
    return set(database.fetch("SELECT account, * FROM accountant.intervals"))


def expected(chain: RecordedIndex) -> set[tuple[object, ...]]:
    """One fold from genesis to the end."""
    fold = StaticFold(chain.genesis, running_at_genesis(chain.genesis), supply_at_genesis(chain.genesis))
    return {(account, *posting, account) for account, posting in fold_blocks(fold, chain.blocks)}


@pytest.mark.parametrize("seed", range(4))
def test_batches_and_importers_change_nothing(database: Database, seed: int) -> None:
    """Two importers that take turns with batches of any length leave what one fold of the whole chain gives."""
    random, chain = Random(seed), chain_of(seed, 20)
    importers = [Importer(database), Importer(database)]
    importers[0].install(chain.genesis, SECRET)
    blocks = list(chain.blocks)
    while blocks:
        count = random.randrange(1, 5)
        random.choice(importers).import_blocks(blocks[:count])
        blocks = blocks[count:]
    assert stored(database) == expected(chain)
    supply = {row[-2] for row in stored(database) if row[0] == EVERYONE}
    assert len(supply) > 1


def test_a_batch_that_failed_leaves_no_trace(database: Database) -> None:
    """After a batch that was rolled back the same importer folds on from what is really there."""
    chain = chain_of(9, 12)
    importer = Importer(database)
    importer.install(chain.genesis, SECRET)
    importer.import_blocks(chain.blocks[:4])
    with database.connection() as connection:
        connection.execute("ALTER TABLE accountant.zero_balances RENAME TO hidden")
    with pytest.raises(Exception, match="zero_balances"):
        importer.import_blocks(chain.blocks[4:8])
    with database.connection() as connection:
        connection.execute("ALTER TABLE accountant.hidden RENAME TO zero_balances")
    importer.import_blocks(chain.blocks[4:])
    assert stored(database) == expected(chain)


def test_what_was_imported_before_is_folded_by_the_migration(make_database: Callable[[], str]) -> None:
    """A database of an earlier version has all intervals after the upgrade, and what comes next fits on."""
    url = make_database()
    chain = chain_of(5, 16)
    migrate(url)
    with Database(url) as database:
        importer = Importer(database)
        importer.install(chain.genesis, SECRET)
        importer.import_blocks(chain.blocks[:12])
    engine = engine_of(url)
    with engine.connect() as connection:
        config = Config(ALEMBIC_INI)
        config.attributes["connection"] = connection
        command.downgrade(config, "0005")
    engine.dispose()
    migrate(url)
    with Database(url) as database:
        Importer(database).import_blocks(chain.blocks)
        assert stored(database) == expected(chain)
