"""The pages of accounts: balances and incomes are those of the index and the library, and nothing is executed."""

from collections.abc import Iterator

import pytest

from accountant.accounting.incomes import IncomeFilter, list_incomes
from accountant.chain.moment import moment_before
from accountant.dashboard.text import units, whole
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.session import Session
from accountant.monitoring.reads.account import account_page, known_interval, static_interval
from accountant.primitives.addresses import show
from accountant.primitives.types import GENESIS_SEQ
from tests.support.chain_pages import ChainPages, chain_pages, text_of
from tests.support.chains import ALICE, BOB, CAROL
from tests.support.service import BURNER, TELLER, small_chain

CHAIN = small_chain()


@pytest.fixture(scope="module")
def pages(module_database_url: str) -> Iterator[ChainPages]:
    with chain_pages(module_database_url) as made:
        yield made


def test_balances_are_those_of_the_index(pages: ChainPages) -> None:
    """Zero-cost by bare SQL; the general balance by one look-up of the library; both together beside them."""
    head = pages.index.head()
    for user in (ALICE.address, BOB.address, CAROL.address):
        answer = pages.viewer.get(f"/accounts/{show(user)}")
        text = text_of(answer.text)
        ((zero,),) = pages.sql(
            "select balance from accountant.zero_balances where account = :account order by moment desc limit 1",
            account=user,
        )
        walk = Session(pages.index, MemoryOutcomes()).glance(user, head.next_seq)
        found = account_page(pages.index, pages.outcomes, user, None)
        assert found.zero == zero == pages.index.zero_balance(user, moment_before(head.height + 1, 0))
        assert found.static == (walk.lower, walk.upper)
        assert found.surely == zero + found.known.lower and found.possibly == zero + found.known.upper
        assert f"Owns at least {units(found.surely)}" in text and f"Owns at most {units(found.possibly)}" in text
        assert f"Zero-cost balance {units(found.zero)}" in text
        assert f"Transactions {whole(pages.index.nonce(user, head.next_seq))}" in text
        assert f"General money sent {units(pages.index.expenses(user, head.next_seq))}" in text


def test_incomes_are_those_of_the_library(pages: ChainPages) -> None:
    """Each with kind, amount, cost and the way to its provenance; executing none."""
    before = pages.sql("select count(*) from accountant.outcomes")
    for user in (ALICE.address, BOB.address):
        window = (GENESIS_SEQ, pages.index.head().next_seq)
        items = list_incomes(pages.index, pages.outcomes, user, window, IncomeFilter(), 20).items
        answer = pages.viewer.get(f"/accounts/{show(user)}")
        assert items and answer.text.count("/provenance") == len(items)
        text = text_of(answer.text)
        for one in items:
            assert f"/chain/transactions/0x{one.located.hash.hex()}/provenance" in answer.text
            amount = units(one.low) if one.low == one.high else f"{units(one.low)} to {units(one.high)}"
            assert f"{one.kind.value.replace('_', '-')} {amount}" in text
    assert pages.sql("select count(*) from accountant.outcomes") == before
    earlier = pages.viewer.get(f"/accounts/{show(BOB.address)}?before=0")
    assert "No transaction brought it money before number 0" in text_of(earlier.text)


def test_a_contract_shows_its_functions(pages: ChainPages) -> None:
    """Contracts of genesis with what they export; one that is not on the chain has nothing."""
    text = text_of(pages.viewer.get(f"/accounts/0x{TELLER.hex()}").text)
    assert "at genesis" in text and "pick bool, account, bytes" in text
    assert "burn int" in text_of(pages.viewer.get(f"/accounts/0x{BURNER.hex()}").text)
    assert "No transaction deploys" in text_of(pages.viewer.get("/accounts/0x" + "ab" * 32).text)


def test_observing_narrows_the_known_interval_alone(pages: ChainPages) -> None:
    """Θ knows more once somebody executed: the static interval stays, the known one lies within it."""
    static = static_interval(pages.index, CAROL.address)
    seq = pages.index.seq_of(CHAIN.burns[0])
    assert seq is not None
    pages.observe(seq)
    known = known_interval(pages.index, pages.outcomes, CAROL.address)
    assert static_interval(pages.index, CAROL.address) == static
    assert static.lower <= known.lower <= known.upper <= static.upper


def test_the_box_leads_to_accounts_and_to_nothing_else(pages: ChainPages) -> None:
    """A user in any case, a contract; what is something else is told so."""
    get = pages.operator.http.get
    for text, to in ((show(BOB.address).lower(), show(BOB.address)), ("0x" + BURNER.hex(), "0x" + BURNER.hex())):
        answer = get("/accounts", params={"q": text})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/accounts/{to}")
    for text, why in (("1", "a block, not an account"), ("0x12", "2 hex digits"), ("<b>", "neither a height")):
        answer = get("/accounts", params={"q": text})
        assert answer.status_code == 404 and why in text_of(answer.text) and "<b>" not in answer.text
    assert show(ALICE.address) in get("/accounts").text
    assert get("/accounts/0x12").status_code == 404
    assert get(f"/accounts/{show(BOB.address)}?before=-1").status_code == 404
