"""Abnormal prices: a pool that follows real stocks, and freezes at a report that no history explains."""

from itertools import pairwise
from pathlib import Path

import pytest

import accountant.library
from accountant.chain.errors import Refusal
from accountant.chain.footprint import Blob, Credit, Debit, Read, Write
from accountant.primitives.cid import cid_of
from accountant.sandbox import Chain, Contract, Refused
from accountant.sandbox.result import Result
from tests.support.observing import newcomer, viewed
from tests.support.real_data import cents, prices_file

LIBRARY = Path(accountant.library.__path__[0])
HISTORY = prices_file()
GOOGLE = cents("GOOG")
UNITS = 10_000_000


@pytest.fixture
def watch(chain: Chain) -> Contract:
    """Alice's pool, which has learnt how four stocks move, and is told of a fifth."""
    alice = chain.account("alice")
    pool = chain.deploy(LIBRARY / "price_watch.py", sender=alice)
    history = chain.publish(HISTORY, sender=alice)
    made = pool.train(history, sender=alice, gas=10**9)
    assert made.succeeded, made
    (event,) = made.events
    assert event.threshold == made.returned and 10_000 < event.threshold < 200_000
    assert {one for one in made.transaction.footprint if isinstance(one, Blob)} == {Blob(history, len(HISTORY))}
    return pool


def reported(chain: Chain, watch: Contract, count: int) -> list[Result]:
    """So many of Google's prices."""
    return [watch.report(price, sender=chain.account("alice")) for price in GOOGLE[:count]]


def test_nine_years_of_a_stock_that_it_never_saw_alarm_nobody(chain: Chain, watch: Contract) -> None:
    """Google through the crisis of 2008: 68 reports, of which those from the seventh on were looked at."""
    results = reported(chain, watch, len(GOOGLE))
    assert [one.returned for one in results] == [False] * 68
    errors = [one.events[0].error for one in results]
    assert errors[:6] == [0] * 6 and all(errors[6:])
    assert watch.price_now() == GOOGLE[-1] and watch.frozen() is False


def test_an_abnormal_price_freezes_the_pool(chain: Chain, watch: Contract) -> None:
    """It changes no price; buying, selling and reporting stop until the deployer decides, each time."""
    alice, bob = chain.account("alice"), chain.account("bob")
    reported(chain, watch, 12)
    for factor in (0.02, 0.3, 0.5, 2.2, 10.0):
        assert watch.report(int(GOOGLE[11] * factor), sender=alice).returned is True
        assert watch.frozen() is True and watch.price_now() == GOOGLE[11]
        with chain.fails("frozen"):
            watch.buy(1, sender=bob, value=GOOGLE[11] * UNITS)
            watch.sell(1, GOOGLE[11] * UNITS, sender=bob)
            watch.report(GOOGLE[12], sender=alice)
        assert watch.resume(False, sender=alice)
    assert watch.report(GOOGLE[12], sender=alice).returned is False
    assert watch.price_now() == GOOGLE[12]


def test_an_abnormal_price_that_was_true_is_taken_over(chain: Chain, watch: Contract) -> None:
    """Apple lost more than half in September 2000; the deployer lets it count, and later months are judged with it."""
    alice, apple = chain.account("alice"), cents("AAPL")
    crash = next(at for at, (one, next_one) in enumerate(pairwise(apple)) if next_one < one * 0.5)
    for price in apple[crash - 6 : crash + 1]:
        assert watch.report(price, sender=alice).returned is False
    assert watch.report(apple[crash + 1], sender=alice).returned is True
    assert watch.resume(True, sender=alice) and watch.price_now() == apple[crash + 1]
    with chain.fails("not frozen"):
        watch.resume(True, sender=alice)


def test_shares_cost_the_latest_price(chain: Chain, watch: Contract) -> None:
    """Bought with exactly what they cost, sold for it, never more than one has."""
    bob = chain.account("bob")
    with chain.fails("no price yet"):
        watch.buy(1, sender=bob, value=UNITS)
    reported(chain, watch, 1)
    cost = 3 * GOOGLE[0] * UNITS
    with chain.fails("exactly the price comes along"):
        watch.buy(3, sender=bob, value=cost - 1)
    bought = watch.buy(3, sender=bob, value=cost)
    assert bought.events == [watch.Traded(trader=bob, shares=3, price=GOOGLE[0])]
    with chain.fails("the price moved"):
        watch.sell(3, cost + 1, sender=bob)
    with chain.fails("not so many shares"):
        watch.sell(4, 4 * GOOGLE[0] * UNITS, sender=bob)
        watch.sell(0, 0, sender=bob)
    sold = watch.sell(3, cost, sender=bob)
    assert sold.succeeded and watch.shares_of(bob) == 0 and chain.general_balance(watch) == 0
    entries = sold.transaction.footprint
    assert {one for one in entries if isinstance(one, Debit | Credit)} == {Debit(watch.id, cost), Credit(bob.address)}
    own = b"shares:" + bytes(bob.address)
    assert {one.slot for one in entries if isinstance(one, Read)} == {b"pending:", b"window:", own}
    assert {one.slot for one in entries if isinstance(one, Write)} == {own}


def test_only_the_deployer_trains_reports_and_resumes(chain: Chain, watch: Contract) -> None:
    """Anybody else's call enters no block."""
    mallory = chain.account("mallory")
    for function, argument in (("train", cid_of(HISTORY)), ("report", 1), ("resume", True)):
        with pytest.raises(Refused) as refused:
            watch[function](argument, sender=mallory)
        assert refused.value.kind is Refusal.CALLER


def test_prices_that_are_none_are_refused(chain: Chain, watch: Contract) -> None:
    """Zero, less, and what a tensor does not hold exactly; a history with a price of zero teaches nothing."""
    alice = chain.account("alice")
    with chain.fails("a price is above zero and at most 2^24"):
        for price in (0, -1, 2**24 + 1):
            watch.report(price, sender=alice)
    assert watch.report(2**24, sender=alice)
    assert not watch.train(cid_of(b"nothing"), sender=alice, gas=10**9)


def test_whoever_creeps_is_not_found(chain: Chain, watch: Contract) -> None:
    """What the network cannot do: a price that grows by a twelfth each month looks like a good one, for years."""
    alice, price = chain.account("alice"), 10_000
    for _ in range(36):
        assert watch.report(price, sender=alice).returned is False
        price += price // 12
    assert watch.price_now() > 16 * 10_000


def test_whether_it_is_frozen_rests_on_every_report(chain: Chain, watch: Contract) -> None:
    """Each report judges by those before it, so a newcomer executes all of them and the training, and no trade."""
    results = reported(chain, watch, 20)
    bought = watch.buy(1, sender=chain.account("bob"), value=GOOGLE[19] * UNITS)
    store = newcomer([HISTORY])
    found = viewed(chain, store, watch, "frozen")
    assert {one.hash for one in results} < set(found.executed) and bought.hash not in found.executed
    assert len(found.executed) == 21
    assert viewed(chain, store, watch, "frozen").executed == ()
