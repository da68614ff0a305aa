"""A decentralised exchange of one token against the chain's money: a constant product, 0.3 % for those who provide."""

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
    log,
    pay,
    payable,
    self_id,
    touches,
    value,
    view,
)

FEE = 3
"""Thousandths."""
RESERVE_MOST = 2**62


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
@payable
@direct
@touches(calls(1))
def provide(units: int) -> int:
    """Adds money (what comes with the call) and at most so many tokens at the pool's own price; shares bought."""
    global money, tokens, all_shares
    base = value()
    assert base > 0 and units > 0, "both sides are needed"
    if all_shares == 0:
        added = units
        bought = base
    else:
        added = portion(base, tokens, money) + 1
        bought = portion(base, all_shares, money)
        assert added <= units, "the price moved"
    assert bought > 0, "too little for one share"
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
@touches(calls(1))
def withdraw(sold: int, base: int) -> None:
    """Sells shares for exactly `base` money, at most what they are worth, and the tokens that go with them."""
    global money, tokens, all_shares
    owned = shares[caller()]
    assert 0 < sold <= owned, "not so many shares"
    assert 0 < base <= portion(sold, money, all_shares), "the shares are worth less"
    units = portion(sold, tokens, all_shares)
    shares[caller()] = owned - sold
    all_shares -= sold
    money -= base
    tokens -= units
    pay(caller(), base)
    assert Token(token).transfer(caller(), units), "the token refused"
    log(Provided(provider=caller(), shares=-sold))


@export
@payable
@direct
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
def price_of(units: int) -> int:
    """Base units that so many tokens would bring now."""
    return price(units, tokens, money)


@view
def reserves() -> bytes:
    """Money and tokens, 8 bytes each."""
    return money.to_bytes(8, "big", signed=True) + tokens.to_bytes(8, "big", signed=True)


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
