"""The dashboard over a database of a test's own, and people in front of it."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import httpx
import sqlalchemy as sa

from accountant.dashboard.app import create_dashboard
from accountant.dashboard.resources import DashboardResources
from accountant.services.admin_access import hashed_password
from accountant.settings import Settings
from accountant.storage.admins import Admins, Role
from accountant.storage.database import engine_of
from accountant.storage.index import NoChain

PASSWORD = "correct horse battery"


def _no_chain() -> NoReturn:
    raise NoChain("no genesis")


@contextmanager
def dashboard(database_url: str) -> Iterator[DashboardResources]:
    """Resources over a migrated database. There is no chain."""
    engine = engine_of(database_url)
    try:
        yield DashboardResources(engine, _no_chain, Settings())
    finally:
        engine.dispose()


def add_user(engine: sa.Engine, name: str, role: Role, password: str = PASSWORD) -> int:
    """Somebody who may enter."""
    with engine.begin() as connection:
        return Admins(connection).add(name, role, hashed_password(password, name))


class Browser:
    """Requests one after the other, with the cookies of those before."""

    def __init__(self, resources: DashboardResources, address: str) -> None:
        self._transport = httpx.ASGITransport(
            create_dashboard(resources), raise_app_exceptions=False, client=(address, 1234)
        )
        self.cookies = httpx.Cookies()
        self.headers: dict[str, str] = {}

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, **given: Any) -> httpx.Response:
        """One request; redirects are not followed."""

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url="http://dashboard.test", cookies=self.cookies
            ) as client:
                return await client.request(method, path, headers={**self.headers, **(headers or {})}, **given)

        answer = asyncio.run(ask())
        self.cookies.extract_cookies(answer)
        return answer

    def get(self, path: str, **given: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **given)


class Visitor:
    """A browser without a screen: cookies, forms with their tokens, redirects one by one."""

    def __init__(self, resources: DashboardResources, address: str = "192.0.2.1") -> None:
        self.http = Browser(resources, address)
        self.csrf = ""

    def get(self, path: str) -> httpx.Response:
        """A page; its form token is remembered."""
        answer = self.http.get(path)
        found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
        if found is not None:
            self.csrf = found[1]
        return answer

    def post(self, path: str, **fields: str) -> httpx.Response:
        """A form with the token of the last page."""
        return self.http.post(path, data={"csrf": self.csrf, **fields})

    def sign_in(self, name: str, password: str = PASSWORD, code: str = "") -> httpx.Response:
        """The login form, and then a page, for its token."""
        answer = self.http.post("/login", data={"name": name, "password": password, "code": code, "next": "/account"})
        if answer.status_code == 303:
            self.get("/account")
        return answer
