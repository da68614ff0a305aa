"""No page reads a whole table: every statement of every page is answered from an index."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from accountant.monitoring.reads import networks, oaths
from accountant.primitives.addresses import show
from accountant.primitives.cid import cid_of, show_cid
from tests.support.chain_pages import ChainPages, chain_pages
from tests.support.chains import BOB
from tests.support.service import small_chain

SETTLED = "0x" + small_chain().settled.hex()
BLOB = cid_of(b"x")
PATHS = (
    "/chain",
    "/chain?before=2",
    "/chain/blocks/1",
    f"/chain/transactions/{SETTLED}",
    f"/chain/blobs/{show_cid(BLOB)}",
    "/accounts",
    f"/accounts/{show(BOB.address)}",
    "/networks?below=5-5",
    f"/networks/blobs/{show_cid(BLOB)}",
    f"/networks/trainings/{SETTLED}",
    "/oaths?before=5",
    "/oaths/audits?before=5",
)
FEW_ROWS = ("epoch", "workers", "devices", "measured_gas", "publishing", "admin_sessions", "admin_users")
"""Tables of one row, of the people who enter the dashboard, of processes, machines, and kinds of operations."""


@pytest.fixture(scope="module")
def pages(module_database_url: str) -> Iterator[ChainPages]:
    with chain_pages(module_database_url) as made:
        with made.resources.engine.begin() as connection:
            connection.execute(
                sa.text("insert into accountant.blobs (cid, size, pieces, kept_until) values (:cid, 1, '', now())"),
                {"cid": BLOB},
            )
            connection.execute(
                sa.text(
                    "insert into accountant.executions (seq, transaction, gas_limit, queue, attempts_most) "
                    "select seq, hash, 1, 'cpu', 5 from accountant.transactions where hash = :hash"
                ),
                {"hash": bytes.fromhex(SETTLED[2:])},
            )
            connection.execute(
                sa.text(
                    "insert into accountant.trainings (seq, by_seq, first_step, step, steps, loss) "
                    "select seq, seq, 1, 2, 3, 0.5 from accountant.executions"
                )
            )
        yield made


def test_every_statement_has_its_index(pages: ChainPages) -> None:
    """Told not to read whole tables if it can be helped, the planner never has to."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.lstrip().lower().startswith("select"):
            asked.append((statement, parameters))

    sa.event.listen(pages.resources.engine, "before_cursor_execute", note)
    for path in PATHS:
        assert pages.viewer.get(path).status_code == 200, path
    with pages.resources.engine.connect() as connection:
        oaths.purse_sums(connection, b"p" * 32)
        oaths.verdict_lines(connection, 5, 5, lies=True)
        networks.blob_lines(connection, None, 5)
    sa.event.remove(pages.resources.engine, "before_cursor_execute", note)
    assert len(asked) > 20
    with pages.resources.engine.connect() as connection:
        connection.exec_driver_sql("set enable_seqscan = off")
        for statement, parameters in asked:
            plan = "\n".join(row[0] for row in connection.exec_driver_sql("explain " + statement, parameters))
            whole = [line for line in plan.splitlines() if "Seq Scan on" in line]
            assert all(any(f"Seq Scan on {name}" in line for name in FEW_ROWS) for line in whole), plan
