"""No page scans: on tables of many rows every statement of every page finds its rows by an index."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from accountant.dashboard.resources import DashboardResources
from accountant.storage.admins import Role
from accountant.storage.embedded import EmbeddedServers
from tests.support.metrics import CONTRACT, SENDER
from tests.support.pages import hostile_dashboard, signed_in
from tests.support.servers import fresh_database

LARGE = {"jobs", "job_events", "transactions", "outcomes", "postings", "job_figures", "job_parties", "blocks"}
"""Tables that grow with the chain or with what was asked."""

_MANY = (
    "insert into accountant.blocks (height, time, first_seq, count, hash, previous_hash, proposer, header, signature) "
    "select h, 1700000000 + 2 * h, 3 * h, 3, sha256(h::text::bytea), '\\x00', '\\x00', '\\x00', '\\x00' "
    "from generate_series(10, 9999) h",
    "insert into accountant.transactions (seq, height, nonce, zero_value, general_value, gas_limit, gas_price, tip, "
    'index, kind, gas_total, hash, sender, "to", raw) '
    "select s, s / 3, s, 0, 0, 100000, 1, 0, mod(s, 3), 1, 100000.0 * (s + 1), sha256(s::text::bytea), "
    "substring(sha256(mod(s, 100)::text::bytea) for 20), sha256(mod(s, 50)::text::bytea), '\\x00' "
    "from generate_series(30, 29999) s",
    "insert into accountant.postings (seq, cap, kind, key) "
    "select seq, 0, 4, 'c'::bytea || \"to\" from accountant.transactions where seq >= 30",
    "insert into accountant.outcomes (seq, gas_used, index, executions, block_hash, digest, observed, observed_at) "
    "select s, 1000 + s, mod(s, 3), 1 + (mod(s, 100) = 0)::int, '\\x00', '\\x00', '\\x00', "
    "now() - s * interval '1 min' from generate_series(30, 19999) s",
    "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most, state, certificate, created_at, "
    "started_at, finished_at, publications, published_at) select 'many' || n, 'prefix', "
    "(array['view', 'query', 'outcome'])[1 + mod(n, 3)], '', 'cpu', 5, 'done', '\\x00', now() - n * interval '1 min', "
    "now() - n * interval '1 min', now() - n * interval '1 min', 1, now() from generate_series(1, 20000) n",
    "insert into accountant.job_events (job_number, state, gas_executed) "
    "select number, state, 0 from accountant.jobs where starts_with(id, 'many')",
    "insert into accountant.job_figures (job_number, finished_at, executed, skipped, gas_executed, gas_everything, "
    "cache_hits, slice, contract, view_gas) select number, finished_at, 2, 28, 5000, 3000000, 4, 6, "
    "case when mod(number, 3) = 0 then sha256('c') end, 0 from accountant.jobs where starts_with(id, 'many')",
    "insert into accountant.job_parties (job_number, party, key, gas, runs) "
    "select number, 'contract', sha256(mod(number, 50)::text::bytea), 77, 1 from accountant.jobs "
    "where starts_with(id, 'many')",
)


@pytest.fixture(scope="module")
def many(servers: EmbeddedServers) -> Iterator[DashboardResources]:
    """A dashboard over tens of thousands of rows, analysed."""
    with fresh_database(servers) as url, hostile_dashboard(url) as made:
        with made.engine.begin() as connection:
            for statement in _MANY:
                connection.exec_driver_sql(statement)
        with made.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("vacuum analyze")
        yield made


PATHS = (
    "/",
    "/jobs",
    "/jobs?before=5000",
    "/jobs?state=failed&span=month",
    "/jobs?kind=view&before=9000",
    "/jobs?kind=view&state=done",
    "/jobs?key=prefix",
    "/jobs/done1",
    "/jobs/hostile_waiting",
    "/workers",
    "/execution",
    "/execution?span=month",
    f"/execution?contract=0x{CONTRACT.hex()}",
    f"/execution?account=0x{SENDER.hex()}&span=month",
    "/reliability",
)


@pytest.mark.parametrize("path", PATHS)
def test_no_page_scans(many: DashboardResources, path: str) -> None:
    """The plan of each statement that the page runs has no sequential scan of a large table."""
    visitor = signed_in(many, Role.OPERATOR)
    ran: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        ran.append((statement, parameters))

    sa.event.listen(many.engine, "before_cursor_execute", note)
    try:
        assert visitor.get(path).status_code == 200
    finally:
        sa.event.remove(many.engine, "before_cursor_execute", note)
    reads = [
        (statement, given) for statement, given in ran if statement.lstrip().lower().startswith(("select", "with"))
    ]
    assert reads
    with many.engine.connect() as connection:
        for statement, given in reads:
            plan = connection.exec_driver_sql(f"explain (format json) {statement}", given).scalar_one()
            scanned = set(_scans(plan[0]["Plan"])) & LARGE
            assert not scanned, f"{path} scans {scanned}: {statement}"


def _scans(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield str(node["Relation Name"])
    for inner in node.get("Plans", ()):
        yield from _scans(inner)
