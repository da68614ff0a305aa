"""`GET /v1/oaths/{id}`: an oath with everything that a client needs to rely on it, or the reasons not to."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from accountant.accounting.certificate import Verdict
from accountant.accounting.outstanding import ObservedGas
from accountant.api.app import create_app
from accountant.api.resources import Resources
from accountant.chain.block import Position
from accountant.chain.query import BalanceAtLeast, query_hash
from accountant.chain.transaction import sign_transaction
from accountant.execution.memory import MemoryOutcomes
from accountant.oath.oath import SwornTerms
from accountant.oath.swear import Stamp, deploy_transaction, deposit_transaction, swear_transaction
from accountant.primitives.addresses import contract_id_of, show
from accountant.primitives.encoding import encode
from accountant.primitives.types import BLACKHOLE, Amount, ContractId, Gas, Hash, Seq
from accountant.services.policy import JobPolicy
from accountant.storage.keys_store import Keys, StoredKey
from tests.support.blob_office import no_blobs
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, oath_genesis
from tests.support.oath_office import TOKEN, Office, opened_office


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """An office with an empty database and a chain that only has its genesis."""
    with opened_office(database_url, oath_genesis()) as opened:
        yield opened


def _nothing(_seq: Seq) -> ObservedGas:
    return ObservedGas(0, Gas(0), Gas(0))


class Client:
    """Asks the application, in this process."""

    def __init__(self, office: Office, key: str) -> None:
        def never(_: bytes) -> Hash:
            raise AssertionError("reading an oath submits nothing")

        self._app = create_app(
            Resources(
                office.engine,
                lambda: office.node.index,
                MemoryOutcomes,
                _nothing,
                never,
                JobPolicy(),
                1,
                {},
                no_blobs(office.engine),
            )
        )
        self._headers = {"X-API-Key": key}

    def get(self, path: str) -> httpx.Response:
        """The answer to a GET."""
        return asyncio.run(self._get(path))

    async def _get(self, path: str) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=self._headers) as client:
            return await client.get(path)


def _client(office: Office, key: str | None = None) -> Client:
    return Client(office, key or office.api_key)


def test_an_oath_that_counts(office: Office) -> None:
    """The published oath is read by its id and by its hash; it shows query, answer, penalty, raw bytes, and counts."""
    publisher = office.settled()
    query = office.question()
    job = office.finish_job(query=query)
    publisher.round()
    transaction = office.job(job).oath
    assert transaction is not None
    client = _client(office)
    waiting = client.get(f"/v1/oaths/0x{transaction.hex()}").json()
    assert waiting["state"] == "submitted" and waiting["standing"] is None and waiting["job"] == job
    office.node.make_block()
    publisher.round()
    read = client.get(f"/v1/oaths/{waiting['id']}")
    assert read.status_code == 200
    oath = read.json()
    assert oath == client.get(f"/v1/oaths/0x{transaction.hex()}").json()
    assert oath["standing"] == {"counts": True, "flaws": [], "deposit": str(10 * TOKEN)}
    sworn = oath["sworn"]
    assert sworn["answer"] is True and sworn["penalty"] == str(TOKEN) and sworn["swearer"] == show(ACCOUNTANT.address)
    assert sworn["query"]["kind"] == "balance_at_least" and sworn["query"]["hash"] == "0x" + query_hash(query).hex()
    assert sworn["query_bytes"] == "0x" + encode(query).hex()
    located = office.node.index.transaction(oath["seq"])
    assert sworn["raw"] == "0x" + encode(located.transaction).hex() and located.hash == transaction


def test_somebody_elses_worthless_oath(office: Office) -> None:
    """A stranger's oath on an empty purse is read by its hash, without id or job, and says why it does not count."""
    purse = contract_id_of(CUSTOMER.address, 0)
    terms = SwornTerms(
        encode(BalanceAtLeast(CUSTOMER.address, 1, Position(bytes(32), 0))), b"\x01", Amount(TOKEN), BLACKHOLE
    )
    raw = sign_transaction(swear_transaction(Stamp(7, 1), purse, terms), CUSTOMER)
    deploy = sign_transaction(deploy_transaction(Stamp(7, 0), office.node.index.genesis.gas), CUSTOMER)
    office.node.make_block(deploy, raw)
    name = office.node.index.transaction(office.node.seqs()[-1]).hash.hex()
    oath = _client(office).get(f"/v1/oaths/0x{name}").json()
    assert oath["id"] is None and oath["job"] is None and oath["state"] == "included"
    kinds = {flaw["kind"] for flaw in oath["standing"]["flaws"]}
    assert not oath["standing"]["counts"] and kinds == {"not_covered", "void_query"}


def test_declined(office: Office) -> None:
    """An answer that is not sworn has an oath id that says why."""
    publisher = office.settled()
    office.finish_job(Verdict.UNDECIDED, office.question())
    publisher.round()
    with office.engine.connect() as connection:
        (oath_id,) = connection.exec_driver_sql("select id from accountant.oaths").scalars()
    oath = _client(office).get(f"/v1/oaths/{oath_id}").json()
    assert oath["state"] == "declined" and "undecided" in oath["declined"] and oath["sworn"] is None


def test_another_keys_oath(office: Office) -> None:
    """With another key an oath's id is unknown; its transaction is public, but not which job it answers."""
    from accountant.primitives.hashes import sha256

    publisher = office.settled()
    job = office.finish_job(query=office.question())
    publisher.round()
    other = "anh_0123456789ab_" + "x" * 43
    with office.engine.begin() as connection:
        Keys(connection).add(StoredKey("0123456789ab", sha256(other.encode())))
    transaction = office.job(job).oath
    assert transaction is not None
    mine, theirs = _client(office), _client(office, other)
    oath_id = mine.get(f"/v1/oaths/0x{transaction.hex()}").json()["id"]
    assert theirs.get(f"/v1/oaths/{oath_id}").status_code == 404
    assert theirs.get(f"/v1/oaths/0x{transaction.hex()}").status_code == 404
    office.node.make_block()
    seen = theirs.get(f"/v1/oaths/0x{transaction.hex()}").json()
    assert seen["id"] is None and seen["job"] is None and seen["standing"]["counts"]


@pytest.mark.parametrize("name", ["oath_none", "0x", "0x12", "zz", "0x" + "0" * 64, "a" * 3000])
def test_unknown(office: Office, name: str) -> None:
    """What names no oath is unknown, and the answer does not grow with the question."""
    answer = _client(office).get(f"/v1/oaths/{name}")
    assert answer.status_code == 404 and answer.json()["code"] == "unknown_oath" and len(answer.content) < 1000


def test_not_an_oath(office: Office) -> None:
    """A transaction that swears nothing is no oath."""
    gift = deposit_transaction(Stamp(7, 0), ContractId(ACCOUNTANT.address), Amount(1))
    office.node.make_block(sign_transaction(gift, CUSTOMER))
    name = office.node.index.transaction(office.node.seqs()[0]).hash.hex()
    answer = _client(office).get(f"/v1/oaths/0x{name}")
    assert answer.status_code == 404 and answer.json()["code"] == "not_an_oath"


def test_without_a_key(office: Office) -> None:
    """Nobody without a key reads anything."""
    assert _client(office, "nobody").get("/v1/oaths/oath_none").status_code == 401
