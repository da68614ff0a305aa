"""Entering the dashboard: the first owner, passwords, codes, sessions, roles, forged forms, repeated tries."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from accountant.dashboard.render import STATIC
from accountant.dashboard.resources import COOKIE, DashboardResources
from accountant.dashboard.security import POLICY
from accountant.services.admin_access import NAME_TRIES, first_link
from accountant.storage.admin_tables import admin_actions, admin_logins, admin_sessions, admin_users
from accountant.storage.admins import Admins, Role
from tests.support.dashboard import PASSWORD, Visitor, add_user, dashboard

PAGES = ("/account", "/settings", "/actions", "/users")


@pytest.fixture
def resources(database_url: str) -> Iterator[DashboardResources]:
    """A dashboard without users."""
    with dashboard(database_url) as made:
        yield made


@pytest.fixture
def people(resources: DashboardResources) -> DashboardResources:
    """A dashboard with one user of each role."""
    for role in Role:
        add_user(resources.engine, role.word, role)
    return resources


def _signed_in(resources: DashboardResources, name: str) -> Visitor:
    visitor = Visitor(resources)
    assert visitor.sign_in(name).status_code == 303
    return visitor


def test_the_first_owner_comes_by_a_link_that_works_once(resources: DashboardResources) -> None:
    """The link makes one owner, signs it in, and is gone; a newer link replaces an older one."""
    old, new = first_link(resources.engine), first_link(resources.engine)
    assert old is not None and new is not None
    visitor = Visitor(resources)
    assert visitor.get(f"/welcome/{old}").status_code == 410
    assert visitor.get(f"/welcome/{new}").status_code == 200
    wrong = visitor.post(f"/welcome/{new}", name="Root", password=PASSWORD, again="another one")
    assert wrong.status_code == 422 and "differ" in wrong.text
    short = visitor.post(f"/welcome/{new}", name="root", password="short", again="short")
    assert short.status_code == 422 and "characters" in short.text
    done = visitor.post(f"/welcome/{new}", name="Root", password=PASSWORD, again=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert "root (owner)" in visitor.get("/account").text
    assert Visitor(resources).post(f"/welcome/{new}", name="b", password=PASSWORD, again=PASSWORD).status_code == 410
    assert first_link(resources.engine) is None


def test_pages_send_strangers_to_the_login_and_back(people: DashboardResources) -> None:
    """No page is shown without a session; the login goes on to the page that was asked for, and never elsewhere."""
    visitor = Visitor(people)
    for path in PAGES:
        answer = visitor.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
    for inside, to in (("/users", "/users"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil", "/")):
        data = {"name": "owner", "password": PASSWORD, "next": inside}
        assert Visitor(people).http.post("/login", data=data).headers["location"] == to
    part = visitor.http.get("/users", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/login?next=/users")


def test_wrong_logins_say_the_same_and_enter_nothing(people: DashboardResources) -> None:
    """Whether the name, the password, or the account is wrong is not told."""
    with people.engine.begin() as connection:
        Admins(connection).set_disabled(1, True)
    answers = [
        Visitor(people).sign_in(name, password)
        for name, password in (("owner", "wrong password"), ("nobody", PASSWORD), ("viewer", PASSWORD), ("", ""))
    ]
    assert {answer.status_code for answer in answers} == {401}
    said = {answer.text.split('role="alert">')[1].split("<")[0] for answer in answers}
    assert said == {"The name, the password or the code is wrong."}
    assert all("set-cookie" not in answer.headers for answer in answers)


def test_further_tries_wait_longer_and_longer(people: DashboardResources) -> None:
    """After some failures a try is not looked at, right or wrong, until some time has passed."""
    visitor = Visitor(people)
    for _ in range(NAME_TRIES):
        assert visitor.sign_in("owner", "wrong password").status_code == 401
    refused = visitor.sign_in("owner")
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
    _signed_in(people, "viewer")  # another name is not concerned
    with people.engine.begin() as connection:  # as if it were later
        connection.execute(sa.update(admin_logins).values(at=admin_logins.c.at - timedelta(seconds=30)))
    assert visitor.sign_in("owner").status_code == 303
    assert visitor.sign_in("owner", "wrong password").status_code == 401  # counted from the success on


def test_sessions_end(people: DashboardResources) -> None:
    """By signing out, by age, without use, from another session, and with a new password."""
    first, second = _signed_in(people, "owner"), _signed_in(people, "owner")
    assert first.post("/account/sessions", number="others").status_code == 303
    assert second.get("/account").status_code == 303
    assert first.get("/account").status_code == 200
    assert first.post("/logout").status_code == 303
    assert first.get("/account").status_code == 303
    for column, changed in (
        (admin_sessions.c.expires_at, admin_sessions.c.expires_at - timedelta(days=8)),
        (admin_sessions.c.seen_at, admin_sessions.c.seen_at - timedelta(hours=13)),
    ):
        visitor = _signed_in(people, "owner")
        with people.engine.begin() as connection:
            connection.execute(sa.update(admin_sessions).values({column: changed}))
        assert visitor.get("/account").status_code == 303
    here, elsewhere = _signed_in(people, "owner"), _signed_in(people, "owner")
    new = "another good password"
    assert here.post("/account/password", old="not it", password=new, again=new).status_code == 422
    assert here.post("/account/password", old=PASSWORD, password=new, again=new).status_code == 200
    assert elsewhere.get("/account").status_code == 303
    assert here.get("/account").status_code == 200
    assert Visitor(people).sign_in("owner", new).status_code == 303


def test_codes(people: DashboardResources) -> None:
    """Once a first code was right each login wants one, and takes each once."""
    visitor = _signed_in(people, "operator")
    offered = visitor.post("/account/codes", do="start").text
    secret = offered.split('name="secret" value="')[1].split('"')[0]
    totp = pyotp.TOTP(secret)
    assert visitor.post("/account/codes", do="confirm", secret=secret, code="000000").status_code in (303, 422)
    assert visitor.post("/account/codes", do="confirm", secret=secret, code=(code := totp.now())).status_code == 303
    assert Visitor(people).sign_in("operator").status_code == 401
    assert Visitor(people).sign_in("operator", code=code).status_code == 401  # taken when it was set up
    with people.engine.begin() as connection:
        connection.execute(sa.update(admin_users).values(totp_step=0))
    code = totp.now()
    assert Visitor(people).sign_in("operator", code=code).status_code == 303
    assert Visitor(people).sign_in("operator", code=code).status_code == 401


def test_roles(people: DashboardResources) -> None:
    """Viewers read, and only owners see and change who enters."""
    for name, status in (("viewer", 403), ("operator", 403), ("owner", 200)):
        visitor = _signed_in(people, name)
        assert visitor.get("/users").status_code == status
        assert visitor.get("/settings").status_code == 200
        assert ("/users" in visitor.get("/settings").text) == (name == "owner")
        assert visitor.post("/users/1", do="role", role="owner").status_code == (303 if name == "owner" else 403)


def test_the_last_owner_stays(people: DashboardResources) -> None:
    """Nobody can lock everybody out; and a changed role is undone from the audit log, once."""
    owner = _signed_in(people, "owner")
    with people.engine.connect() as connection:
        ids = {user.name: user.id for user in Admins(connection).users()}
    for fields in ({"do": "disable"}, {"do": "role", "role": "viewer"}):
        refused = owner.post(f"/users/{ids['owner']}", **fields)
        assert refused.status_code == 422 and "Somebody has to be owner" in refused.text
    assert owner.post(f"/users/{ids['viewer']}", do="role", role="operator").status_code == 303
    with people.engine.connect() as connection:
        (latest,) = Admins(connection).actions(limit=1)
    assert (latest.action, latest.target, latest.after) == ("user.role", "viewer", {"role": "operator"})
    viewer = _signed_in(people, "operator")
    assert viewer.post(f"/actions/{latest.number}/undo").status_code == 422
    assert owner.post(f"/actions/{latest.number}/undo").status_code == 303
    assert owner.post(f"/actions/{latest.number}/undo").status_code == 422
    with people.engine.connect() as connection:
        undone = Admins(connection).user("viewer")
    assert undone is not None and undone.role is Role.VIEWER
    assert owner.post(f"/users/{ids['viewer']}", do="disable").status_code == 303
    assert Visitor(people).sign_in("viewer").status_code == 401


def test_invitations(people: DashboardResources) -> None:
    """An owner's link makes a user of its role, or sets a user's new password and ends its sessions."""
    owner, viewer = _signed_in(people, "owner"), _signed_in(people, "viewer")
    link = owner.post("/users/invite", role="operator").text.split("/welcome/")[1].split("<")[0]
    taken = Visitor(people).post(f"/welcome/{link}", name="owner", password=PASSWORD, again=PASSWORD)
    assert taken.status_code == 422 and "already" in taken.text
    assert Visitor(people).post(f"/welcome/{link}", name="new", password=PASSWORD, again=PASSWORD).status_code == 303
    with people.engine.connect() as connection:
        made, old = Admins(connection).user("new"), Admins(connection).user("viewer")
    assert made is not None and made.role is Role.OPERATOR and old is not None
    link = owner.post(f"/users/{old.id}", do="link").text.split("/welcome/")[1].split("<")[0]
    other = "quite another password"
    assert Visitor(people).post(f"/welcome/{link}", name="", password=other, again=other).status_code == 303
    assert viewer.get("/account").status_code == 303
    assert Visitor(people).sign_in("viewer", other).status_code == 303


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/logout", {}),
        ("/account/password", {"old": PASSWORD, "password": "x" * 20, "again": "x" * 20}),
        ("/account/codes", {"do": "start"}),
        ("/account/sessions", {"number": "others"}),
        ("/users/invite", {"role": "owner"}),
        ("/users/1", {"do": "disable"}),
        ("/actions/1/undo", {}),
    ],
)
def test_forged_forms_do_nothing(people: DashboardResources, path: str, fields: dict[str, str]) -> None:
    """Without the session's token, with another session's, and from another site."""
    owner, other = _signed_in(people, "owner"), _signed_in(people, "viewer")
    with people.engine.connect() as connection:
        before = connection.scalar(sa.select(sa.func.count()).select_from(admin_actions))
    right, owner.csrf = owner.csrf, ""
    assert owner.post(path, **fields).status_code == 403
    owner.csrf = other.csrf
    assert owner.post(path, **fields).status_code == 403
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert owner.http.post(path, data={"csrf": right, **fields}, headers=headers).status_code == 403
    with people.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(admin_actions)) == before
    assert owner.get("/account").status_code == 200


def test_every_answer_carries_the_policy(people: DashboardResources) -> None:
    """Pages, errors, files and redirects: nothing from elsewhere is loaded, and no page is kept."""
    visitor = _signed_in(people, "owner")
    for path in ("/account", "/nothing", "/login", "/static/app.css", "/users/x"):
        answer = visitor.get(path)
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert visitor.get("/account").headers["cache-control"] == "no-store"
    assert visitor.get("/nothing").status_code == 404


def test_no_markup_is_inline(people: DashboardResources) -> None:
    """No script or style stands in a page, so the policy can forbid them; what is stored is text."""
    owner = _signed_in(people, "owner")
    owner.http.headers["user-agent"] = "<script>alert(1)</script>"
    owner.sign_in("owner")
    for path in PAGES:
        text = owner.get(path).text
        assert "<script>" not in text and " style=" not in text and " onclick" not in text
    assert "&lt;script&gt;" in owner.get("/account").text


def test_cookies(people: DashboardResources) -> None:
    """The session's cookie is out of reach of scripts and other sites; only a hash of it is kept."""
    visitor = Visitor(people)
    cookie = visitor.sign_in("owner").headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    token = visitor.http.cookies[COOKIE]
    with people.engine.connect() as connection:
        stored = connection.execute(sa.select(admin_sessions)).mappings().all()
    assert [row["token_sha256"] for row in stored] == [hashlib.sha256(token.encode()).digest()]
    assert token not in str(stored)


def test_forms_have_a_size(people: DashboardResources) -> None:
    """Large bodies, other types, too many fields and broken text are refused as such."""
    visitor = Visitor(people)
    form = {"content-type": "application/x-www-form-urlencoded"}
    for body, headers in (
        (b"a=" + b"x" * 70_000, form),
        (b'{"name": 1}', {"content-type": "application/json"}),
        (b"&".join(b"a%d=1" % n for n in range(200)), form),
        (b"name=%ff", form),
        (b"name=%00", form),
        ("name=ä".encode(), form),
    ):
        assert visitor.http.post("/login", content=body, headers=headers).status_code == 400


def test_vendored_files_are_the_published_ones() -> None:
    """What others wrote is here byte for byte as it was published."""
    folder = Path(STATIC) / "vendor"
    lines = (line.split() for line in (folder / "SHA256SUMS").read_text().splitlines())
    sums = {name: digest for digest, name in lines}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert {name: digest for name, digest in found.items() if name != "SHA256SUMS"} == sums


def test_settings_show_no_secret(people: DashboardResources) -> None:
    """The database's password is on no page."""
    settings = people.settings.model_copy(update={"database_url": SecretStr("postgresql://u:hush@h/d")})
    visitor = _signed_in(DashboardResources(people.engine, people.index, settings), "viewer")
    page = visitor.get("/settings").text
    assert "hush" not in page and "ANH_API_PORT" in page
