"""The fund: a policy is learnt from prices, trades, and all that the fund owns is money in the contract."""

import pytest

from accountant.chain.errors import Refusal
from accountant.chain.footprint import Credit, Debit
from accountant.language.compiler import compile_file
from accountant.sandbox import Chain, Refused, User
from tests.support.stock_fund import GRAIN, SOURCE, STOCKS, TOKEN, Broker


@pytest.fixture
def broker(chain: Chain) -> Broker:
    """Who deploys the fund, publishes prices and takes the other side."""
    return Broker(chain)


@pytest.fixture
def alice(chain: Chain) -> User:
    """Who invests."""
    return chain.account("alice")


def test_what_is_won_and_lost_goes_to_those_who_own_shares(chain: Chain, broker: Broker, alice: User) -> None:
    """A policy is learnt from three years, chooses, and after each month the fund owns what its stocks made of it."""
    fund, bob = broker.fund, chain.account("bob")
    assert fund.deposit(sender=alice, value=300 * TOKEN).returned == 300_000
    assert fund.deposit(sender=bob, value=100 * TOKEN).returned == 100_000
    trained = broker.retrain(36, 5)
    assert trained.succeeded, trained
    for months in (36, 37, 38):
        before = fund.worth()
        assert broker.rebalance(months).succeeded
        parts = [fund.share_in(stock) for stock in range(STOCKS + 1)]
        assert all(isinstance(part, int) and part > 0 for part in parts)
        settled = broker.settle(months + 1)
        assert settled.succeeded, settled
        won = settled.returned
        assert isinstance(won, int) and isinstance(before, int)
        expected = sum(int(part) * gain for part, gain in zip(parts[:STOCKS], broker.gains(months), strict=True))
        assert won == pytest.approx(expected / 1e6 * before, abs=before / 1e4)
        assert fund.worth() == before + won
        assert chain.general_balance(fund) == GRAIN * (before + won)
        assert fund.share_in(0) == 0
    worth = fund.worth()
    assert isinstance(worth, int)
    with chain.fails("the shares are worth less"):
        fund.withdraw(100_000, (worth // 4 + 1) * GRAIN, sender=bob)
    assert fund.withdraw(100_000, worth // 4 * GRAIN, sender=bob)
    assert (fund.shares_of(bob), fund.shares_of(alice), fund.worth()) == (0, 300_000, worth - worth // 4)


def test_the_fund_is_closed_while_it_is_invested(chain: Chain, broker: Broker, alice: User) -> None:
    """Who saw the month's prices before they are published buys and sells nothing by them."""
    fund = broker.fund
    assert fund.deposit(sender=alice, value=TOKEN) and broker.retrain(12, 1) and broker.rebalance(12)
    with chain.fails("the fund is invested"):
        fund.deposit(sender=alice, value=TOKEN)
    with chain.fails("the fund is invested"):
        fund.withdraw(1, GRAIN, sender=alice)
    with chain.fails("nothing to invest"):
        broker.rebalance(12)


def test_the_broker_pays_exactly_what_was_won(chain: Chain, broker: Broker, alice: User) -> None:
    """Neither less, nor another month's, nor a loss that was none; strangers settle nothing."""
    fund = broker.fund
    assert fund.deposit(sender=alice, value=100 * TOKEN) and broker.retrain(12, 1) and broker.rebalance(12)
    right = broker.owed(13)
    broker.prices(14)
    for money in (right + GRAIN, right - GRAIN):
        with chain.fails("exactly what was won or lost"):
            broker.settle_with(13, max(0, money), max(0, -money))
    with chain.fails("one month more"):
        broker.settle_with(14, 0, 0)
    with pytest.raises(Refused) as refused:
        fund.settle(broker.prices(13), 0, sender=alice)
    assert refused.value.kind is Refusal.CALLER
    assert broker.settle_with(13, max(0, right), max(0, -right))


def test_odd_money_is_refused(chain: Chain, broker: Broker, alice: User) -> None:
    """Less than a thousandth of a token, more than the fund takes, general money; shares of others."""
    fund = broker.fund
    for units in (0, GRAIN + 1):
        with chain.fails("thousandths of a token, and not too many"):
            fund.deposit(sender=alice, value=units)
    with pytest.raises(Refused) as refused:
        fund.deposit(sender=alice, general_value=GRAIN)
    assert refused.value.kind is Refusal.ZERO_COST
    assert fund.deposit(sender=alice, value=TOKEN)
    for sold in (0, -1, 1_001):
        with chain.fails("not so many shares"):
            fund.withdraw(sold, GRAIN, sender=alice)
    broker.prices(3)
    with chain.fails("nothing to learn from"):
        broker.retrain(3, 1)


def test_footprints_follow_from_the_calls(broker: Broker, alice: User) -> None:
    """Nobody trains to know what a transaction may touch: a withdrawal pays its sender at most what it names."""
    functions = {one.name: one for one in compile_file(SOURCE).interface.functions if not one.view}
    assert functions.keys() == {"deposit", "withdraw", "retrain", "rebalance", "settle"}
    assert all(one.complete and one.direct for one in functions.values())
    assert broker.fund.deposit(sender=alice, value=TOKEN)
    entries = broker.fund.withdraw(10, 2 * GRAIN, sender=alice).transaction.footprint
    assert [entry for entry in entries if isinstance(entry, (Credit, Debit))] == [
        Credit(alice.key.address),
        Debit(broker.fund.id, 2 * GRAIN),
    ]
