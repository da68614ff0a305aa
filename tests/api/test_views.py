"""Views over HTTP: asked of a real service, answered by a worker from its database, read back, and by the client."""

from collections.abc import Iterator
from typing import Any

import pytest

from accountant.accounting.certificate import ViewCertificate, decode_certificate
from accountant.chain.block import Position
from accountant.chain.query import View, decode_query
from accountant.client.client import AccountantClient, ApiProblem
from accountant.execution.memory import MemoryOutcomes
from accountant.primitives.addresses import show
from accountant.services.attempt import Attempt
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering
from accountant.services.work import work
from accountant.storage.database import Database
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.index import PostgresIndex
from tests.support.chains import BOB
from tests.support.service import BURNER, RATE, TELLER, Service, running_service, service_genesis, small_chain

CONTRACT = show(TELLER)
ACCOUNT = show(BOB.address)


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


def _finish(service: Service, database: Database, job_id: str) -> None:
    answer = answering(PostgresIndex(database), MemoryOutcomes())
    assert work(service.engine, answer, job_id, "test", JobPolicy()) is Attempt.DONE


def test_a_view_becomes_a_job_and_an_answer(service: Service, database: Database, client: AccountantClient) -> None:
    """The question is shown with its position and limit; the result carries value, gas, query and canonical bytes."""
    job = client.view(CONTRACT, "rate")
    head = small_chain().blocks[-1].hash
    assert (job["kind"], job["status"]) == ("view", "queued")
    asked = job["question"]
    assert (asked["contract"], asked["function"], asked["arguments"]) == (CONTRACT, "rate", [])
    assert (asked["previous_hash"], asked["index"], asked["gas_limit"]) == ("0x" + head.hex(), 0, "10000000")
    _finish(service, database, job["id"])
    result = client.result(client.job(job["id"]))
    assert (result["verdict"], result["answer"]) == ("accepted", {"failure": None, "value": str(RATE)})
    assert 0 < int(result["gas_executed"]) <= int(result["gas_everything"])
    assert result["executed"] == result["slice"] == result["missing"] == []
    query = decode_query(bytes.fromhex(result["query"][2:]))
    assert query == View(TELLER, "rate", (), 10_000_000, Position(head, 0))
    assert isinstance(decode_certificate(bytes.fromhex(result["canonical"][2:])), ViewCertificate)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ([True, ACCOUNT, "0x"], "0x" + BOB.address.hex()),
        (["true", CONTRACT, "0x"], CONTRACT),
        ([False, ACCOUNT, "0x0102"], "0x0102"),
    ],
)
def test_arguments_are_read_by_their_kinds(
    service: Service, database: Database, client: AccountantClient, arguments: list[object], value: str
) -> None:
    """Booleans, accounts of both kinds and bytes, as they are shown elsewhere."""
    job = client.view(CONTRACT, "pick", arguments)
    _finish(service, database, job["id"])
    assert client.job(job["id"])["result"]["answer"] == {"failure": None, "value": value}


@pytest.mark.parametrize(
    ("function", "arguments", "options", "failure"),
    [
        ("set_rate", [-1], {}, "view_writes"),
        ("set_rate", ["-1"], {}, "view_writes"),
        ("rate", [], {"gas_limit": 100}, "out_of_gas"),
    ],
)
def test_a_failing_view_is_an_answer(
    service: Service,
    database: Database,
    client: AccountantClient,
    function: str,
    arguments: list[object],
    options: dict[str, Any],
    failure: str,
) -> None:
    """Rejected, with the kind of the failure; it is as true as any other answer."""
    job = client.view(CONTRACT, function, arguments, **options)
    _finish(service, database, job["id"])
    result = client.job(job["id"])["result"]
    assert (result["verdict"], result["answer"]) == ("rejected", {"failure": failure, "value": None})


def test_a_view_beyond_its_budget_is_undecided(service: Service, database: Database, client: AccountantClient) -> None:
    """A budget that runs out is no answer: what is missing is the view itself."""
    position = {"previous_hash": "0x" + service_genesis().hash.hex(), "index": 0}
    job = client.view(show(BURNER), "burn", [10**6], position, gas_limit=10**8, gas_budget=50_000)
    _finish(service, database, job["id"])
    result = client.job(job["id"])["result"]
    assert (result["verdict"], result["reason"], result["answer"]) == ("undecided", "budget_spent", None)
    assert result["missing"] == [{"transaction": None, "gas_most": str(10**8)}]
    assert int(result["gas_executed"]) <= 50_000


def test_what_is_wrong_is_told_before_there_is_a_job(client: AccountantClient) -> None:
    """The argument at fault, what came, and what its kind looks like."""
    with pytest.raises(ApiProblem) as refused:
        client.view(CONTRACT, "set_rate", ["many"])
    assert (refused.value.status, refused.value.problem["code"]) == (422, "invalid_argument")
    assert "argument 0" in refused.value.problem["detail"] and "integer" in refused.value.problem["detail"]
