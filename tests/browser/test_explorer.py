"""The public explorer before a browser: a stranger without a key, over a chain full of markup."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
from playwright.sync_api import Browser

from accountant.explorer.limiting import QUESTIONS
from accountant.storage.database import engine_of
from accountant.storage.embedded import EmbeddedServers
from tests.support.chromium import Watched, tab
from tests.support.crawling import Reached, crawl, looks, tabbed
from tests.support.dashboard_process import api_process
from tests.support.hostile_database import HOSTILE, MARKUP, fill
from tests.support.servers import reachable_folder
from tests.support.working import working

FIRST = "/explorer/"
ANSWER = r"/explorer/(answers|certificates)/job_[0-9a-f]{32}"


@pytest.fixture(scope="module")
def engine(browser: Browser, module_database_url: str) -> Iterator[sa.Engine]:
    """The hostile database, with a worker for public questions. Skipped with the browser."""
    fill(module_database_url)
    made = engine_of(module_database_url)
    with working(made, module_database_url):
        yield made
    made.dispose()


@pytest.fixture(scope="module")
def visitor(
    browser: Browser, engine: sa.Engine, module_database_url: str, servers: EmbeddedServers
) -> Iterator[Watched]:
    """A stranger's tab."""
    with (
        reachable_folder() as folder,
        api_process(module_database_url, servers.redis_url, Path(folder)) as url,
        tab(browser, url) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def hashes(engine: sa.Engine) -> list[str]:
    """The chain's transactions: 0 to 4 as in every test, the last one swears."""
    with engine.connect() as connection:
        return [
            "0x" + one.hex()
            for one in connection.scalars(sa.text("select hash from accountant.transactions order by seq"))
        ]


@pytest.fixture(scope="module")
def answers(visitor: Watched, hashes: list[str], servers: EmbeddedServers) -> list[str]:
    """The addresses of a yes, of a no and of a certificate, as the form and the buttons led to them."""
    found = []
    for transaction, word in ((hashes[1], "Yes, it settled."), (hashes[2], "No, it did not settle.")):
        visitor.go(FIRST)
        visitor.page.get_by_label("The payment's transaction").fill(transaction)
        visitor.page.get_by_role("button", name="Ask").click()
        visitor.page.wait_for_url(re.compile(ANSWER))
        assert word in visitor.page.get_by_role("status").inner_text()
        found.append(_path(visitor))
    visitor.page.get_by_role("button", name="Make a certificate").click()
    visitor.page.wait_for_url(re.compile("/certificates/"))
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Download the certificate").click()
    size = Path(download.value.path()).stat().st_size
    assert f"{size:,}".replace(",", "\u202f") in visitor.page.locator(".figure", has_text="Size").inner_text()
    return [*found, _path(visitor)]


@pytest.fixture(scope="module")
def pages(visitor: Watched, answers: list[str], hashes: list[str], servers: EmbeddedServers) -> list[Reached]:
    """Every kind of page. Nothing is wrong on any of them, markup is text, and no link leads out of the explorer."""
    begin = [
        *(FIRST, f"/explorer/chain/transactions/{hashes[3]}", f"/explorer/oaths/{hashes[-1]}"),
        *(f"/explorer/accounts/0x{HOSTILE.hex()}", answers[0], answers[2]),
    ]
    found = crawl(visitor, begin, before=lambda: _forget_limits(servers))
    assert not found.wrong, "\n".join(found.wrong)
    assert all(page.path.startswith(FIRST) for page in found.pages)
    return found.pages


def test_every_kind_of_page_is_there(pages: list[Reached]) -> None:
    """Chain, block, transaction, provenance, accounts, account, oath, answer and certificate."""
    kinds = {re.sub(r"^/explorer/|[*?].*$", "", page.shape) for page in pages}
    assert kinds >= {
        *("", "chain", "chain/blocks/", "chain/transactions/", "accounts", "accounts/", "oaths/"),
        *("answers/job_", "certificates/job_"),
    }


def test_pages_look_right_and_are_reached_by_keyboard(
    visitor: Watched, pages: list[Reached], servers: EmbeddedServers
) -> None:
    """Axe finds no serious fault in either theme; nothing scrolls sideways at 360 pixels; Tab comes to everything."""
    wrong = looks(visitor, pages, lambda: _forget_limits(servers))
    for page in pages:
        _forget_limits(servers)
        visitor.go(page.path)
        wrong += [f"{page.path}: {one}" for one in tabbed(visitor)]
    assert not wrong, "\n".join(wrong)


def test_a_stranger_asks_by_keys_alone(visitor: Watched, hashes: list[str], servers: EmbeddedServers) -> None:
    """From the first page to an answer, its certificate, the sender's account and a search, without a mouse."""
    _forget_limits(servers)
    page = visitor.page
    visitor.go(FIRST)
    visitor.tab_to("#transaction")
    page.keyboard.type(hashes[1])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(ANSWER))
    visitor.tab_to("main form button")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/certificates/"))
    page.go_back()
    visitor.tab_to("main a[href*='/accounts/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/explorer/accounts/0x*")
    visitor.go("/explorer/chain")
    visitor.tab_to("#q")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/explorer/chain/blocks/1")
    assert page.locator("h1").inner_text() == "Block 1" and not visitor.forget()


def test_errors_of_the_forms(visitor: Watched, servers: EmbeddedServers) -> None:
    """What is no hash, what is on no chain, what nothing has as its name, and who asks too often: each is an alert."""
    for text, said in (
        ("hello", "named by its hash"),
        (MARKUP, "named by its hash"),
        ("🦀" * 100, "named by its hash"),
        ("0x" + "ab" * 32, "No such transaction"),
    ):
        _forget_limits(servers)
        visitor.go(FIRST)
        visitor.submit("form.stacked", "Ask", transaction=text)
        assert said in visitor.alert() and visitor.elements_of_markup() == 0
        assert visitor.page.input_value("#transaction") == text and not visitor.faults()
    for at, button in (("chain", "Find"), ("accounts", "Look")):
        for text, said in (("999", "ends at height"), (MARKUP, "neither a height"), ("0x12", "2 hex digits")):
            visitor.go(f"/explorer/{at}")
            visitor.submit("main form", button, q=text)
            assert said in visitor.alert() and visitor.elements_of_markup() == 0
    _forget_limits(servers)
    for _ in range(QUESTIONS[0].amount + 1):
        visitor.go(FIRST)
        visitor.submit("form.stacked", "Ask", transaction="x")
        said = visitor.alert()
    assert "too often" in said and not visitor.faults()
    _forget_limits(servers)
    assert visitor.go("/explorer/oaths/0x12") == 404 and "named by its hash" in visitor.alert()


def _forget_limits(servers: EmbeddedServers) -> None:
    """One looks at more pages in these tests than an address may in a minute."""
    with redis.Redis.from_url(servers.redis_url) as counts:
        counts.flushall()


def _path(visitor: Watched) -> str:
    return visitor.page.url.removeprefix(visitor.url)
