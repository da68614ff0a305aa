"""A decentralised exchange of one token against the chain's money: a constant product, 0.3 % for those who provide.

It is time-sensitive, so the cost of knowing it is limited, as Section II-E of the paper recommends: only zero-cost
money buys and provides, only transactions call it, and their gas has a limit, whatever the token does with it.
The pool is what came through these functions. What is sent to the contract otherwise moves no price.
"""

from accountant.language import (
    Account,
    Contract,
    Event,
    Interface,
    Map,
    caller,
    calls,
    direct,
    elsewhere,
    export,
    gas,
    log,
    pay,
    self_id,
    touches,
    value,
    view,
    zero_cost,
)

FEE = 3
"""Thousandths."""
RESERVE_MOST = 2**62
LOCKED = 1000
"""Shares of the first provider that stay for ever, so that the pool never empties and no share becomes dear."""
GAS_MOST = 250_000
"""Of a transaction, what its size costs included."""


class Token(Interface):
    """What the pair needs of a token."""

    def transfer(self, to: Account, units: int) -> bool:
        """Moves units of the caller."""
        elsewhere()

    def transfer_from(self, owner: Account, to: Account, units: int) -> bool:
        """Moves units that the owner approved."""
        elsewhere()


token: Contract
money: int
"""Base units in the pool."""
tokens: int
"""Units of the token in the pool."""
shares: Map[Account, int]
all_shares: int


class Swapped(Event):
    """One was exchanged for the other; positive came into the pool, negative went out."""

    trader: Account
    money: int
    tokens: int


class Provided(Event):
    """Liquidity came (positive shares) or went (negative)."""

    provider: Account
    shares: int


def init(traded: Contract) -> None:
    """The token never changes."""
    global token
    token = traded


@export
@zero_cost
@direct
@gas(most=GAS_MOST)
@touches(calls(1))
def provide(units: int, least: int) -> int:
    """Adds money (what comes with the call) and at most so many tokens at the pool's own price.

    Returns the shares bought, at least `least`, else it fails. The first one sets the price.
    """
    global money, tokens, all_shares
    base = value()
    assert base > 0 and units > 0, "both sides are needed"
    if all_shares == 0:
        assert base > LOCKED, "too little to begin with"
        added = units
        bought = base - LOCKED
        all_shares = LOCKED
    else:
        # Rounded up: nobody's share loses by it.
        added = portion(base, tokens, money) + 1
        bought = portion(base, all_shares, money)
        assert added <= units, "the price moved"
    assert bought > 0 and bought >= least, "too few shares"
    money += base
    tokens += added
    all_shares += bought
    shares[caller()] += bought
    assert money <= RESERVE_MOST and tokens <= RESERVE_MOST, "the pool is full"
    assert Token(token).transfer_from(caller(), self_id(), added), "the token refused"
    log(Provided(provider=caller(), shares=bought))
    return bought


@export
@direct
@gas(most=GAS_MOST)
@touches(calls(1))
def withdraw(sold: int, base: int, least: int) -> int:
    """Sells shares for exactly `base` money, at most what they are worth, and the tokens that go with them.

    Returns the tokens, at least `least`, else it fails.
    """
    global money, tokens, all_shares
    owned = shares[caller()]
    assert 0 < sold <= owned, "not so many shares"
    assert 0 < base <= portion(sold, money, all_shares), "the shares are worth less"
    units = portion(sold, tokens, all_shares)
    assert units >= least, "the price moved"
    shares[caller()] = owned - sold
    all_shares -= sold
    money -= base
    tokens -= units
    pay(caller(), base)
    assert Token(token).transfer(caller(), units), "the token refused"
    log(Provided(provider=caller(), shares=-sold))
    return units


@export
@zero_cost
@direct
@gas(most=GAS_MOST)
@touches(calls(1))
def buy(least: int) -> int:
    """Buys tokens with what comes with the call; at least so many, else it fails."""
    global money, tokens
    base = value()
    bought = price(base, money, tokens)
    assert bought >= least and bought > 0, "the price moved"
    money += base
    tokens -= bought
    assert money <= RESERVE_MOST, "the pool is full"
    assert Token(token).transfer(caller(), bought), "the token refused"
    log(Swapped(trader=caller(), money=base, tokens=-bought))
    return bought


@export
@direct
@gas(most=GAS_MOST)
@touches(calls(1))
def sell(units: int, base: int) -> None:
    """Sells tokens, which the caller approved, for exactly `base` money, at most what they are worth."""
    global money, tokens
    assert 0 < base <= price(units, tokens, money), "the price moved"
    tokens += units
    money -= base
    assert tokens <= RESERVE_MOST, "the pool is full"
    assert Token(token).transfer_from(caller(), self_id(), units), "the token refused"
    pay(caller(), base)
    log(Swapped(trader=caller(), money=-base, tokens=units))


@view
def money_for(units: int) -> int:
    """Base units that so many tokens would bring now."""
    return price(units, tokens, money)


@view
def tokens_for(base: int) -> int:
    """Tokens that so many base units would buy now."""
    return price(base, money, tokens)


@view
def money_in_pool() -> int:
    """Base units."""
    return money


@view
def tokens_in_pool() -> int:
    """Units of the token."""
    return tokens


@view
def shares_of(provider: Account) -> int:
    """Shares of the pool."""
    return shares[provider]


@view
def total() -> int:
    """All shares, those included that stay for ever."""
    return all_shares


@view
def token_of() -> Contract:
    """The token."""
    return token


def price(given: int, reserve_in: int, reserve_out: int) -> int:
    """What comes out for `given`: the product of both reserves never falls."""
    assert given > 0 and reserve_in > 0 and reserve_out > 0, "nothing to exchange"
    paid = given // 1000 * (1000 - FEE) + given % 1000 * (1000 - FEE) // 1000
    return portion(paid, reserve_out, reserve_in + paid)


def portion(part: int, whole: int, of: int) -> int:
    """Part × whole ÷ of, rounded down. The product may have 128 bits; 0 ≤ part, whole, and the result fits 64.

    Long division, bit by bit: `rest` stays below `of`, which stays below 2^63.
    """
    assert part >= 0 and whole >= 0 and of > 0, "a portion of nothing"
    result = part // of * whole
    rest = 0
    share = part % of
    low = 0
    bit = 63
    while bit > 0:
        bit -= 1
        # double what was found so far
        low = low * 2
        if rest >= of - rest:
            rest = rest - (of - rest)
            low += 1
        else:
            rest = rest + rest
        if whole >> bit & 1 == 1:
            if rest >= of - share:
                rest = rest - (of - share)
                low += 1
            else:
                rest = rest + share
    return result + low
