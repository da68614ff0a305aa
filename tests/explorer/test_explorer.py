"""The explorer for everyone: the chain without a key, nothing of the operator's, a question within a small budget."""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import redis
import sqlalchemy as sa
from limits import RateLimitItemPerMinute

from accountant.accounting.proof.file import decode_certificate_file
from accountant.api.edge import Edge
from accountant.dashboard.security import POLICY
from accountant.explorer import settled
from accountant.explorer.limiting import QUESTIONS, Limits, who
from accountant.primitives.addresses import show
from accountant.services.api_keys import ensure_first_key
from accountant.services.policy import JobPolicy
from accountant.services.public_questions import OPEN_MOST
from accountant.services.questions import answering
from accountant.services.work import work
from accountant.storage.database import Database
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from tests.support.chain_pages import MARKUP, text_of
from tests.support.chains import BOB
from tests.support.service import PUBLIC_GAS, Service, running_service, small_chain

CHAIN = small_chain()
SETTLED, UNSETTLED, BURN = ("0x" + h.hex() for h in (CHAIN.settled, CHAIN.unsettled, CHAIN.burns[0]))


@pytest.fixture(scope="module")
def service(
    module_database_url: str, servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with running_service(module_database_url, servers.redis_url, tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture
def visitor(service: Service, redis_url: str) -> Iterator[httpx.Client]:
    """Somebody without a key, who has asked nothing yet."""
    assert redis_url
    with httpx.Client(base_url=service.url, trust_env=False, timeout=40) as client:
        yield client


@contextmanager
def _working(service: Service, url: str) -> Iterator[None]:
    """A worker in this process, for whatever is asked meanwhile."""
    ended = threading.Event()

    def go() -> None:
        with Database(url) as database:
            store = PostgresOutcomes(database)
            answer = answering(PostgresIndex(database), store)
            while not ended.wait(0.02):
                with service.engine.connect() as connection:
                    waiting = connection.scalars(sa.text("select id from accountant.jobs where state = 'queued'"))
                    ids = list(waiting)
                for job_id in ids:
                    work(service.engine, answer, job_id, "worker", JobPolicy())
            store.close()

    thread = threading.Thread(target=go)
    thread.start()
    yield
    ended.set()
    thread.join(60)
    assert not thread.is_alive()


def test_the_chain_is_shown_without_a_key(visitor: httpx.Client) -> None:
    """Blocks, transactions, accounts and the search, with the dashboard's headers, and links that stay below."""
    paths = ("/", "/chain", "/chain/blocks/1", f"/chain/transactions/{SETTLED}", f"/accounts/{show(BOB.address)}")
    for path in (*paths, "/accounts", f"/chain/transactions/{SETTLED}/provenance"):
        answer = visitor.get("/explorer" + path)
        assert answer.status_code == 200, path
        assert answer.headers["content-security-policy"] == POLICY and "x-request-id" in answer.headers
        for link in re.findall(r'(?:href|src|action|hx-get)="(/[^"]*)"', answer.text):
            assert link.startswith("/explorer/"), link
    found = visitor.get("/explorer/chain/search", params={"q": SETTLED})
    assert (found.status_code, found.headers["location"]) == (303, f"/explorer/chain/transactions/{SETTLED}")
    missing = visitor.get("/explorer/chain/search", params={"q": MARKUP})
    assert missing.status_code == 404 and MARKUP not in missing.text
    assert visitor.get("/explorer").headers["location"] == "/explorer/"
    style = re.search(r'href="(/explorer/static/app.css[^"]*)"', visitor.get("/explorer/").text)
    assert style is not None and visitor.get(style[1]).status_code == 200


def test_nothing_else_is_open(visitor: httpx.Client) -> None:
    """The operator's pages are not there, and the REST API asks for its key as before."""
    for path in ("/explorer/oaths", "/explorer/oaths/audits", "/explorer/settings", "/explorer/users", "/explorer/x"):
        assert visitor.get(path).status_code == 404, path
    for path in ("/v1/chain", "/explorers", "/explorer2", "/v1/explorer/", "/", "/chain"):
        assert visitor.get(path).status_code == 401, path
    assert visitor.get("/explorer/../v1/chain").status_code == 401
    assert visitor.get("/explorer/%2e%2e/v1/chain").status_code in (401, 404)
    text = text_of(visitor.get("/explorer/chain").text)
    assert "Agreement" not in text and "Withdrawals" not in text
    assert visitor.post("/explorer/chain").status_code == 405
    assert Edge.__init__.__defaults__ is not None and Edge.__init__.__defaults__[-1] is None  # closed unless said


def test_a_question_is_answered_in_words_with_a_certificate(
    service: Service, visitor: httpx.Client, module_database_url: str
) -> None:
    """Yes, no, and undecided beyond the budget, each by a real job of the public key; the file decodes."""
    with _working(service, module_database_url):
        words = {}
        for transaction, word in ((SETTLED, "Yes, it settled"), (UNSETTLED, "No, it did not"), (BURN, "Undecided")):
            sent = visitor.post("/explorer/settled", data={"transaction": transaction})
            assert sent.status_code == 303
            words[word] = sent.headers["location"]
            answer = visitor.get(sent.headers["location"])
            assert word in text_of(answer.text) and transaction in answer.text
        made = visitor.post(words["Yes, it settled"] + "/certificate")
        assert made.status_code == 200 and made.headers["content-disposition"].startswith("attachment")
        assert decode_certificate_file(made.content) is not None
        assert visitor.post(words["Undecided"] + "/certificate").status_code == 409
    with service.engine.connect() as connection:
        kinds = connection.execute(sa.text("select kind, key_prefix, swear from accountant.jobs order by number"))
        assert [tuple(row) for row in kinds] == [("payment_verification", "public", False)] * 3 + [
            ("certificate_export", "public", False)
        ]
        most = connection.scalar(sa.text("select max(gas_executed) from accountant.jobs"))
        assert most <= PUBLIC_GAS


def test_bad_questions_are_told_what_is_wrong_and_store_nothing(service: Service, visitor: httpx.Client) -> None:
    """No hash, an unknown one, another site's form, a body that is no form."""
    before = service.rows()
    for given, why in (("hello", "named by its hash"), ("0x" + "ab" * 32, "No such transaction"), (MARKUP, "named by")):
        answer = visitor.post("/explorer/settled", data={"transaction": given})
        assert answer.status_code == 422 and why in text_of(answer.text) and MARKUP not in answer.text
    forged = visitor.post(
        "/explorer/settled", data={"transaction": SETTLED}, headers={"Origin": "https://evil.example"}
    )
    assert forged.status_code == 403
    assert visitor.post("/explorer/settled", json={"transaction": SETTLED}).status_code == 400
    assert visitor.get("/explorer/answers/job_" + "0" * 32).status_code == 404
    assert service.rows() == before


def test_jobs_of_keys_are_not_answers_of_the_explorer(service: Service, visitor: httpx.Client) -> None:
    """Who knows the id of somebody's job learns nothing here; the public key opens nothing and comes first nowhere."""
    with service.client() as client:
        job = client.post("/v1/payments/verifications", json={"transaction": SETTLED}).json()["id"]
        client.post(f"/v1/jobs/{job}/cancel")
    assert visitor.get(f"/explorer/answers/{job}").status_code == 404
    assert visitor.get("/v1/chain", headers={"X-API-Key": "public"}).status_code == 401
    with service.engine.begin() as connection:
        connection.execute(sa.text("insert into accountant.api_keys values ('public', '') on conflict do nothing"))
        connection.execute(sa.text("update accountant.jobs set key_prefix = 'public'"))
        connection.execute(sa.text("delete from accountant.api_keys where prefix <> 'public'"))
    assert ensure_first_key(service.engine) is not None


def test_who_asks_too_often_waits(visitor: httpx.Client) -> None:
    """Questions are few a minute: 429 with the seconds to wait; pages and styles go on."""
    answers = [visitor.post("/explorer/settled", data={"transaction": "x"}) for _ in range(QUESTIONS[0].amount + 1)]
    assert [one.status_code for one in answers] == [422] * QUESTIONS[0].amount + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60 and "too often" in answers[-1].text
    assert answers[-1].headers["content-security-policy"] == POLICY
    assert visitor.get("/explorer/").status_code == 200


def test_too_many_open_questions_are_refused(
    service: Service, visitor: httpx.Client, monkeypatch: pytest.MonkeyPatch, servers: EmbeddedServers
) -> None:
    """Nobody works: what is still open counts, and one more is told to come again. Its answer page says not yet."""
    monkeypatch.setattr(settled, "WAIT_S", 0.05)
    with redis.Redis.from_url(servers.redis_url) as broker:
        for _ in range(OPEN_MOST):
            sent = visitor.post("/explorer/settled", data={"transaction": SETTLED})
            assert sent.status_code == 303
            broker.flushall()
    assert "Not yet" in text_of(visitor.get(sent.headers["location"]).text)
    refused = visitor.post("/explorer/settled", data={"transaction": SETTLED})
    assert refused.status_code == 503 and "retry-after" in refused.headers
    with service.engine.begin() as connection:
        connection.execute(sa.text("delete from accountant.outbox"))


def test_addresses_count_by_network_and_without_redis_too(redis_url: str) -> None:
    """An IPv6 network is one visitor; limits hold across processes in Redis, and in the process while it is away."""
    assert who("192.0.2.1") == who("::ffff:192.0.2.1") == "192.0.2.1"
    assert who("2001:db8::1") == who("2001:db8::2") != who("2001:db8:0:1::1")
    assert who("testclient") == "unknown"
    two = (RateLimitItemPerMinute(2),)

    async def count(url: str, processes: int) -> list[int]:
        many = [Limits(url) for _ in range(processes)]
        return [await one.wait_s(two, "page", "192.0.2.9") for one in many for _ in range(3 // processes)]

    for url, processes in ((redis_url, 3), ("redis://127.0.0.1:1", 1)):
        begun = time.monotonic()
        first, second, third = asyncio.run(count(url, processes))
        assert first == second == 0 < third <= 60 and time.monotonic() - begun < 10
