"""The figures of `benchmarks.dashboard` at a small size: every page is measured, and scans are found."""

from collections.abc import Iterator

import psycopg
import pytest

from accountant.dashboard.navigation import PLACES
from accountant.storage.database import plain_url
from accountant.storage.embedded import EmbeddedServers
from benchmarks.dashboard import Statement, bare, measure, scans
from benchmarks.dashboard_database import ASKED, fill
from benchmarks.dashboard_pages import shape_of

TRANSACTIONS, JOBS = 600, 150


@pytest.fixture(scope="module")
def filled(servers: EmbeddedServers, module_database_url: str) -> str:
    """The URL of a small database."""
    fill(module_database_url, TRANSACTIONS, JOBS)
    return module_database_url


@pytest.fixture
def connection(filled: str) -> Iterator["psycopg.Connection[tuple[int, ...]]"]:
    """A connection to it."""
    with psycopg.connect(plain_url(filled)) as made:
        yield made


def test_the_database_holds_what_is_wanted(connection: "psycopg.Connection[tuple[int, ...]]") -> None:
    """As many transactions and jobs as were asked for; jobs in every state that lasts, over a month."""
    row = connection.execute(
        "select (select count(*) from accountant.transactions), count(*), count(distinct state),"
        " extract(day from max(created_at) - min(created_at))::int from accountant.jobs"
    ).fetchone()
    assert row is not None
    assert row[0] >= TRANSACTIONS and row[1:3] == (JOBS + ASKED, 3) and row[3] >= 29


def test_every_place_is_measured(servers: EmbeddedServers, filled: str) -> None:
    """Each page of the navigation has its time, its own SQL and its statements."""
    pages = measure(servers, filled, rounds=1, large_rows=10**9)
    assert {place.path for place in PLACES} <= {page.path for page in pages}
    assert all(page.page_ms > 0 and page.bare_ms > 0 and page.statements and not page.scans for page in pages)


def test_scans_are_found(connection: "psycopg.Connection[tuple[int, ...]]") -> None:
    """A statement without an index is told, one with an index is not; what bare statements change is undone."""
    large = {"jobs", "transactions"}
    whole, one = "select count(gas_limit) from accountant.transactions", "select raw from accountant.transactions"
    assert scans(connection, [Statement(whole, None)], large) == ["transactions"]
    assert scans(connection, [Statement(f"{one} where seq = %(seq)s", {"seq": 5})], large) == []
    assert bare(connection, [Statement("delete from accountant.job_events", None)]) > 0
    left = connection.execute("select count(*) from accountant.job_events").fetchone()
    assert left is not None and left[0] > JOBS


def test_pages_of_one_kind() -> None:
    """Addresses differ in what they are about, and in nothing else."""
    assert shape_of("/jobs/job_0123456789abcdef0123?before=17") == "/jobs/job_*?before=*"
    assert shape_of("/chain/transactions/0xAB12/provenance") == "/chain/transactions/*/provenance"
    assert shape_of("/chain/blocks/12") == shape_of("/chain/blocks/7")
    assert shape_of("/series/anh_jobs?span=hour") == shape_of("/series/anh_chain_height?span=day")
    assert shape_of("/accounts") == "/accounts"
