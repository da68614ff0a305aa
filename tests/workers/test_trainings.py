"""Whole trainings by real workers: told while they last, stopped when nobody wants them, resumed after kill −9, and
left to whoever has room for them."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from accountant.primitives.types import Seq
from tests.support.processes import wait_until
from tests.support.service import Service, running_service
from tests.support.training_chain import LONG_STEPS, TRAIN_LONG, TRAIN_ROOMY, everything, training_chain
from tests.support.workers import DISPATCHER, Start, done, end, holder, starting, status, worker

pytestmark = pytest.mark.xdist_group("workers")

PATIENCE_S = 180.0
CHAIN = training_chain()


@pytest.fixture
def service(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Service]:
    with running_service(database_url, redis_url, tmp_path / "node", CHAIN.genesis, CHAIN.blocks) as running:
        for cid, data in CHAIN.files.items():
            with running.keeper.blobs.arrival(cid, len(data)) as arrival:
                arrival.write(data)
                arrival.finish()
        yield running


@pytest.fixture
def start(service: Service, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Start]:
    settings = {"ANH_JOB_LEASE_S": "3", "ANH_NODE_URL": service.node_url}
    with starting(database_url, redis_url, tmp_path, **settings) as run:
        yield run


@pytest.fixture
def start_roomy(service: Service, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """Workers with room for more than others have."""
    settings = {"ANH_JOB_LEASE_S": "3", "ANH_NODE_URL": service.node_url, "ANH_WORKER_TENSOR_MIB": "256"}
    with starting(database_url, redis_url, tmp_path, **settings) as run:
        yield run


@pytest.fixture
def start_narrow(service: Service, database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """Workers with room for what needs no memory entry, and no more."""
    settings = {"ANH_JOB_LEASE_S": "3", "ANH_NODE_URL": service.node_url, "ANH_WORKER_TENSOR_MIB": "64"}
    with starting(database_url, redis_url, tmp_path, **settings) as run:
        yield run


def ask(client: httpx.Client, seq: Seq) -> str:
    answer = client.post("/v1/payments/verifications", json={"transaction": "0x" + CHAIN.hashes[seq].hex()})
    assert answer.status_code == 202, answer.text
    job: str = answer.json()["id"]
    return job


def trainings(client: httpx.Client, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/v1/jobs/{job}").json()["progress"]["trainings"]
    return found


def row(service: Service, seq: Seq, table: str = "trainings") -> Any:
    """The training's or the execution's row."""
    with service.engine.connect() as connection:
        return connection.execute(sa.text(f"select * from accountant.{table} where seq = {seq}")).one_or_none()


def saved(service: Service) -> dict[int, bytes]:
    """Which file an outcome saved, by the transaction."""
    query = "select holder, cid from accountant.blob_references where kind = 2"
    with service.engine.connect() as connection:
        return {int.from_bytes(one.holder, "big"): bytes(one.cid) for one in connection.execute(sa.text(query))}


def test_a_training_killed_in_its_midst_comes_to_the_same_bits(service: Service, start: Start) -> None:
    """Its progress is told while it lasts; kill −9, and another process goes on from a state that was kept: fewer steps
    than from nothing, and the file of weights that executing everything gives."""
    start(*worker("cpu", 1))
    start(*DISPATCHER)
    with service.client() as client:
        job = ask(client, TRAIN_LONG)
        wait_until(lambda: bool(trainings(client, job)) and trainings(client, job)[0]["step"] >= 100, PATIENCE_S)
        (told,) = trainings(client, job)
        assert told["transaction"] == "0x" + CHAIN.hashes[TRAIN_LONG].hex()
        assert (told["steps"], told["resumed"]) == (LONG_STEPS, False)
        assert 0 < told["loss"] < 10 and 0 < told["share_of_gas"] <= 1
        os.kill(holder(service, "executions"), signal.SIGKILL)
        ended = done(client, job)
    resumed = row(service, TRAIN_LONG)
    assert 100 <= resumed.first_step <= LONG_STEPS == resumed.step
    assert row(service, TRAIN_LONG, "executions").attempts == 2
    assert ended["progress"]["trainings"] == []  # type: ignore[index]
    (file,) = everything(whole=True).outcomes[TRAIN_LONG].saved
    assert saved(service)[TRAIN_LONG] == file.cid


def test_a_training_that_nobody_wants_stops(service: Service, start: Start) -> None:
    """A cancelled job's training ends long before its last step, and its process goes on to the next job."""
    start(*worker("cpu", 1))
    start(*DISPATCHER)
    with service.client() as client:
        job = ask(client, TRAIN_LONG)
        wait_until(lambda: bool(trainings(client, job)), PATIENCE_S)
        process = holder(service, "executions")
        assert client.post(f"/v1/jobs/{job}/cancel").json()["status"] == "cancelled"
        other = ask(client, TRAIN_ROOMY)
        done(client, other)
        assert row(service, TRAIN_LONG).step < LONG_STEPS
        assert row(service, TRAIN_LONG, "executions").state == "cancelled"
        os.kill(process, 0)
        with client.stream("GET", f"/v1/jobs/{job}/events") as events:
            assert "cancelled" in "".join(events.iter_text())


def test_a_worker_without_room_leaves_it_to_another(
    service: Service, start: Start, start_narrow: Start, start_roomy: Start
) -> None:
    """It says what the job waits for, counts no attempt, and asks seldom; a roomier worker finds the outcome."""
    narrow = start_narrow(*worker("cpu", 1))
    start(*DISPATCHER)
    with service.client() as client:
        job = ask(client, TRAIN_ROOMY)

        def handed_on() -> bool:
            return str(client.get(f"/v1/jobs/{job}").json()["why_waiting"]).startswith("for a worker with room")

        wait_until(handed_on, PATIENCE_S)
        assert "more than 64 MiB of tensors" in client.get(f"/v1/jobs/{job}").json()["why_waiting"]
        execution = row(service, TRAIN_ROOMY, "executions")
        assert (execution.attempts, execution.room_least) == (0, 64 * 2**20 + 1)
        assert status(client, job) == "waiting"
        end(narrow)  # beside the other it would be offered the work again, after ever longer, as chance has it
        start_roomy(*worker("cpu", 1))
        ended = done(client, job)
    execution = row(service, TRAIN_ROOMY, "executions")
    assert (execution.state, execution.attempts, ended["attempts"]) == ("done", 1, 1)
    assert execution.publications < 20
    (file,) = everything().outcomes[TRAIN_ROOMY].saved
    assert saved(service)[TRAIN_ROOMY] == file.cid
