"""A whole accountant before a browser: numbers move by themselves, and a worker that is killed is seen to be gone."""

import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page

from accountant.dashboard.live import POLL_S
from accountant.monitoring.measures.service import SILENT_S
from accountant.primitives.addresses import show
from accountant.settings import Settings
from accountant.storage.admins import Role
from accountant.storage.database import engine_of
from tests.support.chains import BOB
from tests.support.chromium import Watched, tab
from tests.support.dashboard import add_user
from tests.support.running_services import on_servers, running
from tests.support.whole_chain import begin_chain
from tests.support.workers import end, starting, worker

PROCESSES = ("node", "indexer", "api", "dispatcher", "dashboard")
PATIENCE_S = 90.0


def test_a_killed_worker_is_seen_within_ten_seconds_and_so_is_the_next(
    browser: Browser, data_dir: Path, database_url: str, redis_url: str
) -> None:
    """The home page tells of an answer, of a killed worker and of a new one without being loaded again; the worker's
    row turns red on its page."""
    settings = Settings(
        data_dir=data_dir, api_port=0, dashboard_port=0, node_port=0, block_interval_s=0.2, job_lease_s=2
    )
    begin_chain(settings.chain_folder)
    with (
        running(on_servers(settings, database_url, redis_url), PROCESSES) as service,
        starting(database_url, redis_url, data_dir) as start,
        tab(browser, service.stack.dashboard_url) as home,
    ):
        engine = engine_of(database_url)
        add_user(engine, "owner", Role.OWNER)
        engine.dispose()
        first = start(*worker(processes=1))
        home.sign_in("owner")
        home.go("/")
        _until(home, lambda page: _verdict(page) == "Healthy", PATIENCE_S)
        home.page.evaluate("() => { window.same = true; }")
        workers = home._replace(page=home.page.context.new_page())
        workers.go("/workers")
        assert workers.page.locator("#process-rows tr.bad").count() == 0

        before = _figure(home.page, "Ended in five minutes")
        service.client.result(service.client.lower_bound(show(BOB.address)))
        _until(home, lambda page: _figure(page, "Ended in five minutes") > before, PATIENCE_S)

        end(first)
        assert SILENT_S + POLL_S < 10, "that is when it is seen, unless the machine is busy"
        _until(home, lambda page: _verdict(page) == "Degraded", PATIENCE_S)
        assert "worker" in home.page.locator(".verdict").inner_text().lower()
        _until(workers, lambda page: page.locator("#process-rows tr.bad").count() > 0, PATIENCE_S)

        start(*worker(processes=1))
        _until(home, lambda page: _verdict(page) == "Healthy", PATIENCE_S)
        assert home.page.evaluate("() => window.same"), "the page was loaded again"
        assert not home.forget()


def _verdict(page: Page) -> str:
    return page.locator(".verdict strong").inner_text()


def _figure(page: Page, label: str) -> int:
    digits = page.locator(".figure", has_text=label).locator("dd").inner_text()
    return int("".join(filter(str.isdigit, digits.partition("job")[0])))


def _until(watched: Watched, holds: Callable[[Page], bool], seconds: float) -> None:
    """Waits as the page does: its events are handled meanwhile."""
    deadline = time.monotonic() + seconds
    while not holds(watched.page):
        assert time.monotonic() < deadline, f"not true after {seconds} s: {watched.page.locator('main').inner_text()}"
        watched.page.wait_for_timeout(100)
