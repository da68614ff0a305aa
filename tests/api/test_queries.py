"""Accounting queries over HTTP: asked of a real service, answered by a worker, read back, and by the client."""

from collections.abc import Iterator
from typing import Any

import pytest

from accountant.accounting.certificate import QueryCertificate, decode_certificate
from accountant.accounting.query import decode_any_query, name_of
from accountant.client.client import AccountantClient, ApiProblem
from accountant.primitives.addresses import show
from accountant.storage.database import Database
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.observed_gas import read_speed
from tests.support.chains import ALICE, BOB, CAROL
from tests.support.service import RATE, TELLER, Service, answered, running_service, small_chain

CHAIN = small_chain()
SETTLED, UNSETTLED, REFUND = ("0x" + h.hex() for h in (CHAIN.settled, CHAIN.unsettled, CHAIN.refund))
ACCOUNT = show(BOB.address)
TELLER_ID = show(TELLER)


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
def client(service: Service) -> Iterator[AccountantClient]:
    with AccountantClient(service.url, service.key) as opened:
        yield opened


@pytest.mark.parametrize(
    ("kind", "fields", "verdict", "answer"),
    [
        ("balance_at_least", {"account": ACCOUNT, "amount": "1", "position": "head"}, "accepted", True),
        ("balance_at_least", {"account": ACCOUNT, "amount": 2**63 - 1, "position": "head"}, "rejected", False),
        ("transaction_succeeded", {"transaction": SETTLED}, "accepted", True),
        ("transaction_succeeded", {"transaction": UNSETTLED}, "rejected", False),
        ("income", {"transaction": SETTLED, "account": ACCOUNT}, "accepted", "10000"),
        ("income", {"transaction": UNSETTLED, "account": ACCOUNT}, "accepted", "99000"),
        ("income", {"transaction": REFUND, "account": show(ALICE.address)}, "accepted", "50000"),
        ("income", {"transaction": REFUND, "account": show(CAROL.address)}, "accepted", "5000000000"),
        ("storage", {"contract": TELLER_ID, "slot": "0x72617465", "position": "head"}, "accepted", f"0x{RATE:016x}"),
        ("storage", {"contract": TELLER_ID, "slot": "0x", "position": "head"}, "accepted", "0x"),
        (
            "every",
            {
                "queries": [
                    {"kind": "balance_at_least", "account": ACCOUNT, "amount": "1", "position": "head"},
                    {"kind": "transaction_succeeded", "transaction": UNSETTLED},
                    {"kind": "income", "transaction": SETTLED, "account": ACCOUNT},
                    {"kind": "storage", "contract": TELLER_ID, "slot": "0x", "position": "head"},
                ]
            },
            "accepted",
            [True, False, "10000", "0x"],
        ),
        (
            "view",
            {"contract": TELLER_ID, "function": "rate", "position": "head"},
            "accepted",
            {"failure": None, "value": str(RATE)},
        ),
        (
            "view",
            {"contract": TELLER_ID, "function": "set_rate", "arguments": [1], "position": "head"},
            "rejected",
            {"failure": "view_writes", "value": None},
        ),
    ],
)
def test_a_query_becomes_a_job_and_an_answer(
    service: Service,
    database: Database,
    client: AccountantClient,
    kind: str,
    fields: dict[str, Any],
    verdict: str,
    answer: object,
) -> None:
    """Every kind: the question is shown with its hash and place; the result has the same hash, answer and bytes."""
    job = client.query(kind, **fields)
    assert (job["kind"], job["status"], job["question"]["query"]["kind"]) == ("query", "queued", kind)
    done = answered(service, database, client, job["id"])
    result = done["result"]
    assert (result["kind"], result["verdict"], result["answer"]) == (kind, verdict, answer)
    assert result["query_hash"] == job["question"]["query"]["hash"] == done["question"]["query"]["hash"]
    raw = bytes.fromhex(result["query"][2:])
    assert "0x" + name_of(decode_any_query(raw)).hex() == result["query_hash"]
    assert isinstance(decode_certificate(bytes.fromhex(result["canonical"][2:])), QueryCertificate)
    assert result["missing"] == [] and result["reason"] is None


@pytest.mark.parametrize("kind", ["lower_bound", "exact_balance"])
def test_a_balance_is_asked_and_not_sworn(
    service: Service, database: Database, client: AccountantClient, kind: str
) -> None:
    """Asked, the answer is zero-cost and general money together; asked to be sworn, it is refused by name."""
    job = client.query(kind, account=ACCOUNT, position="head", gas_budget="10000000")
    result = answered(service, database, client, job["id"])["result"]
    assert int(result["answer"]) == int(result["zero_balance"]) + int(result["lower"])
    assert result["lower"] == result["upper"] and result["gas_budget"] == "10000000"
    with pytest.raises(ApiProblem) as refused:
        client.query(kind, account=ACCOUNT, position="head", swear=True)
    assert (refused.value.status, refused.value.problem["code"]) == (422, "not_swearable")


def test_a_budget_that_runs_out_says_what_is_missing(
    service: Service, database: Database, client: AccountantClient
) -> None:
    """Carol's calls take seconds each; with no gas the answer is her interval, the next execution and its price."""
    job = client.query("exact_balance", account=show(CAROL.address), position="head", gas_budget=0)
    result = answered(service, database, client, job["id"])["result"]
    assert (result["verdict"], result["reason"], result["answer"]) == ("undecided", "budget_spent", None)
    assert int(result["lower"]) < int(result["upper"]) and result["gas_executed"] == "0"
    (missing,) = result["missing"]
    assert int(missing["gas_most"]) > 0 and missing["transaction"] is not None


def test_workers_measure_what_jobs_take(service: Service, database: Database, client: AccountantClient) -> None:
    """Each answered job leaves its seconds for quotes to go by."""
    answered(service, database, client, client.query("transaction_succeeded", transaction=SETTLED)["id"])
    with service.engine.connect() as connection:
        measured = read_speed(connection)
    assert measured is not None and measured.small_jobs >= 1 and measured.small_seconds > 0


def test_errors_point_into_the_body(service: Service) -> None:
    """The kind, which stands nowhere in the body's path, is left out of the pointer."""
    with service.client() as client:
        problem = client.post("/v1/queries", json={"kind": "income", "transaction": SETTLED, "account": "0x12"}).json()
        nested = client.post(
            "/v1/queries",
            json={"kind": "exact_balance", "account": ACCOUNT, "position": {"previous_hash": SETTLED, "index": -1}},
        ).json()
    assert [error["pointer"] for error in problem["errors"]] == ["#/account"]
    assert [error["pointer"] for error in nested["errors"]] == ["#/position/index"]
