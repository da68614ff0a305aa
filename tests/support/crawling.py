"""Pages that links lead to, how they look at two widths and in two themes, and what the keyboard reaches on them."""

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from benchmarks.dashboard_pages import shape_of
from tests.support.chromium import NARROW, WIDE, Watched

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"


class Reached(NamedTuple):
    """A page that somebody came to."""

    path: str
    shape: str
    """The path without what it is about."""


class Crawled(NamedTuple):
    """Where somebody came, and what was wrong there."""

    pages: list[Reached]
    wrong: list[str]
    marks: set[str]
    """The columns whose markup was there as text."""


def crawl(watched: Watched, begin: Iterable[str], each: int = 1, before: Callable[[], object] = bool) -> Crawled:
    """Looks at every page that links lead to, `each` of a shape, after doing what comes `before` a page."""
    ahead = list(begin)
    seen, times, marks = set(ahead), dict[str, int](), set[str]()
    pages, wrong = list[Reached](), list[str]()
    while ahead:
        page = Reached(ahead[0], shape_of(ahead.pop(0)))
        times[page.shape] = times.get(page.shape, 0) + 1
        if times[page.shape] > each:
            continue
        before()
        status = watched.go(page.path)
        if status == HTTPStatus.OK:
            pages.append(page)
        else:
            wrong.append(f"{page.path}: answers {status}")
        wrong += [f"{page.path}: {what}" for what in watched.forget()]
        if watched.elements_of_markup():
            wrong.append(f"{page.path}: stored markup became elements")
        marks |= watched.marks()
        for link in watched.links():
            if link not in seen and "%3C" not in link:  # where markup is the name of something, nothing has it
                seen.add(link)
                ahead.append(link)
    return Crawled(pages, wrong, marks)


def looks(watched: Watched, pages: Iterable[Reached], before: Callable[[], object] = bool) -> list[str]:
    """What is wrong with the looks of pages. Pictures at two widths and in two themes are kept."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    wrong = []
    for page in pages:
        before()
        watched.look(WIDE, "light")
        watched.go(page.path)
        wrong += [f"{page.path}: {fault}" for fault in watched.faults()]
        _picture(watched, page, WIDE, "light")
        watched.look(WIDE, "dark")
        watched.draw_again()
        wrong += [f"{page.path} in the dark: {fault}" for fault in watched.faults("color-contrast")]
        _picture(watched, page, WIDE, "dark")
        watched.undraw()
        watched.look(NARROW, "dark")
        watched.settle()
        for theme in ("dark", "light"):
            if theme == "light":
                watched.look(NARROW, theme)
                watched.draw_again()
            wrong += [f"{page.path}: the caption {caption!r} is cut" for caption in watched.cut_captions()]
            if watched.too_wide():
                wrong.append(f"{page.path} is {watched.too_wide()} pixels too wide")
            _picture(watched, page, NARROW, theme)
    watched.look(WIDE, "light")
    return wrong + watched.forget()


def tabbed(watched: Watched) -> list[str]:
    """What is wrong with Tab on the page: controls it does not come to, or shows no focus on, or a wrong first one."""
    watched.page.evaluate(_WATCH_FOCUS)
    count: int = watched.page.evaluate("() => window.ahead.size")
    for _ in range(count + 2):
        watched.page.keyboard.press("Tab")
    missed, unseen, first = watched.page.evaluate("() => [[...ahead].map(named), unseen, first]")
    wrong = [f"Tab does not come to {one}" for one in missed] + [
        f"one does not see the focus on {one}" for one in unseen
    ]
    return wrong if "skip" in first else [*wrong, f"Tab comes first to {first}"]


def _picture(watched: Watched, page: Reached, width: int, theme: str) -> None:
    name = re.sub(r"[^a-z0-9]+", "-", page.shape.replace("*", "one").lower()).strip("-") or "home"
    watched.page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{theme}.png", full_page=True)


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
