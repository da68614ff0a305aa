"""Connections of the engine: those of single statements begin no transaction, and one that was just used is trusted."""

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from accountant.storage.database import engine_of, reading
from accountant.storage.embedded import EmbeddedServers


@pytest.fixture(scope="module")
def url(servers: EmbeddedServers) -> Iterator[str]:
    """A database without tables."""
    yield servers.create_database("engines")
    servers.drop_database("engines")


def backend(engine: sa.Engine) -> int:
    """The process that serves a connection of the engine."""
    with engine.connect() as connection:
        return int(connection.scalar(sa.text("select pg_backend_pid()")) or 0)


def end(url: str, pid: int) -> None:
    """Ends a connection, as a server does that is started anew."""
    other = engine_of(url)
    with other.connect() as connection:
        connection.execute(sa.text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.dispose()


def test_reading_begins_no_transaction(url: str) -> None:
    """Each statement is its own transaction: the next one sees a later time. Writing goes on in transactions."""
    engine = engine_of(url)
    now = sa.select(sa.func.transaction_timestamp())
    with reading(engine).connect() as connection:
        assert connection.execute(now).scalar_one() < connection.execute(now).scalar_one()
    with engine.connect() as connection:
        assert connection.execute(now).scalar_one() == connection.execute(now).scalar_one()
    engine.dispose()


def test_whoever_rested_is_asked(url: str) -> None:
    """A connection that was ended while it rested longer than it is trusted is replaced before it is used."""
    engine = engine_of(url, trusted_s=0.01)
    first = backend(engine)
    assert backend(engine) == first
    end(url, first)
    time.sleep(0.02)
    assert backend(engine) not in (0, first)
    engine.dispose()


def test_whoever_was_just_used_is_not_asked(url: str) -> None:
    """A connection that ended right after its use fails once; then the engine makes new ones."""
    engine = engine_of(url, trusted_s=3_600.0)
    first = backend(engine)
    end(url, first)
    with pytest.raises(sa.exc.OperationalError):
        backend(engine)
    assert backend(engine) not in (0, first)
    engine.dispose()
