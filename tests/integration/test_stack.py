"""A whole accountant with nothing left out, through its REST API: answers, attacks, and crashes."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import pytest
import redis
import sqlalchemy as sa
from pydantic import SecretStr

from accountant.client import AccountantClient, ApiProblem
from accountant.primitives.addresses import show
from accountant.primitives.types import UNITS_PER_TOKEN
from accountant.settings import Settings
from accountant.storage.database import engine_of
from accountant.supervisor.stack import Stack
from tests.support.chains import ALICE, BOB, CAROL, RICH, key, transfer
from tests.support.processes import gone, wait_until
from tests.support.servers import reachable_folder
from tests.support.service import BURNER
from tests.support.whole_chain import begin_chain, burn

TABLES = ("transactions", "postings", "outcomes", "jobs", "outbox", "job_events", "idempotent_answers", "oaths")
UNKNOWN = "0x" + "ab" * 32
PAY, BOUND, SUBMIT = "/v1/payments/verifications", "/v1/balances/lower-bound", "/v1/transactions"


class Whole(NamedTuple):
    """A running accountant, and ways to look at it from outside and from inside."""

    stack: Stack
    client: AccountantClient
    http: httpx.Client
    engine: sa.Engine

    def rows(self) -> dict[str, int]:
        """How many rows each table has in which a request could leave something."""
        with self.engine.connect() as connection:
            return {
                name: connection.execute(sa.text(f"select count(*) from accountant.{name}")).scalar_one()
                for name in TABLES
            }

    def ends(self, job: str) -> int:
        """How often this job was told to have ended well."""
        query = "select count(*) from accountant.job_events e join accountant.jobs j on j.number = e.job_number"
        with self.engine.connect() as connection:
            ended = connection.execute(sa.text(f"{query} where e.state = 'done' and j.id = :id"), {"id": job})
            count: int = ended.scalar_one()
            return count

    def settled(self, raw: bytes) -> str:
        """Hands a transaction in and waits until the index has it; its hash."""
        name = self.client.submit(raw)
        wait_until(lambda: self.on_chain(name))
        return name

    def on_chain(self, name: str) -> bool:
        """Whether the index has a transaction."""
        return self.http.get(f"{SUBMIT}/{name}").status_code == 200


@contextmanager
def _whole(data_dir: Path, **changes: Any) -> Iterator[Whole]:
    settings = Settings(
        data_dir=data_dir,
        api_port=0,
        dashboard_port=0,
        node_port=0,
        block_interval_s=0.2,
        job_lease_s=2,
        job_patience_s=5,
        **changes,
    )
    begin_chain(settings.chain_folder)
    with Stack(settings, durable=False) as stack:
        assert stack.api_key is not None
        headers = {"Authorization": f"Bearer {stack.api_key}"}
        engine = engine_of(stack.database_url)
        with (
            AccountantClient(stack.api_url, stack.api_key) as client,
            httpx.Client(base_url=stack.api_url, headers=headers, timeout=30, trust_env=False) as http,
        ):
            # the publisher's purse: its deployment and its deposit
            wait_until(lambda: int(client.chain()["transactions"]) >= 2)
            yield Whole(stack, client, http, engine)
        engine.dispose()


@pytest.fixture(scope="module")
def whole() -> Iterator[Whole]:
    """One on embedded servers, for all tests of this module that do not say otherwise."""
    with reachable_folder() as folder, _whole(folder) as running:
        yield running


def _submit_verify_bound_swear_read(whole: Whole) -> None:
    """Alice pays Bob what a refund gave her; whether it settled is asked, sworn, and read from the chain."""
    client = whole.client
    whole.settled(transfer(ALICE, 0, CAROL.address, zero=5 * UNITS_PER_TOKEN, gas_limit=50_000))
    payment = whole.settled(transfer(ALICE, 1, BOB.address, general=10_000))
    double = whole.settled(transfer(ALICE, 2, BOB.address, general=49_000))
    job = client.verify_payment(payment, swear=True)
    assert client.result(job)["verdict"] == "accepted"
    assert client.result(client.verify_payment(double))["verdict"] == "rejected"
    bound = client.result(client.lower_bound(show(BOB.address)))
    assert (bound["lower"], bound["upper"]) == ("10000", "10000")
    looked = client.result(client.view(show(BURNER), "burn", [10]))
    assert (looked["verdict"], looked["answer"]) == ("accepted", {"failure": None, "value": None})
    owned = RICH + 10_000  # zero-cost money counts as well
    for target, verdict in ((owned, "accepted"), (owned + 1, "rejected")):
        assert client.result(client.lower_bound(show(BOB.address), target=str(target)))["verdict"] == verdict
    wait_until(lambda: client.job(job["id"])["oath"] is not None)
    oath = client.job(job["id"])["oath"]
    wait_until(lambda: client.oath(oath)["standing"] is not None)
    read = client.oath(oath)
    assert read["standing"]["counts"] is True
    assert read["sworn"]["answer"] is True
    assert read["sworn"]["query"]["transaction"] == payment


def test_from_a_transaction_to_an_oath(whole: Whole) -> None:
    """On embedded servers all of it works through the REST API alone."""
    _submit_verify_bound_swear_read(whole)


def test_a_call_made_ready_by_a_worker(whole: Whole) -> None:
    """A confined worker simulates the call: the wallet gets gas, fee and bytes to sign, and nothing is executed."""
    prepared = whole.client.result(whole.client.prepare(show(ALICE.address), show(BURNER), "burn", [1_000]))
    assert (prepared["refusal"], prepared["simulation"]["failure"], prepared["entries"]) == (None, None, [])
    assert int(prepared["transaction"]["gas_limit"]) > int(prepared["simulation"]["gas_used"]) > 0
    assert len(bytes.fromhex(prepared["transaction"]["unsigned"][2:])) > 65


def test_with_servers_of_your_own(database_url: str, redis_url: str) -> None:
    """With the URLs of another pair of servers all of it works too, there, and no server is started."""
    urls = {"database_url": SecretStr(database_url), "redis_url": SecretStr(redis_url)}
    with reachable_folder() as folder, _whole(folder, **urls) as running:
        _submit_verify_bound_swear_read(running)
        assert running.stack.database_url == database_url
        assert running.rows()["jobs"] == 6
        assert not (folder / "servers").exists()


def test_a_flood_of_unfunded_transactions(whole: Whole) -> None:
    """Algorithm 1 (Tx-DoS): each well-signed transaction of a poor key is refused, and nothing remembers it."""
    flood = [transfer(key(f"poor {n}"), 0, BOB.address, zero=n % 2) for n in range(150)]
    before = whole.rows()
    told = []
    for raw in flood:
        with pytest.raises(ApiProblem) as refused:
            whole.client.submit(raw)
        told.append((refused.value.status, refused.value.problem["code"]))
    assert set(told) == {(409, "unfunded")}
    with httpx.Client(base_url=whole.stack.node_url, trust_env=False) as node:
        assert node.get("/mempool").json()["transactions"] == 0
    funded = whole.settled(transfer(BOB, 0, ALICE.address, zero=1))
    assert whole.on_chain(funded)
    after = whole.rows()
    assert after.pop("transactions") == before.pop("transactions") + 1
    assert {**after, "postings": 0} == {**before, "postings": 0}


def test_bad_input_leaves_nothing(whole: Whole) -> None:
    """One of each kind of bad input: the right status as a problem, no row more in any table, nothing executed."""
    sent = whole.settled(transfer(BOB, 1, CAROL.address, zero=1, gas_limit=9_000))
    income = whole.settled(transfer(CAROL, 0, ALICE.address, zero=1, gas_limit=9_000))
    head = whole.client.chain()["hash"]
    account = show(BOB.address)
    bad: list[tuple[int, str, Any]] = [
        (422, PAY, {"transaction": 7}),
        (404, PAY, {"transaction": UNKNOWN}),
        (422, PAY, {"transaction": sent, "gas_budget": -1}),
        (422, PAY, {"transaction": sent, "gas_budget": str(2**63)}),
        (422, PAY, {"transaction": sent, "theta": [income]}),
        (422, PAY, {"transaction": sent, "theta": [sent, sent]}),
        (404, PAY, {"transaction": sent, "theta": [UNKNOWN]}),
        (413, PAY, {"transaction": "0x" + "ab" * 1_000_000}),
        (422, BOUND, {"account": account, "position": "head", "target": -1}),
        (404, BOUND, {"account": account, "position": {"previous_hash": head, "index": 1}}),
        (404, BOUND, {"account": account, "position": {"previous_hash": UNKNOWN, "index": 0}}),
        (422, SUBMIT, {"transaction": "0x00"}),
        (413, SUBMIT, {"transaction": "0x" + "ab" * 1_000_000}),
    ]
    before = whole.rows()
    for status, path, body in bad:
        answer = whole.http.post(path, json=body, headers={"Idempotency-Key": f"bad {status}".replace(" ", "-")})
        assert answer.status_code == status, (path, str(body)[:200], answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert whole.rows() == before


def test_worker_and_broker_fail_together(whole: Whole) -> None:
    """FLUSHALL with jobs and executions queued, then SIGKILL of the worker with its pool: each job ends, once."""
    burns = [whole.settled(burn(nonce, 2.0)) for nonce in range(1, 5)]
    jobs = [whole.client.verify_payment(name) for name in burns]
    wait_until(lambda: not {"running", "waiting"}.isdisjoint(whole.client.job(job["id"])["status"] for job in jobs))
    with redis.Redis.from_url(whole.stack.redis_url) as broker:
        broker.flushall()
    worker = whole.stack.pid("worker")
    assert worker is not None
    pool = psutil.Process(worker).children(recursive=True)
    assert pool
    for process in pool:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: whole.stack.pid("worker") not in (None, worker))
    assert all(gone(process.pid) for process in pool)
    for job in jobs:
        assert whole.client.result(job, 90)["verdict"] == "accepted"
        assert whole.ends(job["id"]) == 1
