"""One embedded Postgres and Valkey for a test process, and fresh databases in them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
def fresh_database(servers: EmbeddedServers, template: str = "template1") -> Iterator[str]:
    """The URL of a database of its own, empty or copied from `template`, dropped at the end."""
    name = f"test_{secrets.token_hex(6)}"
    yield servers.create_database(name, template)
    servers.drop_database(name)
