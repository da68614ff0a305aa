"""The page of reliability: outbox, errors, schema and sizes as SQL says; publishing again is on the record."""

from collections.abc import Iterator

import pytest

from accountant.dashboard.pages.reliability import head_revision
from accountant.dashboard.resources import DashboardResources
from accountant.dashboard.text import whole
from accountant.monitoring.reads.reliability import (
    failed_executions,
    failures,
    longest_unheard,
    outbox_state,
    published_again,
    revision,
    sizes,
)
from accountant.storage.admins import Admins, Role
from tests.support.dashboard import Visitor
from tests.support.pages import HOSTILE, assert_inert, figures, hostile_dashboard, rows, signed_in, table


@pytest.fixture
def resources(database_url: str) -> Iterator[DashboardResources]:
    """A dashboard of one's own."""
    with hostile_dashboard(database_url) as made:
        yield made


def test_everything_is_sqls(hostile: DashboardResources) -> None:
    """Messages, errors, executions, the schema's revision, sizes."""
    engine = hostile.engine
    text = signed_in(hostile, Role.VIEWER).get("/reliability").text
    shown = figures(text)
    ((messages, lag),) = rows(
        engine, "select count(*), extract(epoch from clock_timestamp() - min(not_before)) from accountant.outbox"
    )
    plain = rows(
        engine,
        "select error_code, count(*), max(finished_at) from accountant.jobs where error_code is not null "
        "group by 1 order by 2 desc, 1",
    )
    with engine.connect() as connection:
        found = outbox_state(connection)
        assert found.messages == messages and abs(found.lag_s - float(lag)) < 5
        assert failures(connection) == plain
        assert [(one.seq, one.error_code, one.error_detail) for one in failed_executions(connection)] == [
            (21, HOSTILE, HOSTILE)
        ]
        assert longest_unheard(connection) == []
        again, version, size = published_again(connection), revision(connection), sizes(connection)
    assert shown["Messages in the outbox"] == whole(messages)
    assert again == rows(engine, "select sum(publications - 1) from accountant.jobs where publications > 1")[0][0]
    assert shown["Published again"] == whole(again)
    assert version == head_revision() == shown["Schema"]
    assert "this version of the service wants" not in text
    assert [row[:2] for row in table(text, "Errors among")] == [[code, whole(count)] for code, count, _ in plain]
    failed = rows(engine, "select error_code from accountant.jobs where state = 'failed' order by number desc")
    assert [row[4].split(":")[0] for row in table(text, "The latest jobs that failed")] == [
        code.split(":")[0] for (code,) in failed
    ]
    names = rows(engine, "select tablename from pg_tables where schemaname = 'accountant'")
    assert {one.name for one in size.tables} == {name for (name,) in names}
    ((bytes_,),) = rows(engine, "select pg_total_relation_size('accountant.jobs')")
    assert bytes_ in [one.bytes for one in size.tables if one.name == "jobs"]
    assert len(table(text, "Tables, the largest first")) == len(names)
    assert_inert(text)


def test_an_old_schema_is_told(resources: DashboardResources) -> None:
    """Where the database is not at the revision that this version brings."""
    with resources.engine.begin() as connection:
        connection.exec_driver_sql("update accountant.alembic_version set version_num = '0001'")
    text = signed_in(resources, Role.VIEWER).get("/reliability").text
    assert "The database is at revision 0001" in text


def test_operators_publish_again(resources: DashboardResources) -> None:
    """Queued work whose message was published gets another one; viewers and forged forms are refused."""
    viewer, operator = signed_in(resources, Role.VIEWER), signed_in(resources, Role.OPERATOR)
    with resources.engine.begin() as connection:
        connection.exec_driver_sql("delete from accountant.outbox")
        connection.exec_driver_sql(
            "update accountant.jobs set published_at = now() - interval '1 min', publications = 2 where id = 'queued1'"
        )
        assert [one.id for one in longest_unheard(connection)] == ["queued1"]
    assert table(operator.get("/reliability").text, "Queued jobs whose message")[0][3] == "2 times"
    assert viewer.post("/reliability/republish").status_code == 403
    right, operator.csrf = operator.csrf, viewer.csrf
    assert operator.post("/reliability/republish").status_code == 403
    assert Visitor(resources).post("/reliability/republish").status_code == 303
    assert rows(resources.engine, "select count(*) from accountant.outbox") == [(0,)]
    operator.csrf = right
    assert operator.post("/reliability/republish").headers["location"] == "/reliability"
    assert rows(
        resources.engine, "select j.id from accountant.outbox o join accountant.jobs j on j.number = o.job_number"
    ) == [("queued1",)]
    with resources.engine.connect() as connection:
        (latest,) = Admins(connection).actions(limit=1)
    assert (latest.action, latest.after) == ("jobs.republish", {"messages": 1})
    assert operator.post(f"/actions/{latest.number}/undo").status_code == 422
    assert "Try again" in operator.get("/reliability").text
    assert "Try again" not in viewer.get("/reliability").text
