"""Withdrawal in a real database: outcomes, checkpoints, hot copies, jobs; whole or not at all."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from random import Random
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from accountant.accounting.certificate import Certificate, decode_certificate
from accountant.accounting.observe import ObservationQuestion
from accountant.accounting.outcome import OutcomeQuestion, decode_outcome_certificate
from accountant.accounting.questions import LowerBoundQuestion, ViewQuestion
from accountant.chain.block import Position
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Observed
from accountant.execution.port import Heartbeat, OutcomesWithdrawn
from accountant.execution.timeline import Checkpoint
from accountant.primitives.types import Hash, Seq
from accountant.services.api_keys import ensure_first_key
from accountant.services.ask import ask
from accountant.services.attempt import Attempt
from accountant.services.policy import JobPolicy
from accountant.services.questions import Answered, Question, answering, answering_with
from accountant.services.withdraw import NothingToWithdraw, Withdrawn, withdraw
from accountant.services.work import work
from accountant.storage.database import Database, engine_of, migrate
from accountant.storage.hot import redis_of
from accountant.storage.index import PostgresIndex
from accountant.storage.jobs import JobRow, Jobs, JobState
from accountant.storage.oaths import Oaths
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.withdrawals import Withdrawals
from accountant.storage.world_states import current_stores
from tests.support.corrupted import wrong_from, wrong_ones
from tests.support.index_chain import RecordedIndex, emptied, imported
from tests.support.random_chain import CONTRACTS, USERS, RandomChain

POLICY = JobPolicy(lease_s=30.0, attempts_most=2, retry_delay_s=0.0)
TABLES = ("epoch", "outcomes", "checkpoints", "running_hashes", "world_states", "withdrawals", "jobs", "outbox")


class Wrong(NamedTuple):
    """A chain, what it really did, and a store in which one outcome is wrong, and others by it."""

    chain: RecordedIndex
    eager: EagerState
    seq: Seq
    store: MemoryOutcomes


@cache
def wrong_chain() -> Wrong:
    """The first of some random chains on which a wrong outcome makes two others wrong."""
    for seed in range(1_000):
        random = Random(seed)
        chain = RandomChain(random)
        chain.index = index = RecordedIndex(chain.genesis)
        chain.grow(8)
        eager = execute_everything(index)
        found = wrong_from(random, index, eager)
        if found is not None and len(wrong_ones(found[1], eager)) > 2:
            return Wrong(index, eager, *found)
    raise AssertionError("no wrong outcome spreads")


class Accountant:
    """An accountant with a database, which has computed everything on top of a wrong outcome."""

    def __init__(self, url: str, redis_url: str, stack: ExitStack) -> None:
        self.wrong = wrong_chain()
        self.database = stack.enter_context(Database(url))
        imported(self.database, self.wrong.chain.genesis, self.wrong.chain.blocks)
        self.engine = engine_of(url)
        stack.callback(self.engine.dispose)
        key = ensure_first_key(self.engine)
        assert key is not None
        self.key_prefix = key.split("_")[1]
        self.index = PostgresIndex(self.database)
        self.store = PostgresOutcomes(self.database, redis_of(redis_url))
        stack.callback(self.store.close)
        for seq, observed in self.wrong.store.stored_after(Seq(-1)):
            self.store.put(seq, observed)
        self.answer = answering_with(self.index, current_stores(self.database, self.store))

    def hash(self, seq: int) -> Hash:
        return self.index.transaction(Seq(seq)).hash

    def ask(self, question: Question, swear: bool = False) -> str:
        with self.engine.begin() as connection:
            return ask(connection, self.index, self.key_prefix, question, swear, POLICY).id

    def done(self, question: Question, swear: bool = False) -> str:
        job_id = self.ask(question, swear)
        assert work(self.engine, self.answer, job_id, "worker", POLICY) is Attempt.DONE
        return job_id

    def job(self, job_id: str) -> JobRow:
        with self.engine.connect() as connection:
            row = Jobs(connection).get(job_id)
        assert row is not None
        return row

    def withdraw(self, dry_run: bool = False) -> Withdrawn:
        return withdraw(self.engine, self.index, self.hash(self.wrong.seq), dry_run)

    def rows(self) -> dict[str, list[Any]]:
        with self.engine.connect() as connection:
            return {
                name: list(connection.execute(sa.text(f"select t::text from accountant.{name} t order by 1")))
                for name in TABLES
            }


@pytest.fixture(scope="module")
def migrated(module_database_url: str) -> str:
    migrate(module_database_url)
    return module_database_url


@pytest.fixture
def accountant(migrated: str, redis_url: str) -> Iterator[Accountant]:
    emptied(migrated)
    with ExitStack() as stack:
        yield Accountant(migrated, redis_url, stack)


def test_everything_asked_again_is_right(accountant: Accountant) -> None:
    """Wrong answers are marked and asked again; the new answers, and all that is stored then, are the eager ones."""
    wrong = accountant.wrong
    stored = [seq for seq, _ in wrong.store.stored_after(Seq(-1))]
    jobs = {seq: accountant.done(OutcomeQuestion(accountant.hash(seq))) for seq in stored}
    withdrawn = accountant.withdraw()
    assert withdrawn.epoch == 1
    assert wrong_ones(wrong.store, wrong.eager) <= set(withdrawn.seqs) < set(stored)
    again = {marked.job_id: marked.again for marked in withdrawn.jobs}
    assert {jobs[seq] for seq in withdrawn.seqs} == again.keys()
    for seq, job_id in jobs.items():
        old = accountant.job(job_id)
        assert (old.withdrawn_at is not None) == (job_id in again)
        assert old.repeated_by == again.get(job_id)
        if job_id in again:
            new = accountant.job(again[job_id])
            assert (new.state, new.repeats, new.request, new.kind) == (JobState.QUEUED, job_id, old.request, old.kind)
            assert work(accountant.engine, accountant.answer, new.id, "worker", POLICY) is Attempt.DONE
            job_id = new.id
        answered = accountant.job(job_id).certificate
        assert answered is not None
        assert decode_outcome_certificate(answered).outcome == wrong.eager.outcomes[seq]
    found = accountant.store.current().get_many([Seq(seq) for seq in stored])
    assert {seq: observed.outcome for seq, observed in found.items()} == {s: wrong.eager.outcomes[s] for s in stored}


def test_hot_copies_are_not_believed(accountant: Accountant) -> None:
    """Whoever looks after a withdrawal finds nothing in Redis of what went, a store opened long before included."""
    fresh = PostgresOutcomes(accountant.database, redis_of("redis://127.0.0.1:1"))
    withdrawn = accountant.withdraw()
    assert accountant.store.get(withdrawn.seqs[0]) is not None  # of the old epoch: nothing it leads to is kept
    assert accountant.store.current().get_many(withdrawn.seqs) == {}
    assert fresh.current().get_many(withdrawn.seqs) == {}
    fresh.close()


def test_nothing_of_an_earlier_epoch_is_kept(accountant: Accountant) -> None:
    """An outcome or a checkpoint that was computed before a withdrawal is refused after it, with a typed error."""
    old, right = accountant.store, accountant.wrong.eager.outcomes
    seq, observed = accountant.wrong.store.stored_after(Seq(-1))[0]
    withdrawn = accountant.withdraw()
    with pytest.raises(OutcomesWithdrawn):
        old.put(withdrawn.seqs[0], observed)
    with pytest.raises(OutcomesWithdrawn):
        old.put(seq, observed)
    with pytest.raises(OutcomesWithdrawn):
        old.keep_checkpoint(USERS[0], Checkpoint(Seq(3), 0, 5))
    new = old.current()
    new.put(withdrawn.seqs[0], Observed(right[withdrawn.seqs[0]], ()))
    new.keep_checkpoint(USERS[0], Checkpoint(Seq(3), 0, 5))
    assert new.current() is new


def test_a_running_job_begins_again(accountant: Accountant) -> None:
    """A job that had read the wrong outcome when it was withdrawn is tried again, without counting the attempt."""
    seq = accountant.wrong.seq
    job_id = accountant.ask(OutcomeQuestion(accountant.hash(seq)))

    def late(question: Question, heartbeat: Heartbeat) -> Answered:
        answered = accountant.answer(question, heartbeat)  # all of it was known: it puts nothing
        accountant.withdraw()
        return answered

    assert work(accountant.engine, late, job_id, "worker", POLICY) is Attempt.RETRIED
    row = accountant.job(job_id)
    assert (row.state, row.attempts, row.certificate) == (JobState.QUEUED, 0, None)
    assert "withdrawn" in str(row.why_waiting)
    assert work(accountant.engine, accountant.answer, job_id, "worker", POLICY) is Attempt.DONE
    answered = accountant.job(job_id).certificate
    assert answered is not None
    assert decode_outcome_certificate(answered).outcome == accountant.wrong.eager.outcomes[seq]


def test_a_job_that_executes_on_top_of_it_begins_again(accountant: Accountant) -> None:
    """What a job computed from the wrong outcome is refused when it is to be kept; the job is right the next time."""
    wrong = accountant.wrong
    seq = max(wrong_ones(wrong.store, wrong.eager))
    accountant.database.fetch("DELETE FROM accountant.outcomes WHERE seq = %(seq)s RETURNING 1", {"seq": seq})
    redis = accountant.store._client
    assert redis is not None
    redis.flushall()
    job_id = accountant.ask(OutcomeQuestion(accountant.hash(seq)))
    store = accountant.store.current()
    assert store.get(wrong.seq) is not None
    gone: list[Withdrawn] = []

    class Late:
        """The store, on which the wrong outcome is withdrawn right before something is kept."""

        def __getattr__(self, name: str) -> Any:
            if name == "put" and not gone:
                gone.append(accountant.withdraw())
            return getattr(store, name)

    late = answering(accountant.index, Late())
    assert work(accountant.engine, late, job_id, "worker", POLICY) is Attempt.RETRIED
    assert accountant.job(job_id).attempts == 0
    assert accountant.store.current().get(Seq(seq)) is None
    assert work(accountant.engine, accountant.answer, job_id, "worker", POLICY) is Attempt.DONE
    observed = accountant.store.current().get(Seq(seq))
    assert observed is not None
    assert observed.outcome == wrong.eager.outcomes[seq]


def test_who_keeps_an_outcome_meanwhile_waits(accountant: Accountant) -> None:
    """While a withdrawal is open nobody keeps anything; once it is done, what was to be kept is refused."""
    seq, observed = accountant.wrong.store.stored_after(Seq(-1))[0]
    ended: list[object] = []

    def put() -> None:
        try:
            accountant.store.put(seq, observed)
            ended.append(None)
        except OutcomesWithdrawn as error:
            ended.append(error)

    with accountant.engine.begin() as connection:
        Withdrawals(connection).begin()
        thread = threading.Thread(target=put)
        thread.start()
        thread.join(0.3)
        assert ended == []
    thread.join(60)
    assert [type(end) for end in ended] == [OutcomesWithdrawn]


def test_a_withdrawal_is_whole_or_nothing(accountant: Accountant, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ends anywhere before its end leaves every table as it was, and so does a dry run."""
    accountant.done(OutcomeQuestion(accountant.hash(accountant.wrong.seq)), swear=False)
    before = accountant.rows()
    planned = accountant.withdraw(dry_run=True)
    assert accountant.rows() == before
    for step in ("delete_checkpoints", "forget_from", "record"):
        with monkeypatch.context() as patch:
            patch.setattr(Withdrawals, step, lambda *_: 1 // 0)
            with pytest.raises(ZeroDivisionError):
                accountant.withdraw()
        assert accountant.rows() == before
    withdrawn = accountant.withdraw()
    assert (withdrawn.seqs, len(withdrawn.jobs)) == (planned.seqs, len(planned.jobs)) and len(withdrawn.jobs) == 1
    with pytest.raises(NothingToWithdraw):
        accountant.withdraw()
    with pytest.raises(NothingToWithdraw):
        withdraw(accountant.engine, accountant.index, Hash(bytes(32)))


def test_an_answer_about_a_balance_goes_by_its_range(accountant: Accountant, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that rests on the wrong outcome by a checkpoint alone, which names nothing, is withdrawn as well."""
    monkeypatch.setattr("accountant.execution.session.CHECKPOINT_EVERY", 1)
    wrong, index = accountant.wrong, accountant.index
    sender = index.transaction(wrong.seq).sender
    position = Position(index.head().hash, 0)
    question = LowerBoundQuestion(sender, position)
    accountant.done(question)  # which leaves a checkpoint at its position
    by_checkpoint = accountant.done(question, swear=True)
    raw = accountant.job(by_checkpoint).certificate
    assert raw is not None
    early = accountant.done(LowerBoundQuestion(sender, Position(index.genesis.hash, 0)))
    withdrawn = accountant.withdraw()
    assert by_checkpoint in {marked.job_id for marked in withdrawn.jobs}
    assert early not in {marked.job_id for marked in withdrawn.jobs}
    again = accountant.job(str(accountant.job(by_checkpoint).repeated_by))
    assert again.swear
    assert work(accountant.engine, accountant.answer, again.id, "worker", POLICY) is Attempt.DONE
    answered = accountant.job(again.id).certificate
    assert answered is not None
    truth = wrong.eager.general_before(sender, index.head().next_seq)
    certificate = decode_certificate(answered)
    assert isinstance(certificate, Certificate) and certificate.lower <= truth <= certificate.upper


def test_a_withdrawn_answer_is_not_sworn_any_more(accountant: Accountant) -> None:
    """What was to be sworn and is not yet is left to the job that asks again."""
    sender = accountant.index.transaction(accountant.wrong.seq).sender
    job_id = accountant.done(LowerBoundQuestion(sender, Position(accountant.index.head().hash, 0)), swear=True)

    def unsworn() -> set[str]:
        with accountant.engine.begin() as connection:
            return {job.id for job in Oaths(connection).unsworn(100)}

    assert unsworn() == {job_id}
    accountant.withdraw()
    assert unsworn() == set()
    again = str(accountant.job(job_id).repeated_by)
    assert work(accountant.engine, accountant.answer, again, "worker", POLICY) is Attempt.DONE
    assert unsworn() == {again}


def test_views_and_observations(accountant: Accountant, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state goes if it is of a later height. A view that names nothing that goes does so only if checkpoints do."""
    index, seq = accountant.index, accountant.wrong.seq
    height = index.transaction(seq).height
    end = Position(index.head().hash, 0)
    views = [
        ViewQuestion(CONTRACTS[0], "run", (b"",), 100_000, place) for place in (end, Position(index.genesis.hash, 0))
    ]
    asked = {name: accountant.done(question) for name, question in zip(("late", "early"), views, strict=True)}
    for name, question in (("before", ObservationQuestion(height - 1)), ("after", ObservationQuestion(height))):
        asked[name] = accountant.done(question)

    def marked() -> set[str]:
        ids = {job.job_id for job in accountant.withdraw(dry_run=True).jobs}
        return {name for name, job_id in asked.items() if job_id in ids}

    assert marked() == {"after"}
    monkeypatch.setattr("accountant.execution.session.CHECKPOINT_EVERY", 1)
    accountant.done(LowerBoundQuestion(index.transaction(seq).sender, end))
    assert marked() == {"after", "late"}
