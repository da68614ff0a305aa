"""`GET /v1/bounties`: what clients pay for answers, and how far the accountant's claims came, with every reason."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from accountant.accounting.outstanding import ObservedGas
from accountant.api.app import create_app
from accountant.api.resources import Resources
from accountant.chain.query import AccountingQuery, TransactionSucceeded
from accountant.execution.memory import MemoryOutcomes
from accountant.primitives.addresses import show
from accountant.primitives.encoding import encode
from accountant.primitives.types import Hash, Seq
from accountant.services.policy import JobPolicy
from tests.support.blob_office import no_blobs
from tests.support.bounty_office import (
    BOND,
    COMMIT_BLOCKS,
    REVEAL_BLOCKS,
    REWARD,
    RIVAL,
    BountyOffice,
    opened_bounty_office,
)
from tests.support.oath_node import CUSTOMER

FUTURE = TransactionSucceeded(bytes(32))


@pytest.fixture
def office(database_url: str) -> Iterator[BountyOffice]:
    """An office with an empty database and a chain that only has its genesis."""
    with opened_bounty_office(database_url) as opened:
        yield opened


class Client:
    """Asks the application, in this process."""

    def __init__(self, office: BountyOffice) -> None:
        def never(_: bytes) -> Hash:
            raise AssertionError("reading a bounty submits nothing")

        def nothing(_: Seq) -> ObservedGas:
            raise AssertionError("reading a bounty measures nothing")

        def unknown() -> MemoryOutcomes:
            raise AssertionError("reading a bounty executes nothing")

        engine, index = office.office.engine, office.office.node.index
        self._app = create_app(
            Resources(engine, lambda: index, unknown, nothing, never, JobPolicy(), 1, {}, no_blobs(engine))
        )
        self._headers = {"X-API-Key": office.office.api_key}

    def __call__(self, path: str = "") -> httpx.Response:
        """The answer to a GET of a path below `/v1/bounties`."""
        return asyncio.run(self._get("/v1/bounties" + path))

    async def _get(self, path: str) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=self._headers) as client:
            return await client.get(path)


def test_how_a_claim_goes_on(office: BountyOffice) -> None:
    """Its state and its transactions, from nothing to the reward; what hides the answer is never shown."""
    query = office.settled_payment()
    name = show(office.open(query))
    client = Client(office)
    assert client(f"/{name}").json()["claim"] is None and client().json()["items"] == []
    claims, publisher = office.claims(), office.publisher()
    seen: list[tuple[str, int]] = []
    for _ in range(3 + COMMIT_BLOCKS + REVEAL_BLOCKS + 6):
        office.go_on(claims, publisher)
        answer = client(f"/{name}")
        claim = answer.json()["claim"]
        signed = [claim[step] for step in ("commit", "reveal", "collect")]
        if not seen or seen[-1][0] != claim["state"]:
            seen.append((claim["state"], sum(each is not None for each in signed)))
        row = office.row(next(iter(office.listed)))
        assert row.salt is None or row.salt.hex() not in answer.text + client().text
    assert [state for state, _ in seen] == ["asked", "claimed", "revealed", "collecting", "won"]
    assert [count for _, count in seen][:3] == [0, 1, 2] and seen[-1][1] == 3
    bounty = client(f"/{name}").json()
    assert (bounty["claim"]["due"], bounty["claim"]["reason"]) == (str(REWARD + BOND), None)
    assert (bounty["client"], bounty["reward"], bounty["bond"]) == (show(CUSTOMER.address), str(REWARD), str(BOND))
    assert (bounty["flaws"], bounty["claims"]) == ([], 1)
    assert bounty["query"]["kind"] == "transaction_succeeded" and bounty["query_bytes"] == "0x" + encode(query).hex()
    height = bounty["height"]
    assert int(bounty["commits_until"]) == height + COMMIT_BLOCKS
    assert int(bounty["reveals_until"]) == height + COMMIT_BLOCKS + REVEAL_BLOCKS
    assert office.office.node.index.seq_of(Hash(bytes.fromhex(bounty["transaction"][2:]))) is not None


def test_reasons_and_pages(office: BountyOffice) -> None:
    """The latest first, of one state or of all, each with its reason; a cursor belongs to its list."""
    query = office.settled_payment()
    opened: list[tuple[AccountingQuery, dict[str, Any]]] = [
        (query, {}),
        (FUTURE, {}),
        (query, {"zero_value": 0, "general_value": REWARD, "gas_limit": 10**7}),
        (query, {"bond": REWARD - 1}),
        (query, {}),
    ]
    contracts = [office.open(asked, **{"commit_blocks": 20, **changes}) for asked, changes in opened]
    _, commitment = office.rival(contracts[-1], True)
    office.include(RIVAL, commitment)
    office.claims().round()
    client = Client(office)
    states = {item["contract"]: (item["claim"]["state"], item["claim"]["reason"]) for item in client().json()["items"]}
    assert [states[show(contract)] for contract in contracts] == [
        ("asked", None),
        ("open", "void_query"),
        ("declined", "unfunded"),
        ("declined", "bad_terms"),
        ("declined", "claimed_before"),
    ]
    pages, path = [], "?limit=2"
    while True:
        page = client(path)
        pages.append([item["contract"] for item in page.json()["items"]])
        if not page.json()["has_more"]:
            assert "link" not in page.headers and page.json()["next_cursor"] is None
            break
        path = f"?limit=2&cursor={page.json()['next_cursor']}"
        assert f"</v1/bounties{path}>" in page.headers["link"]
    assert [len(page) for page in pages] == [2, 2, 1] and {name for page in pages for name in page} == set(states)
    declined = client("?state=declined&limit=2").json()
    assert len(declined["items"]) == 2 and declined["has_more"]
    cursor = declined["next_cursor"]
    assert len(client(f"?state=declined&cursor={cursor}").json()["items"]) == 1
    assert client(f"?cursor={cursor}").status_code == 422
    unfunded = client(f"/{show(contracts[2])}").json()
    (flaw,) = unfunded["flaws"]
    assert flaw["kind"] == "unfunded" and "general money" in flaw["detail"]
    malformed = office.open(b"\xc1")
    shown = client(f"/{show(malformed)}").json()
    assert shown["query"] is None and [flaw["kind"] for flaw in shown["flaws"]] == ["malformed_query"]


def test_what_is_no_bounty(office: BountyOffice) -> None:
    """A contract with other code, and one that is not there: 404 with the reason."""
    office.publisher_settled()
    purse = office.office.node.index.transaction(Seq(1)).transaction.to
    for contract, why in ((purse, "audited"), (bytes(32), "no transaction deploys")):
        answer = Client(office)("/0x" + contract.hex())
        assert (answer.status_code, answer.json()["code"]) == (404, "not_a_bounty") and why in answer.json()["detail"]
