"""The pages of oaths: purses, what was sworn, audits and trust, as SQL and the library have them."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from accountant.dashboard.resources import DashboardResources
from accountant.dashboard.text import short, units, whole
from accountant.monitoring.catalogue import METRICS
from accountant.monitoring.metric import Events
from accountant.monitoring.probes import Probed
from accountant.monitoring.reads import oaths as reads
from accountant.monitoring.reads.health import read_snapshot
from accountant.monitoring.reads.oath import oath_page
from accountant.monitoring.reads.slashes import oaths_by_state, own_slashes
from accountant.monitoring.sampler import levels_of, sample
from accountant.monitoring.series import series, totals
from accountant.monitoring.verdict import Health, judge
from accountant.oath.counts import counts
from accountant.oath.oath import oath_of
from accountant.primitives.addresses import show
from accountant.primitives.types import Seq
from accountant.services.accountants import list_accountants, search_purses
from accountant.settings import Settings
from accountant.storage.admins import Role
from accountant.storage.database import migrate
from accountant.storage.embedded import EmbeddedServers
from tests.support.auditor import Auditor, sworn_chain
from tests.support.chain_pages import MARKUP, text_of
from tests.support.dashboard import Visitor, add_user
from tests.support.oath_chain import TOKEN
from tests.support.oath_node import ACCOUNTANT
from tests.support.pages import figures, table

SIGNED = """
insert into accountant.signed_transactions (signer, nonce, purpose, purse, units, cost, hash, raw, state, seq, refusal)
values (:signer, :nonce, :purpose, :purse, :units, 0, :hash, '', :state, :seq, :refusal)
"""


class Seen(NamedTuple):
    """A dashboard of an auditor, and who looks at it."""

    auditor: Auditor
    resources: DashboardResources
    viewer: Visitor
    operator: Visitor


@pytest.fixture(scope="module")
def seen(module_database_url: str, servers: EmbeddedServers) -> Iterator[Seen]:
    """A purse with two truths and a lie that an audit found; the accountant's own rows say that it signed them."""
    migrate(module_database_url)
    with ExitStack() as stack:
        auditor = Auditor(module_database_url, servers.redis_url, stack)
        search_purses(auditor.engine)
        _signed(auditor)
        auditor.done()
        index, store = auditor.index, auditor.store
        resources = DashboardResources(auditor.engine, lambda: index, Settings(), outcomes=lambda: store)
        visitors = []
        for role in (Role.VIEWER, Role.OPERATOR):
            add_user(auditor.engine, role.word, role)
            visitors.append(Visitor(resources))
            assert visitors[-1].sign_in(role.word).status_code == 303
        yield Seen(auditor, resources, *visitors)


def _signed(auditor: Auditor) -> None:
    sworn = sworn_chain()
    rows = [("deploy", 0, 0), ("deposit", 10 * TOKEN, 1), ("oath", TOKEN, 2), ("oath", TOKEN, 3), ("oath", TOKEN, 4)]
    with auditor.engine.begin() as connection:
        for nonce, (purpose, amount, seq) in enumerate([*rows, ("withdraw", TOKEN, 5), ("oath", 3 * TOKEN, None)]):
            state = "pending" if seq is None else "included"
            transaction = b"\x99" * 32 if seq is None else auditor.index.transaction(Seq(seq)).hash
            given = {"signer": ACCOUNTANT.address, "nonce": nonce, "purpose": purpose, "purse": sworn.purse}
            given |= {"units": amount, "hash": transaction, "state": state, "seq": seq}
            given["refusal"] = MARKUP if seq is None else None
            connection.execute(sa.text(SIGNED), given)
        connection.execute(
            sa.text(
                'insert into accountant.publishing (signer, stopped, detail, low, "left", alarm)'
                " values (:signer, 'purse_exhausted', :detail, true, 5, 7)"
            ),
            {"signer": ACCOUNTANT.address, "detail": MARKUP},
        )


def test_purses_show_stake_and_penalties_as_sql_has_them(seen: Seen) -> None:
    """Outstanding: the pending one; matured: two truths; slashed: the lie; deposit bounds are the library's."""
    sworn = sworn_chain()
    with seen.resources.engine.connect() as connection:
        own = reads.own_oaths(connection, seen.auditor.index, seen.auditor.store)
    assert own is not None and own.purses_in_all == 1
    (purse,) = own.purses
    assert purse.sums == (4, 3 * TOKEN, 2 * TOKEN, TOKEN, 3, 1, 10 * TOKEN, TOKEN)
    assert purse.contract == sworn.purse and purse.funded
    assert purse.static == 6 * TOKEN  # ten, less three penalties and a withdrawal
    assert purse.static <= purse.known == 8 * TOKEN  # the truths gave theirs back
    assert purse.at_stake == 4 * TOKEN
    for visitor in (seen.viewer, seen.operator):
        answer = visitor.get("/oaths")
        assert answer.status_code == 200
        text = text_of(answer.text)
        figures = (10, 1, 6, 8, 4, 3, 2, 1)
        row = " ".join(units(value * TOKEN) for value in figures)
        assert f"{row} {whole(3)} {whole(1)}" in text
        assert "purse_exhausted" in text and MARKUP not in answer.text and "&lt;script&gt;" in answer.text
        assert text.count("not checked") == 1 and show(ACCOUNTANT.address) in answer.text


def test_slashes_of_our_own_are_shown_as_sql_has_them(seen: Seen) -> None:
    """The lie that the key signed: count, penalty and line; totals of oaths by state; the verdict leads here."""
    lie = seen.auditor.index.transaction(sworn_chain().lie).hash
    with seen.resources.engine.connect() as connection:
        found = own_slashes(connection, 10)
        states = oaths_by_state(connection)
        bare = connection.exec_driver_sql(
            "select count(*), sum(s.units), max(v.found_at) from accountant.oath_verdicts v"
            " join accountant.signed_transactions s using (seq) where v.lied and s.purpose = 'oath'"
        ).one()
        counted = connection.exec_driver_sql(
            "select state, count(*) from accountant.signed_transactions where purpose = 'oath' group by 1"
        )
        assert states == dict(map(tuple, counted.all()))
        snapshot = read_snapshot(connection, Probed())
        levels = {
            one.name: dict(levels_of(connection, one, Probed())) for one in METRICS if not isinstance(one.how, Events)
        }
    assert (found.oaths, found.units, found.latest[0].found_at) == tuple(bare) == (1, TOKEN, bare[2])
    assert found.latest == [(lie, sworn_chain().purse, TOKEN, bare[2])]
    assert (snapshot.slashed, snapshot.slashed_today) == (1, 1)
    assert levels["anh_oath_slashed_units"] == {(): TOKEN}
    (cause,) = (one for one in judge(snapshot).causes if one.code == "oaths_slashed")
    assert (cause.health, cause.page) == (Health.DOWN, "/oaths")
    answer = seen.viewer.get("/oaths")
    shown = figures(answer.text)
    assert [shown[name] for name in ("Oaths published", "Oaths pending", "Oaths displaced", "Oaths slashed")] == [
        whole(states["included"]),
        whole(states["pending"]),
        whole(0),
        whole(1),
    ]
    ((oath, _, penalty, _),) = table(answer.text, "Oaths of this accountant that were found false")
    assert (oath, penalty) == (short(lie), units(TOKEN)) and f'href="/oaths/0x{lie.hex()}"' in answer.text
    assert f"1 oath of this accountant was found false: {units(TOKEN)} tokens" in text_of(answer.text)
    assert 'data-cause="oaths_slashed"' in seen.viewer.get("/").text
    with seen.resources.engine.begin() as connection:
        sample(seen.resources.engine, Probed())
        slashed = totals(connection).get("anh_own_oaths_slashed_total", {})
        sums = series(connection, "anh_own_oaths_slashed_total", "hour", "")
    counted_so_far = sum(slashed.values()) + sum(value or 0 for line in sums.lines for value in line.values)
    assert counted_so_far > 0


def test_lies_of_others_are_no_slashes_of_ours(seen: Seen) -> None:
    """What another key signed, or no oath, or a lie of long ago, is not told as ours of today."""
    with seen.resources.engine.connect() as connection:
        connection.exec_driver_sql("update accountant.oath_verdicts set found_at = now() - interval '2 days'")
        snapshot = read_snapshot(connection, Probed())
        assert (snapshot.slashed, snapshot.slashed_today) == (1, 0)
        connection.exec_driver_sql("update accountant.oath_verdicts set found_at = now() - interval '8 days'")
        assert read_snapshot(connection, Probed()).slashed == 0
        assert own_slashes(connection, 10).oaths == 1
        connection.exec_driver_sql("delete from accountant.signed_transactions where purpose = 'oath'")
        assert own_slashes(connection, 10) == (0, 0, [])
        connection.rollback()


def test_what_was_signed_is_paged(seen: Seen) -> None:
    """Latest first; `before` shows those before."""
    with seen.resources.engine.connect() as connection:
        lines = reads.signed_lines(connection, None, 50)
        bare = connection.exec_driver_sql("select number from accountant.signed_transactions order by number desc")
        assert [one.number for one in lines] == [row[0] for row in bare]
        assert [one.lied for one in lines] == [None, None, True, False, False, None, None]
        assert reads.signed_lines(connection, lines[2].number, 1) == [lines[3]]
    assert seen.viewer.get("/oaths?before=0").status_code == 404
    assert "Nothing more" in text_of(seen.viewer.get("/oaths?before=1").text)


def test_audits_are_listed_with_coverage(seen: Seen) -> None:
    """Figures are bare SQL's; each checked oath is named."""
    with seen.resources.engine.connect() as connection:
        (line,) = reads.audit_lines(connection, None, 50)
        bare = connection.exec_driver_sql(
            "select number, deposit, penalties, outstanding, slashed, coverage_per_mille, oaths, lies"
            " from accountant.audits"
        ).one()
        verdicts = reads.verdict_lines(connection, None, 50, lies=False)
        lies = reads.verdict_lines(connection, None, 50, lies=True)
    assert (line.number, line.deposit, line.penalties, line.outstanding, line.slashed) == tuple(bare)[:5]
    assert (line.coverage_per_mille, line.oaths, line.lies) == tuple(bare)[5:]
    assert len(verdicts) == 3 and [one.transaction for one in lies] == [
        seen.auditor.index.transaction(sworn_chain().lie).hash
    ]
    answer = seen.viewer.get("/oaths/audits")
    text = text_of(answer.text)
    assert f"{units(line.deposit)} {units(line.penalties)} {units(line.outstanding)} {units(line.slashed)}" in text
    assert f"{line.coverage_per_mille / 10:.1f} %" in text and answer.text.count('href="/oaths/0x') == 3


def test_accountants_are_shown_with_trust_and_why(seen: Seen) -> None:
    """Everything is what the service says, which executes nothing."""
    with seen.resources.engine.connect() as connection:
        (one,), _ = list_accountants(connection, seen.auditor.index, 0, 10)
    text = text_of(seen.operator.get("/oaths/accountants").text)
    assert one.trust is not None and one.floor is not None
    assert f"Trust in the latest oath {one.trust.per_mille / 10:.1f} %" in text
    assert f"Checked {whole(one.history.checked)}" in text and f"Lies {whole(one.history.lies)}" in text
    assert ("Does lying pay? no" if one.floor.holds else "Does lying pay? yes") in text
    assert units(one.purses[0].deposit) in text
    assert "None was seen yet" in text_of(seen.operator.get(f"/oaths/accountants?after={one.number}").text)


def test_an_oath_is_shown_with_its_question_and_whether_it_counts(seen: Seen) -> None:
    """Flaws and deposit are the library's; what is no oath has no page here."""
    sworn = sworn_chain()
    for seq, found in ((sworn.truths[0], "true"), (sworn.lie, "false")):
        located = seen.auditor.index.transaction(seq)
        with seen.resources.engine.connect() as connection:
            page = oath_page(connection, seen.auditor.index, seq)
        standing = counts(seen.auditor.index, oath_of(seen.auditor.index, seq))
        assert page.flaws == list(standing.flaws) and page.deposit == standing.deposit
        answer = seen.viewer.get(f"/oaths/0x{located.hash.hex()}")
        text = text_of(answer.text)
        assert f"Found {found}" in text and f"Penalty {units(TOKEN)}" in text
        assert f"Deposit {units(page.deposit)}" in text and "own at least" in text
        assert ("Does it count? no" if page.flaws else "Does it count? yes") in text
    deployment = seen.auditor.index.transaction(Seq(0)).hash
    assert seen.viewer.get(f"/oaths/0x{deployment.hex()}").status_code == 404
    assert seen.viewer.get("/oaths/oath_1").status_code == 404


def test_without_a_publisher_the_page_says_so(seen: Seen) -> None:
    """Strangers sign in first; without rows the reads are empty."""
    seen.viewer.http.cookies.clear()
    assert seen.viewer.get("/oaths").status_code == 303
    with seen.resources.engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("delete from accountant.publishing")
        assert reads.own_oaths(connection, seen.auditor.index, seen.auditor.store) is None
        transaction.rollback()
