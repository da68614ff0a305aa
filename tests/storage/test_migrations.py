"""The schema: one linear history, and the tables that the code declares are the tables that it makes."""

from collections.abc import Iterator
from multiprocessing import get_context

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from accountant.storage.database import ALEMBIC_INI, engine_of, migrate, plain_url


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    made = engine_of(empty_database_url)
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


def test_declared_tables_are_migrated_tables(engine: Engine, empty_database_url: str) -> None:
    """Alembic finds nothing to generate after an upgrade to the newest revision."""
    migrate(empty_database_url)
    config = Config(ALEMBIC_INI)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_every_revision_can_be_undone_and_done_again(engine: Engine, empty_database_url: str) -> None:
    """Down to nothing and up again gives the same tables."""
    migrate(empty_database_url)
    there = tables(empty_database_url)
    assert {"blocks", "transactions", "postings", "expenses", "zero_balances", "outcomes"} <= there
    config = Config(ALEMBIC_INI)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert tables(empty_database_url) == {"alembic_version"}
    migrate(empty_database_url)
    assert tables(empty_database_url) == there


def test_undoing_executions_queues_the_jobs_that_wait(engine: Engine, empty_database_url: str) -> None:
    """Without executions a job that waits for one is queued again, with a message: nobody is left waiting for ever."""
    migrate(empty_database_url)
    with engine.begin() as connection:
        for statement in _A_JOB_THAT_WAITS:
            connection.execute(text(statement))
    config = Config(ALEMBIC_INI)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0008")
        command.downgrade(config, "-1")
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "select j.state, o.number is not null from accountant.jobs j left join accountant.outbox o "
                "on o.job_number = j.number"
            )
        ).one()
    assert tuple(found) == ("queued", True)


_A_JOB_THAT_WAITS = (
    "insert into accountant.api_keys (prefix, secret_sha256) values ('key', '')",
    "insert into accountant.jobs (id, key_prefix, kind, request, queue, state, attempts_most) "
    "values ('job', 'key', 'view', '', 'cpu', 'waiting', 5)",
    "insert into accountant.job_events (job_number, state, gas_executed) "
    "select number, 'waiting', 0 from accountant.jobs",
    "insert into accountant.executions (seq, transaction, gas_limit, queue, attempts_most) values (3, '', 1, 'cpu', 5)",
    "insert into accountant.execution_waits (seq, job_number, charged) select 3, number, true from accountant.jobs",
    "insert into accountant.outbox (execution_seq) values (3)",
)


def test_processes_may_migrate_at_once(empty_database_url: str) -> None:
    """Three processes that start together on an empty database all find it migrated, and none fails."""
    context = get_context("spawn")
    processes = [context.Process(target=migrate, args=(empty_database_url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert "blocks" in tables(empty_database_url)
