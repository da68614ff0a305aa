"""Every page that a role reaches from the navigation, over a database full of markup."""

import re
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser

from accountant.dashboard.navigation import PLACES
from accountant.storage.admins import Role
from benchmarks.dashboard_pages import shape_of
from tests.support.chromium import NARROW, WIDE, Watched, tab
from tests.support.hostile_database import MARKUP

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
THEMES = ("light", "dark")
_EACH = 1
"""Pages that differ only in what they are about: so many of each are looked at, by the owner."""


class Reached(NamedTuple):
    """A page that a role came to."""

    path: str
    shape: str
    """The path without what it is about."""


class Crawled(NamedTuple):
    """Where a role came, and what was wrong there."""

    pages: list[Reached]
    wrong: list[str]
    marked: int
    """Pages that show markup as text."""


def crawl(watched: Watched, role: Role, each: int = 1) -> Crawled:
    """Looks at every page that links lead to from the navigation, some of each shape."""
    ahead = [place.path for place in PLACES if place.role <= role] + ["/account"]
    seen, times, marked = set(ahead), dict[str, int](), 0
    pages, wrong = list[Reached](), list[str]()
    while ahead:
        page = Reached(ahead[0], shape_of(ahead.pop(0)))
        times[page.shape] = times.get(page.shape, 0) + 1
        if times[page.shape] > each:
            continue
        status = watched.go(page.path)
        if status == HTTPStatus.OK:
            pages.append(page)
        else:
            wrong.append(f"{page.path}: answers {status}")
        wrong += [f"{page.path}: {what}" for what in watched.forget()]
        if watched.elements_of_markup():
            wrong.append(f"{page.path}: stored markup became elements")
        marked += watched.shows_markup()
        for link in watched.links():
            if link not in seen:
                seen.add(link)
                ahead.append(link)
    return Crawled(pages, wrong, marked)


@pytest.fixture(scope="module")
def crawled(owner: Watched) -> Crawled:
    """Where the owner comes."""
    return crawl(owner, Role.OWNER, _EACH)


@pytest.fixture(scope="module")
def owners_pages(crawled: Crawled) -> list[Reached]:
    """The places of the navigation, one's account, and the first job, transaction and account that links lead to."""
    wanted = {place.path for place in PLACES} | {"/account", "/jobs/job_*", "/chain/transactions/*", "/accounts/*"}
    of_each = {page.shape: page for page in reversed(crawled.pages)}
    return [page for page in list(of_each.values())[::-1] if page.shape in wanted]


def test_owners_reach_every_place_and_markup_stays_text(crawled: Crawled) -> None:
    """No console error, no violation of the policy, no dialog, no request to elsewhere; stored markup is no element."""
    assert not crawled.wrong, "\n".join(crawled.wrong)
    assert {place.path for place in PLACES} <= {page.path for page in crawled.pages}
    assert crawled.marked >= 3, "hardly a page shows what the database is full of"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_other_roles_reach_what_is_theirs(role: Role, browser: Browser, site: str) -> None:
    """Viewers, who may do least, are shown no link that they may not follow; places are for those with the role."""
    with tab(browser, site) as watched:
        watched.sign_in(role.word)
        wrong = crawl(watched, role).wrong if role is Role.VIEWER else []
        assert not wrong, "\n".join(wrong)
        for place in PLACES:
            if place.role > role:
                assert watched.go(place.path) == HTTPStatus.FORBIDDEN
                assert watched.page.get_by_role("alert").count() == 1


def test_each_page_at_two_widths_and_in_two_themes(owner: Watched, owners_pages: list[Reached]) -> None:
    """Axe finds no serious fault in either theme; nothing scrolls sideways at 360 pixels. Pictures are kept."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    wrong = []
    for page in owners_pages:
        for theme in THEMES:
            owner.look(WIDE, theme)
            owner.go(page.path)
            wrong += [f"{page.path} in {theme}: {fault}" for fault in owner.faults()]
            _picture(owner, page, WIDE, theme)
            owner.undraw()
            owner.look(NARROW, theme)
            owner.settle()
            if owner.too_wide():
                wrong.append(f"{page.path} is {owner.too_wide()} pixels too wide")
            _picture(owner, page, NARROW, theme)
    owner.look(WIDE, "light")
    wrong += owner.forget()
    assert not wrong, "\n".join(wrong)


def test_the_keyboard_reaches_everything_and_one_sees_where_it_is(owner: Watched, owners_pages: list[Reached]) -> None:
    """Tab comes to each control of each page, the first time to the link over the navigation; each shows its focus."""
    wrong = []
    for page in owners_pages:
        owner.go(page.path)
        missed, unseen, first = tabbed(owner)
        wrong += [f"{page.path}: Tab does not come to {one}" for one in missed]
        wrong += [f"{page.path}: one does not see the focus on {one}" for one in unseen]
        if "skip" not in first:
            wrong.append(f"{page.path}: Tab comes first to {first}")
    assert not wrong, "\n".join(wrong)


def test_forms_that_ask_take_anything(owner: Watched, owners_pages: list[Reached]) -> None:
    """Whatever is typed into a form that asks, the page answers, says so where it is wrong, and markup stays text."""
    for page in owners_pages:
        owner.go(page.path)
        count = owner.page.locator("main form[method=get], main form:not([method])").count()
        for at in range(count):
            for text in (MARKUP, "0x12", "-1", "🦀" * 300):
                owner.go(page.path)
                form = owner.page.locator("main form[method=get], main form:not([method])").nth(at)
                for field in form.locator("input:not([type=hidden]):not([type=checkbox]):not([type=radio])").all():
                    field.evaluate("(field, text) => { field.value = text; }", text)
                with owner.page.expect_navigation():
                    form.evaluate("form => { form.noValidate = true; form.requestSubmit(); }")
                assert owner.elements_of_markup() == 0
                assert owner.page.locator("h1").inner_text() != "Internal Server Error", (page, text)
                _only_refusals(owner)


def test_forged_forms_are_refused_aloud(owner: Watched, owners_pages: list[Reached]) -> None:
    """Each form that changes something is refused without its token, and the refusal is an alert."""
    for page in owners_pages:
        owner.go(page.path)
        for at in range(owner.page.locator("form:has(input[name=csrf])").count()):
            owner.go(page.path)
            form = owner.page.locator("form:has(input[name=csrf])").nth(at)
            with owner.page.expect_navigation():
                form.evaluate(
                    "form => { form.elements.csrf.value = 'x'; HTMLFormElement.prototype.submit.call(form); }"
                )
            assert owner.page.locator("h1").inner_text() == "Forbidden", page
            assert "token" in owner.page.get_by_role("alert").inner_text()
            _only_refusals(owner)
            if at >= _EACH:
                break


def tabbed(watched: Watched) -> tuple[list[str], list[str], str]:
    """What Tab does not come to, what shows no focus when it does, and what it comes to first."""
    watched.page.evaluate(_WATCH_FOCUS)
    count: int = watched.page.evaluate("() => window.ahead.size")
    for _ in range(count + 2):
        watched.page.keyboard.press("Tab")
    found: tuple[list[str], list[str], str] = watched.page.evaluate("() => [[...ahead].map(named), unseen, first]")
    return found


_WATCH_FOCUS = """() => {
  const all = document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]');
  window.named = (one) => one.outerHTML.slice(0, 120);
  window.ahead = new Set([...all].filter(
    (one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true })));
  window.unseen = [];
  window.first = '';
  document.addEventListener('htmx:sseBeforeMessage', (event) => event.preventDefault());  // the page stays as it is
  document.activeElement.blur();
  document.addEventListener('focusin', ({ target }) => {
    window.first ||= named(target);
    window.ahead.delete(target);
    const { outlineStyle, outlineWidth } = getComputedStyle(target);
    const box = target.getBoundingClientRect();
    if (outlineStyle === 'none' || !parseFloat(outlineWidth) || !box.width || !box.height) unseen.push(named(target));
  });
}"""


def _picture(watched: Watched, page: Reached, width: int, theme: str) -> None:
    name = re.sub(r"[^a-z0-9]+", "-", page.shape.replace("*", "one").lower()).strip("-") or "home"
    watched.page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{theme}.png", full_page=True)


def _only_refusals(watched: Watched) -> None:
    """The browser logs each answer of 4xx to the console by itself."""
    seen = [one for one in watched.forget() if "Failed to load resource" not in one or "status of 5" in one]
    assert not seen, seen
