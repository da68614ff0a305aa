"""The pair: the product of its reserves never falls, its books are its money and its tokens, and it stays cheap."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import accountant.library
from accountant.chain.errors import Refusal
from accountant.language.compiler import compile_file
from accountant.library.pair import GAS_MOST, portion, price
from accountant.sandbox import Chain, Contract, Refused, Result, User, ViewFailed
from tests.support.odd_token import CALLS_BACK, HONEST, NEVER_ENDS, REFUSES

LIBRARY = Path(accountant.library.__path__[0])
ODD = Path(__file__).parents[1] / "support" / "odd_token.py"
SUPPLY = 2**63 - 1
LOCKED = 1_000


@pytest.fixture
def alice(chain: Chain) -> User:
    """Who has all tokens and begins."""
    return chain.account("alice")


@pytest.fixture
def bob(chain: Chain) -> User:
    """Who trades."""
    return chain.account("bob")


@pytest.fixture
def token(chain: Chain, alice: User) -> Contract:
    """The library's token."""
    return chain.deploy(LIBRARY / "token.py", SUPPLY, sender=alice)


@pytest.fixture
def pair(chain: Chain, token: Contract, alice: User, bob: User) -> Contract:
    """An empty pair, which alice and bob let move their tokens."""
    made = chain.deploy(LIBRARY / "pair.py", token, sender=alice)
    token.transfer(bob, 10**12, sender=alice)
    for user in (alice, bob):
        token.approve(made, SUPPLY, sender=user)
    return made


@pytest.fixture
def pool(pair: Contract, alice: User) -> Contract:
    """A million base units against two million tokens."""
    assert pair.provide(2_000_000, 0, sender=alice, value=1_000_000)
    return pair


def gained(chain: Chain, who: User, before: int, result: Result) -> int:
    """What came into a general balance by a transaction of its own, but for the gas that it left over."""
    refund = (result.transaction.gas_limit - result.gas_used) * result.transaction.gas_price
    return chain.general_balance(who) - before - refund


def reserves(pool: Contract) -> tuple[object, object]:
    """Money and tokens, by the pair's own books."""
    return pool.money_in_pool(), pool.tokens_in_pool()


def test_the_first_provider_sets_the_price(chain: Chain, pair: Contract, token: Contract, alice: User) -> None:
    """Shares are base units at first; a thousand of them stay for ever."""
    result = pair.provide(2_000_000, 999_000, sender=alice, value=1_000_000)
    assert result.returned == 999_000
    assert pair.Provided(provider=alice, shares=999_000) in result.events
    assert (pair.shares_of(alice), pair.total(), reserves(pair)) == (999_000, 1_000_000, (1_000_000, 2_000_000))
    assert (chain.balance(pair), token.balance_of(pair), pair.token_of()) == (1_000_000, 2_000_000, token.address)


def test_both_sides_and_enough_of_them_are_needed(chain: Chain, pair: Contract, alice: User) -> None:
    """Nothing on one side has no price; and what the locked shares take must be there."""
    for units, base in ((0, 5_000), (-1, 5_000), (5_000, 0)):
        with chain.fails("both sides are needed"):
            pair.provide(units, 0, sender=alice, value=base)
    with chain.fails("too little to begin with"):
        pair.provide(5_000, 0, sender=alice, value=LOCKED)
    with chain.fails("too few shares"):
        pair.provide(5_000, 2, sender=alice, value=LOCKED + 1)
    assert pair.provide(5_000, 1, sender=alice, value=LOCKED + 1)


def test_later_providers_pay_the_pools_price(chain: Chain, pool: Contract, token: Contract, bob: User) -> None:
    """Tokens in proportion, one more for the rounding, and never more than the call says; shares in proportion."""
    with chain.fails("the price moved"):
        pool.provide(20_000, 0, sender=bob, value=10_000)
    with chain.fails("too few shares"):
        pool.provide(20_001, 10_001, sender=bob, value=10_000)
    assert pool.provide(20_001, 10_000, sender=bob, value=10_000).returned == 10_000
    assert reserves(pool) == (1_010_000, 2_020_001)
    assert token.balance_of(bob) == 10**12 - 20_001


def test_the_first_provider_cannot_make_shares_dear(pair: Contract, alice: User, bob: User) -> None:
    """Leaving money in by taking less than shares are worth gains nothing: most of it belongs to the locked shares."""
    pair.provide(10**9, 0, sender=alice, value=1_000_000)
    pair.withdraw(998_999, 1, 0, sender=alice)
    assert pair.total() == 1_001
    shares = pair.provide(10**12, 0, sender=bob, value=1_500_000).returned
    money, total = pair.money_in_pool(), pair.total()
    assert 1_500_000 - shares * money // total <= 1_500_000 // 1_000


def test_shares_bring_both_sides(chain: Chain, pool: Contract, token: Contract, alice: User) -> None:
    """Exactly the money that the call says, at most the shares' part, and the tokens' part."""
    before, had = chain.general_balance(alice), token.balance_of(alice)
    result = pool.withdraw(500_000, 500_000, 1_000_000, sender=alice)
    assert result.returned == 1_000_000
    assert pool.Provided(provider=alice, shares=-500_000) in result.events
    assert gained(chain, alice, before, result) == 500_000
    assert token.balance_of(alice) == had + 1_000_000
    assert (pool.shares_of(alice), pool.total(), reserves(pool)) == (499_000, 500_000, (500_000, 1_000_000))


@pytest.mark.parametrize(
    ("sold", "base", "least", "reason"),
    [
        (999_001, 1, 0, "not so many shares"),
        (0, 1, 0, "not so many shares"),
        (-1, 1, 0, "not so many shares"),
        (1_000, 1_001, 0, "the shares are worth less"),
        (1_000, 0, 0, "the shares are worth less"),
        (1_000, 1_000, 2_001, "the price moved"),
    ],
)
def test_no_more_is_withdrawn_than_shares_are_worth(
    chain: Chain, pool: Contract, alice: User, sold: int, base: int, least: int, reason: str
) -> None:
    """And no less than the provider wants."""
    with chain.fails(reason):
        pool.withdraw(sold, base, least, sender=alice)
    assert reserves(pool) == (1_000_000, 2_000_000)


def test_money_buys_tokens(chain: Chain, pool: Contract, token: Contract, bob: User) -> None:
    """At the constant product less three thousandths, as the view said; less than wanted fails."""
    offered = pool.tokens_for(10_000)
    assert offered == 9_970 * 2_000_000 // 1_009_970
    with chain.fails("the price moved"):
        pool.buy(offered + 1, sender=bob, value=10_000)
    result = pool.buy(offered, sender=bob, value=10_000)
    assert result.returned == offered
    assert pool.Swapped(trader=bob, money=10_000, tokens=-offered) in result.events
    assert token.balance_of(bob) == 10**12 + offered
    assert reserves(pool) == (1_010_000, 2_000_000 - offered)


def test_tokens_buy_money(chain: Chain, pool: Contract, token: Contract, bob: User) -> None:
    """Exactly what the call says, at most what the view says."""
    offered = pool.money_for(10_000)
    assert offered == 9_970 * 1_000_000 // 2_009_970
    with chain.fails("the price moved"):
        pool.sell(10_000, offered + 1, sender=bob)
        pool.sell(10_000, 0, sender=bob)
    before = chain.general_balance(bob)
    result = pool.sell(10_000, offered, sender=bob)
    assert gained(chain, bob, before, result) == offered
    assert pool.Swapped(trader=bob, money=-offered, tokens=10_000) in result.events
    assert token.balance_of(bob) == 10**12 - 10_000
    assert reserves(pool) == (1_000_000 - offered, 2_010_000)


def test_nothing_is_exchanged_for_nothing(chain: Chain, pair: Contract, alice: User, bob: User) -> None:
    """Not in an empty pool, not for zero units, and not where rounding leaves nothing."""
    with chain.fails("nothing to exchange"):
        pair.buy(0, sender=bob, value=10)
        pair.sell(10, 1, sender=bob)
    pair.provide(2_000, 0, sender=alice, value=2_000_000)
    with chain.fails("nothing to exchange"):
        pair.buy(0, sender=bob, value=0)
        pair.sell(0, 1, sender=bob)
        pair.sell(-5, 1, sender=bob)
    with chain.fails("the price moved"):
        pair.buy(0, sender=bob, value=10)
    with chain.fails("nothing to exchange"):
        pair.money_for(0)


def test_whoever_comes_second_in_a_block_is_protected(pool: Contract, alice: User, bob: User, chain: Chain) -> None:
    """A trade put before another one changes its price; then the second fails and its money comes back."""
    wanted = pool.tokens_for(10_000)
    with chain.block():
        first = pool.buy(0, sender=alice, value=50_000)
        second = pool.buy(wanted, sender=bob, value=10_000)
    assert first.succeeded and second.reason in ("the price moved", "undeclared_access")
    assert chain.balance(pool) == pool.money_in_pool() == 1_050_000


def test_a_full_pool_takes_no_more(chain: Chain, pair: Contract, alice: User) -> None:
    """Reserves stay where their sums have 64 bits."""
    with chain.fails("the pool is full"):
        pair.provide(2**62 + 1, 0, sender=alice, value=2_000)
    assert pair.provide(2**62, 0, sender=alice, value=2_000)
    with chain.fails("the pool is full"):
        pair.sell(2**52, 1, sender=alice)


def test_money_and_tokens_sent_otherwise_move_no_price(
    chain: Chain, pool: Contract, token: Contract, alice: User
) -> None:
    """The books know only what came through the pair's functions."""
    chain.transfer(pool, 12_345, sender=alice)
    token.transfer(pool, 54_321, sender=alice)
    assert reserves(pool) == (1_000_000, 2_000_000)
    assert (chain.balance(pool), token.balance_of(pool)) == (1_012_345, 2_054_321)


@pytest.fixture
def odd(chain: Chain, alice: User) -> Contract:
    """A token that can be told to misbehave."""
    return chain.deploy(ODD, sender=alice)


@pytest.fixture
def odd_pool(chain: Chain, odd: Contract, alice: User) -> Contract:
    """A pair of it."""
    made = chain.deploy(LIBRARY / "pair.py", odd, sender=alice)
    assert made.provide(2_000_000, 0, sender=alice, value=1_000_000)
    return made


@pytest.mark.parametrize(
    ("mood", "reason"), [(REFUSES, "the token refused"), (CALLS_BACK, "not_callable"), (NEVER_ENDS, "out_of_gas")]
)
def test_a_token_that_misbehaves_undoes_the_trade(
    chain: Chain, odd: Contract, odd_pool: Contract, alice: User, mood: int, reason: str
) -> None:
    """Refusing, calling back in the middle and never ending change nothing; the gas limit bounds what they cost."""
    odd.feel(mood, sender=alice)
    calls = (
        odd_pool.provide(100_000, 0, sender=alice, value=1_000),
        odd_pool.withdraw(1_000, 1_000, 0, sender=alice),
        odd_pool.buy(0, sender=alice, value=10_000),
        odd_pool.sell(10_000, 1, sender=alice),
    )
    assert [call.reason for call in calls] == [reason] * 4
    assert all(call.gas_used <= GAS_MOST for call in calls)
    assert reserves(odd_pool) == (1_000_000, 2_000_000)
    assert chain.balance(odd_pool) == 1_000_000
    odd.feel(HONEST, sender=alice)
    assert odd_pool.sell(10_000, 1, sender=alice)


def test_without_tokens_or_an_approval_nothing_is_sold(
    chain: Chain, pool: Contract, token: Contract, bob: User
) -> None:
    """The token says why; the pair's books are as before."""
    token.approve(pool, 9, sender=bob)
    with chain.fails("allowance too low"):
        pool.sell(10, 1, sender=bob)
        pool.provide(1_000, 0, sender=bob, value=10)
    poor = chain.account("poor")
    token.approve(pool, 100, sender=poor)
    with chain.fails("balance too low"):
        pool.sell(10, 1, sender=poor)
    assert reserves(pool) == (1_000_000, 2_000_000)


def test_a_pair_of_nothing_never_begins(chain: Chain, alice: User) -> None:
    """What is no token has no function to call; the money comes back."""
    pair = chain.deploy(LIBRARY / "pair.py", chain.deploy(LIBRARY / "vault.py", sender=alice), sender=alice)
    with chain.fails("no_function"):
        pair.provide(5_000, 0, sender=alice, value=5_000)
    assert chain.balance(pair) == 0


def test_what_a_trade_costs_is_limited(pool: Contract, alice: User, bob: User) -> None:
    """Section II-E: zero-cost money alone comes in, and no transaction has more gas than the limit."""
    functions = {one.name: one for one in compile_file(LIBRARY / "pair.py").interface.functions if not one.view}
    assert functions.keys() == {"provide", "withdraw", "buy", "sell"}
    assert all(one.direct and not one.complete for one in functions.values())
    assert [one.name for one in functions.values() if one.zero_cost] == ["provide", "buy"]
    assert [one.name for one in functions.values() if one.payable] == ["provide", "buy"]
    pool.sell(10_000, 1, sender=bob)
    with pytest.raises(Refused) as refused:
        pool.buy(0, sender=bob, general_value=100)
    assert refused.value.kind is Refusal.ZERO_COST
    with pytest.raises(Refused) as refused:
        pool.buy(0, sender=bob, value=100, gas=GAS_MOST + 1)
    assert refused.value.kind is Refusal.FUNCTION_GAS
    assert pool.buy(0, sender=bob, value=100, gas=GAS_MOST).gas_used * 2 < GAS_MOST


AMOUNTS = st.integers(0, 2**63 - 1)
RESERVES = st.integers(1, 2**62)


@given(AMOUNTS, AMOUNTS, st.integers(1, 2**63 - 1))
def test_a_portion_is_the_exact_quotient_rounded_down(part: int, whole: int, of: int) -> None:
    """As with integers of any size."""
    assert portion(part, whole, of) == part * whole // of


@given(st.integers(1, 2**62), RESERVES, RESERVES)
def test_the_product_never_falls_at_any_size(given_in: int, reserve_in: int, reserve_out: int) -> None:
    """Rounding is the pool's, and something always stays."""
    out = price(given_in, reserve_in, reserve_out)
    assert 0 <= out < reserve_out
    assert (reserve_in + given_in) * (reserve_out - out) >= reserve_in * reserve_out


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_prices_of_any_size_are_what_python_computes(data: st.DataObject) -> None:
    """The compiled division of 128 by 64 bits gives what integers of any size give, or overflows where they would."""
    chain = Chain()
    alice = chain.account("alice", units=2**61)
    token = chain.deploy(LIBRARY / "token.py", SUPPLY, sender=alice)
    pair = chain.deploy(LIBRARY / "pair.py", token, sender=alice)
    token.approve(pair, SUPPLY, sender=alice)
    money, tokens = data.draw(st.integers(1_001, 2**60)), data.draw(RESERVES)
    assert pair.provide(tokens, 0, sender=alice, value=money)
    for given_in in data.draw(st.lists(st.integers(1, 2**63 - 1), min_size=4, max_size=4)):
        paid = given_in // 1000 * 997 + given_in % 1000 * 997 // 1000
        for ask, reserve_in, reserve_out in ((pair.money_for, tokens, money), (pair.tokens_for, money, tokens)):
            if reserve_in + paid >= 2**63:
                with pytest.raises(ViewFailed, match="integer overflow"):
                    ask(given_in)
            else:
                assert ask(given_in) == paid * reserve_out // (reserve_in + paid)


@dataclass
class Model:
    """The pair in Python integers."""

    money: int = 0
    tokens: int = 0
    total: int = 0
    shares: dict[str, int] = field(default_factory=lambda: {"a": 0, "b": 0})

    def provide(self, who: str, base: int, units: int) -> bool:
        """As the contract."""
        if base <= 0:
            return False
        if self.total == 0:
            if base <= LOCKED:
                return False
            added, bought, locked = units, base - LOCKED, LOCKED
        else:
            added, bought, locked = base * self.tokens // self.money + 1, base * self.total // self.money, 0
        if added > units or bought == 0:
            return False
        self.money, self.tokens, self.total = self.money + base, self.tokens + added, self.total + bought + locked
        self.shares[who] += bought
        return True

    def withdraw(self, who: str, sold: int, base: int) -> bool:
        """As the contract."""
        if not 0 < sold <= self.shares[who] or not 0 < base <= sold * self.money // self.total:
            return False
        self.tokens -= sold * self.tokens // self.total
        self.shares[who] -= sold
        self.money, self.total = self.money - base, self.total - sold
        return True

    def buy(self, base: int) -> bool:
        """As the contract."""
        bought = self.tokens * (base * 997 // 1000) // (self.money + base * 997 // 1000) if self.money else 0
        if base <= 0 or bought == 0:
            return False
        self.money, self.tokens = self.money + base, self.tokens - bought
        return True

    def worth(self, units: int) -> int:
        """What so many tokens bring."""
        return self.money * (units * 997 // 1000) // (self.tokens + units * 997 // 1000) if self.tokens else 0

    def sell(self, units: int, base: int) -> bool:
        """As the contract."""
        if not 0 < base <= self.worth(units):
            return False
        self.money, self.tokens = self.money - base, self.tokens + units
        return True


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_books_are_money_and_tokens_and_no_share_loses(data: st.DataObject) -> None:
    """Random use does what the model does: books are balances, the product per share squared never falls."""
    chain = Chain()
    users = [chain.account(name) for name in "ab"]
    token = chain.deploy(LIBRARY / "token.py", 10**12, sender=users[0])
    pair, model = chain.deploy(LIBRARY / "pair.py", token, sender=users[0]), Model()
    token.transfer(users[1], 5 * 10**11, sender=users[0])
    for user in users:
        token.approve(pair, 10**12, sender=user)
    sizes = st.sampled_from([1, 999, 1_001, 5_000, 77_777, 10**6])
    for _ in range(12):
        who, size = data.draw(st.sampled_from(users)), data.draw(sizes)
        before = (model.money * model.tokens, model.total)
        match data.draw(st.sampled_from(["provide", "provide", "withdraw", "buy", "sell"])):
            case "provide":
                units = data.draw(sizes) * 10
                right = model.provide(who.name, size, units)
                result = pair.provide(units, 0, sender=who, value=size)
            case "withdraw":
                sold = data.draw(st.integers(0, model.shares[who.name] + 1))
                base = max(0, sold * model.money // (model.total or 1) - data.draw(st.sampled_from([-1, 0, 0, 3])))
                right = model.withdraw(who.name, sold, base)
                result = pair.withdraw(sold, base, 0, sender=who)
            case "buy":
                right = model.buy(size)
                result = pair.buy(0, sender=who, value=size)
            case _:
                base = max(0, model.worth(size) - data.draw(st.sampled_from([-1, 0, 0, 3])))
                right = model.sell(size, base)
                result = pair.sell(size, base, sender=who)
        assert result.succeeded is right, result
        assert model.money * model.tokens * before[1] ** 2 >= before[0] * model.total**2
    assert reserves(pair) == (model.money, model.tokens) == (chain.balance(pair), token.balance_of(pair))
    assert pair.total() == model.total == sum(model.shares.values()) + (LOCKED if model.total else 0)
    assert [pair.shares_of(user) for user in users] == [model.shares[user.name] for user in users]
    chain.check()
