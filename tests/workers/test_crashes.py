"""Real workers, a real broker, real crashes: whatever dies or forgets, each job ends, once."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import redis

from accountant.primitives.types import AMOUNT_MAX
from tests.support.processes import wait_until
from tests.support.service import Service, running_service, small_chain
from tests.support.workers import DISPATCHER, Start, done, end, ends, holder, starting, status, worker

pytestmark = pytest.mark.xdist_group("workers")

BURNS = ["0x" + h.hex() for h in small_chain().burns]
WORKER = worker()


@pytest.fixture
def service(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Service]:
    with running_service(database_url, redis_url, tmp_path / "node") as running:
        yield running


@pytest.fixture
def start(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts processes whose jobs execute everything themselves, with leases that a killed one soon loses."""
    with starting(database_url, redis_url, tmp_path, ANH_DELEGATE_GAS=str(AMOUNT_MAX)) as run:
        yield run


@pytest.fixture
def start_patient(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """The same, with leases that outlast whatever holds a busy machine up."""
    settings = {"ANH_DELEGATE_GAS": str(AMOUNT_MAX), "ANH_JOB_LEASE_S": "30"}
    with starting(database_url, redis_url, tmp_path, **settings) as run:
        yield run


def ask(client: httpx.Client, burn: str) -> str:
    answer = client.post("/v1/payments/verifications", json={"transaction": burn})
    assert answer.status_code == 202, answer.text
    job: str = answer.json()["id"]
    return job


def test_a_killed_worker_process_costs_an_attempt(service: Service, start: Start) -> None:
    """kill −9 of the process in mid-execution: another one takes the job after the lease, and it ends once."""
    start(*WORKER)
    start(*DISPATCHER)
    with service.client() as client:
        job = ask(client, BURNS[0])
        wait_until(lambda: status(client, job) == "running")
        time.sleep(0.5)
        os.kill(holder(service), signal.SIGKILL)
        ended = done(client, job)
    assert ended["attempts"] == 2
    assert ends(service) == 1


def test_a_killed_worker_with_all_its_processes(service: Service, start: Start) -> None:
    """kill −9 of the whole worker: a worker that starts later finds the job, and it ends once."""
    first = start(*WORKER)
    start(*DISPATCHER)
    with service.client() as client:
        job = ask(client, BURNS[1])
        wait_until(lambda: status(client, job) == "running")
        time.sleep(0.5)
        end(first)
        wait_until(lambda: status(client, job) == "queued")
        start(*WORKER)
        ended = done(client, job)
    assert ended["attempts"] == 2
    assert ends(service) == 1


def test_a_flushed_broker_and_a_killed_dispatcher(service: Service, start_patient: Start, redis_url: str) -> None:
    """FLUSHALL with jobs running and queued, and kill −9 of the dispatcher: every job ends, once, at one attempt."""
    start_patient(*WORKER)
    dispatcher = start_patient(*DISPATCHER)
    with service.client() as client, redis.Redis.from_url(redis_url) as broker:
        jobs = [ask(client, burn) for burn in BURNS]
        wait_until(lambda: "running" in {status(client, job) for job in jobs})
        end(dispatcher)
        broker.flushall()
        later = ask(client, BURNS[0])
        start_patient(*DISPATCHER)
        ended = [done(client, job) for job in [*jobs, later]]
    assert ends(service) == len(ended)
    assert {job["attempts"] for job in ended} == {1}


def test_a_worker_stops_when_asked(service: Service, start: Start) -> None:
    """SIGTERM ends worker and dispatcher soon, children included, with nothing to do."""
    processes = [start(*WORKER), start(*DISPATCHER)]
    with service.client() as client:
        done(client, ask(client, "0x" + small_chain().settled.hex()))
    children = [child for process in processes for child in psutil.Process(process.pid).children(recursive=True)]
    for process in processes:
        process.terminate()
    assert [process.wait(60) for process in processes] == [0, 0]
    assert psutil.wait_procs(children, timeout=30)[1] == []


def test_a_cancelled_job_stops(service: Service, start: Start) -> None:
    """A running job that is cancelled ends at once for its client, and its worker is free for the next one."""
    start(*WORKER)
    start(*DISPATCHER)
    with service.client() as client:
        job = ask(client, BURNS[2])
        wait_until(lambda: status(client, job) == "running")
        assert client.post(f"/v1/jobs/{job}/cancel").json()["status"] == "cancelled"
        done(client, ask(client, "0x" + small_chain().unsettled.hex()))
        assert status(client, job) == "cancelled"
    assert ends(service) == 1
