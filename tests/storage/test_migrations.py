"""The schema: one linear history, and the tables that the code declares are the tables that it makes."""

from collections.abc import Iterator
from multiprocessing import get_context

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from accountant.storage.database import ALEMBIC_INI, engine_of, migrate, plain_url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = engine_of(database_url)
    yield made
    made.dispose()


def tables(url: str) -> set[str]:
    with psycopg.connect(plain_url(url)) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'accountant'").fetchall()
    return {name for (name,) in rows}


def test_the_history_is_linear() -> None:
    """There is one first revision, one last one, and no branch."""
    script = ScriptDirectory.from_config(Config(ALEMBIC_INI))
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    assert not any(revision.is_branch_point or revision.is_merge_point for revision in script.walk_revisions())


def test_declared_tables_are_migrated_tables(engine: Engine, database_url: str) -> None:
    """Alembic finds nothing to generate after an upgrade to the newest revision."""
    migrate(database_url)
    config = Config(ALEMBIC_INI)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_every_revision_can_be_undone_and_done_again(engine: Engine, database_url: str) -> None:
    """Down to nothing and up again gives the same tables."""
    migrate(database_url)
    there = tables(database_url)
    assert {"blocks", "transactions", "postings", "expenses", "zero_balances", "outcomes"} <= there
    config = Config(ALEMBIC_INI)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert tables(database_url) == {"alembic_version"}
    migrate(database_url)
    assert tables(database_url) == there


def test_processes_may_migrate_at_once(database_url: str) -> None:
    """Three processes that start together on an empty database all find it migrated, and none fails."""
    context = get_context("spawn")
    processes = [context.Process(target=migrate, args=(database_url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert "blocks" in tables(database_url)
