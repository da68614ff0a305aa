"""Audits as jobs in a real database: verdicts are kept, learned from, withdrawn; the order decides no verdict."""

from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.block import Position
from accountant.chain.query import decode_answer, decode_query
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.oath.audit import audit, dearest_first
from accountant.oath.audit_report import AuditQuestion, OathVerdict
from accountant.oath.oath import NotAnOath, oath_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address, Hash, Seq
from accountant.services.api_keys import ensure_first_key
from accountant.services.ask import ask
from accountant.services.audits import NoAudit, learning, list_audits, read_audited
from accountant.services.questions import answering
from accountant.services.withdraw import withdraw
from accountant.services.work import work
from accountant.storage.database import engine_of, migrate
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.verdicts import NewVerdict, Verdicts
from accountant.trust.knowledge import Knowledge
from accountant.trust.ranking import ranking
from tests.oath.test_histories import STEPS, Step, history
from tests.support.auditor import PLENTY, POLICY, Auditor
from tests.support.index_chain import emptied
from tests.support.oath_chain import OathChain
from tests.support.oath_node import ACCOUNTANT
from tests.support.servers import fresh_database


@pytest.fixture(scope="module")
def migrated(module_database_url: str) -> str:
    migrate(module_database_url)
    return module_database_url


@pytest.fixture
def auditor(migrated: str, redis_url: str) -> Iterator[Auditor]:
    emptied(migrated)
    with ExitStack() as stack:
        yield Auditor(migrated, redis_url, stack)


@pytest.fixture(scope="module")
def engine(servers: EmbeddedServers) -> Iterator[sa.Engine]:
    """A second database, for chains that lie in memory."""
    with fresh_database(servers) as url:
        migrate(url)
        made = engine_of(url)
        yield made
        made.dispose()


def test_an_audit_leaves_verdicts(auditor: Auditor) -> None:
    """Its lie and its truths are kept with the database transaction that ends the job, and known to the next audit."""
    first = auditor.found(auditor.done())
    assert [lie.seq for lie in first.lies] == [auditor.sworn.lie]
    assert decode_answer(first.lies[0].truth or b"") is True
    assert auditor.verdicts() == {**dict.fromkeys(auditor.sworn.truths, False), auditor.sworn.lie: True}
    again = auditor.found(auditor.done())
    assert again.gas_executed == 0 and again.deposit == first.deposit
    with auditor.engine.connect() as connection:
        history = Verdicts(connection).history(ACCOUNTANT.address)
    assert (history.checked, history.lies) == (3, 1)


def test_nothing_executed_leaves_no_verdict(auditor: Auditor) -> None:
    """An audit without gas proves the deposit by bytes and says nothing of any oath."""
    found = auditor.found(auditor.done(0))
    assert found.deposit == found.deposit_static and not found.lies and auditor.verdicts() == {}
    assert all(oath.verdict is OathVerdict.UNCHECKED and oath.score is not None for oath in found.oaths)


def test_a_lost_lease_leaves_no_answer(auditor: Auditor) -> None:
    """A worker that finishes after somebody else took the job writes no answer, and no audit; what it executed is
    known all the same, and so are the verdicts."""
    job_id = auditor.ask()

    def late(question: object, heartbeat: object) -> object:
        with auditor.engine.begin() as connection:
            connection.execute(sa.text("update accountant.jobs set fence = fence + 1"))
        return auditor.answer(question, lambda gas: None)  # type: ignore[arg-type]

    work(auditor.engine, late, job_id, "worker", POLICY)  # type: ignore[arg-type]
    assert auditor.job(job_id).certificate is None
    assert auditor.verdicts() == {**dict.fromkeys(auditor.sworn.truths, False), auditor.sworn.lie: True}


def test_withdrawn_outcomes_take_verdicts_and_audits_with_them(auditor: Auditor) -> None:
    """A verdict that rests on a withdrawn outcome is gone, and the audit is marked and asked again."""
    job_id = auditor.done()
    withdrawn = withdraw(auditor.engine, auditor.index, auditor.index.transaction(auditor.sworn.lie).hash)
    assert set(auditor.verdicts()) == set(auditor.sworn.truths)
    (marked,) = withdrawn.jobs
    assert marked.job_id == job_id
    auditor.work(marked.again)
    assert auditor.verdicts()[auditor.sworn.lie] is True


def test_the_history_marks_what_was_withdrawn(auditor: Auditor) -> None:
    """An audit that rests on a withdrawn outcome stays in the history, marked; the one that asks again follows it."""
    auditor.done()
    withdrawn = withdraw(auditor.engine, auditor.index, auditor.index.transaction(auditor.sworn.lie).hash)
    auditor.work(withdrawn.jobs[0].again)
    with auditor.engine.connect() as connection:
        past, more = list_audits(connection, auditor.key_prefix, auditor.sworn.purse, ACCOUNTANT.address, None, 9)
    assert [(one.job_id, one.withdrawn) for one in past] == [
        (withdrawn.jobs[0].again, False),
        (withdrawn.jobs[0].job_id, True),
    ]
    assert [one.lies for one in past] == [1, 1] and not more


def test_pages_of_audited_oaths(auditor: Auditor) -> None:
    """Latest first, of one verdict or all; a job that has no audit has none."""
    job_id, waiting = auditor.done(), auditor.ask()
    with auditor.engine.connect() as connection:
        page = read_audited(connection, auditor.key_prefix, job_id, None, None, 2)
        assert [oath.seq for _, oath in page.oaths] == [auditor.sworn.lie, auditor.sworn.truths[1]] and page.has_more
        rest = read_audited(connection, auditor.key_prefix, job_id, None, page.oaths[-1][0], 2)
        assert [oath.seq for _, oath in rest.oaths] == [auditor.sworn.truths[0]] and not rest.has_more
        lies = read_audited(connection, auditor.key_prefix, job_id, OathVerdict.SLASHED, None, 9)
        assert [oath.seq for _, oath in lies.oaths] == [auditor.sworn.lie] and not lies.has_more
        with pytest.raises(NoAudit):
            read_audited(connection, auditor.key_prefix, waiting, None, None, 2)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, budget=st.sampled_from([0, 800_000, PLENTY]))
def test_verdicts_are_what_executing_everything_says(engine: sa.Engine, steps: list[Step], budget: int) -> None:
    """Whatever is sworn and however far the gas reaches: each stored verdict is the eager one, and with gas enough each
    oath that ran has one.
    """
    chain, purse = history(steps)
    state = execute_everything(chain.index)
    with engine.begin() as connection:
        connection.execute(sa.text("truncate accountant.oath_verdicts, accountant.jobs cascade"))
    key_prefix = _key_prefix(engine)
    question = AuditQuestion(purse, Position(chain.index.head().hash, 0), budget)
    with engine.begin() as connection:
        job_id = ask(connection, chain.index, key_prefix, question, False, POLICY).id
    work(engine, answering(chain.index, MemoryOutcomes(), None, learning(engine)), job_id, "worker", POLICY)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("select seq, transaction, swearer, lied from accountant.oath_verdicts")).all()
    for seq, transaction, swearer, lied in rows:
        outcome = state.outcomes[seq]
        oath = oath_of(chain.index, Seq(seq))
        assert outcome.succeeded and lied == bool(outcome.debit_of(purse))
        assert lied == (state.answer(decode_query(oath.terms.query)) != decode_answer(oath.terms.answer))
        assert (transaction, swearer) == (oath.located.hash, oath.located.sender)
    if budget == PLENTY:
        ran = {seq for seq in range(len(state.outcomes)) if state.outcomes[seq].succeeded and _swears(chain, seq)}
        assert {seq for seq, *_ in rows} == ran


def _swears(chain: OathChain, seq: int) -> bool:
    try:
        oath_of(chain.index, Seq(seq))
    except NotAnOath:
        return False
    return True


def _key_prefix(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        found: str | None = connection.scalar(sa.text("select prefix from accountant.api_keys limit 1"))
    if found is None:
        key = ensure_first_key(engine)
        assert key is not None
        return key.split("_")[1]
    return found


@settings(max_examples=15, deadline=None)
@given(steps=STEPS, seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)))
def test_the_order_decides_no_verdict(steps: list[Step], seeds: tuple[int, int]) -> None:
    """With gas enough, chance and model change nothing but scores: all else is what the fixed order finds."""
    chain, purse = history(steps)
    question = AuditQuestion(purse, Position(chain.index.head().hash, 0), PLENTY)
    plain = audit(chain.index, MemoryOutcomes(), question, None, dearest_first)
    for seed in seeds:
        ranked = ranking(chain.index, MemoryOutcomes(), Knowledge(), Random(seed))
        found = audit(chain.index, MemoryOutcomes(), question, None, ranked)
        assert (found.deposit, found.slashed, found.outstanding) == (plain.deposit, plain.slashed, plain.outstanding)
        assert [(o.seq, o.verdict, o.truth, o.flaws) for o in found.oaths] == [
            (o.seq, o.verdict, o.truth, o.flaws) for o in plain.oaths
        ]
        assert found.floor_held


def test_enough_verdicts_teach(auditor: Auditor) -> None:
    """With verdicts of lies and truths an audit's scores come with reasons, and say from how many they were learned."""
    auditor.done()
    with auditor.engine.begin() as connection:
        stored = connection.execute(sa.text("select features, lied from accountant.oath_verdicts")).all()
        more = (
            NewVerdict(
                Seq(1_000 + i),
                Hash(bytes([i]) * 32),
                auditor.sworn.purse,
                Address(bytes([i % 2]) * 20),
                stored[i % len(stored)].features,
                stored[i % len(stored)].lied,
                0,
            )
            for i in range(60)
        )
        Verdicts(connection).add(more)
    found = auditor.found(auditor.done())
    assert found.learned_from == 63
    scores = {oath.seq: oath.score for oath in found.oaths}
    lie, truth = scores[auditor.sworn.lie], scores[auditor.sworn.truths[0]]
    assert lie is not None and truth is not None and lie.reasons
    assert lie.trust_per_mille < truth.trust_per_mille
    assert encode(found)
