"""`Prefer: wait`: a question answered in one request, with limits, and without holding threads."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest
import sqlalchemy as sa

from accountant.api.waiting import WAIT_S_MOST, WAITERS_OF_KEY_MOST, Waiters, preferred_wait_s
from accountant.client.client import AccountantClient
from accountant.execution.memory import MemoryOutcomes
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering
from accountant.services.work import work
from accountant.storage.database import Database
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.index import PostgresIndex
from accountant.storage.jobs import Jobs
from tests.support.service import Service, running_service, small_chain

SETTLED = "0x" + small_chain().settled.hex()
PAY = "/v1/payments/verifications"


@pytest.fixture(scope="module")
def service(
    module_database_url: str, servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with running_service(module_database_url, servers.redis_url, tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture
def worker(service: Service, module_database_url: str) -> Iterator[None]:
    """Works on whatever is queued, until the test ends."""
    stop = threading.Event()

    def run() -> None:
        with Database(module_database_url) as database:
            answer = answering(PostgresIndex(database), MemoryOutcomes())
            while not stop.wait(0.05):
                with service.engine.connect() as connection:
                    queued = connection.exec_driver_sql("select id from accountant.jobs where state = 'queued'")
                    ids = [row[0] for row in queued]
                for job_id in ids:
                    work(service.engine, answer, job_id, "test", JobPolicy())

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join(60)


@pytest.mark.usefixtures("worker")
def test_a_question_is_answered_in_one_request(service: Service) -> None:
    """200, the job with its result, where it is, and for how long the request would have waited."""
    with service.client() as client:
        answer = client.post(PAY, json={"transaction": SETTLED}, headers={"Prefer": "respond-async, wait=20"})
    assert (answer.status_code, answer.json()["status"]) == (200, "done")
    assert answer.json()["result"]["verdict"] == "accepted"
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    assert answer.headers["content-type"] == "application/json"
    with AccountantClient(service.url, service.key, wait_s=20) as patient:
        job = patient.verify_payment(SETTLED)
        assert job["status"] == "done" and patient.result(job)["answer"] is True


@pytest.mark.usefixtures("worker")
def test_an_idempotent_question_waits_again(service: Service) -> None:
    """Repeated after a broken connection, the same request waits for the same job and gets its answer."""
    headers = {"Prefer": "wait=20", "Idempotency-Key": "waited-for"}
    with service.client() as client:
        first = client.post(PAY, json={"transaction": SETTLED}, headers=headers)
        again = client.post(PAY, json={"transaction": SETTLED}, headers=headers)
    assert first.json() == again.json() and again.status_code == 200
    assert again.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers


def test_patience_ends(service: Service) -> None:
    """Where nobody works on it, the 202 comes when the time is over, with the job as it was."""
    with service.client() as client:
        began = time.monotonic()
        answer = client.post(PAY, json={"transaction": SETTLED}, headers={"Prefer": "wait=1"})
        took = time.monotonic() - began
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers["preference-applied"] == "wait=1" and took >= 1.0


def test_whoever_prefers_nothing_or_errs_does_not_wait(service: Service) -> None:
    """Refused questions are refused at once, other preferences are ignored, and so is waiting in a GET."""
    with service.client() as client:
        began = time.monotonic()
        refused = client.post(PAY, json={"transaction": "0x"}, headers={"Prefer": "wait=30"})
        ignored = client.post(PAY, json={"transaction": SETTLED}, headers={"Prefer": "wait=soon"})
        client.get("/v1/jobs", headers={"Prefer": "wait=30"})
        assert time.monotonic() - began < 15
    assert refused.status_code == 422 and ignored.status_code == 202
    assert "preference-applied" not in ignored.headers


def test_waiters_hold_no_threads(service: Service) -> None:
    """More requests wait than the server has threads, and it answers others meanwhile; those beyond the limit do not
    wait; and whoever waits hears of a job that was cancelled.
    """
    count = WAITERS_OF_KEY_MOST + 6

    def ask(_: int) -> httpx.Response:
        with service.client() as client:
            return client.post(PAY, json={"transaction": SETTLED}, headers={"Prefer": "wait=60"})

    with ThreadPoolExecutor(count) as pool:
        asked = [pool.submit(ask, number) for number in range(count)]
        deadline = time.monotonic() + 50
        while sum(future.done() for future in asked) < 6:
            assert time.monotonic() < deadline, "those for whom there is no place are never answered"
            time.sleep(0.05)
        with service.client() as client:
            assert client.get("/v1/chain").status_code == 200
        with service.engine.begin() as connection:
            jobs = Jobs(connection)
            for number in connection.scalars(sa.text("select number from accountant.jobs where state = 'queued'")):
                jobs.cancel(number)
        answers = [future.result() for future in asked]
    waited = [answer for answer in answers if "preference-applied" in answer.headers]
    assert len(waited) == WAITERS_OF_KEY_MOST
    assert {(answer.status_code, answer.json()["status"]) for answer in waited} == {(200, "cancelled")}
    assert {answer.status_code for answer in answers if answer not in waited} == {202}


def test_whoever_leaves_waits_no_longer(service: Service) -> None:
    """A closed connection gives its place back at once: as many as may wait can leave and be followed."""
    host, port = service.url.removeprefix("http://").split(":")
    body = f'{{"transaction": "{SETTLED}"}}'.encode()
    head = (
        f"POST {PAY} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\nPrefer: wait=60\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    connections = []
    for _ in range(WAITERS_OF_KEY_MOST + 5):
        connection = socket.create_connection((host, int(port)))
        connection.sendall(head + body)
        connections.append(connection)
    deadline = time.monotonic() + 50
    while len(select.select(connections, (), (), 0.1)[0]) < 5:
        assert time.monotonic() < deadline, "those for whom there is no place are never answered"
    for connection in connections:
        connection.close()
    with service.client() as client:
        while True:
            answer = client.post(PAY, json={"transaction": SETTLED}, headers={"Prefer": "wait=1"})
            if "preference-applied" in answer.headers:
                break
            assert time.monotonic() < deadline, "a place is never given back"


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, None),
        ("", None),
        ("wait=5", 5),
        ("wait = 5", 5),
        ("Wait=5", 5),
        ('wait="5"', 5),
        ("respond-async, wait=7; foo=bar", 7),
        ("wait=3, wait=9", 3),
        ("wait=999999999", WAIT_S_MOST),
        ("wait=0", 0),
        ("wait=-1", None),
        ("wait=1.5", None),
        ("wait=٥", None),
        ("wait", None),
        ("waits=5", None),
        ("wait=" + "9" * 5_000, None),
    ],
)
def test_preferences(prefer: str | None, seconds: int | None) -> None:
    """RFC 7240: the first that can be read counts, names in any case, and what cannot be read is ignored."""
    assert preferred_wait_s(prefer) == seconds


def test_limits_of_all_and_of_one_key() -> None:
    """Beyond either limit nobody waits; a place that is given back can be taken."""

    async def scenario() -> list[bool | None]:
        ended: set[str] = set()
        waiters = Waiters(lambda ids: ended & set(ids), most=3, of_key_most=2)
        results: list[bool | None] = []

        async def wait(key: str, job: str) -> None:
            results.append(await waiters.wait(key, job, 5))

        async with anyio.create_task_group() as group:
            for key, job in (("a", "1"), ("a", "2"), ("a", "3"), ("b", "4"), ("c", "5")):
                group.start_soon(wait, key, job)
            await anyio.sleep(0.05)
            assert results == [None, None]
            ended.update("124")
        results.append(await waiters.wait("a", "4", 5))
        return results

    assert anyio.run(scenario) == [None, None, True, True, True, True]
