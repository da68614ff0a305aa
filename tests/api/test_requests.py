"""What clients get: transactions and blocks, jobs and their lists, idempotent POSTs, event streams."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from accountant.accounting.certificate import Certificate
from accountant.accounting.questions import PaymentQuestion
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.port import Heartbeat
from accountant.execution.shared_work import SharedWork
from accountant.index.memory import MemoryIndex
from accountant.primitives.addresses import show
from accountant.primitives.encoding import Decoder
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Seq
from accountant.services.attempt import Attempt
from accountant.services.policy import JobPolicy
from accountant.services.questions import Question, answering
from accountant.services.work import work
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.keys_store import Keys, StoredKey
from tests.support.chains import ALICE, BOB, transfer
from tests.support.service import Service, running_service, service_genesis, small_chain

CHAIN = small_chain()
SETTLED, UNSETTLED, REFUND = ("0x" + h.hex() for h in (CHAIN.settled, CHAIN.unsettled, CHAIN.refund))
PAY = "/v1/payments/verifications"
BOUND = "/v1/balances/lower-bound"
OCTETS = {"content-type": "application/octet-stream"}


@pytest.fixture(scope="module")
def service(
    module_database_url: str, servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with running_service(module_database_url, servers.redis_url, tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


def accountant() -> Any:
    """The real accountant over the same chain in memory."""
    index = MemoryIndex(service_genesis())
    for block in CHAIN.blocks:
        index.append(block)
    return answering(index, MemoryOutcomes())


def finish(service: Service, job_id: str) -> None:
    assert work(service.engine, accountant(), job_id, "test", JobPolicy()) is Attempt.DONE


def test_a_transaction_goes_to_the_node(service: Service, client: httpx.Client) -> None:
    """Hex in JSON and plain octets both reach the node, which answers with the hash that we knew."""
    first = transfer(ALICE, 0, BOB.address, zero=1)
    second = transfer(ALICE, 1, BOB.address, zero=2)
    submitted = client.post("/v1/transactions", json={"transaction": "0x" + first.hex()})
    assert submitted.status_code == 202
    assert submitted.json() == {"hash": "0x" + sha256(first).hex()}
    assert submitted.headers["location"] == f"/v1/transactions/0x{sha256(first).hex()}"
    assert client.post("/v1/transactions", content=second, headers=OCTETS).status_code == 202
    assert client.get(submitted.headers["location"]).json()["code"] == "unknown_transaction"


def test_transactions_are_read_back(client: httpx.Client) -> None:
    """A transaction on the chain is shown with its place, its amounts as text, and bytes that hash to its name."""
    shown = client.get(f"/v1/transactions/{SETTLED}").json()
    assert (shown["seq"], shown["height"], shown["index"]) == (1, 1, 1)
    assert (shown["general_value"], shown["zero_value"], shown["kind"]) == ("10000", "0", "transfer")
    assert (shown["sender"], shown["to"]) == (show(ALICE.address), show(BOB.address))
    assert "0x" + sha256(bytes.fromhex(shown["raw"][2:])).hex() == SETTLED
    burn = client.get(f"/v1/transactions/0x{CHAIN.burns[0].hex()}").json()
    assert burn["kind"] == "call"


def test_blocks_are_read_by_height_and_hash(client: httpx.Client) -> None:
    """Both names give the same block; genesis is block 0; the chain's head is the last one."""
    head = client.get("/v1/chain").json()
    assert head["height"] == 3
    by_height = client.get("/v1/blocks/3").json()
    assert by_height == client.get(f"/v1/blocks/{head['hash']}").json()
    assert by_height["previous_hash"] == client.get("/v1/blocks/2").json()["hash"]
    assert client.get("/v1/blocks/1").json()["transactions"] == [REFUND, SETTLED, UNSETTLED]
    assert client.get("/v1/blocks/0").json()["hash"] == head["genesis_hash"]


def test_a_question_becomes_a_job(service: Service, client: httpx.Client) -> None:
    """202 and Location; the job is queued with a reason; once worked on it is done, with a whole certificate."""
    asked = client.post(PAY, json={"transaction": SETTLED, "gas_budget": "1000000", "theta": [REFUND]})
    assert asked.status_code == 202
    queued = asked.json()
    assert asked.headers["location"] == f"/v1/jobs/{queued['id']}"
    assert (queued["status"], queued["why_waiting"]) == ("queued", "for a free cpu worker")
    assert queued["question"]["theta"] == [REFUND]
    assert queued["question"]["gas_budget"] == "1000000"
    assert client.get(asked.headers["location"]).json() == queued
    finish(service, queued["id"])
    done = client.get(asked.headers["location"]).json()
    assert (done["status"], done["attempts"], done["error"]) == ("done", 1, None)
    result = done["result"]
    assert (result["verdict"], result["answer"], result["required"]) == ("accepted", True, "10000")
    assert result["theta"] == [], "a transfer's unused gas is settled: no income needs to be executed"
    raw = bytes.fromhex(result["canonical"][2:])
    assert Decoder(Certificate, 10**6).decode(raw).account == ALICE.address


def test_a_bound_at_the_head_names_its_position(service: Service, client: httpx.Client) -> None:
    """`head` is resolved when it is asked for, amounts may be numbers or text, and the answer is the same."""
    head = client.get("/v1/chain").json()["hash"]
    answers = []
    for target in (1, "1"):
        body = {"account": show(BOB.address), "position": "head", "target": target}
        job = client.post(BOUND, json=body).json()
        assert (job["question"]["previous_hash"], job["question"]["index"]) == (head, 0)
        assert job["question"]["target"] == "1"
        finish(service, job["id"])
        answers.append(client.get(f"/v1/jobs/{job['id']}").json()["result"]["verdict"])
    assert answers == ["accepted", "accepted"]


def test_the_same_key_gives_the_stored_answer(service: Service, client: httpx.Client) -> None:
    """Repeating a POST with its Idempotency-Key changes nothing and answers byte for byte; another body is refused."""
    headers = {"Idempotency-Key": "order-17"}
    body = {"transaction": SETTLED}
    first = client.post(PAY, json=body, headers=headers)
    rows = service.rows()
    again = client.post(PAY, json=body, headers=headers)
    assert (again.status_code, again.content, again.headers["location"]) == (
        202,
        first.content,
        first.headers["location"],
    )
    assert again.headers["idempotency-replayed"] == "true"
    other = client.post(PAY, json={"transaction": UNSETTLED}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert client.post(BOUND, json=body, headers=headers).status_code == 422
    assert service.rows() == rows


def test_a_refused_request_may_use_its_key_again(client: httpx.Client) -> None:
    """An Idempotency-Key is spent by success alone."""
    headers = {"Idempotency-Key": "order-18"}
    assert client.post(PAY, json={"transaction": "0x" + "ab" * 32}, headers=headers).status_code == 404
    assert client.post(PAY, json={"transaction": SETTLED}, headers=headers).status_code == 202


def test_one_of_many_equal_requests_acts(service: Service) -> None:
    """Sixteen POSTs with one key at once make one job: the others repeat its answer or are told to wait."""
    before = service.rows()["jobs"]

    def post(_: int) -> tuple[int, str]:
        with service.client() as client:
            answer = client.post(PAY, json={"transaction": SETTLED}, headers={"Idempotency-Key": "at-once"})
            return answer.status_code, answer.json().get("id", answer.json().get("code"))

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(post, range(16)))
    assert {status for status, _ in answers} <= {202, 409}
    assert len({what for status, what in answers if status == 202}) == 1
    assert all(what == "still_running" for status, what in answers if status == 409)
    assert service.rows()["jobs"] == before + 1


def test_jobs_are_listed_in_pages(client: httpx.Client) -> None:
    """Following `next_cursor`, or the Link header, shows every job once, latest first."""
    made = [client.post(PAY, json={"transaction": SETTLED}).json()["id"] for _ in range(5)]
    seen: list[str] = []
    page = client.get("/v1/jobs", params={"limit": 2})
    while True:
        listed = page.json()
        seen += [item["id"] for item in listed["items"]]
        if not listed["has_more"]:
            break
        assert page.links["next"]["url"].endswith(f"cursor={listed['next_cursor']}")
        page = client.get(page.links["next"]["url"])
    assert seen[:5] == made[::-1]
    assert len(set(seen)) == len(seen)
    assert "next" not in page.links


def test_a_job_is_cancelled_once(client: httpx.Client) -> None:
    """A queued job ends as cancelled, and stays so; a finished one cannot be cancelled."""
    job = client.post(PAY, json={"transaction": SETTLED}).json()
    for _ in range(2):
        cancelled = client.post(f"/v1/jobs/{job['id']}/cancel")
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")


def test_a_finished_job_cannot_be_cancelled(service: Service, client: httpx.Client) -> None:
    """409 with its own code, and the result stays."""
    job = client.post(PAY, json={"transaction": SETTLED}).json()
    finish(service, job["id"])
    refused = client.post(f"/v1/jobs/{job['id']}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_ended")
    assert client.get(f"/v1/jobs/{job['id']}").json()["status"] == "done"


def test_another_keys_job_does_not_exist(service: Service, client: httpx.Client) -> None:
    """Every job route answers 404 to a key that did not ask for the job."""
    job = client.post(PAY, json={"transaction": SETTLED}).json()
    text = "anh_" + "0" * 12 + "_" + "x" * 43
    with service.engine.begin() as connection:
        Keys(connection).add(StoredKey("0" * 12, sha256(text.encode())))
    with service.client(text) as other:
        assert other.get("/v1/jobs").json()["items"] == []
        for method, path in (("GET", ""), ("POST", "/cancel"), ("GET", "/events")):
            assert other.request(method, f"/v1/jobs/{job['id']}{path}").json()["code"] == "unknown_job"
        cursor = client.get("/v1/jobs", params={"limit": 1}).json()["next_cursor"]
        assert other.get("/v1/jobs", params={"cursor": cursor}).status_code == 422
    with service.engine.begin() as connection:
        connection.execute(sa.text("delete from accountant.api_keys where prefix = '000000000000'"))


def test_events_follow_a_job_to_its_end(service: Service, client: httpx.Client) -> None:
    """The stream tells every state as it comes and ends with the job; it resumes after any event, and then says so."""
    job = client.post(PAY, json={"transaction": SETTLED}).json()["id"]
    running = threading.Event()

    def slow(question: Question, heartbeat: Heartbeat) -> Certificate:
        assert running.wait(60)
        certificate: Certificate = accountant()(PaymentQuestion(CHAIN.settled), heartbeat)
        return certificate

    worker = threading.Thread(target=work, args=(service.engine, slow, job, "test", JobPolicy()))
    statuses, ids = [], []
    with client.stream("GET", f"/v1/jobs/{job}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        worker.start()
        deadline = time.monotonic() + 60
        for line in stream.iter_lines():
            assert time.monotonic() < deadline
            if line.startswith("id:"):
                ids.append(line.removeprefix("id:").strip())
            if line.startswith("data:"):
                statuses.append(line.split('"status":"')[1].split('"')[0])
                if statuses[-1] == "running":
                    running.set()
    worker.join()
    assert statuses == ["queued", "running", "done"]
    resumed = client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": ids[0]})
    assert resumed.text.count("data:") == 2
    assert client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": ids[-1]}).status_code == 204


def test_trainings_of_a_job_are_told(service: Service, client: httpx.Client) -> None:
    """The stream tells how far they are, without an id to resume from; so does the job, until it has ended."""
    job = client.post(PAY, json={"transaction": SETTLED}).json()["id"]
    told = threading.Event()

    def training(question: Question, heartbeat: Heartbeat) -> Certificate:
        assert isinstance(heartbeat, SharedWork)
        heartbeat.trainings(Seq(1)).progress(5, 10, 0.25)
        assert told.wait(60)
        certificate: Certificate = accountant()(PaymentQuestion(CHAIN.settled), heartbeat)
        return certificate

    worker = threading.Thread(target=work, args=(service.engine, training, job, "test", JobPolicy()))
    seen = []
    with client.stream("GET", f"/v1/jobs/{job}/events") as stream:
        worker.start()
        for text in stream.iter_lines():
            if text.startswith("data:") and "trainings" in text:
                seen.append(json.loads(text.removeprefix("data:"))["trainings"])
                assert client.get(f"/v1/jobs/{job}").json()["progress"]["trainings"] == seen[0]
                told.set()
    worker.join()
    (first,) = seen[0]
    assert first["transaction"] == "0x" + CHAIN.settled.hex()
    assert (first["step"], first["steps"], first["loss"], first["share_of_gas"]) == (5, 10, 0.25, 0.5)
    assert first["resumed"] is True
    assert client.get(f"/v1/jobs/{job}").json()["progress"]["trainings"] == []


def test_probes_need_no_key(service: Service) -> None:
    """Health and readiness answer without a key, and readiness means that everything is there."""
    with httpx.Client(base_url=service.url, trust_env=False) as client:
        assert client.get("/v1/health").json() == {"status": "alive"}
        assert client.get("/v1/readiness").json() == {"status": "ready", "missing": []}


def test_request_ids_are_kept_or_made(client: httpx.Client) -> None:
    """A sane X-Request-Id comes back; anything else is replaced."""
    assert client.get("/v1/chain", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert len(client.get("/v1/chain", headers={"X-Request-Id": "a b"}).headers["x-request-id"]) == 32
