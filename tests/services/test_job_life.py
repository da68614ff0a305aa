"""The life of a job against a real database: taking, losing, finishing, retrying, parking, sweeping."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from wasmtime import WasmtimeError

from accountant.accounting.certificate import Certificate
from accountant.accounting.questions import InvalidQuestion, PaymentQuestion
from accountant.contracts.native import EngineFault
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.port import Heartbeat
from accountant.index.memory import MemoryIndex
from accountant.primitives.encoding import encode
from accountant.primitives.types import Gas
from accountant.services.api_keys import ensure_first_key
from accountant.services.ask import ask
from accountant.services.attempt import Attempt
from accountant.services.dispatch import dispatch
from accountant.services.policy import JobPolicy
from accountant.services.questions import Answered, Question, answering
from accountant.services.sweep import Swept, sweep
from accountant.services.work import work
from accountant.storage.database import engine_of
from accountant.storage.idempotency import Answers, StoredAnswer
from accountant.storage.jobs import JobRow, Jobs, JobState, Lease, Queue
from tests.support.service import service_genesis, small_chain

POLICY = JobPolicy(lease_s=30.0, attempts_most=3, retry_delay_s=0.0, patience_s=0.01)
QUICK = POLICY._replace(lease_s=1.0)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = engine_of(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def key_prefix(engine: sa.Engine) -> str:
    key = ensure_first_key(engine)
    assert key is not None
    return key.split("_")[1]


@pytest.fixture(scope="module")
def index() -> MemoryIndex:
    index = MemoryIndex(service_genesis())
    for block in small_chain().blocks:
        index.append(block)
    return index


@pytest.fixture
def job(engine: sa.Engine, key_prefix: str, index: MemoryIndex) -> str:
    """A queued job about a payment that settled."""
    return asked(engine, key_prefix, index).id


def asked(engine: sa.Engine, key_prefix: str, index: MemoryIndex) -> JobRow:
    with engine.begin() as connection:
        return ask(connection, index, key_prefix, PaymentQuestion(small_chain().settled), False, POLICY)


def read(engine: sa.Engine, job_id: str) -> JobRow:
    with engine.connect() as connection:
        row = Jobs(connection).get(job_id)
    assert row is not None
    return row


def take(engine: sa.Engine, job_id: str, lease_s: float = 30.0) -> Lease | None:
    with engine.begin() as connection:
        return Jobs(connection).take(job_id, "worker", lease_s)


def messages(engine: sa.Engine) -> list[str]:
    """Publishes what is due, and says what it was."""
    published: list[str] = []
    dispatch(engine, lambda job_id, queue: published.append(f"{queue}:{job_id}"))
    return published


def test_a_job_is_answered_once(engine: sa.Engine, index: MemoryIndex, job: str) -> None:
    """Working on a queued job ends it with its certificate; working on it again does nothing."""
    answer = answering(index, MemoryOutcomes())
    assert work(engine, answer, job, "worker", POLICY) is Attempt.DONE
    first = read(engine, job)
    assert first.state is JobState.DONE
    cold = answering(index, MemoryOutcomes())
    assert first.certificate == encode(cold(PaymentQuestion(small_chain().settled), lambda gas: None))
    assert work(engine, answer, job, "worker", POLICY) is Attempt.NOTHING_TO_DO
    assert read(engine, job) == first


NO_MEANS = [
    MemoryError(),
    EngineFault("no addresses"),
    WasmtimeError("cannot compile"),
    RuntimeError("can't start new thread"),
]


@pytest.mark.parametrize("error", NO_MEANS, ids=lambda error: type(error).__name__)
def test_a_process_without_means_gives_the_job_back(engine: sa.Engine, job: str, error: Exception) -> None:
    """An attempt that ends for want of memory is no answer: it is told apart, so that another process tries again."""

    def fails(_question: Question, _beat: Heartbeat) -> Certificate:
        raise error

    assert work(engine, fails, job, "worker", POLICY) is Attempt.SPENT
    row = read(engine, job)
    assert (row.state, row.attempts, row.error_code) == (JobState.QUEUED, 1, None)
    assert len(messages(engine)) == 1


def test_a_hundred_workers_take_a_job_once(engine: sa.Engine, job: str) -> None:
    """Of many takers at the same instant exactly one gets the lease, and one attempt is counted."""
    with ThreadPoolExecutor(10) as pool:
        leases = list(pool.map(lambda _: take(engine, job), range(100)))
    assert len([lease for lease in leases if lease]) == 1
    assert read(engine, job).attempts == 1


def test_job_and_message_are_stored_together(engine: sa.Engine, key_prefix: str, index: MemoryIndex) -> None:
    """A database transaction that is rolled back after the question was stored leaves neither job nor message."""
    with engine.connect() as connection:
        ask(connection, index, key_prefix, PaymentQuestion(small_chain().settled), False, POLICY)
        connection.rollback()
    with engine.connect() as connection:
        assert Jobs(connection).page(key_prefix, None, 10) == []
    assert messages(engine) == []


def test_a_refused_question_leaves_nothing(engine: sa.Engine, key_prefix: str, index: MemoryIndex) -> None:
    """A question that fails its check is never stored."""
    with pytest.raises(InvalidQuestion), engine.begin() as connection:
        ask(connection, index, key_prefix, PaymentQuestion(bytes(32)), False, POLICY)
    with engine.connect() as connection:
        assert Jobs(connection).page(key_prefix, None, 10) == []


def test_messages_are_published_once(engine: sa.Engine, job: str) -> None:
    """What the broker took is not published again; what it refused is."""

    def refuse(job_id: str, queue: Queue) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        dispatch(engine, refuse)
    assert messages(engine) == [f"cpu:{job}"]
    assert messages(engine) == []


def test_dispatchers_share_the_outbox(engine: sa.Engine, key_prefix: str, index: MemoryIndex) -> None:
    """Two dispatchers at once publish every message once, and neither waits for the other."""
    ids = {asked(engine, key_prefix, index).id for _ in range(20)}
    meet = threading.Barrier(2, timeout=60)

    def run() -> list[str]:
        published: list[str] = []

        def publish(job_id: str, queue: Queue) -> None:
            if not published:
                meet.wait()
            published.append(job_id)

        while dispatch(engine, publish, limit=5):
            pass
        return published

    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(run), pool.submit(run))
        both = first.result() + second.result()
    assert sorted(both) == sorted(ids)


def test_an_expired_lease_returns_and_the_old_worker_cannot_write(
    engine: sa.Engine, index: MemoryIndex, job: str
) -> None:
    """A job whose worker fell silent is queued and published again; what that worker writes later is refused."""
    messages(engine)
    old = take(engine, job, lease_s=0.0)
    assert old is not None
    assert sweep(engine, POLICY, broker_forgot=False) == Swept(returned=1, parked=0, reposted=0)
    assert "vanished" in str(read(engine, job).why_waiting)
    assert messages(engine) == [f"cpu:{job}"]
    with engine.begin() as connection:
        assert not Jobs(connection).finish(old, b"late", 1)
    new = take(engine, job)
    assert new is not None
    assert new.fence > old.fence
    with engine.begin() as connection:
        jobs = Jobs(connection)
        assert not jobs.finish(old, b"late", 1)
        assert not jobs.fail(old, "late", "late")
        assert not jobs.renew(old, 30.0, 1)
        assert jobs.finish(new, b"right", 2)
    assert read(engine, job).certificate == b"right"


def test_poison_is_parked(engine: sa.Engine, job: str) -> None:
    """A job that kills every worker ends as failed after its last attempt, and is never published again."""
    for _ in range(POLICY.attempts_most):
        assert take(engine, job, lease_s=0.0) is not None
        swept = sweep(engine, POLICY, broker_forgot=False)
    assert swept == Swept(returned=0, parked=1, reposted=0)
    row = read(engine, job)
    assert (row.state, row.error_code, row.attempts) == (JobState.FAILED, "attempts_exhausted", POLICY.attempts_most)
    assert sweep(engine, POLICY, broker_forgot=True) == Swept(0, 0, 0)
    assert take(engine, job) is None


def test_an_unexpected_error_is_tried_again_then_parked(engine: sa.Engine, job: str) -> None:
    """Every attempt is counted before it begins; the last one's error stays with the job, without its message."""

    def broken(question: Question, heartbeat: Heartbeat) -> Certificate:
        raise OSError("/secret/path")

    ended = [work(engine, broken, job, "worker", POLICY) for _ in range(POLICY.attempts_most)]
    assert ended == [Attempt.RETRIED, Attempt.RETRIED, Attempt.FAILED]
    row = read(engine, job)
    assert row.error_code == "attempts_exhausted"
    assert "OSError" in str(row.error_detail)
    assert "/secret" not in str(row.error_detail)


def test_an_invalid_question_fails_at_once(engine: sa.Engine, job: str) -> None:
    """What the accountant itself refuses is no reason to try again."""

    def refusing(question: Question, heartbeat: Heartbeat) -> Certificate:
        raise InvalidQuestion("foreign_income", "not yours")

    assert work(engine, refusing, job, "worker", POLICY) is Attempt.FAILED
    assert (read(engine, job).error_code, read(engine, job).attempts) == ("foreign_income", 1)


def test_the_lease_outlives_a_long_execution(engine: sa.Engine, index: MemoryIndex, job: str) -> None:
    """While the executor is silent for many lease times, nobody else gets the job, and its end counts."""
    done = answering(index, MemoryOutcomes())

    def slow(question: Question, heartbeat: Heartbeat) -> Answered:
        for _ in range(3):
            threading.Event().wait(QUICK.lease_s)
            assert sweep(engine, QUICK, broker_forgot=False).returned == 0
        return done(question, heartbeat)

    assert work(engine, slow, job, "worker", QUICK) is Attempt.DONE


def test_cancelling_stops_the_worker(engine: sa.Engine, job: str) -> None:
    """A cancelled job's worker is told at a heartbeat and writes nothing; progress that it reported stays."""

    def endless(question: Question, heartbeat: Heartbeat) -> Certificate:
        for gas in range(1, 1_000):
            heartbeat(Gas(gas))
            if gas == 3:
                with engine.begin() as connection:
                    assert Jobs(connection).cancel(read(engine, job).number) is not None
            threading.Event().wait(0.02)
        raise AssertionError("never told")

    assert work(engine, endless, job, "worker", QUICK) is Attempt.LOST
    assert read(engine, job).state is JobState.CANCELLED
    with engine.begin() as connection:
        assert Jobs(connection).cancel(read(engine, job).number) is None


def test_lost_messages_are_published_again(engine: sa.Engine, key_prefix: str, job: str) -> None:
    """A queued job whose message vanished is published again after a while, ever more rarely; after a flush at once."""
    assert messages(engine) == [f"cpu:{job}"]
    threading.Event().wait(2 * POLICY.patience_s)
    assert sweep(engine, POLICY, broker_forgot=False).reposted == 1
    assert sweep(engine, POLICY, broker_forgot=True).reposted in (0, 1)  # the message is in the outbox already
    assert messages(engine) == [f"cpu:{job}"]
    patient = POLICY._replace(patience_s=3_600.0)
    assert sweep(engine, patient, broker_forgot=False).reposted == 0
    assert sweep(engine, patient, broker_forgot=True).reposted == 1
    assert messages(engine) == [f"cpu:{job}"]


def test_every_change_is_an_event(engine: sa.Engine, index: MemoryIndex, job: str) -> None:
    """Events tell the states in order, numbered upwards."""
    work(engine, answering(index, MemoryOutcomes()), job, "worker", POLICY)
    with engine.connect() as connection:
        events = Jobs(connection).events(read(engine, job).number, 0, 100)
    assert [event.state for event in events] == [JobState.QUEUED, JobState.RUNNING, JobState.DONE]
    assert sorted({event.number for event in events}) == [event.number for event in events]


def test_unknown_jobs_are_nothing_to_do(engine: sa.Engine, index: MemoryIndex) -> None:
    """A message about a job that does not exist costs one look-up."""
    assert work(engine, answering(index, MemoryOutcomes()), uuid.uuid4().hex, "w", POLICY) is Attempt.NOTHING_TO_DO


def test_old_events_and_answers_are_swept_away(
    engine: sa.Engine, key_prefix: str, index: MemoryIndex, job: str
) -> None:
    """Of a job that ended only its end stays; what is younger stays whole, and so does a stored answer."""
    work(engine, answering(index, MemoryOutcomes()), job, "worker", POLICY)
    number = read(engine, job).number
    with engine.begin() as connection:
        answer = StoredAnswer(small_chain().settled, 202, None, b"{}")
        Answers(connection, key_prefix).add("old", answer)

    def left() -> tuple[list[JobState], bool]:
        with engine.connect() as connection:
            events = Jobs(connection).events(number, 0, 100)
            return [event.state for event in events], Answers(connection, key_prefix).find("old") is not None

    sweep(engine, POLICY, broker_forgot=False)
    assert left() == ([JobState.QUEUED, JobState.RUNNING, JobState.DONE], True)
    sweep(engine, POLICY._replace(events_kept_s=0.0), broker_forgot=False)
    assert left() == ([JobState.DONE], True)
    sweep(engine, POLICY._replace(answers_kept_s=0.0), broker_forgot=False)
    assert left() == ([JobState.DONE], False)
