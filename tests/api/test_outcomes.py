"""Outcomes and contracts over HTTP: asked of a real service, answered by a worker, read back by the client."""

from collections.abc import Iterator

import httpx
import pytest

from accountant.accounting.outcome import decode_outcome_certificate
from accountant.api.contract_views import ContractView
from accountant.chain.envelope import CONSTRUCTOR, Callers, Envelope, FunctionEnvelope, OpenAccess
from accountant.client.client import AccountantClient
from accountant.execution.memory import MemoryOutcomes
from accountant.index.directory import Deployment
from accountant.primitives.addresses import account_of, show
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.services.attempt import Attempt
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering
from accountant.services.work import work
from accountant.storage.database import Database
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.index import PostgresIndex
from tests.support.chains import ALICE, BOB, CAROL, contract_id
from tests.support.service import TELLER, Service, running_service, service_genesis, small_chain
from tests.support.till import TILL_CODE, till_envelope

OUTCOMES = "/v1/outcomes"


@pytest.fixture(scope="module")
def service(
    module_database_url: str, servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with running_service(module_database_url, servers.redis_url, tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture(scope="module")
def database(module_database_url: str, service: Service) -> Iterator[Database]:
    with Database(module_database_url) as opened:
        yield opened


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


def test_an_outcome_becomes_a_job_and_an_answer(service: Service, database: Database) -> None:
    """What a transfer did: the gas that came back, what it rests on, and the canonical bytes of all that."""
    name = "0x" + small_chain().refund.hex()
    with AccountantClient(service.url, service.key) as client:
        job = client.outcome(name)
        assert (job["kind"], job["status"], job["swear"]) == ("outcome", "queued", False)
        assert (job["question"]["transaction"], job["question"]["gas_budget"]) == (name, None)
        answer = answering(PostgresIndex(database), MemoryOutcomes())
        assert work(service.engine, answer, job["id"], "test", JobPolicy()) is Attempt.DONE
        result = client.result(client.job(job["id"]))
    assert (result["verdict"], result["reason"], result["transaction"]) == ("accepted", None, name)
    outcome = result["outcome"]
    assert (outcome["failure"], outcome["detail"], outcome["missing_entry"], outcome["logs"]) == (None, "", None, [])
    back = 50_000 - int(outcome["gas_used"])
    assert outcome["credits"] == [{"account": show(ALICE.address), "units": str(back)}]
    assert (result["slice"], result["trace"], result["missing"]) == ([name], [], [])
    assert decode_outcome_certificate(bytes.fromhex(result["canonical"][2:])).transaction.hex() == name[2:]


def test_a_payment_in_vain(service: Service, database: Database) -> None:
    """Rejected, with the kind of the failure."""
    with AccountantClient(service.url, service.key) as client:
        job = client.outcome("0x" + small_chain().unsettled.hex())
        answer = answering(PostgresIndex(database), MemoryOutcomes())
        assert work(service.engine, answer, job["id"], "test", JobPolicy()) is Attempt.DONE
        result = client.result(client.job(job["id"]))
    assert (result["verdict"], result["outcome"]["failure"]) == ("rejected", "insufficient_funds")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid_request"),
        ({"transaction": "0x11"}, 422, "invalid_request"),
        ({"transaction": "0x" + "11" * 32, "swear": True}, 422, "invalid_request"),
        ({"transaction": "0x" + "11" * 32}, 404, "unknown_transaction"),
        ({"transaction": "0x" + small_chain().refund.hex(), "gas_budget": -1}, 422, "invalid_request"),
    ],
)
def test_wrong_questions(service: Service, http: httpx.Client, body: dict[str, object], status: int, code: str) -> None:
    """Each gets a problem of its own, and leaves nothing behind."""
    before = service.rows()
    answer = http.post(OUTCOMES, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert service.rows() == before


def test_what_a_contract_admits(http: httpx.Client) -> None:
    """A contract of genesis: its module, and each function with the kinds of its arguments."""
    listed = next(one for one in service_genesis().contracts if one.contract == TELLER)
    found = http.get(f"/v1/contracts/{show(TELLER)}").json()
    assert (found["contract"], found["deployer"]) == (show(TELLER), show(account_of(listed.deployer)))
    assert (found["deployment"], found["constructor"]) == (None, None)
    assert (found["code_hash"], found["code_bytes"]) == ("0x" + sha256(listed.code).hex(), len(listed.code))
    assert found["envelope"] == "0x" + encode(listed.envelope).hex()
    assert [(one["name"], one["arguments"]) for one in found["functions"]] == [
        ("pick", ["bool", "account", "bytes"]),
        ("rate", []),
        ("set_rate", ["int"]),
    ]
    assert {one["callers"] for one in found["functions"]} == {"anyone"}


def test_a_contract_that_a_transaction_deployed() -> None:
    """The deployment is named; the constructor stands apart; who may call is told."""
    pay = FunctionEnvelope("pay", (), (), True, Callers.LISTED, (BOB.address, TELLER), True, True, 5, 10, True)
    envelope = Envelope(
        (*(f for f in till_envelope().functions if f.name == CONSTRUCTOR), pay), OpenAccess(debit_most=7)
    )
    there = contract_id("there")
    view = ContractView.of(there, Deployment(CAROL.address, sha256(b"deployment"), TILL_CODE, envelope))
    assert view.deployment == "0x" + sha256(b"deployment").hex()
    assert view.code_bytes == len(TILL_CODE)
    assert view.constructor is not None
    assert view.constructor.name == CONSTRUCTOR
    assert [one.model_dump() for one in view.functions] == [
        {
            "name": "pay",
            "arguments": [],
            "payable": True,
            "zero_cost": True,
            "direct": True,
            "complete": True,
            "callers": "listed",
            "listed": [show(BOB.address), show(TELLER)],
            "gas_least": "5",
            "gas_most": "10",
        }
    ]
    assert (view.open.debit_most, view.open.callable) == ("7", False)


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("0x" + "11" * 32, 404, "unknown_contract"),
        (show(ALICE.address), 422, "invalid_request"),
        ("token", 422, "invalid_request"),
    ],
)
def test_where_no_contract_is(http: httpx.Client, name: str, status: int, code: str) -> None:
    """Nothing deployed, a user, a word."""
    answer = http.get(f"/v1/contracts/{name}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
