"""One embedded Postgres and Valkey for a test process, and fresh databases in them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from accountant.storage.database import migrate
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.place import temporary_folder


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A temporary folder that the servers' own user can enter, removed at the end.

    pytest's `tmp_path` lies below a folder closed to other users; under root the servers' data would then move to
    the shared place of the machine.
    """
    with temporary_folder("anh-test-") as folder:
        yield folder


@contextmanager
def embedded_servers() -> Iterator[EmbeddedServers]:
    """A pair in a folder of its own, not safe against power cuts, gone at the end."""
    with reachable_folder() as folder, EmbeddedServers(folder / "servers", durable=False) as servers:
        yield servers


@contextmanager
def fresh_database(servers: EmbeddedServers) -> Iterator[str]:
    """The URL of a database of its own with all tables and no rows, dropped at the end."""
    with _database(servers, _migrated(servers)) as url:
        yield url


@contextmanager
def empty_database(servers: EmbeddedServers) -> Iterator[str]:
    """The URL of a database of its own without any table, dropped at the end."""
    with _database(servers, "template1") as url:
        yield url


@contextmanager
def _database(servers: EmbeddedServers, template: str) -> Iterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    yield servers.create_database(name, template)
    servers.drop_database(name)


@cache
def _migrated(servers: EmbeddedServers) -> str:
    """The name of a database that is migrated once: copies of it take a tenth of the time."""
    name = "test_template"
    migrate(servers.create_database(name))
    return name
