"""The life of an execution against a real database: shared, waited for, failing, unwanted, opened again."""

import threading
from collections.abc import Iterator
from random import Random

import pytest
import sqlalchemy as sa

from accountant.accounting.outcome import OutcomeQuestion
from accountant.chain.transaction import CallPayload, Transaction, TransactionKind
from accountant.execution.outcome import Observed
from accountant.execution.port import Heartbeat
from accountant.execution.shared_work import NOTHING, Parked
from accountant.primitives.encoding import encode
from accountant.primitives.types import Gas, Seq
from accountant.services.api_keys import ensure_first_key
from accountant.services.attempt import Attempt
from accountant.services.follow import cancel_job
from accountant.services.heart import Heart, LeaseLost
from accountant.services.policy import JobPolicy
from accountant.services.questions import Answered, Question
from accountant.services.sweep import sweep
from accountant.services.work import work
from accountant.storage.database import engine_of
from accountant.storage.executions import ExecutionRow, Executions
from accountant.storage.job_tables import executions
from accountant.storage.jobs import JobState
from tests.support.random_chain import CONTRACTS, USERS, Program, RandomChain, footprint_of
from tests.support.shared_jobs import POLICY, SharedService

A, B, C, D = Seq(0), Seq(1), Seq(2), Seq(3)
"""Calls: A and B write a slot each, C reads both and writes a third, D reads A's alone."""
STRICT = POLICY._replace(attempts_most=2, patience_s=0.0)


def _diamond() -> RandomChain:
    writes_a, writes_b, joins, reads_a = Program(), Program(), Program(), Program()
    contract = CONTRACTS[0]
    writes_a.write(contract, b"a")
    writes_b.write(contract, b"b")
    for slot in (b"a", b"b"):
        joins.read(contract, slot)
    joins.write(contract, b"c")
    reads_a.read(contract, b"a")
    chain = RandomChain(Random(1), calm=True)
    calls = []
    for nonce, program in enumerate((writes_a, writes_b, joins, reads_a)):
        payload = encode(CallPayload("run", (program.code,)))
        footprint = footprint_of(program.entries)
        kind, to = TransactionKind.CALL, CONTRACTS[0]
        calls.append(
            (USERS[0], Transaction(1, 7, nonce, kind, to, 0, 0, 2_000_000, 0, 0, payload, footprint, bytes(65)))
        )
    chain.index.append_unsigned(calls)
    return chain


class Office(SharedService):
    """Jobs about the diamond."""

    def about(self, seq: Seq) -> str:
        """A job that asks what a call did, which waits for it by now."""
        job = self.ask(OutcomeQuestion(self.chain.index.transaction(seq).hash))
        assert self.run(job) is Attempt.PARKED
        return job

    def execution(self, seq: Seq) -> ExecutionRow | None:
        with self.engine.connect() as connection:
            return Executions(connection).get(seq)

    def states(self) -> dict[Seq, str]:
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(executions.c.seq, executions.c.state))
            return {Seq(row.seq): row.state for row in rows}

    def waits(self) -> set[tuple[int, int | None]]:
        """(what is waited for, the execution that waits or None for a job)"""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.text("select seq, by_seq from accountant.execution_waits"))
            return {(row.seq, row.by_seq) for row in rows}

    def cancel(self, job: str) -> None:
        with self.engine.begin() as connection:
            cancel_job(connection, self.key_prefix, job)

    def published(self) -> list[str]:
        """What is published now."""
        self.messages.clear()
        self.publish()
        return sorted(self.messages)


def execution(seq: Seq) -> str:
    return f"execution_{seq}"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = engine_of(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def office(engine: sa.Engine) -> Office:
    return _office(engine, STRICT)


def _office(engine: sa.Engine, policy: JobPolicy) -> Office:
    key = ensure_first_key(engine)
    assert key is not None
    return Office(engine, key.split("_")[1], Random(1), policy, _diamond())


def test_a_diamond_resolves_without_anybody_waiting_at_work(office: Office) -> None:
    """Each execution stops for what it needs and is queued again when it is there; the job ends with what all cost."""
    job = office.about(C)
    row = office.job(job)
    assert (row.state, row.executions, row.attempts) == (JobState.WAITING, 1, 0)
    assert row.why_waiting == f"for the execution of 0x{office.chain.index.transaction(C).hash.hex()}"
    assert office.published() == [execution(C)]  # the job's own message is stale by now
    assert office.run(job) is Attempt.NOTHING_TO_DO
    assert office.run(execution(C)) is Attempt.PARKED
    assert office.waits() == {(C, None), (A, C)}
    assert office.run(execution(C)) is Attempt.NOTHING_TO_DO
    assert office.run(execution(A)) is Attempt.DONE
    assert office.run(execution(C)) is Attempt.PARKED
    assert office.run(execution(B)) is Attempt.DONE
    assert office.run(execution(C)) is Attempt.DONE
    assert office.waits() == set()
    assert office.run(job) is Attempt.DONE
    assert office.right(job) == [office.chain.index.transaction(seq).hash for seq in (A, B, C)]
    assert office.job(job).gas_executed == sum(office.eager.outcomes[seq].gas_used for seq in (A, B, C))
    assert (office.job(job).executions_done, office.job(job).attempts) == (1, 1)


def test_who_comes_later_shares_and_pays_nothing(office: Office) -> None:
    """A second job that needs the same execution waits for the same row, and has it as known before."""
    first, second = office.about(C), office.about(A)
    third = office.about(A)
    assert office.run(execution(C)) is Attempt.PARKED  # joins A, which the second job asked for first
    for seq in (A, C, B, C):
        office.run(execution(seq))
    for job in (first, second, third):
        assert office.run(job) is Attempt.DONE
    names = [office.chain.index.transaction(seq).hash for seq in (A, B, C)]
    assert [office.right(job) for job in (first, second, third)] == [names[1:], names[:1], []]
    assert set(office.executed().values()) == {1}


def test_poison_fails_all_that_waits(office: Office) -> None:
    """An execution whose workers vanish is parked as failed, and so is who waits for it, in whatever depth; a job
    that asks again opens it anew."""
    job, other = office.about(C), office.about(B)
    office.run(execution(C))
    for _ in range(STRICT.attempts_most):
        with office.engine.begin() as connection:
            assert Executions(connection).take(A, "worker", 0.0) is not None
        swept = sweep(office.engine, STRICT, broker_forgot=False)
    assert (swept.returned, swept.parked) == (0, 1)
    row = office.job(job)
    assert (row.state, row.error_code) == (JobState.FAILED, "execution_failed")
    assert f"0x{office.chain.index.transaction(A).hash.hex()}" in str(row.error_detail)
    assert office.states() == {A: "failed", B: "queued", C: "failed"}
    assert office.waits() == {(B, None)}
    again = office.about(C)
    office.end_all([again, other], kills=0.0, lost=0.0, twice=0.0)
    office.right(again)


def test_an_unexpected_error_is_tried_again_then_fails_who_waits(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every attempt at an execution is counted; the last one's error reaches the job."""
    job = office.about(A)

    def broken(*_: object) -> None:
        raise OSError("/secret/path")

    monkeypatch.setattr("accountant.execution.selective.Selective.outcome", broken)
    assert [office.run(execution(A)) for _ in range(2)] == [Attempt.RETRIED, Attempt.FAILED]
    row = office.job(job)
    assert (row.state, row.error_code) == (JobState.FAILED, "execution_failed")
    assert "OSError" in str(row.error_detail)
    assert "/secret" not in str(row.error_detail)


def test_cancelling_ends_what_only_that_job_needs(office: Office) -> None:
    """What a cancelled job alone waited for ends, with what only that needed; what others need goes on."""
    cancelled, kept = office.about(C), office.about(D)
    office.run(execution(C))
    office.run(execution(D))
    assert office.waits() == {(C, None), (D, None), (A, C), (A, D)}
    office.cancel(cancelled)
    assert office.states() == {A: "queued", C: "cancelled", D: "waiting"}
    assert office.waits() == {(D, None), (A, D)}
    office.cancel(kept)
    assert set(office.states().values()) == {"cancelled"}
    assert office.waits() == set()


def test_a_cancelled_executions_worker_writes_nothing(office: Office) -> None:
    """A running execution that is cancelled has lost its lease; opened again, only its new holder may write."""
    job = office.about(A)
    with office.engine.begin() as connection:
        old = Executions(connection).take(A, "old", 30.0)
    assert old is not None
    office.cancel(job)
    again = office.about(A)
    with office.engine.begin() as connection:
        new = Executions(connection).take(A, "new", 30.0)
    assert new is not None and new.fence > old.fence
    with office.engine.begin() as connection:
        there = Executions(connection)
        assert not there.renew(old, 30.0, 1)
        assert not there.finish(old, 1)
        assert not there.retry(old, 0.0)
        assert not there.park(old, encode(NOTHING), 0)
        assert there.fail(old, "late", "late") is None
        assert there.retry(new, 0.0)
    office.end_all([again], kills=0.0, lost=0.0, twice=0.0)


def test_what_somebody_holds_is_ended_by_the_sweeper(office: Office) -> None:
    """Cancelling waits for nobody: an execution whose row is locked just then is ended by the next sweep."""
    job = office.about(A)
    with office.engine.connect() as holder:
        holder.execute(sa.select(executions.c.seq).where(executions.c.seq == A).with_for_update())
        office.cancel(job)
        assert office.states() == {A: "queued"}
        holder.rollback()
    assert sweep(office.engine, STRICT, broker_forgot=False).unwanted == 1
    assert office.states() == {A: "cancelled"}


def test_what_became_known_is_not_waited_for(office: Office) -> None:
    """Where somebody else found an outcome between the look and the waiting, the work goes on at once."""
    job = office.ask(OutcomeQuestion(office.chain.index.transaction(A).hash))
    looks = 0

    def late(question: Question, beat: Heartbeat) -> Answered:
        nonlocal looks
        looks += 1
        if looks == 1:
            office.outcomes.put(A, Observed(office.eager.outcomes[A], ()))
            raise Parked({A: None}, NOTHING)
        return office.answer(question, beat)

    assert work(office.engine, late, job, "worker", STRICT, office.sharing) is Attempt.DONE
    assert (looks, office.states()) == (2, {})


def test_an_execution_whose_outcome_is_gone_is_opened_again(office: Office) -> None:
    """A row that says done does not stand for an outcome that was withdrawn."""
    first = office.about(A)
    office.run(execution(A))
    office.run(first)
    office.outcomes._observed.clear()
    again = office.about(A)
    assert office.states() == {A: "queued"}
    office.end_all([again], kills=0.0, lost=0.0, twice=0.0)
    assert office.outcomes.executions(A) == 2


def test_a_job_that_lost_its_lease_registers_nothing(office: Office) -> None:
    """Whoever stops to wait after the job was cancelled leaves neither executions nor waits."""
    job = office.ask(OutcomeQuestion(office.chain.index.transaction(A).hash))

    def slow(question: Question, beat: Heartbeat) -> Answered:
        office.cancel(job)
        return office.answer(question, beat)

    assert work(office.engine, slow, job, "worker", STRICT, office.sharing) is Attempt.LOST
    assert (office.states(), office.waits()) == ({}, set())
    assert office.job(job).state is JobState.CANCELLED


def test_who_waited_too_often_works_alone(engine: sa.Engine) -> None:
    """After the most waits that are allowed an execution does everything itself."""
    office = _office(engine, STRICT._replace(parks_most=1))
    job = office.about(C)
    assert office.run(execution(C)) is Attempt.PARKED
    office.run(execution(A))
    assert office.run(execution(C)) is Attempt.DONE  # B included
    assert office.run(job) is Attempt.DONE
    assert office.states() == {A: "done", C: "done"}
    office.right(job)


def test_under_a_budget_a_job_works_alone(office: Office) -> None:
    """A job with a gas budget leaves nothing to others, and its budget holds."""
    name = office.chain.index.transaction(C).hash
    enough = sum(office.eager.outcomes[seq].gas_used for seq in (A, B, C))
    poor, rich = office.ask(OutcomeQuestion(name, enough - 1)), office.ask(OutcomeQuestion(name, enough))
    assert office.run(poor) is Attempt.DONE
    assert office.job(poor).gas_executed <= enough - 1
    assert office.run(rich) is Attempt.DONE
    office.right(rich)
    assert office.states() == {}


def test_lost_messages_of_executions_are_published_again(office: Office) -> None:
    """A queued execution whose message vanished is published again, after a flush all at once."""
    job = office.about(A)
    office.run(job)
    assert execution(A) in office.published()
    assert office.published() == []
    assert sweep(office.engine, STRICT, broker_forgot=False).reposted == 1
    assert office.published() == [execution(A)]
    patient = STRICT._replace(patience_s=3_600.0)
    assert sweep(office.engine, patient, broker_forgot=False).reposted == 0
    assert sweep(office.engine, patient, broker_forgot=True).reposted == 1
    assert office.published() == [execution(A)]


def test_old_executions_are_forgotten(office: Office) -> None:
    """What ended long ago goes; what is waited for stays, and so do outcomes."""
    ended, live = office.about(A), office.about(B)
    office.run(execution(A))
    office.run(ended)
    sweep(office.engine, STRICT._replace(events_kept_s=0.0), broker_forgot=False)
    assert office.states() == {B: "queued"}
    assert office.outcomes.get(A) is not None
    office.end_all([live], kills=0.0, lost=0.0, twice=0.0)


def test_who_does_not_listen_is_abandoned() -> None:
    """A process that still works some time after its lease was lost ends itself; one that listens does not."""
    quick = JobPolicy(lease_s=0.03, abandon_s=0.05)
    ended = threading.Event()
    with Heart(lambda _gas: False, "deaf", Gas(0), quick, ended.set):
        assert ended.wait(60)
    ended.clear()
    patient = quick._replace(abandon_s=60.0)
    with Heart(lambda _gas: False, "listening", Gas(0), patient, ended.set) as heart:
        assert heart.lost.wait(60)
        with pytest.raises(LeaseLost):
            heart.beat(Gas(1))
    assert not ended.is_set()
