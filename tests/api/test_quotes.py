"""Quotes, incomes and the cost of all money over HTTP: bounded looks at a real service, which execute nothing."""

from collections.abc import Iterator

import httpx
import pytest

from accountant.client.client import AccountantClient, ApiProblem
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.primitives.addresses import show
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Seq
from accountant.storage.database import Database
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.index import PostgresIndex
from accountant.storage.keys_store import Keys, StoredKey
from accountant.storage.observed_gas import GAS_TELLING, add_job
from accountant.storage.outcomes import PostgresOutcomes
from tests.support.chains import ALICE, BOB, CAROL
from tests.support.service import GAS_PER_SECOND, TELLER, Service, running_service, small_chain

CHAIN = small_chain()
SETTLED, UNSETTLED, REFUND = ("0x" + h.hex() for h in (CHAIN.settled, CHAIN.unsettled, CHAIN.refund))
ALICES, BOBS, CAROLS = (show(key.address) for key in (ALICE, BOB, CAROL))
CHECK = 2_000
"""The gas of a check of general money."""


@pytest.fixture(scope="module")
def service(
    module_database_url: str, servers: EmbeddedServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with running_service(module_database_url, servers.redis_url, tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[AccountantClient]:
    with AccountantClient(service.url, service.key) as opened:
        yield opened


def _observe(url: str, *seqs: int) -> None:
    with Database(url) as database:
        outcomes = PostgresOutcomes(database)
        selective = Selective(Session(PostgresIndex(database), outcomes))
        for seq in seqs:
            selective.outcome(Seq(seq))
        outcomes.close()


def test_a_quote_of_what_is_free(service: Service, client: AccountantClient) -> None:
    """Alice's payment is funded by what the intervals show: only its own check is left, and nothing is stored."""
    before = service.rows()
    quote = client.quote("transaction_succeeded", transaction=SETTLED)
    assert (quote["gas_least"], quote["gas_most"], quote["gas_expected"]) == (str(CHECK), str(CHECK), str(CHECK))
    assert quote["speed_from"] == "setting" and quote["expected_s"] == CHECK / GAS_PER_SECOND
    assert (quote["cut_off"], quote["budget_suffices"], quote["cached_share"]) == (False, True, 0.0)
    assert client.quote("payment", transaction=SETTLED, theta=[REFUND])["gas_least"] == "0"
    assert client.quote("storage", contract=show(TELLER), slot="0x", position="head")["gas_most"] == "0"
    assert service.rows() == before


def test_a_quote_of_what_is_dear(client: AccountantClient) -> None:
    """Carol's exact balance may take all four of her calls: the bounds are apart, and a small budget cannot do."""
    quote = client.quote("exact_balance", account=CAROLS, position="head", gas_budget=1)
    limits = 4 * 30 * 300_000_000
    assert 0 < int(quote["gas_least"]) < limits <= int(quote["gas_most"]) <= limits + 3 * CHECK
    assert quote["budget_suffices"] is False and quote["transactions_most"] >= 4
    assert client.quote("exact_balance", account=CAROLS, position="head", gas_budget=10**9)["budget_suffices"] is None
    view = client.quote("view", contract=show(TELLER), function="rate", position="head")
    assert view["gas_most"] == view["gas_everything"] and view["gas_least"] == "0"


def test_the_hash_is_the_querys(client: AccountantClient) -> None:
    """A quote, and the question that is asked then, name the same query."""
    fields = {"account": BOBS, "amount": "1", "position": "head"}
    quote, job = client.quote("balance_at_least", **fields), client.query("balance_at_least", **fields)
    assert quote["query_hash"] == job["question"]["query"]["hash"]


def test_what_is_known_is_free_and_counted_as_cached(
    service: Service, client: AccountantClient, module_database_url: str
) -> None:
    """Once somebody observed it: nothing is left, all of it is cached, and seconds go by what workers measured."""
    _observe(module_database_url, 1)
    with service.engine.begin() as connection:
        add_job(connection, GAS_TELLING, 2.0)
        add_job(connection, 7, 0.5)
    quote = client.quote("income", transaction=SETTLED, account=BOBS)
    assert (quote["gas_most"], quote["gas_cached"], quote["cached_share"]) == ("0", str(CHECK), 1.0)
    quote = client.quote("transaction_succeeded", transaction=UNSETTLED)
    assert quote["speed_from"] == "measured" and quote["expected_s"] == pytest.approx(0.5 + CHECK * 2 / GAS_TELLING)


def test_incomes_in_pages(service: Service, client: AccountantClient) -> None:
    """Every income once, latest first, by cursors that belong to this key, this list and these filters alone."""
    whole = client.incomes(BOBS)
    kinds = [(item["kind"], item["low"], item["high"]) for item in whole["items"]]
    assert kinds == [("zero_cost", "1", "1"), ("own", "0", "99000"), ("general", "10000", "10000")]
    assert (whole["has_more"], whole["next_cursor"], whole["account"]) == (False, None, BOBS)
    first = client.incomes(BOBS, limit=2)
    assert first["items"] == whole["items"][:2] and first["has_more"]
    rest = client.incomes(BOBS, limit=2, cursor=first["next_cursor"])
    assert rest["items"] == whole["items"][2:] and not rest["has_more"]
    with service.client() as plain:
        page = plain.get(f"/v1/accounts/{BOBS}/incomes", params={"limit": 2})
        assert plain.get(page.links["next"]["url"]).json() == rest
    for account, wanted in ((ALICES, {}), (BOBS, {"known": True}), (BOBS, {"kind": "own"})):
        with pytest.raises(ApiProblem) as refused:
            client.incomes(account, cursor=first["next_cursor"], **wanted)
        assert refused.value.status == 422


def test_another_keys_cursor_is_none(service: Service, client: AccountantClient) -> None:
    """A cursor of one key is refused to another one."""
    text = "anh_" + "1" * 12 + "_" + "y" * 43
    with service.engine.begin() as connection:
        Keys(connection).add(StoredKey("1" * 12, sha256(text.encode())))
    cursor = client.incomes(BOBS, limit=1)["next_cursor"]
    with service.client(text) as other:
        refused = other.get(f"/v1/accounts/{BOBS}/incomes", params={"cursor": cursor})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_filters_of_incomes(client: AccountantClient) -> None:
    """Known or not, at least so much, of a kind, from some blocks, and worth it at a price."""
    assert [item["low"] for item in client.incomes(BOBS, known=True, kind="zero_cost")["items"]] == ["1"]
    assert [item["kind"] for item in client.incomes(BOBS, min_amount=50_000)["items"]] == ["own"]
    assert [item["kind"] for item in client.incomes(BOBS, to_height=1)["items"]] == ["own", "general"]
    assert [item["kind"] for item in client.incomes(BOBS, from_height=2)["items"]] == ["zero_cost"]
    assert client.incomes(BOBS, from_height=99)["items"] == []
    (general,) = client.incomes(BOBS, kind="general", gas_price=1)["items"]
    assert general["worth"] is True and general["amount"] == "10000"
    (general,) = client.incomes(BOBS, kind="general", gas_price=6)["items"]
    assert general["worth"] is False and general["cost"]["least"] == str(CHECK)


def test_the_cost_of_all_money(client: AccountantClient, module_database_url: str) -> None:
    """It never falls; what is observed moves from the bound to what is known."""
    before = client.accounting_cost()
    assert [item["height"] for item in before] == [0, 1, 2, 3]
    assert before[0] == {"height": 0, "transactions": 0, "observed": 0, "known": "0", "unknown_most": "0"}
    assert [int(item["known"]) for item in before] == sorted(int(item["known"]) for item in before)
    _observe(module_database_url, 1, 2)
    (one,) = client.accounting_cost(height=1)
    assert (one["transactions"], one["observed"], one["known"]) == (3, 2, str(2 * CHECK))
    assert one["unknown_most"] == "50000", "the gas limit of a zero-cost transfer, which takes none"
    ends = client.accounting_cost(from_height=1, to_height=3, points=2)
    assert [item["height"] for item in ends] == [1, 3]
    assert int(ends[1]["unknown_most"]) > 4 * 30 * 300_000_000


def test_a_head_request_of_lists_names_the_next_page(service: Service) -> None:
    """The Link header keeps the filters of the page."""
    with service.client() as plain:
        page: httpx.Response = plain.get(f"/v1/accounts/{BOBS}/incomes", params={"limit": 1, "min_amount": 2})
    assert "min_amount=2" in page.links["next"]["url"] and "limit=1" in page.links["next"]["url"]


def test_theta_alone(service: Service, client: AccountantClient) -> None:
    """Bob's only income is Alice's payment: it is certain, so Θ is empty; more than he can own is proved impossible."""
    before = service.rows()
    found = client.propose_theta("amount", account=BOBS, amount="1", position="head")
    assert (found["status"], found["theta"], found["cost"], found["gap"]) == ("covered", [], "0", 0.0)
    refused = client.propose_theta("payment", transaction=UNSETTLED)
    assert refused["status"] == "impossible" and int(refused["upper"]) < int(refused["amount"])
    carol = client.propose_theta("amount", account=CAROLS, amount=str(4 * 10**9), position="head")
    assert (carol["status"], len(carol["theta"]), carol["gap"]) == ("chosen", 1, 0.0), carol
    assert carol["cost"] == carol["lower_bound"] and int(carol["theta"][0]["high"]) >= 4 * 10**9
    assert service.rows() == before
