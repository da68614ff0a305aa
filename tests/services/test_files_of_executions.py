"""Files of tensors in a whole service: what vanishes is waited for, or made again by executing who saved it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from accountant.accounting.certificate import UndecidedReason, Verdict
from accountant.accounting.outcome import OutcomeCertificate, OutcomeQuestion, decode_outcome_certificate
from accountant.blobs.errors import StoreUnavailable
from accountant.blobs.fetching import NodeBlobs
from accountant.primitives.cid import cid_of
from accountant.primitives.types import Cid, Seq
from accountant.services.ask import ask
from accountant.services.attempt import Attempt
from accountant.services.blobs import Blobs, declared_sizes
from accountant.services.executor_blobs import ExecutorBlobs
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering
from accountant.services.work import work
from accountant.storage.database import Database
from accountant.storage.index import PostgresIndex
from accountant.storage.jobs import Jobs, JobState
from accountant.storage.outcomes import PostgresOutcomes
from tests.support.service import Service, running_service
from tests.support.training_chain import PREDICT, TRAIN, everything, training_chain

POLICY = JobPolicy(lease_s=30.0, attempts_most=2, retry_delay_s=0.0, patience_s=0.01)
CHAIN = training_chain()


@pytest.fixture
def service(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Service]:
    with running_service(database_url, redis_url, tmp_path / "node", CHAIN.genesis, CHAIN.blocks) as running:
        yield running


@pytest.fixture
def database(service: Service, database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        yield opened


@pytest.fixture
def blobs(service: Service) -> Blobs:
    """As workers have them: what is published and not here comes from the node."""
    fetch = NodeBlobs([service.node_url], declared_sizes(service.engine))
    return Blobs(service.engine, service.blobs.store, service.blobs.terms, fetch)


def serve(service: Service) -> None:
    """The node gets the published bytes."""
    for cid, data in CHAIN.files.items():
        with service.keeper.blobs.arrival(cid, len(data)) as arrival:
            arrival.write(data)
            arrival.finish()


def vanish(service: Service, blobs: Blobs) -> None:
    """The published bytes are nowhere any more."""
    for cid in CHAIN.files:
        path = service.keeper.blobs.path(cid)
        assert path is not None
        path.unlink()
        blobs.store.remove(cid)


def asked(service: Service, database: Database, seq: Seq) -> str:
    with service.engine.begin() as connection:
        question = OutcomeQuestion(CHAIN.hashes[seq])
        return ask(connection, PostgresIndex(database), service.key.split("_")[1], question, False, POLICY).id


def attempt(service: Service, database: Database, blobs: Blobs, job: str) -> Attempt:
    outcomes = PostgresOutcomes(database, blobs=ExecutorBlobs(blobs))
    try:
        return work(service.engine, answering(PostgresIndex(database), outcomes), job, "worker", POLICY)
    finally:
        outcomes.close()


def answer(service: Service, job: str) -> OutcomeCertificate:
    with service.engine.connect() as connection:
        row = Jobs(connection).get(job)
    assert row is not None and row.state is JobState.DONE and row.certificate is not None
    return decode_outcome_certificate(row.certificate)


def saved(engine: sa.Engine) -> list[tuple[int, bytes]]:
    """Who saved which file, by the references."""
    query = "select holder, cid from accountant.blob_references where kind = 2 order by holder"
    with engine.connect() as connection:
        return [(int.from_bytes(row.holder, "big"), row.cid) for row in connection.execute(sa.text(query))]


def weights() -> Cid:
    """The file that the training saves."""
    (file,) = everything().outcomes[TRAIN].saved
    return Cid(file.cid)


def test_a_training_whose_data_vanish_waits_for_them(service: Service, database: Database, blobs: Blobs) -> None:
    """Nobody serves the data: the job is tried again, in the end undecided; once they are there it ends right."""
    serve(service)
    vanish(service, blobs)
    lost, waiting = asked(service, database, TRAIN), asked(service, database, TRAIN)
    assert attempt(service, database, blobs, lost) is Attempt.RETRIED
    assert attempt(service, database, blobs, lost) is Attempt.DONE
    found = answer(service, lost)
    assert (found.verdict, found.reason) == (Verdict.UNDECIDED, UndecidedReason.BLOB_UNAVAILABLE)
    assert attempt(service, database, blobs, waiting) is Attempt.RETRIED
    assert saved(service.engine) == []
    serve(service)
    assert attempt(service, database, blobs, waiting) is Attempt.DONE
    found = answer(service, waiting)
    assert (found.verdict, found.outcome) == (Verdict.ACCEPTED, everything().outcomes[TRAIN])
    assert saved(service.engine) == [(TRAIN, weights())]
    kept = blobs.get(weights())
    assert kept is not None and cid_of(kept) == weights()


def test_weights_that_nobody_kept_are_trained_again(service: Service, database: Database, blobs: Blobs) -> None:
    """Saved bytes that are gone come back by executing who saved them, for whoever uses them; the same bytes."""
    serve(service)
    assert attempt(service, database, blobs, asked(service, database, TRAIN)) is Attempt.DONE
    before = blobs.get(weights())
    blobs.store.remove(weights())
    job = asked(service, database, PREDICT)
    assert blobs.get(weights()) is None
    assert attempt(service, database, blobs, job) is Attempt.DONE
    found = answer(service, job)
    assert found.outcome == everything().outcomes[PREDICT]
    assert int(found.gas_executed) > everything().outcomes[TRAIN].gas_used, "the training counts once more"
    assert blobs.get(weights()) == before


def test_a_store_that_does_not_answer_fails_no_execution(
    service: Service, database: Database, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It neither gives nor takes: published data are as if nobody served them, and a training's weights go unkept."""
    serve(service)
    for data in CHAIN.files.values():
        blobs.put(data)

    def down(*_: object) -> None:
        raise StoreUnavailable("down")

    with monkeypatch.context() as broken:
        broken.setattr(blobs.store, "get", down)
        job = asked(service, database, TRAIN)
        assert attempt(service, database, blobs, job) is Attempt.RETRIED
    with monkeypatch.context() as broken:
        broken.setattr(blobs.store, "place", down)
        assert attempt(service, database, blobs, job) is Attempt.DONE
    assert answer(service, job).outcome == everything().outcomes[TRAIN]
    assert blobs.get(weights()) is None
    assert attempt(service, database, blobs, again := asked(service, database, PREDICT)) is Attempt.DONE
    assert answer(service, again).outcome == everything().outcomes[PREDICT]
