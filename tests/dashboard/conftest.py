"""A dashboard over what hostile people wrote, for all tests that only look."""

from collections.abc import Iterator

import pytest

from accountant.dashboard.resources import DashboardResources
from accountant.storage.embedded import EmbeddedServers
from tests.support.pages import hostile_dashboard
from tests.support.servers import fresh_database


@pytest.fixture(scope="session")
def hostile(servers: EmbeddedServers) -> Iterator[DashboardResources]:
    """A dashboard over a database whose every text is hostile (`tests.support.pages`). Tests only read it."""
    with fresh_database(servers) as url, hostile_dashboard(url) as made:
        yield made
