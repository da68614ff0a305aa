"""What somebody does who never saw the dashboard, and what an operator does without a mouse."""

import time

import pytest
from playwright.sync_api import Page

from tests.support.chromium import NARROW, WIDE, Watched
from tests.support.dashboard import PASSWORD
from tests.support.hostile_database import HOSTILE, MARKUP

_MINUTE_S = 60


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_which_contract_made_yesterdays_answers_slow(owner: Watched, width: int) -> None:
    """Two links from the home page, each of which says so; then the contract's transactions of yesterday."""
    page = owner.page
    owner.look(width, "light")
    begun = time.monotonic()
    owner.go("/")
    link = page.get_by_role("link", name="Why answers were slow yesterday")
    assert _in_view(page, "Why answers were slow yesterday"), "one has to look for it"
    link.click()
    assert page.get_by_role("heading", name="Why answers were slow").count() == 1
    assert page.locator(".spans [aria-current]").inner_text() == "yesterday"
    contracts = page.get_by_role("region", name="Dearest contracts")
    contracts.get_by_role("row").nth(1).get_by_role("link").click()
    assert page.get_by_role("heading", name="Gas of a contract").count() == 1
    assert page.get_by_text("0x" + HOSTILE.hex()).count()
    assert page.locator(".spans [aria-current]").inner_text() == "yesterday"
    assert page.get_by_role("region", name="Transactions").get_by_role("link").count() > 0
    assert time.monotonic() - begun < _MINUTE_S
    page.get_by_role("link", name="its functions and balances").click()
    assert MARKUP in page.get_by_role("region", name="Functions").inner_text()
    owner.look(WIDE, "light")
    assert not owner.forget()


def test_an_operator_works_by_keys_alone(stranger: Watched) -> None:
    """Signs in, opens the menu of a narrow screen, searches the chain, tries a failed job anew, undoes that, leaves."""
    page = stranger.page
    stranger.look(NARROW, "light")
    stranger.go("/")
    page.keyboard.type("operator")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(stranger.url + "/")
    _by_menu(stranger, "/chain")
    stranger.tab_to("#q")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/chain/blocks/1")
    _by_menu(stranger, "/jobs")
    stranger.tab_to("#state")
    page.keyboard.type("failed")
    stranger.tab_to("main form button")
    page.keyboard.press("Enter")
    page.wait_for_url("**state=failed*")
    stranger.tab_to("#list a[href^='/jobs/job_'], main a[href^='/jobs/job_']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/job_*")
    stranger.tab_to("form[action$='/retry'] button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(".figure", has_text="State").locator("dd").inner_text().startswith("queued")
    _by_menu(stranger, "/actions")
    stranger.tab_to("main form[action*='undo'] button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.get_by_role("alert").count() == 0
    stranger.tab_to(".menu")
    page.keyboard.press("Enter")
    stranger.tab_to("form[action='/logout'] button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    assert not stranger.forget()


def _by_menu(watched: Watched, path: str) -> None:
    watched.tab_to(".menu")
    watched.page.keyboard.press("Enter")
    watched.tab_to(f"#places a[href='{path}']")
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_url(watched.url + path)


def _in_view(page: Page, name: str) -> bool:
    """Whether a link is seen without scrolling."""
    box = page.get_by_role("link", name=name).bounding_box()
    size = page.viewport_size
    assert box is not None and size is not None
    return box["y"] + box["height"] <= size["height"]
