"""A migrated database for each test, copied from one that was migrated once."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from accountant.storage.database import engine_of, migrate
from accountant.storage.embedded import EmbeddedServers
from tests.support.servers import fresh_database


@pytest.fixture(scope="session")
def migrated_template(servers: EmbeddedServers) -> Iterator[str]:
    """The name of a migrated database without rows."""
    with fresh_database(servers) as url:
        migrate(url)
        yield url.rsplit("/", 1)[1].split("?")[0]


@pytest.fixture
def engine(servers: EmbeddedServers, migrated_template: str) -> Iterator[sa.Engine]:
    """A migrated database that this test has for itself."""
    with fresh_database(servers, migrated_template) as url:
        made = engine_of(url)
        yield made
        made.dispose()
