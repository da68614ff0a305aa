"""Chromium over Playwright: pages that note whatever they must not do, and what tests ask of them."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, Route, sync_playwright

from tests.support.dashboard import PASSWORD
from tests.support.hostile_database import MARKED

CHROMIUM = shutil.which("chromium")
NO_CHROMIUM = "there is no chromium; `make test` as root installs Debian's"
AXE = Path(__file__).parents[1] / "browser" / "vendor" / "axe-4.14.1.min.js"
SERIOUS = ("serious", "critical")
WIDE, NARROW = 1280, 360
_HEIGHT = 900
_TABS_MOST = 200


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window. Meanwhile no event loop can be started in this thread."""
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.getuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


class Watched(NamedTuple):
    """A tab, and what was seen that must not be: errors in the console, dialogs, requests to elsewhere."""

    page: Page
    url: str
    seen: list[str]

    def go(self, path: str) -> int:
        """Goes to a page of ours and waits until its charts are drawn; the status that it answered with."""
        answer = self.page.goto(self.url + path, wait_until="load")
        assert answer is not None
        self.settle()
        return answer.status

    def settle(self) -> None:
        """Waits for charts."""
        self.page.wait_for_function("() => !document.querySelector('.chart[data-series]:not([data-drawn])')")

    def undraw(self) -> None:
        """Forgets that charts are drawn, so that `settle` waits until they are drawn for another width."""
        self.page.evaluate("() => document.querySelectorAll('.chart').forEach((chart) => delete chart.dataset.drawn)")

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        """By the form."""
        self.go("/login?next=/account")
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("main button[type=submit]")
        self.page.wait_for_url("**/account")

    def forget(self) -> list[str]:
        """What was seen that must not be; it is forgotten."""
        seen = list(self.seen)
        self.seen.clear()
        return seen

    def draw_again(self) -> None:
        """Charts in the colours of now; nothing where there are none."""
        if self.page.locator(".chart[data-series]").count():
            self.page.evaluate(
                "() => { document.querySelectorAll('.chart').forEach((one) => { delete one.dataset.drawn; });"
                " document.dispatchEvent(new Event('charts:again')); }"
            )
            self.settle()

    def faults(self, *rules: str) -> list[str]:
        """What axe finds serious or critical by these rules, or by all, each with the first elements that have it."""
        self.page.evaluate(f"() => {{ if (!window.axe) {{ {_axe()} }} }}")
        only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
        found = self.page.evaluate(
            "(given) => axe.run(document, {resultTypes: ['violations'], elementRef: false, ...given})"
            ".then(done => done.violations)",
            only,
        )
        return [
            f"{one['id']}: {[node['target'] for node in one['nodes'][:3]]} {one['nodes'][0]['failureSummary']}"
            for one in found
            if one["impact"] in SERIOUS
        ]

    def elements_of_markup(self) -> int:
        """How many elements stored markup has become."""
        found: int = self.page.evaluate(
            "id => document.querySelectorAll(`#${id}, [onerror], [onclick], a[href^='javascript:' i]`).length", MARKED
        )
        return found

    def marks(self) -> set[str]:
        """The columns whose markup is on the page as text, or in a title or a field."""
        found: str = self.page.evaluate("() => document.documentElement.outerHTML")
        return set(_MARK.findall(found))

    def too_wide(self) -> int:
        """By how many pixels the page scrolls sideways."""
        found: int = self.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        return max(0, found)

    def cut_captions(self) -> list[str]:
        """Captions of tables that one has to scroll to read to their ends."""
        found: list[str] = self.page.evaluate(_CUT)
        return found

    def look(self, width: int, theme: str) -> None:
        """Another width and theme, with charts in its colours."""
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
        self.page.set_viewport_size({"width": width, "height": _HEIGHT})

    def alert(self) -> str:
        """What a screen reader is told at once. The browser's own line about a refusal is forgotten."""
        text: str = self.page.get_by_role("alert").inner_text()
        seen = [one for one in self.forget() if "Failed to load resource" not in one]
        assert not seen, seen
        return text

    def submit(self, form: str, button: str, **fields: str) -> None:
        """Fills a form and sends it whatever the browser thinks of it."""
        place = self.page.locator(form).first
        for name, text in fields.items():
            place.locator(f"[name={name}]").fill(text)
        place.evaluate("form => { form.noValidate = true; }")
        with self.page.expect_navigation():
            place.get_by_role("button", name=button).first.click()

    def tab_to(self, selector: str) -> None:
        """Presses Tab until something of this kind has the focus."""
        for _ in range(_TABS_MOST):
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not come to {selector}")

    def links(self) -> list[str]:
        """Addresses of pages of ours that the page links to, without fragments."""
        found: list[str] = self.page.evaluate(
            "() => [...document.querySelectorAll('a[href]:not([download])')]"
            ".map(a => new URL(a.getAttribute('href'), document.baseURI).href)"
        )
        ours = (urlsplit(one) for one in found if one.startswith(self.url + "/"))
        return [one.path + (f"?{one.query}" if one.query else "") for one in ours]


@cache
def _axe() -> str:
    return AXE.read_text()


_CUT = """() => [...document.querySelectorAll('.scroll caption')].filter((caption) => {
  const text = document.createRange();
  text.selectNodeContents(caption);
  return text.getBoundingClientRect().right > caption.closest('.scroll').getBoundingClientRect().right + 1;
}).map((caption) => caption.textContent.slice(0, 60))"""

_MARK = re.compile(
    rf"<b id={MARKED}>([a-z_]+[.][a-z_]+)".replace("<", r"(?:<|&lt;|\\u003c)").replace(">", r"(?:>|&gt;|\\u003e)")
)
"""The end of what `hostile_database` writes into each field, in markup and in JSON."""


@contextmanager
def tab(browser: Browser, url: str, **options: object) -> Iterator[Watched]:
    """A tab with cookies of its own. Requests to other hosts are noted and go nowhere."""
    context = browser.new_context(viewport={"width": WIDE, "height": _HEIGHT}, **options)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    yield _watched(context, url)
    context.close()


def _watched(context: BrowserContext, url: str) -> Watched:
    seen: list[str] = []
    host = urlsplit(url).netloc

    def request(route: Route, request: Request) -> None:
        if urlsplit(request.url).netloc == host:
            route.continue_()
        else:
            seen.append(f"a request to {request.url}")
            route.abort()

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            seen.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def dialog(opened: Dialog) -> None:
        seen.append(f"a dialog: {opened.message}")
        opened.dismiss()

    context.route(re.compile("^https?:"), request)
    context.route_web_socket(re.compile(".*"), lambda socket: seen.append(f"a web socket to {socket.url}"))
    page = context.new_page()
    page.on("console", console)
    page.on("pageerror", lambda error: seen.append(f"an exception: {error}"))
    page.on("dialog", dialog)
    page.on("popup", lambda opened: seen.append(f"another window: {opened.url}"))
    return Watched(page, url, seen)
