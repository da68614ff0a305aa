"""An engine on each test's own database."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from accountant.storage.database import engine_of


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """Of a database that this test has for itself."""
    made = engine_of(database_url)
    yield made
    made.dispose()
