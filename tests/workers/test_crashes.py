"""Real workers, a real broker, real crashes: whatever dies or forgets, each job ends, once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil
import pytest
import redis
import sqlalchemy as sa

from tests.support.processes import wait_until
from tests.support.service import Service, running_service, small_chain

pytestmark = pytest.mark.xdist_group("workers")

ROOT = Path(__file__).parents[2]
BURNS = ["0x" + h.hex() for h in small_chain().burns]
WORKER = ("-m", "celery", "-A", "workers.app", "worker", "-Q", "cpu", "-c", "2", "--loglevel", "WARNING")
DISPATCHER = ("-m", "accountant.cli", "dispatch")

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def service(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Service]:
    with running_service(database_url, redis_url, tmp_path / "node") as running:
        yield running


@pytest.fixture
def start(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts our own processes, each with its children in a group of its own, and ends them all."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ANH_DATA_DIR": str(tmp_path),
        "ANH_JOB_LEASE_S": "2",
        "ANH_JOB_PATIENCE_S": "5",
    }
    with ExitStack() as stack:

        def run(*arguments: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, start_new_session=True)
            stack.callback(_end, process)
            return process

        yield run


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills a process with all its descendants, which share its session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def ask(client: httpx.Client, burn: str) -> str:
    answer = client.post("/v1/payments/verifications", json={"transaction": burn})
    assert answer.status_code == 202, answer.text
    job: str = answer.json()["id"]
    return job


def status(client: httpx.Client, job: str) -> str:
    found: str = client.get(f"/v1/jobs/{job}").json()["status"]
    return found


def done(client: httpx.Client, job: str, seconds: float = 60.0) -> dict[str, object]:
    """The job once it has ended, which must be well."""
    wait_until(lambda: status(client, job) not in ("queued", "running"), seconds)
    ended: dict[str, object] = client.get(f"/v1/jobs/{job}").json()
    assert ended["status"] == "done", ended
    return ended


def holder(service: Service) -> int:
    """The process that holds the only lease."""
    with service.engine.connect() as connection:
        owner: str = connection.execute(
            sa.text("select lease_owner from accountant.jobs where state = 'running'")
        ).scalar_one()
    return int(owner.rpartition(":")[2])


def ends(service: Service) -> int:
    """How many times a job ended as done, by the events that tell of it."""
    with service.engine.connect() as connection:
        count: int = connection.execute(
            sa.text("select count(*) from accountant.job_events where state = 'done'")
        ).scalar_one()
    return count


def test_a_killed_worker_process_costs_an_attempt(service: Service, start: Start) -> None:
    """kill −9 of the process in mid-execution: another one takes the job after the lease, and it ends once."""
    start(*WORKER)
    start(*DISPATCHER)
    with service.client() as client:
        job = ask(client, BURNS[0])
        wait_until(lambda: status(client, job) == "running", 30)
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
        wait_until(lambda: status(client, job) == "running", 30)
        time.sleep(0.5)
        _end(first)
        wait_until(lambda: status(client, job) == "queued", 20)
        start(*WORKER)
        ended = done(client, job)
    assert ended["attempts"] == 2
    assert ends(service) == 1


def test_a_flushed_broker_and_a_killed_dispatcher(service: Service, start: Start, redis_url: str) -> None:
    """FLUSHALL with jobs running and queued, and kill −9 of the dispatcher: every job ends, once, at one attempt."""
    start(*WORKER)
    dispatcher = start(*DISPATCHER)
    with service.client() as client, redis.Redis.from_url(redis_url) as broker:
        jobs = [ask(client, burn) for burn in BURNS]
        wait_until(lambda: "running" in {status(client, job) for job in jobs}, 30)
        _end(dispatcher)
        broker.flushall()
        later = ask(client, BURNS[0])
        start(*DISPATCHER)
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
    assert [process.wait(15) for process in processes] == [0, 0]
    assert psutil.wait_procs(children, timeout=5)[1] == []


def test_a_cancelled_job_stops(service: Service, start: Start) -> None:
    """A running job that is cancelled ends at once for its client, and its worker is free for the next one."""
    start(*WORKER)
    start(*DISPATCHER)
    with service.client() as client:
        job = ask(client, BURNS[2])
        wait_until(lambda: status(client, job) == "running", 30)
        assert client.post(f"/v1/jobs/{job}/cancel").json()["status"] == "cancelled"
        done(client, ask(client, "0x" + small_chain().unsettled.hex()))
        assert status(client, job) == "cancelled"
    assert ends(service) == 1
