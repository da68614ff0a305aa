"""The pages of jobs: numbers are SQL's, stored markup is inert, and operators act, once, on the record."""

from collections.abc import Iterator
from datetime import datetime

import pytest
import sqlalchemy as sa

from accountant.dashboard.pages.bars import WIDTH
from accountant.dashboard.pages.job_picture import shares
from accountant.dashboard.resources import DashboardResources
from accountant.dashboard.text import span, whole
from accountant.monitoring.reads.job import members
from accountant.monitoring.reads.job import steps as steps_of
from accountant.monitoring.reads.jobs import KINDS, QUANTILES, STATES, InvalidFilter, ended, listed, live, times
from accountant.storage.admins import Action, Admins, Role
from tests.support.dashboard import Visitor
from tests.support.pages import (
    EXECUTED,
    HOSTILE,
    SLICE,
    assert_inert,
    figures,
    hostile_dashboard,
    rows,
    signed_in,
    table,
)


@pytest.fixture
def resources(database_url: str) -> Iterator[DashboardResources]:
    """A dashboard of one's own over a database whose every text is hostile."""
    with hostile_dashboard(database_url) as made:
        yield made


def test_counts_and_percentiles_are_sqls(hostile: DashboardResources) -> None:
    """What runs, what ended, and how long it took: page, function and plain SQL say the same."""
    engine = hostile.engine
    text = signed_in(hostile, Role.VIEWER).get("/jobs").text
    with engine.connect() as connection:
        now, gone, took = live(connection), ended(connection, "hour"), times(connection)
    plain = rows(engine, "select kind, state, count(*) from accountant.jobs where finished_at is null group by 1, 2")
    assert {tuple(one) for one in now} == set(plain)
    assert table(text, "Jobs that have not ended") == [[one.kind, one.state, whole(one.jobs)] for one in now]
    plain = rows(
        engine,
        "select kind, state, count(*) from accountant.jobs where finished_at > now() - interval '1 h' group by 1, 2",
    )
    assert {tuple(one) for one in gone} == set(plain)
    assert [row[:3] for row in table(text, "Jobs that ended")] == [
        [one.kind, one.state, whole(one.jobs)] for one in gone
    ]
    shown = table(text, "Over the last")
    for length, found, line in (
        ("started_at - created_at", took.waiting, shown[0]),
        ("finished_at - started_at", took.running, shown[1]),
    ):
        plain = rows(
            engine,
            f"select percentile_cont(q) within group (order by extract(epoch from {length})) from accountant.jobs, "
            "unnest(cast(:q as double precision[])) q where finished_at is not null group by q order by q",
            q=list(QUANTILES),
        )
        assert found == pytest.approx([value for (value,) in plain])
        assert line[1:] == [span(value) for (value,) in plain]


def test_the_oldest_waiting_job_says_for_what(hostile: DashboardResources) -> None:
    """Jobs without a worker, in the order in which they were asked."""
    shown = table(signed_in(hostile, Role.VIEWER).get("/jobs").text, "The oldest jobs")
    plain = rows(
        hostile.engine,
        "select id, kind, queue, state, why_waiting from accountant.jobs where state in ('queued', 'waiting') "
        "order by number limit 5",
    )
    assert [[one[0], *one[1:4]] for one in shown] == [[name, *map(str, more)] for name, *more, _ in plain]
    assert shown[-1][5] == HOSTILE == plain[-1][-1]


@pytest.mark.parametrize(
    ("kind", "state"), [(None, None), *((None, one) for one in STATES), *((one, None) for one in KINDS[:3])]
)
def test_lists_are_paged_without_holes(hostile: DashboardResources, kind: str | None, state: str | None) -> None:
    """However small the page, the pages together are what SQL says, each job once, the latest first."""
    found: list[str] = []
    before = None
    with hostile.engine.connect() as connection:
        while page := listed(connection, kind, state, None, before, 2):
            found += [line.id for line in page]
            before = page[-1].number
    conditions = [f"{name} = '{value}'" for name, value in (("kind", kind), ("state", state)) if value is not None]
    where = " and ".join(conditions) or "true"
    plain = rows(hostile.engine, f"select id from accountant.jobs where {where} order by number desc")
    assert found == [name for (name,) in plain]


def test_filters_that_do_not_exist_are_refused(hostile: DashboardResources) -> None:
    """By a typed error, which the page shows beside an empty list."""
    visitor = signed_in(hostile, Role.VIEWER)
    with hostile.engine.connect() as connection:
        assert [line.id for line in listed(connection, key=HOSTILE)][-1] == "hostile_waiting"
        for wrong in ({"kind": "nothing"}, {"state": HOSTILE}, {"key": "prefix", "state": "done"}):
            with pytest.raises(InvalidFilter):
                listed(connection, **wrong)  # type: ignore[arg-type]
    for query, status in (
        ("state=nothing", 422),
        ("key=prefix&state=done", 422),
        ("key=%3Cscript%3E", 200),
        ("before=0", 404),
        ("before=x", 404),
        ("span=week", 200),
    ):
        answer = visitor.get(f"/jobs?{query}")
        assert answer.status_code == status, query
        assert_inert(answer.text)


def test_stored_markup_is_inert(hostile: DashboardResources) -> None:
    """In lists and on the page of each job."""
    visitor = signed_in(hostile, Role.OPERATOR)
    names = [name for (name,) in rows(hostile.engine, "select id from accountant.jobs")]
    for path in ("/jobs", "/jobs?state=failed", *(f"/jobs/{name}" for name in names)):
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        assert_inert(answer.text)
    assert visitor.get("/jobs/job_of_nobody").status_code == 404
    assert visitor.get("/jobs/%00").status_code == 404


def test_steps_and_times_add_up(resources: DashboardResources) -> None:
    """Steps are the changes of state among the events, and the picture's widths are their lengths."""
    engine = resources.engine
    ((number,),) = rows(engine, "select number from accountant.jobs where id = 'hostile_failed'")
    with engine.begin() as connection:  # an event that changes no state makes no step
        connection.execute(
            sa.text(
                "insert into accountant.job_events (job_number, at, state, gas_executed) "
                f"values ({number}, now() - interval '1 s', 'failed', 5)"
            )
        )
    with engine.connect() as connection:
        found = steps_of(connection, number)
    assert [one.state for one in found] == ["queued", "failed"]
    lasted = found[0].lasted
    assert lasted is not None and 5.9 < lasted.total_seconds() < 6.1 and found[1].lasted is None
    (only,) = shares(found)
    assert (only.state, only.width) == ("queued", WIDTH)
    later = datetime.fromtimestamp(found[1].at.timestamp() + lasted.total_seconds(), found[1].at.tzinfo)
    assert [one.width for one in shares(found, later)] == [WIDTH / 2, WIDTH / 2]
    text = signed_in(resources, Role.VIEWER).get("/jobs/hostile_failed").text
    assert [row[1] for row in table(text, "Steps")] == ["queued", "failed"]
    assert [row[2:4] for row in table(text, "What clients were told")] == [
        ["queued", "0"],
        ["failed", whole(1_234_567)],
        ["failed", "5"],
    ]


def test_a_traced_job_names_its_trace(resources: DashboardResources) -> None:
    """The id to look for is on its page; without a trace there is no word of one."""
    trace = 32 * "c"
    update = "update accountant.jobs set traceparent = :it where id = 'hostile_failed'"
    viewer = signed_in(resources, Role.VIEWER)
    for given, said in ((f"00-{trace}-b7ad6b7169203331-01", True), (None, False)):
        with resources.engine.begin() as connection:
            connection.execute(sa.text(update), {"it": given})
        text = viewer.get("/jobs/hostile_failed").text
        assert (trace in text, "· trace" in text) == (said, said)


def test_the_slice_is_drawn_and_written(hostile: DashboardResources) -> None:
    """Each transaction of the certificate: its gas as SQL says, and whether it was executed for this answer."""
    text = signed_in(hostile, Role.VIEWER).get("/jobs/done1").text
    shown = table(text, "Transactions of the slice")
    plain = rows(
        hostile.engine,
        "select t.height, o.gas_used, t.gas_limit, o.executions from accountant.transactions t "
        "join accountant.outcomes o using (seq) where seq < 15 order by seq",
    )
    assert [[row[1], *row[5:]] for row in shown] == [[whole(value) for value in line] for line in plain]
    assert [row[4] for row in shown] == ["executed" if one in EXECUTED else "known before" for one in SLICE]
    assert text.count('<rect class="executed"') == len(EXECUTED)
    assert text.count('<rect class="known"') == len(SLICE) - len(EXECUTED)
    assert ["verdict", "accepted"] in table(text, "The certificate")
    took = figures(text)
    assert took["Known before"] == "4" and took["Slice"] == "6"
    spent = table(text, "Whom the gas was spent for")
    plain = rows(
        hostile.engine,
        "select p.gas, p.runs from accountant.job_parties p join accountant.jobs j on j.number = p.job_number "
        "where j.id = 'done1' order by party, gas desc",
    )
    assert [[row[2], row[4]] for row in spent] == [[whole(int(gas)), whole(runs)] for gas, runs in plain]
    with hostile.engine.connect() as connection:
        assert [one.hash for one in members(connection, tuple(SLICE[4:6]))] == SLICE[4:6]


def test_a_waiting_job_names_what_it_waits_for(hostile: DashboardResources) -> None:
    """The executions of its waits, with their progress."""
    shown = table(signed_in(hostile, Role.VIEWER).get("/jobs/hostile_waiting").text, "Executions that it waits for")
    assert [row[1:5] for row in shown] == [["queued", "0", whole(100_000), "1"]]


def latest(resources: DashboardResources) -> Action:
    with resources.engine.connect() as connection:
        (found,) = Admins(connection).actions(limit=1)
    return found


def state_of(resources: DashboardResources, name: str) -> tuple[object, ...]:
    (found,) = rows(
        resources.engine,
        "select state, attempts, error_code, error_detail, exists (select from accountant.outbox o "
        "where o.job_number = j.number) from accountant.jobs j where id = :id",
        id=name,
    )
    return found


def test_a_cancelled_job_is_queued_anew_by_undoing(resources: DashboardResources) -> None:
    """Cancelling ends it and what only it waits for; undoing asks it anew; each is a line of the log."""
    operator = signed_in(resources, Role.OPERATOR)
    assert operator.post("/jobs/hostile_waiting/cancel").headers["location"] == "/jobs/hostile_waiting"
    assert state_of(resources, "hostile_waiting")[0] == "cancelled"
    assert rows(resources.engine, "select state from accountant.executions where seq = 20") == [("cancelled",)]
    done = latest(resources)
    assert (done.action, done.target, done.before) == ("job.cancel", "hostile_waiting", {"state": "waiting"})
    again = operator.post("/jobs/hostile_waiting/cancel")
    assert again.status_code == 422 and "ended already" in again.text
    assert operator.post(f"/actions/{done.number}/undo").status_code == 303
    assert state_of(resources, "hostile_waiting") == ("queued", 0, None, None, True)
    assert latest(resources).undoes == done.number
    assert operator.post(f"/actions/{done.number}/undo").status_code == 422


def test_a_job_that_is_tried_again_can_end_as_it_had(resources: DashboardResources) -> None:
    """Retrying gives all attempts anew; undoing that restores the error; an answered job stays as it is."""
    operator = signed_in(resources, Role.OPERATOR)
    assert operator.post("/jobs/hostile_failed/retry").status_code == 303
    assert state_of(resources, "hostile_failed") == ("queued", 0, None, None, True)
    done = latest(resources)
    assert operator.post("/jobs/hostile_failed/retry").status_code == 422
    assert operator.post(f"/actions/{done.number}/undo").status_code == 303
    assert state_of(resources, "hostile_failed")[:4] == ("failed", 0, HOSTILE, HOSTILE)
    for do in ("retry", "cancel"):
        assert operator.post(f"/jobs/done1/{do}").status_code == 422
    assert operator.post("/jobs/done1/burn").status_code == 404
    assert operator.post("/jobs/job_of_nobody/retry").status_code == 404
    assert_inert(operator.get("/actions").text)


def test_viewers_and_forged_forms_change_nothing(resources: DashboardResources) -> None:
    """A viewer sees no button and is refused; so is a form without its session's token."""
    viewer, operator = signed_in(resources, Role.VIEWER), signed_in(resources, Role.OPERATOR)
    assert "/jobs/hostile_failed/retry" in operator.get("/jobs/hostile_failed").text
    assert "/jobs/hostile_failed/retry" not in viewer.get("/jobs/hostile_failed").text
    operator.csrf = viewer.csrf
    for visitor in (viewer, operator):
        for path in ("/jobs/hostile_failed/retry", "/jobs/hostile_waiting/cancel"):
            assert visitor.post(path).status_code == 403
    assert Visitor(resources).get("/jobs").status_code == 303
    assert Visitor(resources).post("/jobs/hostile_failed/retry").status_code == 303
    assert state_of(resources, "hostile_failed")[0] == "failed"
    assert state_of(resources, "hostile_waiting")[0] == "waiting"
    assert rows(resources.engine, "select count(*) from accountant.admin_actions") == [(0,)]
