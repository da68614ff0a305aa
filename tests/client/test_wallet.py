"""A wallet signs what it asked for, and nothing else, whatever the service prepares."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from accountant.chain.envelope import ArgumentKind
from accountant.chain.transaction import (
    CallPayload,
    Transaction,
    decode_transaction,
    sign_transaction,
    transaction_hash,
)
from accountant.client.client import AccountantClient, Json, Unreachable
from accountant.client.signatures import Signature
from accountant.client.wallet import (
    Fails,
    NotAsAsked,
    NotOnChain,
    NotTaken,
    Ready,
    Terms,
    prepare_again,
    prepare_call,
    send,
    wait_for,
)
from accountant.execution.memory import MemoryOutcomes
from accountant.primitives.addresses import show
from accountant.primitives.encoding import encode
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering
from accountant.services.work import work
from accountant.storage.database import Database
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.index import PostgresIndex
from tests.support.chains import ALICE, BOB
from tests.support.service import BURNER, Service, running_service, small_chain

BURN = Signature("burn", (("loops", ArgumentKind.INT),))


class Attended(AccountantClient):
    """A client whose jobs are worked on when it asks for their results; `twist` changes what it is told."""

    def __init__(self, service: Service, database: Database) -> None:
        super().__init__(service.url, service.key)
        self._engine = service.engine
        self._answer = answering(PostgresIndex(database), MemoryOutcomes())
        self.twist: Callable[[Json], None] = lambda _: None

    def result(self, job: Json, timeout_s: float = 60.0) -> Json:
        work(self._engine, self._answer, job["id"], "test", JobPolicy())
        result = super().result(self.job(job["id"]), timeout_s)
        self.twist(result)
        return result


@pytest.fixture(scope="module")
def service(
    module_database_url: str, servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with running_service(module_database_url, servers.redis_url, tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture
def client(service: Service, module_database_url: str) -> Iterator[Attended]:
    with Database(module_database_url) as database, Attended(service, database) as opened:
        yield opened


def _prepare(client: AccountantClient, terms: Terms, loops: int = 10) -> Ready:
    return prepare_call(client, ALICE.address, BURNER, BURN, (loops,), terms)


def test_what_was_asked_for_is_signed_and_taken(client: Attended) -> None:
    """Money and limits are those of the terms, and the node takes the transaction, which then waits for a block."""
    ready = _prepare(client, Terms(value=3, gas=60_000, tip=7))
    assert (ready.unsigned.zero_value, ready.unsigned.gas_limit, ready.unsigned.tip) == (3, 60_000, 7)
    assert ready.fee >= 60_000 + 7
    assert ready.guesses == []
    name = send(client, ALICE, ready)
    assert name == "0x" + transaction_hash(sign_transaction(ready.unsigned, ALICE)).hex()
    with pytest.raises(NotOnChain, match="in no block after 0 s"):
        wait_for(client, name, 0.0)


def _other(**fields: Any) -> Callable[[Json], None]:
    """A service that prepares another transaction."""

    def twist(result: Json) -> None:
        unsigned = decode_transaction(bytes.fromhex(result["transaction"]["unsigned"][2:]))
        other: Transaction = msgspec.structs.replace(unsigned, **fields)
        result["transaction"]["unsigned"] = "0x" + encode(other).hex()

    return twist


@pytest.mark.parametrize(
    "fields",
    [
        {"to": bytes(BOB.address)},
        {"zero_value": 10**9},
        {"general_value": 1},
        {"tip": 10**9},
        {"payload": encode(CallPayload("burn", (11,)))},
        {"gas_price": 10**6},
        {"gas_limit": 70_000},
    ],
)
def test_nothing_else_is_signed(client: Attended, fields: dict[str, Any]) -> None:
    """Another recipient, more money, other arguments, a price that the fee does not tell of."""
    client.twist = _other(**fields)
    with pytest.raises(NotAsAsked):
        _prepare(client, Terms(gas=60_000))


def test_a_call_that_fails_is_not_signed_blindly(client: Attended) -> None:
    """Where nothing says what it would touch, the reason of the trial's failure is told, and its place kept."""
    with pytest.raises(Fails, match=r"it fails: out_of_gas.*; what it would touch is unknown") as failed:
        _prepare(client, Terms(gas=6_000), loops=10**6)
    assert failed.value.simulation["trace"][0]["contract"] == show(BURNER)


def test_what_no_block_takes_is_told(client: Attended) -> None:
    """The validators' own reason."""
    with pytest.raises(NotTaken, match="would take this transaction now") as refused:
        _prepare(client, Terms(value=2**62))
    assert refused.value.kind == "unpaid"


def test_only_failures_are_made_again(client: Attended) -> None:
    """What succeeded is not sent twice by mistake."""
    with pytest.raises(NotAsAsked, match="did not fail"):
        prepare_again(client, ALICE.address, "0x" + small_chain().refund.hex(), Terms())


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nowhere", "http://[", ""])
def test_nobody_there(url: str) -> None:
    """An address where nobody answers, and texts that are no addresses."""
    with pytest.raises(Unreachable, match="no accountant answers"), AccountantClient(url, "key") as nobody:
        nobody.chain()
