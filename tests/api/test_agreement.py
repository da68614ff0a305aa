"""The routes of agreement: what they refuse, and that they cost no more than was asked for."""

import base64
import zlib
from collections.abc import Iterator

import httpx
import pytest

from accountant.execution.eager import execute_everything
from accountant.execution.outcome import outcome_digest
from tests.support.index_chain import paying_chain
from tests.support.two_accountants import Accountant, running_accountant

CHAIN = paying_chain(2, 10)
RIGHT = execute_everything(CHAIN).outcomes
SEQ = next(seq for seq, outcome in enumerate(RIGHT) if outcome.gas_used)
DIGESTS = "/v1/agreement/digests"


@pytest.fixture(scope="module")
def accountant(module_database_url: str) -> Iterator[Accountant]:
    with running_accountant(module_database_url, CHAIN) as running:
        running.observe(SEQ, RIGHT[SEQ])
        yield running


@pytest.fixture
def client(accountant: Accountant) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {accountant.key}"}
    with httpx.Client(base_url=accountant.url, headers=headers, timeout=30, trust_env=False) as client:
        yield client


def test_it_is_for_holders_of_a_key(accountant: Accountant) -> None:
    """Without an API key nothing is told."""
    for path in ("/v1/agreement", f"/v1/agreement/outcomes/{SEQ}"):
        assert httpx.get(accountant.url + path, trust_env=False).status_code == 401
    assert httpx.post(accountant.url + DIGESTS, json={}, trust_env=False).status_code == 401


def test_an_outcome_in_short(client: httpx.Client) -> None:
    """Its digest is the stored one; what nobody observed, or is on no chain, is not found."""
    told = client.get(f"/v1/agreement/outcomes/{SEQ}").json()
    assert told["digest"] == "0x" + outcome_digest(RIGHT[SEQ]).hex()
    assert told["transaction"] == "0x" + CHAIN.transaction(SEQ).hash.hex()  # type: ignore[arg-type]
    for number in (SEQ + 1, 10**18, 10**19, "9" * 400):
        assert client.get(f"/v1/agreement/outcomes/{number}").json()["code"] == "not_observed", number
    for text in ("-1", "1.0", "0x1", "%31", "١"):
        status = client.get(f"/v1/agreement/outcomes/{text}").status_code
        assert status == (404 if text == "%31" else 422), text


def test_where_it_stands(client: httpx.Client) -> None:
    """At the head or at a height of the chain."""
    head = client.get("/v1/agreement").json()
    assert (head["height"], head["transactions"], head["observed"]) == (2, 20, 1)
    assert client.get("/v1/agreement?height=2").json() == head
    assert client.get("/v1/agreement?height=0").json()["running_hash"] is not None
    assert client.get("/v1/agreement?height=3").json()["code"] == "unknown_block"
    for query in ("height=-1", "height=1.5", "height=9223372036854775808", "hight=1", "height="):
        assert client.get(f"/v1/agreement?{query}").status_code == 422, query


GOOD = {"first": 0, "span": 20, "parts": 4}
BAD: dict[str, dict[str, object]] = {
    "a negative number": {"first": -1},
    "too far": {"first": 2**63 - 1},
    "an empty range": {"span": 0},
    "too many numbers": {"span": 2**20 + 1},
    "too many parts": {"parts": 257},
    "text": {"parts": "4"},
    "a misspelt field": {"amongst": None},
    "no base64": {"among": "?"},
    "no zlib": {"among": "AAAA"},
    "too short": {"among": base64.b64encode(zlib.compress(b"\xff")).decode()},
    "beyond the range": {"among": base64.b64encode(zlib.compress(b"\xff\xff\xff")).decode()},
    "a bomb": {"among": base64.b64encode(zlib.compress(bytes(100_000_000))).decode()},
    "too long": {"among": "A" * 200_004},
}


@pytest.mark.parametrize("name", BAD)
def test_other_ranges_are_refused(client: httpx.Client, name: str) -> None:
    """With a typed problem."""
    answer = client.post(DIGESTS, json=GOOD | BAD[name])
    assert answer.status_code == 422
    assert answer.json()["code"] in ("invalid_request", "invalid_encoding")


def test_a_range_is_digested(client: httpx.Client) -> None:
    """A body of JSON alone, and as many digests as parts were asked for; beyond the chain nothing is observed."""
    told = client.post(DIGESTS, json=GOOD).json()
    assert len(told["digests"]) == 4
    bits = int.from_bytes(zlib.decompress(base64.b64decode(told["observed"])), "little")
    assert bits == 1 << SEQ
    assert client.post(DIGESTS, content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    far = client.post(DIGESTS, json={"first": 10**15, "span": 2**20, "parts": 0}).json()
    assert far["digests"] == []
    assert not any(zlib.decompress(base64.b64decode(far["observed"])))
