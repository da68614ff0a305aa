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
from accountant.services.attempt import Attempt
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering
from accountant.services.submit import NodeDown
from accountant.services.work import work
from accountant.storage.keys_store import Keys, StoredKey
from tests.support.blob_office import no_blobs
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, oath_genesis
from tests.support.oath_office import POLICY, TOKEN, Office, opened_office


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
        return asyncio.run(self._ask("GET", path))

    def post(self, path: str, body: object) -> httpx.Response:
        """The answer to a POST."""
        return asyncio.run(self._ask("POST", path, body))

    async def _ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=self._headers) as client:
            return await client.request(method, path, json=body)


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


def _asked(office: Office, swear: object, amount: int = 1) -> str:
    """A balance that the API is asked about, answered by a worker; the job's id."""
    client, head = _client(office), office.node.index.head().hash
    position = {"previous_hash": "0x" + head.hex(), "index": 0}
    body = {"kind": "balance_at_least", "account": show(CUSTOMER.address), "amount": amount, "position": position}
    posted = client.post("/v1/queries", {**body, "swear": swear})
    assert posted.status_code == 202, posted.text
    job: str = posted.json()["id"]
    answer = answering(office.node.index, MemoryOutcomes())
    assert work(office.engine, answer, job, "worker", JobPolicy()) is Attempt.DONE
    return job


def test_whom_the_client_names_gets_its_half(office: Office) -> None:
    """From the request to the signed transaction: the beneficiary named there stands in the oath, which counts."""
    publisher = office.settled()
    beneficiary = show(CUSTOMER.address)
    job = _asked(office, {"beneficiary": beneficiary})
    options = _client(office).get(f"/v1/jobs/{job}").json()["swear_options"]
    assert options == {"together": False, "beneficiary": beneficiary}
    assert publisher.round().sworn == 1
    office.node.make_block()
    (oath,) = office.oaths()
    assert oath.terms.beneficiary == CUSTOMER.address
    shown = _client(office).get(f"/v1/oaths/0x{oath.located.hash.hex()}").json()
    assert shown["sworn"]["beneficiary"] == beneficiary and shown["standing"]["counts"] and shown["part"] is None


def test_answers_sworn_together(office: Office) -> None:
    """Two clients that agree share an oath; each job's oath shows its own answer within it."""
    publisher = office.settled()
    few, many = _asked(office, {"together": True}), _asked(office, {"together": True}, 10**15)
    plain = _asked(office, True)
    assert publisher.round().sworn == 3
    office.node.make_block()
    assert len(office.oaths()) == 2
    client = _client(office)
    names = [client.get(f"/v1/jobs/{job}").json()["oath"] for job in (few, many, plain)]
    assert names[0] == names[1] != names[2]
    oath = client.get(f"/v1/oaths/{names[0]}").json()
    assert oath["sworn"]["query"]["kind"] == "every" and oath["sworn"]["answer"] == [True, False]
    assert (oath["job"], oath["part"]["number"], oath["part"]["answer"]) == (few, 0, True)
    with office.engine.connect() as connection:
        query = "select oaths.id from accountant.oaths join accountant.jobs on number = job_number where jobs.id = %s"
        (other,) = connection.exec_driver_sql(query, (many,)).scalars()
    own = client.get(f"/v1/oaths/{other}").json()
    assert (own["job"], own["part"]["number"], own["part"]["answer"]) == (many, 1, False)
    assert own["part"]["query"]["amount"] == str(10**15) and own["standing"]["counts"]


@pytest.mark.parametrize(
    "swear", [1, "true", [], None, {"together": 1}, {"beneficiary": "0x" + "ab" * 32}, {"beneficiary": 5}, {"more": 1}]
)
def test_wishes_that_are_refused(office: Office, swear: object) -> None:
    """What is neither a boolean nor known options is refused, and no job comes of it."""
    body = {"kind": "transaction_succeeded", "transaction": "0x" + "ab" * 32, "swear": swear}
    refused = _client(office).post("/v1/queries", body)
    assert refused.status_code == 422 and refused.headers["content-type"] == "application/problem+json"
    inside = f"/{next(iter(swear))}" if isinstance(swear, dict) else ""
    assert [error["pointer"] for error in refused.json()["errors"]] == [f"#/swear{inside}"]


def test_where_a_query_of_several_is_wrong(office: Office) -> None:
    """The problem points into the list, as the client wrote it."""
    good = {"kind": "transaction_succeeded", "transaction": "0x" + "ab" * 32}
    for queries, pointer in (
        ([good, {**good, "transaction": "0x"}], "#/queries/1/transaction"),
        ([good, {**good, "swear": True}], "#/queries/1/swear"),
        ([good], "#/queries"),
    ):
        refused = _client(office).post("/v1/queries", {"kind": "every", "queries": queries})
        assert refused.status_code == 422
        assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


def test_how_publishing_goes(office: Office) -> None:
    """Nothing before the first round; then what stops it, whether money runs low, and when: by each round anew."""
    client = _client(office)
    assert client.get("/v1/accountants/self").status_code == 404
    publisher = office.publisher()
    publisher.round()
    seen = client.get("/v1/accountants/self").json()
    assert seen["address"] == show(ACCOUNTANT.address) and 0 <= seen["age_s"] < 60
    assert (seen["stopped"], seen["low"], seen["alarm"]) == (None, False, str(POLICY.alarm))
    cost = office.node.state.account(ACCOUNTANT.address).zero - int(seen["left"])
    assert 0 < cost < TOKEN  # the deployment's fee, which is on its way
    office.finish_job(query=office.question())
    publisher.round()
    assert client.get("/v1/accountants/self").json()["stopped"] == "purse_not_ready"
    publisher.waits(NodeDown("the node does not answer"))
    waiting = client.get("/v1/accountants/self").json()
    assert (waiting["stopped"], waiting["detail"]) == ("node_unavailable", "the node does not answer")
    for _ in range(3):
        office.node.make_block()
        publisher.round()
    assert client.get("/v1/accountants/self").json()["stopped"] is None


def test_money_that_runs_low_is_told(database_url: str) -> None:
    """Below the alarm it is said while answers are still sworn; without money for the next step, what stops it."""
    with opened_office(database_url, oath_genesis(units=1_000)) as office:
        office.publisher().round()
        seen = _client(office).get("/v1/accountants/self").json()
        assert (seen["stopped"], seen["low"], seen["left"]) == ("out_of_zero_cost_money", True, "1000")
        assert "1000 zero-cost units left" in seen["detail"]
