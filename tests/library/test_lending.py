"""The lending pool: lenders' shares are worth what the pool owns, and only attested borrowers get a loan, once."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import accountant.library
from accountant.chain.errors import Refusal
from accountant.language.compiler import compile_file
from accountant.library.lending import interest_on, portion, score
from accountant.sandbox import Chain, Contract, Refused, Result, User, ViewFailed

LIBRARY = Path(accountant.library.__path__[0])
SOURCE = LIBRARY / "lending.py"
TOKEN = 10**9
DAY = 24 * 60 * 60
LOCKED = 1_000


@pytest.fixture
def bank(chain: Chain) -> User:
    """Who deploys the pool and attests."""
    return chain.account("bank")


@pytest.fixture
def lender(chain: Chain) -> User:
    """Who has money."""
    return chain.account("lender")


@pytest.fixture
def borrower(chain: Chain) -> User:
    """Who needs some."""
    return chain.account("borrower")


@pytest.fixture
def pool(chain: Chain, bank: User) -> Contract:
    """An empty pool."""
    return chain.deploy(SOURCE, sender=bank)


@pytest.fixture
def funded(pool: Contract, bank: User, lender: User, borrower: User) -> Contract:
    """A pool of 10,000 tokens whose borrower earns 1,000."""
    assert pool.deposit(0, sender=lender, value=10_000 * TOKEN)
    assert pool.attest(borrower, 1_000, 0, sender=bank)
    return pool


def gained(chain: Chain, who: User, before: int, result: Result) -> int:
    """What came into a general balance by a transaction of its own, but for the gas that it left over."""
    refund = (result.transaction.gas_limit - result.gas_used) * result.transaction.gas_price
    return chain.general_balance(who) - before - refund


def test_the_first_lender_sets_the_scale(chain: Chain, pool: Contract, lender: User) -> None:
    """A share is a base unit at first; a thousand of them stay for ever."""
    for units in (0, LOCKED):
        with chain.fails("too little to begin with"):
            pool.deposit(0, sender=lender, value=units)
    result = pool.deposit(0, sender=lender, value=5_000)
    assert result.returned == 4_000
    assert result.events == [pool.Deposited(lender=lender, units=5_000, shares=4_000)]
    assert (pool.shares_of(lender), pool.total(), pool.worth(), pool.available()) == (4_000, 5_000, 5_000, 5_000)


def test_a_lender_says_how_many_shares_at_least(chain: Chain, pool: Contract, lender: User) -> None:
    """What is too little for a share buys none, and a lender whom the price does not suit keeps the money."""
    with chain.fails("too few shares"):
        pool.deposit(4_001, sender=lender, value=5_000)
    assert pool.deposit(4_000, sender=lender, value=5_000)
    with chain.fails("too few shares"):
        pool.deposit(0, sender=lender, value=0)
    assert chain.balance(pool) == 5_000


def test_the_first_lender_cannot_make_shares_dear(chain: Chain, pool: Contract, lender: User) -> None:
    """Leaving money in by taking less than shares are worth gains nothing: most of it belongs to the locked shares."""
    mallory = chain.account("mallory")
    pool.deposit(0, sender=mallory, value=1_000_000)
    pool.withdraw(998_999, 1, sender=mallory)
    assert (pool.shares_of(mallory), pool.total()) == (1, 1_001)
    pool.deposit(0, sender=lender, value=1_500_000)
    worth = pool.worth_of(pool.shares_of(lender))
    assert 1_500_000 - worth <= 1_500_000 // 1_000
    assert pool.worth_of(1) < 2_000


def test_shares_are_sold_for_what_they_are_worth_at_most(chain: Chain, pool: Contract, lender: User) -> None:
    """The amount is the call's; more than the worth, nothing, or shares that one does not have fail."""
    pool.deposit(0, sender=lender, value=5_000)
    for sold, units, reason in (
        (4_001, 1, "not so many shares"),
        (0, 1, "not so many shares"),
        (-1, 1, "not so many shares"),
        (100, 101, "the shares are worth less"),
        (100, 0, "the shares are worth less"),
    ):
        with chain.fails(reason):
            pool.withdraw(sold, units, sender=lender)
    before = chain.general_balance(lender)
    result = pool.withdraw(4_000, 4_000, sender=lender)
    assert gained(chain, lender, before, result) == 4_000
    assert result.events == [pool.Withdrawn(lender=lender, units=4_000, shares=4_000)]
    assert (pool.shares_of(lender), pool.total(), pool.worth(), chain.balance(pool)) == (0, 1_000, 1_000, 1_000)


def test_large_pools_block_no_money(chain: Chain, pool: Contract, bank: User, lender: User, borrower: User) -> None:
    """A share of hundreds of thousands of tokens after interest: the product has more than 64 bits, the result not."""
    pool.deposit(0, sender=lender, value=900_000 * TOKEN)
    pool.attest(borrower, 1_000, 0, sender=bank)
    pool.borrow(200 * TOKEN, sender=borrower)
    assert pool.repay(sender=borrower, value=210 * TOKEN)
    worth = (900_000 * TOKEN - LOCKED) * 900_010 // 900_000
    sold = pool.shares_of(lender)
    assert pool.worth_of(sold) == worth
    assert pool.withdraw(sold, worth, sender=lender)


@pytest.mark.parametrize(("income", "debt"), [(-1, 0), (10**9 + 1, 0), (0, -1), (0, 10**9 + 1)])
def test_facts_are_tokens(chain: Chain, pool: Contract, bank: User, borrower: User, income: int, debt: int) -> None:
    """From none to a billion, so that no score overflows."""
    with chain.fails("a fact is 0 to 1,000,000,000 tokens"):
        pool.attest(borrower, income, debt, sender=bank)
    assert pool.attest(borrower, 10**9, 10**9, sender=bank)


def test_the_deployer_alone_attests(pool: Contract, bank: User, borrower: User) -> None:
    """Nobody's own word about an income enters a block."""
    with pytest.raises(Refused) as refused:
        pool.attest(borrower, 10**9, 0, sender=borrower)
    assert refused.value.kind is Refusal.CALLER
    result = pool.attest(borrower, 300, 20, sender=bank)
    assert result.events == [pool.Attested(borrower=borrower, income=300, debt=20)]
    assert pool.score_of(borrower) == 4 * 300 - 6 * 20 + 100 == pool.score(300, 20, 0)


def test_a_good_score_gets_a_loan(chain: Chain, funded: Contract, borrower: User) -> None:
    """The money is paid, what is owed is five hundredths more, and the pool's worth stays until it comes back."""
    before = chain.general_balance(borrower)
    result = funded.borrow(250 * TOKEN, sender=borrower)
    assert result.returned is True
    assert result.events == [funded.Decided(borrower=borrower, units=250 * TOKEN, score=4_100, approved=True)]
    assert gained(chain, borrower, before, result) == 250 * TOKEN
    assert funded.owed_by(borrower) == 262_500_000_000
    assert funded.due_of(borrower) == chain.now + 90 * DAY
    assert (funded.worth(), funded.available()) == (10_000 * TOKEN, 9_750 * TOKEN)


def test_a_loan_is_refused_where_score_income_or_money_do_not_suffice(
    chain: Chain, pool: Contract, bank: User, lender: User, borrower: User
) -> None:
    """No is an answer, not a failure; nothing is paid or owed."""
    pool.deposit(0, sender=lender, value=100 * TOKEN)
    for income, debt, units in (
        (124, 0, TOKEN),
        (1_000, 600, TOKEN),
        (200, 0, 50 * TOKEN + 1),
        (1_000, 0, 101 * TOKEN),
    ):
        pool.attest(borrower, income, debt, sender=bank)
        result = pool.borrow(units, sender=borrower)
        assert result.returned is False
        assert [event.approved for event in result.events] == [False]
        assert (pool.owed_by(borrower), pool.available()) == (0, 100 * TOKEN)
    pool.attest(borrower, 125, 0, sender=bank)
    assert pool.borrow(TOKEN, sender=borrower).returned is True


def test_one_loan_at_a_time_and_none_for_nothing(chain: Chain, funded: Contract, borrower: User) -> None:
    """Small loans would buy a history cheaply; a second loan would pass the limit."""
    with chain.fails("a loan is a token or more"):
        funded.borrow(TOKEN - 1, sender=borrower)
        funded.borrow(0, sender=borrower)
    assert funded.borrow(TOKEN, sender=borrower)
    with chain.fails("one loan at a time"):
        funded.borrow(TOKEN, sender=borrower)


def test_a_loan_comes_back_as_a_whole(chain: Chain, funded: Contract, borrower: User) -> None:
    """Exactly what is owed; the interest is the lenders', and in time it counts for the next score."""
    with chain.fails("no loan"):
        funded.repay(sender=borrower, value=1)
    funded.borrow(100 * TOKEN, sender=borrower)
    with chain.fails("exactly what is owed comes back"):
        funded.repay(sender=borrower, value=105 * TOKEN - 1)
        funded.repay(sender=borrower, value=105 * TOKEN + 1)
    result = funded.repay(sender=borrower, value=5 * TOKEN, general_value=100 * TOKEN)
    assert result.events == [funded.Repaid(borrower=borrower, units=105 * TOKEN)]
    assert (funded.worth(), funded.available(), funded.owed_by(borrower)) == (10_005 * TOKEN, 10_005 * TOKEN, 0)
    assert chain.balance(funded) == 10_005 * TOKEN
    assert funded.score_of(borrower) == 4_150
    with chain.fails("no loan"):
        funded.repay(sender=borrower, value=105 * TOKEN)


def test_what_is_late_counts_for_nothing(chain: Chain, funded: Contract, borrower: User) -> None:
    """In the last second it is in time; after it the history stays as it was."""
    funded.borrow(TOKEN, sender=borrower)
    chain.advance(90 * DAY)
    owed = funded.owed_by(borrower)
    assert funded.repay(sender=borrower, value=owed)
    assert funded.score_of(borrower) == 4_150
    funded.borrow(TOKEN, sender=borrower)
    chain.advance(90 * DAY + 1)
    assert funded.repay(sender=borrower, value=owed)
    assert funded.score_of(borrower) == 4_150


def test_lent_money_cannot_be_withdrawn(chain: Chain, funded: Contract, lender: User, borrower: User) -> None:
    """Whoever comes first is paid from what is in hand; others wait for loans to come back."""
    funded.borrow(250 * TOKEN, sender=borrower)
    sold = funded.shares_of(lender)
    with chain.fails("the money is lent"):
        funded.withdraw(sold, 9_750 * TOKEN + 1, sender=lender)
    assert funded.withdraw(sold, 9_750 * TOKEN, sender=lender)


def test_a_loan_long_overdue_is_written_off_once(chain: Chain, funded: Contract, lender: User, borrower: User) -> None:
    """Anyone may do it, thirty days after it was due; the borrower stays in debt, and lenders bear it."""
    stranger = chain.account("stranger")
    with chain.fails("no loan"):
        funded.write_off(borrower, sender=stranger)
    funded.borrow(100 * TOKEN, sender=borrower)
    chain.advance(120 * DAY)
    with chain.fails("not overdue for so long"):
        funded.write_off(borrower, sender=stranger)
    chain.advance(1)
    result = funded.write_off(borrower, sender=stranger)
    assert result.events == [funded.WrittenOff(borrower=borrower, units=100 * TOKEN)]
    assert (funded.worth(), funded.available()) == (9_900 * TOKEN, 9_900 * TOKEN)
    with chain.fails("no loan"):
        funded.write_off(borrower, sender=stranger)
    with chain.fails("one loan at a time"):
        funded.borrow(TOKEN, sender=borrower)
    assert funded.repay(sender=borrower, value=105 * TOKEN)
    assert (funded.worth(), funded.available()) == (10_005 * TOKEN, 10_005 * TOKEN)
    assert funded.score_of(borrower) == 4_100
    assert funded.borrow(TOKEN, sender=borrower).returned is True


def test_a_pool_that_lost_everything_takes_no_deposits(
    chain: Chain, pool: Contract, bank: User, lender: User, borrower: User
) -> None:
    """Shares that are worth nothing have no price; a late repayment brings them back."""
    pool.deposit(0, sender=lender, value=100 * TOKEN)
    pool.attest(borrower, 1_000, 0, sender=bank)
    assert pool.borrow(100 * TOKEN, sender=borrower).returned is True
    chain.advance(121 * DAY)
    pool.write_off(borrower, sender=lender)
    with chain.fails("all is lost"):
        pool.deposit(0, sender=lender, value=TOKEN)
    assert pool.repay(sender=borrower, value=105 * TOKEN)
    assert pool.deposit(0, sender=lender, value=TOKEN)


def test_an_empty_pool_has_no_price(pool: Contract) -> None:
    """Asking what shares are worth before there are any fails."""
    with pytest.raises(ViewFailed, match="a portion of nothing"):
        pool.worth_of(1)


def test_who_may_call_and_what_comes_along() -> None:
    """All follows from the calls; deposits take zero-cost money alone, repayments any."""
    functions = {one.name: one for one in compile_file(SOURCE).interface.functions if not one.view}
    assert functions.keys() == {"deposit", "withdraw", "attest", "borrow", "repay", "write_off"}
    assert all(one.complete and one.direct for one in functions.values())
    assert [one.name for one in functions.values() if one.payable] == ["deposit", "repay"]
    assert [one.name for one in functions.values() if one.zero_cost] == ["deposit"]


AMOUNTS = st.integers(0, 2**63 - 1)


@given(AMOUNTS, AMOUNTS, st.integers(1, 2**63 - 1))
def test_a_portion_is_the_exact_quotient_rounded_down(part: int, whole: int, of: int) -> None:
    """As with integers of any size."""
    assert portion(part, whole, of) == part * whole // of


@given(AMOUNTS)
def test_interest_is_rounded_up(units: int) -> None:
    """Five hundredths, in favour of the pool."""
    assert interest_on(units) == -(-units * 5 // 100)


def test_ten_loans_are_a_full_history() -> None:
    """History alone earns no loan: the limit is a part of the income."""
    assert score(0, 0, 10) == score(0, 0, 11) == 600


@dataclass
class Model:
    """The pool in Python integers."""

    shares: dict[str, int] = field(default_factory=lambda: {"a": 0, "b": 0})
    total: int = 0
    assets: int = 0
    in_hand: int = 0
    lent: dict[str, int] = field(default_factory=dict)

    def deposit(self, who: str, units: int) -> bool:
        """As the contract."""
        if self.total == 0:
            if units <= LOCKED:
                return False
            bought, self.total = units - LOCKED, LOCKED
        else:
            bought = units * self.total // self.assets
        if bought == 0:
            return False
        self.shares[who] += bought
        self.total, self.assets, self.in_hand = self.total + bought, self.assets + units, self.in_hand + units
        return True

    def withdraw(self, who: str, sold: int, units: int) -> bool:
        """As the contract."""
        if not 0 < sold <= self.shares[who] or not 0 < units <= min(sold * self.assets // self.total, self.in_hand):
            return False
        self.shares[who] -= sold
        self.total, self.assets, self.in_hand = self.total - sold, self.assets - units, self.in_hand - units
        return True


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_the_books_are_the_money_and_no_share_loses(data: st.DataObject) -> None:
    """Random use does what the model does; in hand is the contract's balance, and a share's worth never falls."""
    chain = Chain()
    bank, users = chain.account("bank"), [chain.account(name) for name in "ab"]
    pool, model = chain.deploy(SOURCE, sender=bank), Model()
    for user in users:
        pool.attest(user, 1_000, 0, sender=bank)
    for _ in range(12):
        who = data.draw(st.sampled_from(users))
        before = (model.assets, model.total)
        match data.draw(st.sampled_from(["deposit", "deposit", "withdraw", "withdraw", "borrow", "repay"])):
            case "deposit":
                units = data.draw(st.sampled_from([0, 1, 1_000, 1_001, TOKEN, 33 * TOKEN + 7]))
                right = model.deposit(who.name, units)
                result = pool.deposit(0, sender=who, value=units)
            case "withdraw":
                sold = data.draw(st.integers(0, model.shares[who.name] + 1))
                units = sold * model.assets // (model.total or 1) - data.draw(st.sampled_from([-1, 0, 0, 1, 10**6]))
                units = max(units, 0)
                right = model.withdraw(who.name, sold, units)
                result = pool.withdraw(sold, units, sender=who)
            case "borrow":
                units = data.draw(st.sampled_from([TOKEN, TOKEN + 33, 20 * TOKEN + 99]))
                right = who.name not in model.lent
                result = pool.borrow(units, sender=who)
                if right:
                    assert result.returned is (units <= model.in_hand)
                if result.returned:
                    model.lent[who.name] = units
                    model.in_hand -= units
            case _:
                units = model.lent.get(who.name, 0)
                owed = units + -(-units * 5 // 100)
                right = units > 0
                result = pool.repay(sender=who, value=owed)
                if right:
                    del model.lent[who.name]
                    model.assets += owed - units
                    model.in_hand += owed
        assert result.succeeded is right, result
        assert model.assets * before[1] >= before[0] * model.total
    assert (pool.total(), pool.worth(), pool.available()) == (model.total, model.assets, model.in_hand)
    assert model.assets == model.in_hand + sum(model.lent.values())
    assert chain.balance(pool) == model.in_hand
    assert model.total == sum(model.shares.values()) + (LOCKED if model.total else 0)
    for user in users:
        assert pool.shares_of(user) == model.shares[user.name]
    chain.check()
