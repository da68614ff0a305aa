"""Every page that a role reaches from the navigation, over a database full of markup."""

import re
from collections.abc import Iterator
from html import unescape
from http import HTTPStatus

import pytest
from playwright.sync_api import Browser

from accountant.dashboard.navigation import PLACES
from accountant.storage.admins import Role
from accountant.storage.database import engine_of
from benchmarks.dashboard_pages import shape_of
from tests.support.chromium import Watched, tab
from tests.support.crawling import Crawled, Reached, crawl, looks, tabbed
from tests.support.hostile_database import MARKUP, free_columns

_EACH = 1
"""Pages that differ only in what they are about: so many of each are looked at, by the owner."""
NOT_SHOWN = {
    *("admin_logins.name", "admin_logins.address", "idempotent_answers.location"),
    *("bounties.reason", "bounties.detail"),
    "beats.figures",  # of which numbers alone are read
    "jobs.repeated_by",  # a job's id, shortened
    *("jobs.traceparent", "executions.traceparent", "signed_transactions.traceparent"),  # a job's, its second part
}
"""Free texts that no page shows, or none as they are."""


@pytest.fixture(scope="module")
def crawled(browser: Browser, site: str) -> Iterator[Crawled]:
    """Where the owner comes, whose browser has markup for its name."""
    with tab(browser, site, user_agent=f"{MARKUP}admin_sessions.agent") as opened:
        opened.sign_in("owner")
        yield crawl(opened, [*(place.path for place in PLACES), "/account"], _EACH)


@pytest.fixture(scope="module")
def owners_pages(crawled: Crawled) -> list[Reached]:
    """The places of the navigation, one's account, and the first job, transaction and account that links lead to."""
    wanted = {place.path for place in PLACES} | {"/account", "/jobs/job_*", "/chain/transactions/*", "/accounts/*"}
    wanted |= {"/networks/trainings/*", "/series/*?span=*"}
    of_each = {page.shape: page for page in reversed(crawled.pages)}
    return [page for page in list(of_each.values())[::-1] if page.shape in wanted]


def test_owners_reach_every_place_and_markup_stays_text(crawled: Crawled, module_database_url: str) -> None:
    """No console error, no violation of the policy, no dialog, no request to elsewhere; stored markup is no element.
    Each column that any text fits in is shown somewhere, as text.
    """
    assert not crawled.wrong, "\n".join(crawled.wrong)
    assert {place.path for place in PLACES} <= {page.path for page in crawled.pages}
    engine = engine_of(module_database_url)
    with engine.connect() as connection:
        free = free_columns(connection)
    engine.dispose()
    assert free - crawled.marks == NOT_SHOWN


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_other_roles_reach_what_is_theirs(role: Role, browser: Browser, site: str, crawled: Crawled) -> None:
    """No role is shown a link that it may not follow, on any page that is its; places are for those with the role."""
    with tab(browser, site) as watched:
        watched.sign_in(role.word)
        ask = watched.page.context.request
        seen = dict[str, int]()
        for page in crawled.pages:
            answer = ask.get(site + page.path, max_redirects=0)
            assert answer.status in (HTTPStatus.OK, HTTPStatus.FORBIDDEN), page
            if answer.status == HTTPStatus.FORBIDDEN:
                assert 'role="alert"' in answer.text()
                continue
            links = {unescape(link) for link in re.findall(r'href="(/[^"#]*)', answer.text())}
            for link in {shape_of(one): one for one in links if "%3C" not in one}.values():
                if link not in seen:
                    seen[link] = ask.get(site + link).status
                assert seen[link] == HTTPStatus.OK, (page, link)
        for place in PLACES:
            if place.role > role:
                assert watched.go(place.path) == HTTPStatus.FORBIDDEN
                assert watched.page.get_by_role("alert").count() == 1


def test_each_page_at_two_widths_and_in_two_themes(owner: Watched, owners_pages: list[Reached]) -> None:
    """Axe finds no serious fault in either theme; nothing scrolls sideways at 360 pixels. Pictures are kept."""
    wrong = looks(owner, owners_pages)
    assert not wrong, "\n".join(wrong)


def test_the_keyboard_reaches_everything_and_one_sees_where_it_is(owner: Watched, owners_pages: list[Reached]) -> None:
    """Tab comes to each control of each page, the first time to the link over the navigation; each shows its focus."""
    wrong = []
    for page in owners_pages:
        owner.go(page.path)
        wrong += [f"{page.path}: {one}" for one in tabbed(owner)]
    assert not wrong, "\n".join(wrong)


def test_forms_that_ask_take_anything(owner: Watched, owners_pages: list[Reached]) -> None:
    """Whatever is typed into a form that asks, the page answers, says so where it is wrong, and markup stays text."""
    for page, form in _forms(owner, owners_pages, asks=True):
        for text in (MARKUP, "0x12", "-1", "🦀" * 300):
            owner.go(page.path)
            place = owner.page.locator(form).first
            for field in place.locator("input:not([type=hidden]):not([type=checkbox]):not([type=radio])").all():
                field.evaluate("(field, text) => { field.value = text; }", text)
            with owner.page.expect_navigation():
                place.evaluate("form => { form.noValidate = true; form.requestSubmit(); }")
            assert owner.elements_of_markup() == 0
            assert owner.page.locator("h1").inner_text() != "Internal Server Error", (page, text)
            _only_refusals(owner)


def test_forged_forms_are_refused_aloud(owner: Watched, owners_pages: list[Reached]) -> None:
    """Each form that changes something is refused without its token, and the refusal is an alert."""
    for page, form in _forms(owner, owners_pages, asks=False):
        owner.go(page.path)
        with owner.page.expect_navigation():
            owner.page.locator(form).first.evaluate(
                "form => { form.elements.csrf.value = 'x'; HTMLFormElement.prototype.submit.call(form); }"
            )
        assert owner.page.locator("h1").inner_text() == "Forbidden", page
        assert "token" in owner.page.get_by_role("alert").inner_text()
        _only_refusals(owner)


def _forms(owner: Watched, pages: list[Reached], asks: bool) -> list[tuple[Reached, str]]:
    """A page with each form that asks, or that changes something, and where to find it there. Forms that are sent to
    places of one kind are one form.
    """
    found = dict[str, tuple[Reached, str]]()
    for page in pages:
        text = owner.page.context.request.get(owner.url + page.path).text()
        for attributes, inside in re.findall(r"<form([^>]*)>(.*?)</form>", text, re.DOTALL):
            action = re.search(r'action="([^"]*)"', attributes)
            if asks != ('method="post"' in attributes) and (asks or 'name="csrf"' in inside):
                place = f'form[action="{action[1]}"]' if action else "main form:not([action])"
                found.setdefault(shape_of(action[1] if action else page.path), (page, place))
    assert found
    return list(found.values())


def _only_refusals(watched: Watched) -> None:
    """The browser logs each answer of 4xx to the console by itself."""
    seen = [one for one in watched.forget() if "Failed to load resource" not in one or "status of 5" in one]
    assert not seen, seen
