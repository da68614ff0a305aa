"""A database for each test, copied from one that was migrated once."""

from collections.abc import Iterator

import pytest

from accountant.dashboard.resources import DashboardResources
from accountant.storage.database import migrate
from accountant.storage.embedded import EmbeddedServers
from tests.support.pages import hostile_dashboard
from tests.support.servers import fresh_database


@pytest.fixture(scope="session")
def migrated_template(servers: EmbeddedServers) -> Iterator[str]:
    """The name of a migrated database without rows."""
    with fresh_database(servers) as url:
        migrate(url)
        yield url.rsplit("/", 1)[1].split("?")[0]


@pytest.fixture
def database_url(servers: EmbeddedServers, migrated_template: str) -> Iterator[str]:
    """The URL of a migrated database that this test has for itself."""
    with fresh_database(servers, migrated_template) as url:
        yield url


@pytest.fixture(scope="session")
def hostile(servers: EmbeddedServers, migrated_template: str) -> Iterator[DashboardResources]:
    """A dashboard over a database whose every text is hostile (`tests.support.pages`). Tests only read it."""
    with fresh_database(servers, migrated_template) as url, hostile_dashboard(url) as made:
        yield made
