"""Fixtures for everybody: real servers on loopback, one pair for each test process, started at first use."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from accountant.storage.embedded import EmbeddedServers
from tests.support.servers import embedded_servers, fresh_database, reachable_folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share one process, as its fixtures do, and a group's files too (`--dist loadgroup`)."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServers]:
    """The test process's own Postgres and Valkey."""
    with embedded_servers() as pair:
        yield pair


@pytest.fixture
def database_url(servers: EmbeddedServers) -> Iterator[str]:
    """`postgresql+psycopg://…` of an empty database that this test has for itself."""
    with fresh_database(servers) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(servers: EmbeddedServers) -> Iterator[str]:
    """`postgresql+psycopg://…` of an empty database that this module's tests share."""
    with fresh_database(servers) as url:
        yield url


@pytest.fixture
def make_database(servers: EmbeddedServers) -> Iterator[Callable[[], str]]:
    """Makes as many empty databases as a test asks for; each call returns the URL of a new one."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fresh_database(servers))


@pytest.fixture
def redis_url(servers: EmbeddedServers) -> str:
    """`redis://…` of an empty Valkey: whatever an earlier test left there is flushed."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    return servers.redis_url


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A temporary folder that the servers' own user can enter: for tests that start servers or a whole stack."""
    with reachable_folder() as folder:
        yield folder
