"""Audits, accountants and the watch list over REST, by a running service with a worker."""

import json
from collections.abc import Iterator

import httpx
import pytest

from accountant.accounting.proof.file import decode_certificate_file
from accountant.client.client import AccountantClient, ApiProblem
from accountant.primitives.addresses import show
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.services.accountants import search_purses
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.keys_store import Keys, StoredKey
from tests.support.auditor import PLENTY, sworn_chain
from tests.support.oath_chain import TOKEN
from tests.support.oath_node import ACCOUNTANT
from tests.support.servers import fresh_database
from tests.support.two_accountants import Accountant, running_accountant

SWORN = sworn_chain()
PURSE, OWNER = show(SWORN.purse), show(ACCOUNTANT.address)
NOWHERE = "0x" + "ab" * 32


@pytest.fixture(scope="module")
def service(servers: EmbeddedServers) -> Iterator[Accountant]:
    with fresh_database(servers) as url, running_accountant(url, SWORN.recorded) as running:
        yield running


@pytest.fixture
def client(service: Accountant) -> Iterator[AccountantClient]:
    with AccountantClient(service.url, service.key) as opened:
        yield opened


def test_an_audit_as_a_job(client: AccountantClient) -> None:
    """The document has the deposit, the oaths latest first, and the lie with its transaction, answer and the truth."""
    job = client.audit(PURSE, gas_budget=str(PLENTY))
    assert job["kind"] == "audit" and job["question"]["contract"] == PURSE
    assert job["question"]["gas_budget"] == str(PLENTY)
    found = client.result(job)
    lie_hash = "0x" + SWORN.recorded.transaction(SWORN.lie).hash.hex()
    (lie,) = found["lies"]
    assert (lie["transaction"], lie["answer"], lie["truth"]) == (lie_hash, False, True)
    assert lie["query"]["kind"] == "balance_at_least" and lie["verdict"] == "slashed"
    assert found["deposit_static"] == str(6 * TOKEN) and found["deposit"] == str(8 * TOKEN)
    assert found["oath_counts"] == {"all": 3, "count": 3, "kept": 2, "slashed": 1, "escaped": 0, "unchecked": 0}
    assert [oath["seq"] for oath in found["oaths"]] == [SWORN.lie, *reversed(SWORN.truths)]
    assert found["solvent"] and found["coverage_per_mille"] == 1_000 and found["outstanding"] == "0"
    assert found["answer"] is True and found["floor_held"] and found["missing"] == []
    assert len(json.dumps(found)) < 20_000


def test_an_audit_has_a_certificate(client: AccountantClient) -> None:
    """What it proved of the deposit leaves as a file: the same query and answer that can be sworn."""
    job = client.audit(PURSE, gas_budget=PLENTY)
    found = client.result(job)
    export = client.export(job["id"])
    client.result(export)
    said = decode_certificate_file(client.certificate(export["id"])).statement
    assert "0x" + said.query.hex() == found["query"] and said.answer == encode(True)
    assert len(client.inclusion(job["id"])["items"]) == found["slice"]


def test_what_is_not_executed(client: AccountantClient) -> None:
    """Without gas, and of a position before the lie, nothing is executed and no lie is told."""
    early = {"previous_hash": client.block(2)["hash"], "index": 0}
    found = client.result(client.audit(PURSE, early))
    assert found["oath_counts"]["all"] == 0 and found["deposit"] == str(10 * TOKEN) and found["gas_executed"] == "0"
    nothing = client.result(client.audit(NOWHERE, gas_budget="5"))
    assert nothing["flaws"] == ["not_deployed"] and not nothing["solvent"] and nothing["owner"] is None


def test_pages_of_oaths(client: AccountantClient) -> None:
    """All oaths one page after the other, or those of a verdict; a cursor is good for its own list alone."""
    job = client.audit(PURSE, gas_budget=PLENTY)
    client.result(job)
    first = client.audited_oaths(job["id"], limit=2)
    rest = client.audited_oaths(job["id"], limit=2, cursor=first["next_cursor"])
    seqs = [oath["seq"] for page in (first, rest) for oath in page["items"]]
    assert seqs == [SWORN.lie, *reversed(SWORN.truths)] and not rest["has_more"] and rest["next_cursor"] is None
    kept = client.audited_oaths(job["id"], verdict="kept")
    assert [oath["seq"] for oath in kept["items"]] == [*reversed(SWORN.truths)]
    with pytest.raises(ApiProblem, match="invalid_request"):
        client.audited_oaths(job["id"], verdict="kept", cursor=first["next_cursor"])
    bound = client.lower_bound(PURSE)
    with pytest.raises(ApiProblem, match="404 no_audit"):
        client.audited_oaths(bound["id"])


def test_the_history_of_audits(client: AccountantClient) -> None:
    """Past audits latest first, in figures: what the first one proved, and what the next one knew better; page by page,
    of one contract or of one accountant, and a cursor is good for its own list alone."""
    early = client.audit(PURSE, {"previous_hash": client.block(2)["hash"], "index": 0})
    client.result(early)
    late = client.audit(PURSE, gas_budget=PLENTY)
    client.result(late)
    client.result(client.audit(NOWHERE))
    newest, before = client.audits(contract=PURSE, limit=2)["items"]
    assert (newest["job"], before["job"]) == (late["id"], early["id"])
    assert (newest["contract"], newest["owner"], newest["withdrawn"]) == (PURSE, OWNER, False)
    figures = {
        "deposited": str(10 * TOKEN),
        "deposit": str(8 * TOKEN),
        "penalties": str(3 * TOKEN),
        "outstanding": "0",
        "slashed": str(TOKEN),
        "coverage_per_mille": 1_000,
        "oaths": 3,
        "lies": 1,
        "solvent": True,
        "index": 0,
    }
    assert {name: newest[name] for name in figures} == figures
    assert (before["deposit"], before["oaths"], before["lies"]) == (str(10 * TOKEN), 0, 0)
    assert newest["finished_at"] > before["finished_at"]
    whole = client.audits(owner=OWNER, limit=100)
    assert {item["owner"] for item in whole["items"]} == {OWNER} and not whole["has_more"]
    assert len(client.audits(limit=100)["items"]) > len(whole["items"])
    paged: list[object] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.audits(owner=OWNER, limit=1, **cursor)
        paged += page["items"]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert paged == whole["items"]
    with pytest.raises(ApiProblem, match="invalid_request"):
        client.audits(contract=PURSE, **cursor)


def test_the_next_page_is_linked(client: AccountantClient, service: Accountant) -> None:
    """The link of a page leads to the next one of the same list; the last page has none."""
    for _ in range(2):
        client.result(client.audit(PURSE))
    first = _request(service, "GET", f"/v1/audits?limit=1&contract={PURSE}&owner={OWNER}")
    path, relation = first.headers["Link"].split("; ")
    assert relation == 'rel="next"' and f"contract={PURSE}" in path and f"owner={OWNER.lower()}" in path
    second = _request(service, "GET", path.strip("<>")).json()
    both = client.audits(contract=PURSE, limit=2)["items"]
    assert [*first.json()["items"], *second["items"]] == both
    assert "Link" not in _request(service, "GET", "/v1/audits?limit=100").headers


def test_another_keys_audits(client: AccountantClient, service: Accountant) -> None:
    """The history is the key's own: another one has none yet."""
    client.result(client.audit(PURSE))
    text = "anh_0123456789ab_" + "x" * 43
    with service.engine.begin() as connection:
        Keys(connection).add(StoredKey("0123456789ab", sha256(text.encode())))
    with AccountantClient(service.url, text) as other:
        assert other.audits() == {"items": [], "has_more": False, "next_cursor": None}


def test_accountants(client: AccountantClient, service: Accountant) -> None:
    """Who deployed a purse is listed with what its purses surely hold, what was checked, and whether lying pays."""
    client.result(client.audit(PURSE, gas_budget=PLENTY))
    search_purses(service.engine)
    search_purses(service.engine)
    page = client.accountants(limit=1)
    (seen,) = page["items"]
    assert not page["has_more"] and seen["address"] == OWNER
    assert seen["purses"] == [{"contract": PURSE, "deposit": str(6 * TOKEN), "debits": 4}]
    assert (seen["oaths"], seen["checked"], seen["lies"], seen["checked_since_lie"]) == (4, 3, 1, 0)
    assert seen["trust"]["oath"] == "0x" + SWORN.recorded.transaction(SWORN.lie).hash.hex()
    assert seen["trust"]["per_mille"] == round(1_000 * (1 - 1.5 / 4)) and seen["trust"]["learned_from"] == 0
    floor = seen["floor"]
    assert floor["penalty"] == floor["gain"] == str(TOKEN) and floor["needed_per_mille"] == 500
    assert floor["chance_per_mille"] == 750 and floor["gain_most"] == str(3 * TOKEN) and floor["holds"]


def test_the_watch_list(client: AccountantClient) -> None:
    """A contract is put on it, read, changed, and taken off; another key sees none of it."""
    put = client.watch(PURSE, 3600, gas_budget="70", swear=True)
    assert (put["contract"], put["interval_s"], put["gas_budget"], put["swear"]) == (PURSE, 3600, "70", True)
    assert put["last_job"] is None and client.watched() == [put]
    assert client.watch(PURSE, 60)["gas_budget"] == "0"
    client.unwatch(PURSE)
    assert client.watched() == []
    with pytest.raises(ApiProblem, match="404 not_watched"):
        client.unwatch(PURSE)


BAD = [
    ("no contract", 422, "invalid_request", {}),
    ("a user", 422, "invalid_request", {"contract": OWNER}),
    ("a number", 422, "invalid_request", {"contract": 7}),
    ("a position of no chain", 404, "unknown_position", {"position": {"previous_hash": NOWHERE, "index": 0}}),
    ("a word", 422, "invalid_request", {"position": "latest"}),
    ("null for a position", 422, "invalid_request", {"position": None}),
    ("gas below zero", 422, "invalid_request", {"gas_budget": -1}),
    ("gas past all", 422, "invalid_request", {"gas_budget": 2**63}),
    ("null for gas", 422, "invalid_request", {"gas_budget": None}),
    ("a fraction of gas", 422, "invalid_request", {"gas_budget": 1.5}),
    ("a word for swear", 422, "invalid_request", {"swear": "yes"}),
    ("an unknown field", 422, "invalid_request", {"gas": 1}),
]


@pytest.mark.parametrize(("status", "code", "body"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_audits(service: Accountant, status: int, code: str, body: dict[str, object]) -> None:
    """What is wrong is refused with its code, and leaves no job."""
    whole = body if "contract" in body or not body else {"contract": PURSE, **body}
    before = _jobs(service)
    answer = _request(service, "POST", "/v1/audits", whole)
    assert (answer.status_code, answer.json()["code"]) == (status, code) and _jobs(service) == before


BAD_WATCHES = [
    ("a contract that is none", "PUT", "0x12", {"interval_s": 60}, 422, "invalid_request"),
    ("a user to watch", "PUT", OWNER, {"interval_s": 60}, 422, "invalid_request"),
    ("a long contract", "PUT", "0x" + "0" * 5000, {"interval_s": 60}, 422, "invalid_request"),
    ("no interval", "PUT", PURSE, {}, 422, "invalid_request"),
    ("too often", "PUT", PURSE, {"interval_s": 9}, 422, "invalid_request"),
    ("too seldom", "PUT", PURSE, {"interval_s": 10**12}, 422, "invalid_request"),
    ("text for an interval", "PUT", PURSE, {"interval_s": "60"}, 422, "invalid_request"),
    ("a fraction of a second", "PUT", PURSE, {"interval_s": 60.0}, 422, "invalid_request"),
    ("true for an interval", "PUT", PURSE, {"interval_s": True}, 422, "invalid_request"),
    ("an unknown field of a watch", "PUT", PURSE, {"interval_s": 60, "position": "head"}, 422, "invalid_request"),
    ("what is not watched", "GET", PURSE, None, 404, "not_watched"),
    ("nothing to take off", "DELETE", PURSE, None, 404, "not_watched"),
    ("none to take off", "DELETE", "zz", None, 422, "invalid_request"),
]


@pytest.mark.parametrize(
    ("method", "contract", "body", "status", "code"), [row[1:] for row in BAD_WATCHES], ids=[r[0] for r in BAD_WATCHES]
)
def test_bad_watches(service: Accountant, method: str, contract: str, body: object, status: int, code: str) -> None:
    """What is wrong is refused with its code, and nothing is put on the list."""
    answer = _request(service, method, f"/v1/watch-list/{contract}", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code) and len(answer.content) < 1_000
    assert _request(service, "GET", "/v1/watch-list").json() == {"items": []}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/audits/job_0/oaths", 404, "unknown_job"),
        ("/v1/audits/%00/oaths", 404, "unknown_job"),
        ("/v1/audits/%ed%a0%80/oaths", 404, "unknown_job"),
        ("/v1/audits/job_0/oaths?verdict=guilty", 422, "invalid_request"),
        ("/v1/audits/job_0/oaths?limit=0", 422, "invalid_request"),
        ("/v1/audits/job_0/oaths?cursor=x", 422, "invalid_request"),
        ("/v1/audits?contract=0x12", 422, "invalid_request"),
        (f"/v1/audits?contract={OWNER}", 422, "invalid_request"),
        ("/v1/audits?owner=me", 422, "invalid_request"),
        ("/v1/audits?owner=", 422, "invalid_request"),
        ("/v1/audits?limit=0", 422, "invalid_request"),
        ("/v1/audits?cursor=AAAAAAAAAAE", 422, "invalid_request"),
        ("/v1/audits?lies=1", 422, "invalid_request"),
        ("/v1/accountants?limit=101", 422, "invalid_request"),
        ("/v1/accountants?cursor=AAAAAAAAAAE", 422, "invalid_request"),
        ("/v1/accountants?trust=1", 422, "invalid_request"),
    ],
)
def test_bad_lists(service: Accountant, path: str, status: int, code: str) -> None:
    """Parameters that are wrong are refused with their code."""
    answer = _request(service, "GET", path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_watching_without_json(service: Accountant) -> None:
    """A body of another type, or that is no JSON, is refused."""
    with httpx.Client(base_url=service.url, headers={"X-API-Key": service.key}, trust_env=False) as http:
        path = f"/v1/watch-list/{PURSE}"
        assert http.put(path, content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
        assert http.put(path, content=b"{", headers={"content-type": "application/json"}).status_code == 400


def _request(service: Accountant, method: str, path: str, body: object = None) -> httpx.Response:
    with httpx.Client(base_url=service.url, headers={"X-API-Key": service.key}, trust_env=False, timeout=30) as http:
        return http.request(method, path, json=body)


def _jobs(service: Accountant) -> int:
    with service.engine.connect() as connection:
        return int(connection.exec_driver_sql("select count(*) from accountant.jobs").scalar_one())
