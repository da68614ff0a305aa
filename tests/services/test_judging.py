"""Verdicts without an audit: an oath that anybody executes for any reason is judged with its outcome, at once."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from hypothesis import given, settings

from accountant.accounting.outcome import OutcomeQuestion
from accountant.accounting.query import QueryQuestion
from accountant.chain.block import Position
from accountant.chain.query import Income
from accountant.chain.transaction import DeployPayload
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Movement, Observed, Outcome
from accountant.execution.port import ConflictingOutcome, OutcomesWithdrawn
from accountant.oath.audit import audit
from accountant.oath.audit_report import AuditQuestion, OathVerdict
from accountant.oath.counts import purse_flaws
from accountant.oath.purse import OATH_ENVELOPE
from accountant.oath.swear import deploy_transaction
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import BLACKHOLE, Seq
from accountant.services.accountants import list_accountants, search_purses
from accountant.services.ask import ask
from accountant.services.attempt import Attempt
from accountant.services.execute import execute
from accountant.services.judging import judging
from accountant.services.questions import Question
from accountant.services.sharing import Sharing
from accountant.services.withdraw import withdraw
from accountant.storage.database import engine_of, migrate
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.executions import NewExecution
from accountant.storage.jobs import Queue
from tests.oath.test_histories import STEPS, Step, history
from tests.oath.test_slash import TOOTHLESS
from tests.support.auditor import PLENTY, POLICY, Auditor
from tests.support.index_chain import emptied
from tests.support.oath_chain import OWNER, TOKEN, OathChain, altered, terms
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
    """A second database, without verdicts, for chains that lie in memory."""
    with fresh_database(servers) as url:
        migrate(url)
        made = engine_of(url)
        yield made
        made.dispose()


def answered(auditor: Auditor, question: Question) -> None:
    """A job that is no audit, done."""
    with auditor.engine.begin() as connection:
        job_id = ask(connection, auditor.index, auditor.key_prefix, question, False, POLICY).id
    auditor.work(job_id)


def lies_seen(auditor: Auditor) -> tuple[int, int]:
    """(checked, lies) of the accountant, as the list of accountants shows them."""
    search_purses(auditor.engine)
    with auditor.engine.connect() as connection:
        ((seen,), more) = list_accountants(connection, auditor.index, 0, 10)
    assert not more and seen.address == ACCOUNTANT.address and seen.trust is not None
    return seen.history.checked, seen.history.lies


def test_a_lie_found_by_the_way(auditor: Auditor) -> None:
    """Somebody asks what a transaction did: it was a lie, and trust knows it, though nobody has audited anything."""
    before = lies_seen(auditor)
    answered(auditor, OutcomeQuestion(auditor.index.transaction(auditor.sworn.lie).hash))
    assert auditor.verdicts() == {auditor.sworn.lie: True}
    assert (before, lies_seen(auditor)) == ((0, 0), (1, 1))


def test_a_lie_that_another_answer_needs(auditor: Auditor) -> None:
    """What an oath burnt is asked for, and its outcome is what has to be executed: its verdict comes with it."""
    lie = auditor.index.transaction(auditor.sworn.lie).hash
    answered(auditor, QueryQuestion(encode(Income(lie, BLACKHOLE))))
    assert auditor.verdicts()[auditor.sworn.lie] is True


def test_a_truth_found_by_the_way(auditor: Auditor) -> None:
    """A true oath leaves its verdict too: trust rests on truths as well as on lies."""
    answered(auditor, OutcomeQuestion(auditor.index.transaction(auditor.sworn.truths[0]).hash))
    assert auditor.verdicts() == {auditor.sworn.truths[0]: False} and lies_seen(auditor) == (1, 0)


def test_an_execution_that_jobs_share(auditor: Auditor) -> None:
    """A worker that executes the oath for others judges it as well."""
    located = auditor.index.transaction(auditor.sworn.lie)
    new = NewExecution(located.seq, located.hash, located.transaction.gas_limit, Queue.CPU)  # type: ignore[arg-type]
    with auditor.engine.begin() as connection:
        row = {"seq": new.seq, "transaction": new.transaction, "gas_limit": new.gas_limit, "queue": new.queue.value}
        columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        statement = f"insert into accountant.executions ({columns}, attempts_most) values ({values}, 2)"
        connection.execute(sa.text(statement), row)
    sharing = Sharing(auditor.index, auditor.store.current, POLICY)
    assert execute(auditor.engine, located.seq, "worker", sharing) is Attempt.DONE
    assert auditor.verdicts() == {auditor.sworn.lie: True}


def test_an_audit_afterwards_finds_it_known(auditor: Auditor) -> None:
    """The audit executes the others only, and its features of what it knew already replace nothing."""
    answered(auditor, OutcomeQuestion(auditor.index.transaction(auditor.sworn.lie).hash))
    stored = features(auditor)
    found = auditor.found(auditor.done())
    assert [lie.seq for lie in found.lies] == [auditor.sworn.lie]
    by_seq = {oath.seq: oath for oath in found.oaths}
    assert by_seq[auditor.sworn.lie].gas == 0 and features(auditor)[auditor.sworn.lie] == stored[auditor.sworn.lie]
    for seq in auditor.sworn.truths:
        score = by_seq[seq].score
        assert score is not None and by_seq[seq].gas > 0 and features(auditor)[seq] == list(score.features)


def slashing(auditor: Auditor) -> Outcome:
    """What a lie would have done."""
    burnt, lost = Movement(BLACKHOLE, TOKEN), Movement(auditor.sworn.purse, TOKEN)
    return Outcome(failure=None, detail="", gas_used=100_000, return_value=0, credits=(burnt,), debits=(lost,))


def features(auditor: Auditor) -> dict[int, list[int]]:
    """How each judged oath looked before."""
    with auditor.engine.connect() as connection:
        rows = connection.execute(sa.text("select seq, features from accountant.oath_verdicts"))
        return {row.seq: row.features for row in rows}


def test_a_withdrawn_outcome_takes_its_verdict_with_it(auditor: Auditor) -> None:
    """An outcome that was wrong made a truth a lie; withdrawn, it is executed anew, and the name is clean."""
    truth = auditor.sworn.truths[0]
    wrong = slashing(auditor)
    old = auditor.store.current()
    old.put(truth, Observed(wrong, ()))
    assert auditor.verdicts() == {truth: True}
    withdraw(auditor.engine, auditor.index, auditor.index.transaction(truth).hash)
    assert auditor.verdicts() == {}
    with pytest.raises(OutcomesWithdrawn):  # a worker that began before the withdrawal
        old.put(truth, Observed(wrong, ()))
    assert auditor.verdicts() == {}
    answered(auditor, OutcomeQuestion(auditor.index.transaction(truth).hash))
    assert auditor.verdicts() == {truth: False} and lies_seen(auditor) == (1, 0)


def test_an_outcome_that_is_not_kept_judges_nobody(auditor: Auditor) -> None:
    """A second outcome that differs from the first is refused, and its verdict with it."""
    truth = auditor.sworn.truths[0]
    answered(auditor, OutcomeQuestion(auditor.index.transaction(truth).hash))
    wrong = slashing(auditor)
    with pytest.raises(ConflictingOutcome):
        auditor.store.current().put(truth, Observed(wrong, ()))
    assert auditor.verdicts() == {truth: False}


def test_what_is_no_oath_is_not_judged(auditor: Auditor) -> None:
    """Withdrawals are executed without a verdict."""
    leaving = Seq(auditor.index.head().next_seq - 1)
    answered(auditor, OutcomeQuestion(auditor.index.transaction(leaving).hash))
    assert auditor.store.get(leaving) is not None and auditor.verdicts() == {}


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_each_verdict_is_the_audits(engine: sa.Engine, steps: list[Step]) -> None:
    """Over random histories an outcome is judged exactly as an audit judges it: kept and slashed, none that escaped."""
    chain, purse = history(steps)
    state = execute_everything(chain.index)
    judge = judging(chain.index, engine)
    judged = {seq: verdict for seq, o in enumerate(state.outcomes) if (verdict := judge(Seq(seq), o)) is not None}
    found = audit(chain.index, MemoryOutcomes(), AuditQuestion(purse, Position(chain.index.head().hash, 0), PLENTY))
    shown = {o.seq: o for o in found.oaths if o.verdict in (OathVerdict.KEPT, OathVerdict.SLASHED)}
    assert set(judged) == set(shown)
    for seq, oath in shown.items():
        verdict = judged[seq]
        assert verdict.lied == (oath.verdict is OathVerdict.SLASHED)
        assert (verdict.transaction, verdict.contract, verdict.swearer) == (oath.transaction, purse, oath.swearer)
        assert verdict.gas == state.outcomes[seq].gas_used


def test_a_look_alike_is_not_judged(engine: sa.Engine) -> None:
    """A contract that finds every oath true, or slashes whom it likes, says nothing of its swearer."""
    chain = OathChain()
    deployment = deploy_transaction(chain.stamp(), chain.index.genesis.gas)
    look_alike = encode(DeployPayload(bytes(TOOTHLESS), OATH_ENVELOPE, ()))
    purse = contract_id_of(OWNER, deployment.nonce)
    chain.add(altered(deployment, payload=look_alike, gas_limit=10**9))
    chain.deposit(purse, 5 * TOKEN)
    seq = chain.swear(purse, terms(chain.rich_has(TOKEN), False))
    outcome = execute_everything(chain.index).outcomes[seq]
    assert outcome.succeeded and purse_flaws(chain.index, purse, seq)
    assert judging(chain.index, engine)(seq, outcome) is None
