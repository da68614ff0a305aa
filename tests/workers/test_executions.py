"""Executions that real workers share: side by side, once each, and whatever dies, whoever waits is told."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import redis
import sqlalchemy as sa

from tests.support.chains import CAROL
from tests.support.processes import wait_until
from tests.support.service import Service, running_service, small_chain
from tests.support.workers import DISPATCHER, Start, done, end, ends, holder, starting, status, worker

pytestmark = pytest.mark.xdist_group("workers")

PATIENCE_S = 180.0
"""A busy machine takes its time; a test that hangs ends."""
SETTINGS = {"ANH_JOB_LEASE_S": "10"}
BURNS = ["0x" + h.hex() for h in small_chain().burns]


@pytest.fixture
def service(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Service]:
    with running_service(database_url, redis_url, tmp_path / "node") as running:
        yield running


@pytest.fixture
def start(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Start]:
    with starting(database_url, redis_url, tmp_path, **SETTINGS) as run:
        yield run


@pytest.fixture
def start_with_gpu(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """Processes for which every heavy execution is one for the queue `gpu`."""
    with starting(database_url, redis_url, tmp_path, **SETTINGS, ANH_GPU_GAS="0") as run:
        yield run


def ask(client: httpx.Client, *burns: str) -> str:
    """Asks for what Carol owns at least under these incomes: the gas that the calls did not use."""
    asked = {"account": "0x" + CAROL.address.hex(), "position": "head", "theta": list(burns)}
    answer = client.post("/v1/balances/lower-bound", json=asked)
    assert answer.status_code == 202, answer.text
    job: str = answer.json()["id"]
    return job


class Row(NamedTuple):
    """An execution, by its transaction's hash."""

    transaction: str
    state: str
    queue: str
    attempts: int
    resumed_at: datetime | None
    finished_at: datetime | None
    times_executed: int


def rows(service: Service) -> dict[str, Row]:
    query = sa.text(
        "select '0x' || encode(e.transaction, 'hex') as transaction, e.state, e.queue, e.attempts, e.resumed_at, "
        "e.finished_at, coalesce(o.executions, 0) as times_executed "
        "from accountant.executions e left join accountant.outcomes o on o.seq = e.seq"
    )
    with service.engine.connect() as connection:
        return {r.transaction: Row(**r._asdict()) for r in connection.execute(query)}


def state(service: Service, burn: str) -> str | None:
    row = rows(service).get(burn)
    return None if row is None else row.state


def leased_jobs(service: Service) -> int:
    with service.engine.connect() as connection:
        count: int = connection.execute(
            sa.text("select count(*) from accountant.jobs where lease_owner is not null")
        ).scalar_one()
    return count


def executed(job: dict[str, object]) -> list[str]:
    result = job["result"]
    assert isinstance(result, dict)
    found: list[str] = result["executed"]
    return found


def test_independent_branches_run_side_by_side(service: Service, start: Start) -> None:
    """Four heavy incomes of one job on two processes: two are executed at the same time, while the job waits, says for
    what, and holds no lease; its certificate counts all four as its own."""
    start(*worker())
    start(*DISPATCHER)
    with service.client() as client:
        job = ask(client, *BURNS)
        wait_until(lambda: status(client, job) == "waiting", PATIENCE_S)
        seen = client.get(f"/v1/jobs/{job}").json()
        assert leased_jobs(service) == 0
        assert seen["progress"]["executions"] == 4
        assert seen["why_waiting"].startswith(("for 4 executions of 0x", "for 3 executions of 0x"))
        ended = done(client, job)
        events = client.get(f"/v1/jobs/{job}/events").text
    spans = [(r.resumed_at, r.finished_at) for r in rows(service).values() if r.resumed_at and r.finished_at]
    assert len(spans) == 4
    assert any(max(a[0], b[0]) < min(a[1], b[1]) for a, b in combinations(spans, 2))
    assert {row.times_executed for row in rows(service).values()} == {1}
    assert ended["attempts"] == 1
    gas = ended["result"]["gas_executed"]  # type: ignore[index]
    assert ended["progress"] == {"gas_executed": gas, "executions": 4, "executions_done": 4, "trainings": []}
    assert sorted(executed(ended)) == sorted(BURNS)
    incomes = ended["result"]["theta"]  # type: ignore[index]
    assert [income["transaction"] for income in incomes] == BURNS
    assert sum(int(income["gas"]) for income in incomes) == int(ended["result"]["gas_executed"])  # type: ignore[index]
    assert '"status":"waiting"' in events
    assert '"executions":4,"executions_done":3' in events


def test_jobs_that_arrive_together_share(service: Service, start: Start) -> None:
    """Three jobs at once over three calls: each call is executed once, and counts for one of the jobs."""
    start(*worker())
    start(*DISPATCHER)
    with service.client() as client:
        jobs = [ask(client, BURNS[0], BURNS[1]), ask(client, BURNS[1], BURNS[2])]
        jobs.append(client.post("/v1/payments/verifications", json={"transaction": BURNS[1]}).json()["id"])
        ended = [done(client, job) for job in jobs]
    assert {row.times_executed for row in rows(service).values()} == {1}
    assert sorted(name for job in ended for name in executed(job)) == sorted(BURNS[:3])
    assert all(BURNS[1] in job["result"]["slice"] for job in ended)  # type: ignore[index]


def test_heavy_executions_wait_for_their_queue_alone(service: Service, start_with_gpu: Start) -> None:
    """Where nobody serves the queue `gpu`, a heavy job waits there, and the cpu worker answers others meanwhile."""
    start_with_gpu(*worker("cpu", 1))
    start_with_gpu(*DISPATCHER)
    with service.client() as client:
        job = ask(client, BURNS[0])
        wait_until(lambda: status(client, job) == "waiting", PATIENCE_S)
        light = client.post("/v1/payments/verifications", json={"transaction": "0x" + small_chain().settled.hex()})
        done(client, light.json()["id"])
        assert (status(client, job), rows(service)[BURNS[0]].queue) == ("waiting", "gpu")
        assert state(service, BURNS[0]) == "queued"
        start_with_gpu(*worker("gpu", 1))
        done(client, job)


def test_cancelling_stops_what_only_that_job_needs(service: Service, start: Start) -> None:
    """Of two jobs that share an execution one is cancelled: what only it needs ends, what both need goes on."""
    start(*DISPATCHER)
    with service.client() as client:
        cancelled, kept = ask(client, BURNS[0], BURNS[1]), ask(client, BURNS[1])
        start(*worker("cpu", 1))
        wait_until(lambda: {status(client, cancelled), status(client, kept)} == {"waiting"}, PATIENCE_S)
        wait_until(lambda: "running" in {row.state for row in rows(service).values()}, PATIENCE_S)
        assert client.post(f"/v1/jobs/{cancelled}/cancel").json()["status"] == "cancelled"
        assert state(service, BURNS[0]) in ("cancelled", "done")
        assert state(service, BURNS[1]) != "cancelled"
        done(client, kept)
        assert status(client, cancelled) == "cancelled"
        again = done(client, ask(client, BURNS[0]))  # what was cancelled can be asked for anew
    assert again["result"]["theta"][0]["transaction"] == BURNS[0]  # type: ignore[index]


def test_a_killed_process_costs_the_execution_an_attempt(service: Service, start: Start) -> None:
    """kill −9 of a process in mid-execution: another one takes the execution, and the job that waits never notices."""
    start(*worker("cpu", 1))
    start(*DISPATCHER)
    with service.client() as client:
        job = ask(client, BURNS[0])
        wait_until(lambda: state(service, BURNS[0]) == "running", PATIENCE_S)
        time.sleep(0.5)
        os.kill(holder(service, "executions"), signal.SIGKILL)
        ended = done(client, job)
    assert ended["attempts"] == 1
    assert rows(service)[BURNS[0]].attempts == 2
    assert ends(service) == 1


def test_a_flushed_broker_and_killed_workers(service: Service, start: Start, redis_url: str) -> None:
    """FLUSHALL and kill −9 of the whole worker and the dispatcher while jobs wait: every job ends, once."""
    first, dispatcher = start(*worker()), start(*DISPATCHER)
    with service.client() as client, redis.Redis.from_url(redis_url) as broker:
        jobs = [ask(client, *BURNS[:2]), ask(client, *BURNS[1:3])]
        wait_until(lambda: "running" in {row.state for row in rows(service).values()}, PATIENCE_S)
        end(first)
        end(dispatcher)
        broker.flushall()
        start(*worker())
        start(*DISPATCHER)
        ended = [done(client, job) for job in jobs]
    assert ends(service) == len(ended)
    assert {job["attempts"] for job in ended} <= {1, 2}
