"""What the dashboard's pages cost beside their own SQL: `python -m benchmarks.dashboard`.

A database with 10^6 transactions and 10^5 jobs (`benchmarks.dashboard_database`). The owner comes to every page by
links from the navigation, one of each kind. A page's time is that of its application in this process: from the
request's arrival there to the last byte, login, SQL and template included, without a network or the client's part.
Bare is every statement that it sent, as it sent it, on one connection of its own, with all rows fetched. Both are taken
in turns; medians over the rounds. The plan of each statement is looked at besides: no page may read a large table from
end to end.

TRANSACTIONS=10000 and JOBS=1000 make it smaller.
"""

import json
import os
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any, NamedTuple

import httpx
import psycopg
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from accountant.commands.dashboard import TRUSTED_S
from accountant.dashboard.app import create_dashboard
from accountant.dashboard.navigation import PLACES
from accountant.dashboard.resources import COOKIE, DashboardResources
from accountant.services.admin_access import hashed_password, log_in
from accountant.settings import Settings
from accountant.storage.admins import Admins, Role
from accountant.storage.database import Database, engine_of, plain_url
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.place import temporary_folder
from accountant.storage.tables import SCHEMA
from benchmarks.dashboard_database import fill
from benchmarks.dashboard_pages import shape_of

TRANSACTIONS, JOBS = 1_000_000, 100_000
ROUNDS = 15
LARGE = 10_000
"""Rows of a table that no page may scan."""
WANTED = 2.0
"""Times its own SQL, at most."""
_LINK = re.compile(r'href="(/[^"#]*)')


class Statement(NamedTuple):
    """What a page sent to the database."""

    query: Any
    parameters: Any


class Page(NamedTuple):
    """A page's figures."""

    path: str
    page_ms: float
    bare_ms: float
    statements: int
    scans: list[str]
    """Large tables that it reads from end to end."""

    @property
    def ratio(self) -> float:
        """The page over its own SQL."""
        return self.page_ms / self.bare_ms


class Visit:
    """The owner, signed in, before the application itself, which keeps its loop and its threads as in a server."""

    def __init__(self, resources: DashboardResources, portal: BlockingPortal) -> None:
        self._portal = portal
        with resources.engine.begin() as connection:
            Admins(connection).add("owner", Role.OWNER, hashed_password("a password to measure", "owner"))
        token = log_in(resources.engine, "owner", "a password to measure", "", "", "").token
        self._app = create_dashboard(resources)
        self.took = 0.0
        """Seconds that the application took for the last page."""
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._timed, raise_app_exceptions=False),
            base_url="http://dashboard",
            cookies={COOKIE: token},
        )

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin = time.perf_counter()
        await self._app(scope, receive, send)
        self.took = time.perf_counter() - begin

    def get(self, path: str) -> httpx.Response:
        """One page."""
        return self._portal.call(self._client.get, path)

    def close(self) -> None:
        """Ends the client."""
        self._portal.call(self._client.aclose)


def reached(visit: Visit) -> list[str]:
    """A page of each kind that links lead to, from the navigation on."""
    ahead = [place.path for place in PLACES] + ["/account"]
    kinds, found = set[str](), list[str]()
    for path in ahead:  # grows meanwhile
        kind = shape_of(path)
        if kind in kinds:
            continue
        kinds.add(kind)
        answer = visit.get(path)
        if answer.status_code != 200 or "text/html" not in answer.headers["content-type"]:
            continue
        found.append(path)
        links = (unescape(link) for link in _LINK.findall(answer.text))
        ahead += [link for link in links if not link.startswith("/static/")]
    return found


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """All that this process sends to a database meanwhile, by whichever library."""
    sent: list[Statement] = []
    usual = psycopg.Cursor.execute

    def execute(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        sent.append(Statement(query, params))
        return usual(self, query, params, **options)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        psycopg.Cursor.execute = usual  # type: ignore[method-assign]


def bare(connection: "psycopg.Connection[Any]", statements: list[Statement]) -> float:
    """Seconds that the statements take alone. What they change is undone."""
    with connection.cursor() as cursor:
        cursor.execute("select 1")  # begins the transaction, which pages do not
        begin = time.perf_counter()
        for one in statements:
            cursor.execute(one.query, one.parameters)
            if cursor.description is not None:
                cursor.fetchall()
        took = time.perf_counter() - begin
    connection.rollback()
    return took


def scans(connection: "psycopg.Connection[Any]", statements: list[Statement], large: set[str]) -> list[str]:
    """Large tables that a plan reads from end to end."""
    found: set[str] = set()
    for one in statements:
        text = one.query if isinstance(one.query, str) else _text(one.query, connection)
        if text.lstrip().lower().startswith(("select", "with", "(")):
            plan = connection.execute(f"explain (format json) {text}", one.parameters).fetchone()
            assert plan is not None
            found |= {node["Relation Name"] for node in _nodes(plan[0][0]["Plan"]) if node["Node Type"] == "Seq Scan"}
    connection.rollback()
    return sorted(found & large)


def _text(query: Any, connection: "psycopg.Connection[Any]") -> str:
    return query.decode() if isinstance(query, bytes) else str(query.as_string(connection))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


def measure(servers: EmbeddedServers, url: str, rounds: int, large_rows: int) -> list[Page]:
    """The figures of each page over a filled database."""
    settings = Settings(database_url=SecretStr(url), redis_url=SecretStr(servers.redis_url))
    engine = engine_of(url, trusted_s=TRUSTED_S)
    with (
        Database(url) as database,
        psycopg.connect(plain_url(url), prepare_threshold=2) as connection,
        start_blocking_portal() as portal,
    ):
        index, outcomes = PostgresIndex(database), PostgresOutcomes(database)
        visit = Visit(DashboardResources(engine, lambda: index, settings, outcomes=lambda: outcomes), portal)
        large = _large(engine, large_rows)
        found = [_page(visit, path, connection, rounds, large) for path in reached(visit)]
        visit.close()
        outcomes.close()
    engine.dispose()
    return found


def _large(engine: sa.Engine, rows: int) -> set[str]:
    with engine.connect() as connection:
        names = connection.scalars(
            sa.text("select relname from pg_class where relnamespace = :of ::regnamespace and reltuples >= :rows"),
            {"of": SCHEMA, "rows": rows},
        )
        return set(names)


def _page(visit: Visit, path: str, connection: "psycopg.Connection[Any]", rounds: int, large: set[str]) -> Page:
    for _ in range(3):  # statements are prepared, templates compiled
        visit.get(path)
    with recorded() as statements:
        visit.get(path)
    pages, bares = list[float](), list[float]()
    for _ in range(rounds):
        visit.get(path)
        pages.append(visit.took)
        bares.append(bare(connection, statements))
    page_ms, bare_ms = statistics.median(pages) * 1e3, statistics.median(bares) * 1e3
    return Page(path, page_ms, bare_ms, len(statements), scans(connection, statements, large))


def main() -> None:
    """Measures, prints a table and, as the last line, JSON."""
    transactions = int(os.environ.get("TRANSACTIONS", str(TRANSACTIONS)))
    jobs = int(os.environ.get("JOBS", str(JOBS)))
    with temporary_folder("anh-bench-") as folder, EmbeddedServers(folder / "servers") as servers:
        url = servers.create_database("bench_dashboard")
        fill(url, transactions, jobs)
        pages = measure(servers, url, ROUNDS, LARGE)
    print(f"{'page':<50} {'page ms':>9} {'SQL ms':>9} {'ratio':>6} {'statements':>10}  scans")
    for page in sorted(pages, key=lambda one: -one.ratio):
        shown = shape_of(page.path)
        print(
            f"{shown:<50} {page.page_ms:>9.2f} {page.bare_ms:>9.2f} {page.ratio:>6.2f} {page.statements:>10}"
            f"  {', '.join(page.scans)}"
        )
    print(
        json.dumps(
            {
                "benchmark": "dashboard",
                "transactions": transactions,
                "jobs": jobs,
                "pages": {
                    shape_of(page.path): {
                        "page_ms": round(page.page_ms, 3),
                        "bare_ms": round(page.bare_ms, 3),
                        "ratio": round(page.ratio, 3),
                        "scans": page.scans,
                    }
                    for page in pages
                },
                "ratio_most": round(max(page.ratio for page in pages), 3),
                "over_wanted": [shape_of(page.path) for page in pages if page.ratio > WANTED],
                "scanning": [shape_of(page.path) for page in pages if page.scans],
            }
        )
    )


if __name__ == "__main__":
    main()
