"""Signing in, the menu and forms by keyboard, what forms say when something is wrong, and that the watch watches."""

import hashlib
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.chromium import AXE, NARROW, WIDE, Watched, tab
from tests.support.dashboard import PASSWORD

LOGIN = "The name, the password or the code is wrong."


def test_one_enters_and_leaves_by_keyboard(stranger: Watched) -> None:
    """The form has the focus; Enter sends it; a wrong password is said; the skip link goes over the navigation; signing
    out is a button."""
    page = stranger.page
    stranger.go("/")
    assert page.url.endswith("/login?next=/")
    page.keyboard.type("owner")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert stranger.alert() == LOGIN
    assert page.input_value("#name") == "owner" and page.input_value("#password") == ""
    page.focus("#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(stranger.url + "/")
    stranger.go("/account")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    assert stranger.forget() == []


def test_the_menu_of_a_narrow_screen(owner: Watched) -> None:
    """Closed at first; Enter opens and closes it and says so; its links are reached only while it is open."""
    page = owner.page
    owner.look(NARROW, "light")
    owner.go("/account")
    menu = page.get_by_role("button", name="Menu")
    assert menu.get_attribute("aria-expanded") == "false" and not page.locator("#places").is_visible()
    menu.focus()
    page.keyboard.press("Enter")
    assert menu.get_attribute("aria-expanded") == "true" and page.locator("#places").is_visible()
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.closest('#places') !== null"):
            break
    else:
        pytest.fail("Tab does not come from the menu to its links")
    menu.focus()
    page.keyboard.press("Enter")
    assert menu.get_attribute("aria-expanded") == "false" and not page.locator("#places").is_visible()
    owner.look(WIDE, "light")


def test_a_theme_is_kept(owner: Watched) -> None:
    """Whatever the system says."""
    page = owner.page
    owner.go("/account")
    grounds = []
    for theme in ("dark", "light"):
        with page.expect_navigation():
            page.select_option("#theme", theme)
        owner.go("/settings")
        grounds.append(page.evaluate("() => getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(22, 23, 22)", "rgb(251, 251, 250)"]
    with page.expect_navigation():
        page.select_option("#theme", "auto")


def test_errors_of_ones_own_account(owner: Watched) -> None:
    """Two passwords that differ, a wrong one, a short one, a code that is none: each is an alert."""
    owner.go("/account")
    form = "form[action='/account/password']"
    for fields, said in (
        ({"old": PASSWORD, "password": "another password", "again": "a third password"}, "differ"),
        ({"old": "wrong", "password": "another password", "again": "another password"}, "another one"),
        ({"old": PASSWORD, "password": "short", "again": "short"}, "characters"),
    ):
        owner.submit(form, "Change it", **fields)
        assert said in owner.alert()
    with owner.page.expect_navigation():
        owner.page.get_by_role("button", name="Set up codes").click()
    assert owner.page.locator(".qr svg").is_visible() and not owner.faults()
    owner.submit("form:has(#code)", "Want codes", code="none")
    assert owner.alert()


def test_errors_about_users(owner: Watched, browser: Browser) -> None:
    """The last owner stays; a link with two passwords that differ is still good, and gone once it is used."""
    owner.go("/users")
    row = owner.page.locator("tr", has=owner.page.get_by_role("rowheader", name="owner", exact=True))
    with owner.page.expect_navigation():
        row.get_by_role("button", name="Keep out").click()
    assert "owner" in owner.alert()
    owner.submit("form[action='/users/invite']", "Make a link")
    link = owner.page.get_by_role("status").locator("code").inner_text()
    with tab(browser, owner.url) as guest:
        guest.go(link.removeprefix(owner.url))
        assert not guest.faults()
        guest.submit("main form", "Go on", name="guest", password=PASSWORD, again="another password")
        assert "differ" in guest.alert()
        guest.submit("main form", "Go on", name="NOT A NAME", password=PASSWORD, again=PASSWORD)
        assert guest.alert()
        guest.submit("main form", "Go on", name="guest", password=PASSWORD, again=PASSWORD)
        assert guest.page.url == guest.url + "/"
        guest.forget()
        assert guest.go(link.removeprefix(owner.url)) == 410
        assert guest.alert()


def test_pages_that_are_not_there(owner: Watched, stranger: Watched) -> None:
    """Say so aloud, have no fault, and fit a narrow screen."""
    for watched in (owner, stranger):
        assert watched.go("/no/such/page") == 404
        assert watched.alert()
        assert not watched.faults()
        watched.look(NARROW, "dark")
        assert watched.too_wide() == 0
        watched.look(WIDE, "light")


def test_what_would_be_wrong_is_noticed(stranger: Watched) -> None:
    """Inline scripts and styles, requests to elsewhere, dialogs, exceptions, pictures without words, wide pages: the
    watch that the other tests rely on sees each."""
    page = stranger.page
    stranger.go("/login")
    assert stranger.forget() == [] and not stranger.faults() and not stranger.too_wide()
    for script, sign in (
        (
            "const s = document.createElement('script'); s.text = 'window.ran = 1'; document.body.append(s);",
            "script-src",
        ),
        (
            "document.body.append(Object.assign(document.createElement('div'), {innerHTML: '<p style=top:0>'}));",
            "style-src",
        ),
        ("fetch('https://elsewhere.example/').catch(() => {});", "elsewhere.example"),
        ("alert('hello');", "a dialog: hello"),
        ("setTimeout(() => { throw new Error('late'); });", "late"),
        ("location.href = 'http://elsewhere.example/';", "elsewhere.example"),
    ):
        page.evaluate(f"() => {{ {script} }}")
        assert _is_seen(stranger, sign), script
        assert "location" in script or page.evaluate("() => window.ran") is None
    page.wait_for_timeout(500)  # until the page that could not be loaded is there
    stranger.go("/login")
    page.evaluate("() => { const i = new Image(); i.id = 'hurt'; i.width = 5000; document.body.append(i); }")
    assert any("image-alt" in fault for fault in stranger.faults())
    assert stranger.too_wide() > 3_000 and stranger.elements_of_markup() == 1


def _is_seen(watched: Watched, sign: str) -> bool:
    """Whether something with this sign is seen, within five seconds."""
    for _ in range(50):
        watched.page.wait_for_timeout(100)
        if any(sign in one for one in watched.forget()):
            return True
    return False


def test_vendored_files_are_the_published_ones() -> None:
    """What others wrote is here byte for byte as it was published, with its licence."""
    folder = AXE.parent
    lines = (line.split() for line in Path(folder / "SHA256SUMS").read_text().splitlines())
    sums = {name: digest for digest, name in lines}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert {name: digest for name, digest in found.items() if name != "SHA256SUMS"} == sums
    assert {AXE.name, "axe-LICENSE.txt"} <= sums.keys()
