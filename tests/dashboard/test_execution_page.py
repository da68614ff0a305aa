"""The page of execution: its sums are SQL's, and each dear contract or account leads to its jobs and transactions."""

import pytest
import sqlalchemy as sa

from accountant.accounting.outstanding import accounting_cost
from accountant.dashboard.pages.cost_picture import HEIGHT, picture
from accountant.dashboard.resources import DashboardResources
from accountant.dashboard.text import share, whole
from accountant.monitoring.reads.execution import (
    YESTERDAY,
    answers,
    costs,
    dear_jobs,
    dear_transactions,
    dearest,
    everything,
    flights,
    hours_of,
    lookups,
    observed,
    of_party,
    repeated,
)
from accountant.primitives.types import Height, Seq
from accountant.storage.admins import Role
from accountant.storage.database import Database
from accountant.storage.index import PostgresIndex
from accountant.storage.metric_tables import dear_hours
from accountant.storage.observed_gas import PostgresObservedGas
from tests.support.dashboard import Visitor
from tests.support.metrics import CONTRACT, LESSER, SENDER
from tests.support.pages import assert_inert, figures, rows, signed_in, table


@pytest.mark.parametrize("span", ["hour", "day", "month"])
def test_figures_are_sqls(hostile: DashboardResources, span: str) -> None:
    """Executed against skipped, known against everything, look-ups by layer, waits and runs."""
    engine = hostile.engine
    text = signed_in(hostile, Role.VIEWER).get(f"/execution?span={span}").text
    shown = figures(text)
    ((count, executed, skipped, known, gas, most),) = rows(
        engine,
        "select count(*), sum(executed), sum(skipped), sum(cache_hits), sum(gas_executed), sum(gas_everything) "
        "from accountant.job_figures",
    )
    with engine.connect() as connection:
        assert answers(connection, span) == (count, executed, skipped, known, gas, most)
        seen, found, waited = observed(connection), lookups(connection), flights(connection)
        times, lines = repeated(connection)
    assert shown["Answers"] == whole(count)
    assert shown["Transactions executed"] == whole(executed)
    assert shown["Transactions skipped"] == whole(skipped)
    assert shown["Outcomes known before"] == whole(known)
    assert shown["Executed of everything"] == share(float(gas), float(most))
    ((outcomes, used),) = rows(engine, "select count(*), sum(gas_used) from accountant.outcomes")
    ((on_chain, limits),) = rows(engine, "select count(*), sum(gas_limit) from accountant.transactions")
    assert seen == (outcomes, on_chain, used, limits)
    assert [
        shown[name] for name in ("Outcomes known", "Transactions on chain", "Gas observed", "Gas limits of all")
    ] == [whole(value) for value in (outcomes, on_chain, used, limits)]
    assert found == (60, 30, 10) and waited == (3, 4.5)
    assert [row[1:] for row in table(text, "Outcomes looked up")] == [
        ["60", "60.0 %", "60.0 %"],
        ["30", "30.0 %", "75.0 %"],
        ["10", "10.0 %", "–"],
    ]
    assert shown["Waits for another's execution"] == "3" and shown["Time waited so"] == "4.5 s"
    plain = rows(engine, "select seq, executions, gas_used from accountant.outcomes where executions > 1")
    assert times == len(plain) and [(one.seq, one.runs, one.gas_used) for one in lines] == plain
    assert_inert(text)


def test_the_dearest_are_sqls(hostile: DashboardResources) -> None:
    """Gas of each contract and account, views included, and their shares of all."""
    engine = hostile.engine
    text = signed_in(hostile, Role.VIEWER).get("/execution?span=month").text
    contracts = rows(
        engine,
        'select key, sum(gas), sum(runs) from (select t."to" as key, o.gas_used as gas, 1 as runs '
        "from accountant.outcomes o join accountant.transactions t using (seq) union all "
        "select contract, view_gas, 1 from accountant.job_figures) each group by key order by 2 desc",
    )
    accounts = rows(
        engine,
        "select t.sender, sum(o.gas_used), count(*) from accountant.outcomes o "
        "join accountant.transactions t using (seq) group by 1 order by 2 desc",
    )
    ((total,),) = rows(
        engine,
        "select (select sum(gas_used) from accountant.outcomes) + (select sum(view_gas) from accountant.job_figures)",
    )
    with engine.connect() as connection:
        hours = hours_of(connection, "month")
        assert everything(connection, hours) == total
        for party, plain, caption in (
            ("contract", contracts, "Dearest contracts"),
            ("account", accounts, "Dearest accounts"),
        ):
            assert dearest(connection, party, hours) == plain
            assert [row[1:4] for row in table(text, caption)] == [
                [whole(gas), share(float(gas), float(total)), whole(runs)] for _, gas, runs in plain
            ]
            assert of_party(connection, party, plain[0][0], hours) == plain[0]
    assert [key for key, _, _ in contracts] == [CONTRACT, LESSER]


def test_yesterday_is_the_last_whole_day(hostile: DashboardResources) -> None:
    """Only its hours count, not today's and not those of the day before; both pages offer it."""
    with hostile.engine.connect() as connection:
        hours = hours_of(connection, YESTERDAY)
        now = connection.scalar(sa.text("select extract(epoch from now())::bigint"))
        assert hours.until % 86_400 == 0 and hours.until <= now < hours.until + 86_400
        assert hours.since == hours.until - 86_400
        connection.execute(sa.text("delete from accountant.dear_hours"))
        for hour, gas in (
            (hours.since - 3_600, 1),
            (hours.since, 20),
            (hours.until - 3_600, 300),
            (hours.until, 4_000),
        ):
            connection.execute(
                sa.insert(dear_hours),
                [
                    {"hour": hour, "party": party, "key": CONTRACT, "gas": gas, "runs": 1}
                    for party in ("contract", "account")
                ],
            )
        connection.execute(
            sa.text("update accountant.job_figures set finished_at = to_timestamp(:at)"), {"at": hours.until}
        )
        assert dearest(connection, "contract", hours) == [(CONTRACT, 320, 2)]
        assert of_party(connection, "contract", CONTRACT, hours) == (CONTRACT, 320, 2)
        assert everything(connection, hours) == 320
        assert dear_jobs(connection, "contract", CONTRACT, hours) == []
        connection.execute(
            sa.text("update accountant.job_figures set finished_at = to_timestamp(:at)"), {"at": hours.since}
        )
        viewed = connection.scalar(sa.text("select sum(view_gas) from accountant.job_figures"))
        assert everything(connection, hours) == 320 + viewed
    text = signed_in(hostile, Role.VIEWER).get("/execution?span=yesterday").text
    assert "Why answers were slow" in text and "/execution?span=day" in text and "data-series" not in text


@pytest.mark.parametrize(("party", "key"), [("contract", CONTRACT), ("contract", LESSER), ("account", SENDER)])
def test_a_dear_party_leads_to_its_transactions_and_jobs(hostile: DashboardResources, party: str, key: bytes) -> None:
    """What lies behind a number: the transactions by gas, and the answers that executed them."""
    engine = hostile.engine
    text = signed_in(hostile, Role.VIEWER).get(f"/execution?{party}=0x{key.hex()}&span=month").text
    column = '"to"' if party == "contract" else "sender"
    plain = rows(
        engine,
        f"select t.seq, t.height, o.gas_used from accountant.outcomes o join accountant.transactions t using (seq) "
        f"where t.{column} = :key order by o.gas_used desc limit 20",
        key=key,
    )
    paid = rows(
        engine,
        "select j.id, p.gas, p.runs from accountant.job_parties p join accountant.jobs j on j.number = p.job_number "
        "where p.party = :party and p.key = :key order by p.gas desc, j.number desc",
        party=party,
        key=key,
    )
    with engine.connect() as connection:
        hours = hours_of(connection, "month")
        assert [
            (one.seq, one.height, one.gas_used) for one in dear_transactions(connection, party, key, hours)
        ] == plain
        assert [(one.id, one.gas, one.runs) for one in dear_jobs(connection, party, key, hours)] == paid
    assert [row[1] for row in table(text, "The dearest that were executed")] == [
        whole(height) for _, height, _ in plain
    ]
    shown = table(text, "Answers that executed most")
    assert len(paid) == 2
    assert [row[4] for row in shown] == [whole(int(gas)) for _, gas, _ in paid]
    assert_inert(text)


def test_the_cost_of_outstanding_money_is_the_accounts(hostile: DashboardResources) -> None:
    """By height, as the core computes it from the index and the observed gas."""
    url = hostile.engine.url.render_as_string(hide_password=False)
    with hostile.engine.connect() as connection:
        found = costs(connection, 4)
    with Database(url) as database:
        index, before = PostgresIndex(database), PostgresObservedGas(database).before
        expected = [accounting_cost(index, before, Height(height)) for height in (0, 3, 6, 9)]
    assert found == expected and all(type(value) is int for one in found for value in one)
    plain = rows(
        hostile.engine,
        "select b.height, (select count(*) from accountant.outcomes where seq < 3 * b.height + 3), "
        "(select sum(gas_used) from accountant.outcomes where seq < 3 * b.height + 3) "
        "from accountant.blocks b order by 1 desc",
    )
    shown = table(signed_in(hostile, Role.VIEWER).get("/execution").text, "Accounting cost by height")
    assert [[row[0], row[2], row[3]] for row in shown] == [[whole(value) for value in line] for line in plain]
    bars = picture(found)
    assert bars[-1].known + bars[-1].unknown == pytest.approx(HEIGHT, abs=0.1)
    assert Seq(found[-1].transactions) == 30


@pytest.mark.parametrize(
    "query", ["contract=0x12", "contract=<script>", "account=0x" + "g" * 40, "account=%00", "contract=0x" + "é" * 64]
)
def test_parties_that_are_none_are_refused(hostile: DashboardResources, query: str) -> None:
    """With the page of what is not there."""
    answer = signed_in(hostile, Role.VIEWER).get(f"/execution?{query}")
    assert answer.status_code == 404
    assert "<script>" not in answer.text.replace("<script src", "")
    assert Visitor(hostile).get("/execution").status_code == 303
