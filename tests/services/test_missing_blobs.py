"""A job about a published file that nobody serves: tried again, undecided at last, answered once it is there."""

from collections.abc import Iterator
from random import Random

import pytest
import sqlalchemy as sa

from accountant.accounting.certificate import UndecidedReason, Verdict
from accountant.accounting.outcome import OutcomeQuestion, decode_outcome_certificate
from accountant.execution.memory import MemoryOutcomes
from accountant.primitives.types import Seq
from accountant.services.api_keys import ensure_first_key
from accountant.services.ask import ask
from accountant.services.attempt import Attempt
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering
from accountant.services.work import work
from accountant.storage.database import engine_of, migrate
from accountant.storage.jobs import Jobs, JobState
from tests.support.network_chain import NetworkChain

POLICY = JobPolicy(lease_s=30.0, attempts_most=2, retry_delay_s=0.0, patience_s=0.01)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    migrate(database_url)
    engine = engine_of(database_url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("served", [False, True])
def test_a_job_waits_for_a_file_until_its_last_attempt(engine: sa.Engine, served: bool) -> None:
    """Every attempt but the last gives the job back; then it is undecided, naming the transaction, or answered."""
    chain = NetworkChain(Random(0))
    chain.append([chain.publication(0.5)])
    chain.random.random = lambda: 0.5  # type: ignore[method-assign]
    chain.append([chain.call("tune", chain.cids[0], b"a", 0)])
    loader = chain.index.transaction(Seq(1))
    key = ensure_first_key(engine)
    assert key is not None
    with engine.begin() as connection:
        job = ask(connection, chain.index, key.split("_")[1], OutcomeQuestion(loader.hash), False, POLICY).id
    store = MemoryOutcomes()
    answer = answering(chain.index, store)
    assert work(engine, answer, job, "worker", POLICY) is Attempt.RETRIED
    if served:
        data = chain.blobs.get(chain.cids[0])
        assert data is not None
        store.blobs.put(data)
    assert work(engine, answer, job, "worker", POLICY) is Attempt.DONE
    with engine.connect() as connection:
        row = Jobs(connection).get(job)
    assert row is not None and row.state is JobState.DONE and row.certificate is not None
    found = decode_outcome_certificate(row.certificate)
    if served:
        assert (found.verdict, found.reason, found.missing) == (Verdict.ACCEPTED, None, ())
    else:
        assert (found.verdict, found.reason) == (Verdict.UNDECIDED, UndecidedReason.BLOB_UNAVAILABLE)
        assert [missing.transaction for missing in found.missing] == [loader.hash]
        assert store.get(Seq(1)) is None
