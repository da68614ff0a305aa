"""The home page: its numbers are SQL's, its verdict follows what happens, and it is kept up to date."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from accountant.dashboard.live import Live
from accountant.dashboard.pages import home
from accountant.dashboard.resources import DashboardResources
from accountant.dashboard.text import whole
from accountant.monitoring.probes import Probed
from accountant.monitoring.sampler import sample
from accountant.storage.admins import Role
from tests.support.dashboard import Browser, Visitor, add_user, dashboard
from tests.support.metrics import CONTRACT, LESSER, SENDER, fill


@pytest.fixture
def resources(database_url: str) -> Iterator[DashboardResources]:
    """A dashboard over a database with a small history."""
    with dashboard(database_url) as made:
        fill(made.engine)
        yield made


@pytest.fixture
def visitor(resources: DashboardResources) -> Visitor:
    """A viewer who is signed in."""
    add_user(resources.engine, "vera", Role.VIEWER)
    made = Visitor(resources)
    made.sign_in("vera")
    return made


def scalar(engine: sa.Engine, query: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.text(query)).scalar_one())


FIGURES = {
    "Height": "select max(height) from accountant.blocks",
    "Jobs queued": "select count(*) from accountant.jobs where state = 'queued'",
    "Jobs running": "select count(*) from accountant.jobs where state = 'running'",
    "Jobs that wait for executions": "select count(*) from accountant.jobs where state = 'waiting'",
    "Ended in five minutes": "select count(*) from accountant.jobs where finished_at > now() - interval '5 minutes'",
    "Workers": "select count(*) from accountant.workers where beat_at > now() - interval '6 s' and stopped_at is null",
    "Gas executed": "select sum(gas_executed) from accountant.job_figures where finished_at > now() - interval '1 h'",
    "Transactions skipped": "select sum(skipped) from accountant.job_figures "
    "where finished_at > now() - interval '1 h'",
    "Oaths on their way": "select count(*) from accountant.signed_transactions where state in ('pending', 'submitted')"
    " and purpose = 'oath'",
    "Outbox": "select count(*) from accountant.outbox",
    "Database": "select pg_database_size(current_database()) / 1048576",
}


def shown(text: str) -> dict[str, str]:
    """The figures of a page, by their labels."""
    found = re.findall(r"<dt>(?:<a [^>]*>)?([^<]+)(?:</a>)?</dt>\s*<dd>([^<]*?)\s*(?:<small>.*?</small>)?</dd>", text)
    return dict(found)


def test_every_number_is_sqls(resources: DashboardResources, visitor: Visitor) -> None:
    """Each figure of the home page equals one plain statement; none is left out of the comparison but probes."""
    page = shown(visitor.get("/").text)
    probed = {"Behind the node", "Mempool", "Disk free"}
    durations = {"Waiting, p95", "Running, p95"}
    assert set(page) == set(FIGURES) | probed | durations
    for label, query in FIGURES.items():
        assert page[label] == whole(scalar(resources.engine, query)), label
    for label, length in (("Waiting, p95", "started_at - created_at"), ("Running, p95", "finished_at - started_at")):
        with resources.engine.connect() as connection:
            p95 = connection.execute(
                sa.text(
                    f"select percentile_cont(0.95) within group (order by extract(epoch from {length})) "
                    "from accountant.jobs where finished_at > now() - interval '5 minutes'"
                )
            ).scalar_one()
        assert page[label] == f"{p95:.3g} s"


def test_the_dearest_contract_is_named(resources: DashboardResources, visitor: Visitor) -> None:
    """Who made the last day's answers slow stands first on the home page, with its gas, share and a way on."""
    sample(resources.engine, Probed())
    text = visitor.get("/").text
    rows = re.findall(
        r"<th scope=\"row\"><a class=\"name\" href=\"/execution\?(\w+)=0x([0-9a-f]+)\".*?</tr>", text, re.S
    )
    assert rows[:2] == [("contract", CONTRACT.hex()), ("contract", LESSER.hex())]
    assert ("account", SENDER.hex()) in rows
    gas = scalar(
        resources.engine,
        "select sum(o.gas_used) from accountant.outcomes o join accountant.transactions t using (seq) "
        f"where t.to = '\\x{CONTRACT.hex()}'",
    ) + scalar(resources.engine, "select sum(view_gas) from accountant.job_figures")
    assert f'<td class="number">{whole(gas)}</td>' in text


def test_the_page_shows_the_verdict_and_its_causes(resources: DashboardResources, visitor: Visitor) -> None:
    """Without a broker the service is down, and the strip says so with the way to the page."""
    text = visitor.get("/").text
    assert 'class="verdict down"' in text
    assert '<li data-cause="broker_down">' in text
    assert 'href="/reliability"' in text


def test_series_are_given_to_charts_and_as_tables(resources: DashboardResources, visitor: Visitor) -> None:
    """A chart's address and the page of its table hold the same numbers; unknown names and spans are not found."""
    sample(resources.engine, Probed())
    answer = visitor.get("/series/anh_jobs.json?span=hour&by=state")
    found = answer.json()
    assert found["unit"] == "jobs"
    assert [line["label"] for line in found["lines"]] == ["queued", "running", "waiting"]
    for line in found["lines"]:
        state, last = line["label"], next(value for value in reversed(line["values"]) if value is not None)
        assert last == scalar(resources.engine, f"select count(*) from accountant.jobs where state = '{state}'")
    table = visitor.get("/series/anh_jobs?span=hour&by=state").text
    assert table.count("<tr>") == 1 + len(found["at"])
    for path in ("/series/nothing.json", "/series/anh_jobs.json?span=week", "/series/anh_jobs.json?by=colour"):
        assert visitor.get(path).status_code == 404


def test_nobody_reads_without_a_session(resources: DashboardResources) -> None:
    """Home, streams and series lead whoever is not signed in to the login."""
    visitor = Visitor(resources)
    for path in ("/", "/live?events=verdict", "/series/anh_jobs.json", "/series/anh_jobs"):
        assert visitor.get(path).status_code == 303


def test_the_stream_tells_what_changes(resources: DashboardResources) -> None:
    """A listener gets each part at once, then again when a job is added, and nothing twice."""
    live = Live(resources)

    async def listen() -> list[str]:
        told: list[str] = []
        stream = live.stream(("verdict", "numbers"), lambda: True)
        async with asyncio.timeout(60):
            async for event in stream:
                text = event.decode()
                if text.startswith("event: alive"):
                    if len(told) == 2:
                        await asyncio.to_thread(add_one)
                    continue
                told.append(text)
                if len(told) == 3:
                    break
        return told

    added: list[bool] = []

    def add_one() -> None:
        if not added:
            added.append(True)
            with resources.engine.begin() as connection:
                connection.execute(
                    sa.text(
                        "insert into accountant.jobs (id, key_prefix, kind, request, queue, attempts_most) "
                        "values ('late', 'prefix', 'view', '', 'cpu', 5)"
                    )
                )

    first, second, third = asyncio.run(listen())
    assert first.startswith("event: verdict")
    queued = scalar(resources.engine, FIGURES["Jobs queued"])
    assert shown_in(second)["Jobs queued"] == whole(queued - 1)
    assert third.startswith("event: numbers")
    assert shown_in(third)["Jobs queued"] == whole(queued)
    live.close()


def shown_in(event: str) -> dict[str, str]:
    return shown("\n".join(line.removeprefix("data: ") for line in event.splitlines()))


def test_a_stream_ends_with_its_session(resources: DashboardResources, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is signed out hears no more."""
    monkeypatch.setattr("accountant.dashboard.live.CHECK_S", 0.0)
    live = Live(resources)

    async def listen() -> int:
        async with asyncio.timeout(60):
            return len([event async for event in live.stream(("verdict",), lambda: False)])

    assert asyncio.run(listen()) == 0
    live.close()


def test_metrics_take_the_token(resources: DashboardResources, tmp_path: Path) -> None:
    """Prometheus is let in with the token in the file alone: not without one, with another, or with a session."""
    settings = resources.settings.model_copy(update={"data_dir": tmp_path})
    http = Browser(replace(resources, settings=settings), "127.0.0.1")
    assert http.get("/metrics", headers={"authorization": "Bearer "}).status_code == 401
    settings.metrics_token_path.write_text("the token\n")
    for given in ("", "Bearer", "Bearer ", "Bearer another", "Basic the token"):
        answer = http.get("/metrics", headers={"authorization": given})
        assert answer.status_code == 401, given
        assert answer.headers["www-authenticate"] == "Bearer"
    answer = http.get("/metrics", headers={"authorization": "bearer the token"})
    assert answer.status_code == 200
    assert "# TYPE anh_jobs gauge" in answer.text


def test_every_chart_is_of_the_catalogue(resources: DashboardResources, visitor: Visitor) -> None:
    """Each chart of the home page has a series."""
    for chart in home.CHARTS:
        answer = visitor.get(f"/series/{chart.metric}.json?span=day{chart.query}")
        assert answer.status_code == 200, chart
