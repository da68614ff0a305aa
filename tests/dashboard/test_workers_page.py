"""The page of workers: who lives, who died, who ended in order, and what each does."""

import sqlalchemy as sa

from accountant.dashboard.resources import DashboardResources
from accountant.dashboard.text import whole
from accountant.monitoring.reads.workers import pools, processes, services
from accountant.storage.admins import Role
from tests.support.dashboard import Visitor
from tests.support.pages import HOSTILE, assert_inert, rows, signed_in, table


def test_pools_and_processes_are_sqls(hostile: DashboardResources) -> None:
    """Each process is live, dead or ended by its beat, and the pools are their sums."""
    with hostile.engine.begin() as connection:  # the live ones beat again: time passes in a test as well
        connection.execute(
            sa.text("update accountant.workers set beat_at = now() where stopped_at is null and pid in (2, 7)")
        )
    with hostile.engine.connect() as connection:
        found, all_processes = pools(connection), processes(connection)
    text = signed_in(hostile, Role.VIEWER).get("/workers").text
    plain = rows(
        hostile.engine,
        "with w as (select *, stopped_at is null and beat_at > now() - interval '6 s' as up from accountant.workers) "
        "select queue, host, parent_pid, count(*) filter (where up), count(*) filter (where up and doing is not null), "
        "count(*) filter (where not up and stopped_at is null), count(stopped_at), sum(consumed), "
        "sum(memory_bytes) filter (where up) from w group by 1, 2, 3 order by 1, 2, 3",
    )
    assert [
        (one.queue, one.host, one.parent_pid, one.live, one.busy, one.died, one.ended, one.consumed, one.memory_bytes)
        for one in found
    ] == [(*line[:7], int(line[7]), int(line[8])) for line in plain]
    restarts = [line[5] + line[6] if line[3] else None for line in plain]
    assert [one.restarts for one in found] == restarts
    assert [row[:10] for row in table(text, "Worker processes")] == [
        [line[0], line[1], str(line[2]), "–", *(str(value) for value in line[3:7]), whole(restarted), whole(line[7])]
        for line, restarted in zip(plain, restarts, strict=True)
    ]
    assert [(one.pid, one.up) for one in all_processes][2:] == [(3, False), (4, False)]
    assert {(one.pid, one.up) for one in all_processes[:2]} == {(2, True), (7, True)}
    shown = {row[6]: row for row in table(text, "What each does now")}
    assert shown["7"][1:3] == ["up", HOSTILE]
    assert shown["2"][2] == "waits for work"
    assert shown["3"][1:3] == ["down", "was at execution of 20"]
    assert shown["4"][1] == "ended in order"
    assert '<tr class="bad">' in text
    assert_inert(text)


def test_a_worker_names_its_transaction(hostile: DashboardResources) -> None:
    """`execution of N` leads to the transaction; whatever else stands there is text."""
    ((name,),) = rows(hostile.engine, "select transaction from accountant.executions where seq = 20")
    with hostile.engine.connect() as connection:
        found = {one.pid: one.transaction for one in processes(connection)}
    assert found == {2: None, 7: None, 3: name, 4: None}


def test_services_are_up_or_silent(hostile: DashboardResources) -> None:
    """By their last beat; trouble is named."""
    with hostile.engine.connect() as connection:
        silent = {one.service: one.up for one in services(connection, 1e6)}
        assert silent == {"dispatcher": True, "publisher": True}
        found = {one.service: (one.up, one.trouble) for one in services(connection, 50.0)}
    assert found["publisher"] == (False, None) and found["dispatcher"][1] == HOSTILE
    shown = table(signed_in(hostile, Role.VIEWER).get("/workers").text, "The dispatcher hands")
    assert [row[0] for row in shown] == ["dispatcher", "publisher"]
    assert Visitor(hostile).get("/workers").status_code == 303
