"""One browser and one dashboard over the hostile database for each module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser

from accountant.storage.embedded import EmbeddedServers
from tests.support.chromium import CHROMIUM, NO_CHROMIUM, Watched, chromium, tab
from tests.support.dashboard_process import dashboard_process
from tests.support.hostile_database import fill
from tests.support.servers import reachable_folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def site(browser: Browser, module_database_url: str, servers: EmbeddedServers) -> Iterator[str]:
    """The dashboard's URL. Skipped with the browser, before anything is started for it."""
    fill(module_database_url)
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
    with reachable_folder() as folder, dashboard_process(module_database_url, servers.redis_url, Path(folder)) as url:
        yield url


@pytest.fixture(scope="module")
def owner(browser: Browser, site: str) -> Iterator[Watched]:
    """A tab of the owner."""
    with tab(browser, site) as opened:
        opened.sign_in("owner")
        yield opened


@pytest.fixture
def stranger(browser: Browser, site: str) -> Iterator[Watched]:
    """A tab of somebody who is not signed in."""
    with tab(browser, site) as opened:
        yield opened
