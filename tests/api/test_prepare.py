"""Transactions made ready over the whole service: asked for by REST, made as workers do, signed, taken by a node."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from accountant.chain.template import instantiate
from accountant.chain.transaction import decode_transaction, sender_of
from accountant.client import AccountantClient
from accountant.client.client import NothingToSign, signed
from accountant.primitives.addresses import contract_id_of, show
from accountant.primitives.encoding import encode
from accountant.services.attempt import Attempt
from accountant.services.policy import JobPolicy
from accountant.services.questions import Answer, answering
from accountant.services.work import work
from accountant.storage.database import Database
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from tests.support.chains import ALICE, BOB, CAROL
from tests.support.service import BURNER, Service, running_service, small_chain
from tests.support.till import TILL_CODE, till_envelope

PREPARE = "/v1/transactions/prepare"
SENDER, TARGET = show(BOB.address), show(BURNER)
BURN = "0x" + small_chain().burns[0].hex()
REFUND = "0x" + small_chain().refund.hex()


@pytest.fixture(scope="module")
def service(
    module_database_url: str, servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with running_service(module_database_url, servers.redis_url, tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture(scope="module")
def accountant(module_database_url: str, servers: EmbeddedServers, service: Service) -> Iterator[Answer]:
    """The accountant as workers have it."""
    with Database(module_database_url) as database, redis.Redis.from_url(servers.redis_url) as hot:
        yield answering(PostgresIndex(database), PostgresOutcomes(database, hot))


@pytest.fixture
def client(service: Service) -> Iterator[AccountantClient]:
    with AccountantClient(service.url, service.key) as client:
        yield client


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


def answered(service: Service, accountant: Answer, client: AccountantClient, job: dict[str, Any]) -> dict[str, Any]:
    assert (job["kind"], job["status"], job["swear"]) == ("transaction_preparation", "queued", False)
    assert work(service.engine, accountant, job["id"], "test", JobPolicy()) is Attempt.DONE
    return client.result(client.job(job["id"]))


def test_a_call_from_question_to_node(service: Service, accountant: Answer, client: AccountantClient) -> None:
    """What the accountant prepared and the wallet signed, the node takes as it is."""
    job = client.prepare(SENDER, TARGET, "burn", [1_000], tip=5)
    assert job["question"]["function"] == "burn"
    prepared = answered(service, accountant, client, job)
    assert (prepared["complete"], prepared["entries"], prepared["refusal"]) == (False, [], None)
    assert prepared["next_nonce"] == prepared["transaction"]["nonce"] == 1
    simulation = prepared["simulation"]
    assert (simulation["failure"], simulation["rests_on_unobserved"]) == (None, 0)
    used = int(simulation["gas_used"])
    assert 5_000 < used < int(prepared["transaction"]["gas_limit"]) == 5_000 + used + used // 4
    raw = signed(prepared, BOB.sign)
    assert sender_of(raw, decode_transaction(raw)) == BOB.address
    assert client.submit(raw).startswith("0x")


def test_a_deployment(service: Service, accountant: Answer, client: AccountantClient) -> None:
    """A deployment has the entries of its constructor, each with its source, and the id that the contract will have."""
    envelope = till_envelope()
    sender = show(ALICE.address)
    prepared = answered(service, accountant, client, client.prepare_deployment(sender, TILL_CODE, encode(envelope)))
    there = contract_id_of(ALICE.address, 3)
    assert prepared["contract"] == show(there)
    constructor = envelope.function("init")
    assert constructor is not None
    footprint = instantiate(constructor, (), ALICE.address, there, 0)
    raw = signed(prepared, ALICE.sign)
    assert decode_transaction(raw).footprint == footprint
    assert [(entry["source"], entry["guess"]) for entry in prepared["entries"]] == [("template", False)]
    assert prepared["entries"][0]["entry"] == {
        **dict.fromkeys(("account", "cap", "query", "cid", "size", "bytes")),
        "kind": "write",
        "contract": show(there),
        "slot": "0x6f776e6572",
    }


def test_an_earlier_transaction_again(service: Service, accountant: Answer, client: AccountantClient) -> None:
    """The earlier call is made again by its own signer; a simulation that ends for want of gas says so."""
    job = client.prepare_again(BURN, gas_limit=6_000)
    assert (job["question"]["sender"], job["question"]["failed"]) == (show(CAROL.address), BURN)
    prepared = answered(service, accountant, client, job)
    assert prepared["failed"] == {
        "transaction": BURN, "observed": False, "failure": None, "detail": "", "missing": None
    }  # fmt: skip
    assert prepared["simulation"]["failure"] == "out_of_gas"
    assert [place["contract"] for place in prepared["simulation"]["trace"]] == [TARGET]
    assert prepared["transaction"] is None
    with pytest.raises(NothingToSign, match="out_of_gas"):
        signed(prepared, CAROL.sign)


def test_the_same_request_twice(http: httpx.Client) -> None:
    """An Idempotency-Key makes asking safe to repeat, as for every POST."""
    body = {"sender": SENDER, "contract": TARGET, "function": "burn", "arguments": ["7"]}
    first, second = (http.post(PREPARE, json=body, headers={"Idempotency-Key": "prepare"}) for _ in range(2))
    assert (first.status_code, first.headers["location"]) == (202, second.headers["location"])
    assert first.json() == second.json()


CALL = {"sender": SENDER, "contract": TARGET, "function": "burn", "arguments": [1]}
DEPLOY = {"sender": SENDER, "code": "0x00", "envelope": "0x" + encode(till_envelope()).hex()}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid_request"),
        ({**CALL, "code": "0x00"}, 422, "invalid_request"),
        ({**CALL, "failed": BURN}, 422, "invalid_request"),
        ({"sender": SENDER, "contract": TARGET}, 422, "invalid_request"),
        ({"failed": BURN, "arguments": [1]}, 422, "invalid_request"),
        ({**CALL, "arguments": 1}, 422, "invalid_request"),
        ({**CALL, "arguments": [1] * 33}, 422, "invalid_request"),
        ({**CALL, "zero_value": -1}, 422, "invalid_request"),
        ({**CALL, "gas": 1}, 422, "invalid_request"),
        ({**CALL, "sender": None}, 422, "invalid_sender"),
        ({**CALL, "sender": TARGET}, 422, "invalid_sender"),
        ({**CALL, "contract": "0x" + "00" * 32}, 404, "unknown_contract"),
        ({**CALL, "contract": SENDER}, 404, "unknown_contract"),
        ({**CALL, "function": "bury"}, 404, "unknown_function"),
        ({**CALL, "arguments": []}, 422, "wrong_arguments"),
        ({**CALL, "arguments": ["one"]}, 422, "invalid_argument"),
        ({**CALL, "arguments": [True]}, 422, "invalid_argument"),
        ({**CALL, "arguments": [{"nested": [None]}]}, 422, "invalid_argument"),
        ({**CALL, "zero_value": str(2**62), "general_value": str(2**62)}, 422, "invalid_amount"),
        ({**CALL, "gas_price": str(2**63 - 1)}, 422, "too_expensive"),
        ({**DEPLOY, "envelope": "0xc1"}, 422, "invalid_envelope"),
        ({**DEPLOY, "arguments": [1]}, 422, "wrong_arguments"),
        ({**DEPLOY, "code": "0x0"}, 422, "invalid_request"),
        ({"failed": "0x" + "11" * 32}, 404, "unknown_transaction"),
        ({"failed": REFUND}, 422, "nothing_to_prepare"),
        ({"failed": "0x11"}, 422, "invalid_request"),
    ],
)
def test_what_no_transaction_can_be_made_of(
    service: Service, http: httpx.Client, body: dict[str, object], status: int, code: str
) -> None:
    """Every wrong body gets a problem of its own, and leaves nothing behind."""
    before = service.rows()
    answer = http.post(PREPARE, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert service.rows() == before
