"""A pool that trades one stock at its last reported price, until a network finds a report abnormal.

A DNN "might help detect abnormal token price movements" (paper, Section I). This one is an autoencoder: it learns to
press six monthly returns into two numbers and back from the history of other stocks. What it cannot bring back is not
how prices move: such a report changes no price and freezes the pool, until the deployer looked at it.
"""

from accountant.language import (
    Account,
    Cid,
    Event,
    Map,
    Tensor,
    Tensors,
    caller,
    deployer,
    direct,
    export,
    log,
    nn,
    only,
    pay,
    payable,
    value,
    view,
)

WINDOW = 6
"""Returns that the network sees at once."""
SEEN = 28
"""Bytes of the prices around them, four each."""
PRICE_MOST = 2**24
"""Hundredths; a tensor holds these exactly."""
UNITS = 10_000_000
"""Base units for a hundredth of a price: a price of one is 1,000,000,000 base units."""
MODEL = "linear 6 2; tanh; linear 2 6"
SETTINGS = "epochs 12; batch 64; optimiser adam rate 0.03; loss mean_squared_error; seed 5"
MARGIN = 4
"""An abnormal window's error is so many times the mean error of the history."""

weights: Cid
threshold: int
"""Millionths: the error beyond which a report is abnormal."""
window: bytes
"""The latest prices, four bytes each, the newest last."""
pending: int
"""The abnormal price; 0 while the pool trades."""
shares: Map[Account, int]


class Trained(Event):
    """The network learnt how prices move."""

    weights: Cid
    threshold: int


class Reported(Event):
    """A price, in hundredths, and its error in millionths."""

    price: int
    error: int
    abnormal: bool


class Traded(Event):
    """Shares were bought (positive) or sold (negative)."""

    trader: Account
    shares: int
    price: int


@export
@direct
@only(deployer)
def train(history: Cid) -> int:
    """Learns from published prices [months, stocks]. Returns the threshold."""
    global weights, threshold
    seen = windows(nn.load(history))
    trained = nn.fit(MODEL, nn.init_model(MODEL, 5), seen, targets=seen, settings=SETTINGS)
    kept: Tensors = []
    for i in range(len(trained) - 1):
        kept = nn.append(kept, trained[i])
    weights = nn.save_all(kept)
    threshold = MARGIN * nn.item(nn.mean(errors(kept, seen)), scale=1e6)
    log(Trained(weights=weights, threshold=threshold))
    return threshold


@export
@direct
@only(deployer)
def report(price: int) -> bool:
    """A new price in hundredths. Whether it is abnormal: then it is not taken over, and the pool is frozen."""
    global window, pending
    assert pending == 0, "frozen"
    assert 0 < price <= PRICE_MOST, "a price is above zero and at most 2^24"
    with_it = window + price.to_bytes(4, "big")
    error = 0
    if len(with_it) > SEEN:
        with_it = with_it[4:]
    if len(with_it) == SEEN:
        seen = windows(nn.of_ints((WINDOW + 1, 1), with_it, width=4))
        error = nn.item(errors(nn.load_all(weights), seen), scale=1e6)
    abnormal = error > threshold
    if abnormal:
        pending = price
    else:
        window = with_it
    log(Reported(price=price, error=error, abnormal=abnormal))
    return abnormal


@export
@direct
@only(deployer)
def resume(accept: bool) -> None:
    """Trading goes on: at the pending price, or as if it had never been reported."""
    global window, pending
    assert pending > 0, "not frozen"
    if accept:
        window = (window + pending.to_bytes(4, "big"))[4:]
    pending = 0


@export
@payable
@direct
def buy(units: int) -> None:
    """Buys shares of the pool with exactly what they cost."""
    price = tradable()
    assert 0 < units <= PRICE_MOST, "how many?"
    assert value() == units * price * UNITS, "exactly the price comes along"
    shares[caller()] += units
    log(Traded(trader=caller(), shares=units, price=price))


@export
@direct
def sell(units: int, paid: int) -> None:
    """Sells shares for exactly `paid` base units, which must be what they cost."""
    price = tradable()
    assert 0 < units <= shares[caller()], "not so many shares"
    assert paid == units * price * UNITS, "the price moved"
    shares[caller()] -= units
    pay(caller(), paid)
    log(Traded(trader=caller(), shares=-units, price=price))


@view
def frozen() -> bool:
    """Did a report stop the trade?"""
    return pending > 0


@view
def price_now() -> int:
    """The price that is traded at, in hundredths; 0 before the first report."""
    return latest()


@view
def shares_of(trader: Account) -> int:
    """Shares of the pool."""
    return shares[trader]


def tradable() -> int:
    """The price, if anything may be traded."""
    assert pending == 0, "frozen"
    price = latest()
    assert price > 0, "no price yet"
    return price


def latest() -> int:
    """The newest price in the window."""
    size = len(window)
    return int.from_bytes(window[size - 4 :], "big") if size > 0 else 0


def windows(prices: Tensor) -> Tensor:
    """All windows of returns of prices [months, stocks]: [windows, 6]."""
    logarithms = nn.log(prices)
    months = logarithms.shape[0]
    returns = nn.slice(logarithms, 0, 1, months) - nn.slice(logarithms, 0, 0, months - 1)
    count = (months - WINDOW) * logarithms.shape[1]
    columns: Tensors = []
    for i in range(WINDOW):
        columns = nn.append(columns, nn.reshape(nn.slice(returns, 0, i, months - WINDOW + i), (count, 1)))
    return nn.join(columns, 1)


def errors(parameters: Tensors, seen: Tensor) -> Tensor:
    """How far what the network brings back is from each window: the mean square, [windows]."""
    away = nn.predict(MODEL, parameters, seen) - seen
    return nn.mean(away * away, -1)
