"""A fund that a policy trades, retrained by reinforcement learning (policy gradient) on prices as they come.

Its broker, the deployer, publishes prices and takes the other side: after each month he brings what the fund won, or
takes what it lost. All that the fund owns is money in the contract.
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
    memory,
    nn,
    only,
    pay,
    value,
    view,
    zero_cost,
)

SEEN = 3
"""Months of returns that the policy looks at."""
HIDDEN = 16
RATE = 0.01
GRAIN = 10**6
"""Base units: deposits are multiples of a thousandth of a token."""
MOST = 2 * 10**9
"""Grains that the fund takes: products of two such numbers fit 64 bits."""
PARTS = 10**6
"""Shares of the fund in each stock are counted in millionths; the rest is cash."""

policy: Cid
held: Cid
"""What the policy chose: [1, stocks + 1], cash last."""
month: int
"""Prices up to this one were known when it chose; 0: nothing is held, and the fund is open."""
shares: Map[Account, int]
all_shares: int
assets: int
"""Grains."""


class Retrained(Event):
    """A policy was learnt from so many months; its mean reward a month in millionths."""

    policy: Cid
    months: int
    reward: int


class Settled(Event):
    """A month is over; grains won, or lost where negative."""

    month: int
    won: int
    assets: int


@export
@zero_cost
@direct
def deposit() -> int:
    """Buys shares while nothing is held. How many."""
    global all_shares, assets
    grains = value() // GRAIN
    assert month == 0, "the fund is invested"
    assert value() % GRAIN == 0 and 0 < grains <= MOST - assets, "thousandths of a token, and not too many"
    bought = grains if all_shares == 0 else grains * all_shares // assets
    assert bought > 0, "less than a share"
    shares[caller()] += bought
    all_shares += bought
    assets += grains
    return bought


@export
@direct
def withdraw(sold: int, units: int) -> None:
    """Sells shares for exactly so many base units, at most what they are worth, while nothing is held."""
    global all_shares, assets
    owned = shares[caller()]
    assert month == 0, "the fund is invested"
    assert 0 < sold <= owned, "not so many shares"
    grains = units // GRAIN
    assert units % GRAIN == 0 and 0 < grains <= sold * assets // all_shares, "the shares are worth less"
    shares[caller()] = owned - sold
    all_shares -= sold
    assets -= grains
    pay(caller(), units)


def returns(prices: Tensor) -> Tensor:
    """Of prices [months, stocks]: what each stock won in each month after the first, and cash nothing, in tenths."""
    months = prices.shape[0]
    won = nn.slice(prices, 0, 1, months) / nn.slice(prices, 0, 0, months - 1) + -1.0
    return nn.pad(won, 1, 0, 1) * 10.0


def features(won: Tensor) -> Tensor:
    """The last months before each one and after the last: [months - SEEN + 1, SEEN × columns]."""
    months = won.shape[0]
    parts: Tensors = []
    for back in range(SEEN):
        parts = nn.append(parts, nn.slice(won, 0, back, months - SEEN + 1 + back))
    return nn.join(parts, 1)


def logits(w: Tensors, x: Tensor) -> Tensor:
    """What the policy prefers: [N, columns]."""
    return nn.tanh(x @ w[0] + w[1]) @ w[2] + w[3]


def first(inputs: int, columns: int, seed: int) -> Tensors:
    """A policy that has learnt nothing."""
    inner = nn.transpose(nn.init(seed, 0, (HIDDEN, inputs)), (1, 0))
    outer = nn.transpose(nn.init(seed, 1, (columns, HIDDEN)), (1, 0))
    return [inner, nn.full(HIDDEN, 0.0), outer, nn.full(columns, 0.0)]


@export
@direct
@only(deployer)
@memory(2**26)
def retrain(prices: Cid, steps: int, seed: int) -> int:
    """Learns a policy from prices [months, stocks]: REINFORCE, an episode a month. The mean reward × 1,000,000.

    In each step it bets on one column a month, drawn by its own odds, and makes likelier what won more than the mean.
    """
    global policy
    won = returns(nn.load(prices))
    assert won.shape[0] > SEEN and steps > 0, "nothing to learn from"
    x = nn.slice(features(won), 0, 0, won.shape[0] - SEEN)
    reward = nn.slice(won, 0, SEEN, won.shape[0])
    above = reward - nn.mean(reward, 1, True)
    state = nn.adam_start(first(x.shape[1], won.shape[1], seed))
    mean = 0
    mark = nn.mark()
    for step in range(steps):
        w = nn.variables(nn.weights(state))
        odds = nn.log_softmax(logits(w, x))
        chance = nn.uniform(seed, 2 + step, (x.shape[0], won.shape[1]), 1e-6, 0.999999)
        chosen = nn.one_hot(nn.argmax(nn.plain(odds) - nn.log(nn.negative(nn.log(chance)))), won.shape[1])
        mean = nn.item(nn.mean(nn.sum(chosen * reward, 1)), scale=1e5)
        loss = nn.negative(nn.mean(nn.sum(chosen * odds * above, 1)))
        state = nn.release(mark, nn.adam(state, nn.grad(loss, w), RATE))
    kept = nn.save_all(nn.weights(state))
    policy = kept
    log(Retrained(kept, won.shape[0], mean))
    return mean


@export
@direct
@only(deployer)
def rebalance(prices: Cid) -> None:
    """The policy looks at prices up to now, and the fund holds what it prefers, in proportion, until `settle`."""
    global held, month
    won = returns(nn.load(prices))
    assert month == 0 and all_shares > 0, "nothing to invest"
    assert won.shape[0] >= SEEN, "too few months"
    x = nn.slice(features(won), 0, won.shape[0] - SEEN, won.shape[0] - SEEN + 1)
    held = nn.save(nn.softmax(logits(nn.load_all(policy), x)))
    month = won.shape[0] + 1


@export
@zero_cost
@direct
@only(deployer)
def settle(prices: Cid, lost: int) -> int:
    """The month after is over: the broker brings what was won, or takes exactly the `lost` units. What was won."""
    global month, assets
    grains = gained(nn.load(prices))
    assert value() == max(grains, 0) * GRAIN and lost == max(-grains, 0) * GRAIN, "exactly what was won or lost"
    assets += grains
    log(Settled(month, grains, assets))
    month = 0
    if lost > 0:
        pay(caller(), lost)
    return grains


def gained(known: Tensor) -> int:
    """Grains that the fund wins by prices that know one month more, or loses where negative."""
    assert month > 0 and known.shape[0] == month + 1, "one month more"
    won = nn.slice(returns(known), 0, month - 1, month)
    return nn.item(nn.sum(won * nn.load(held)), scale=1e5) * assets // PARTS


@view
def owed(prices: Cid) -> int:
    """What the broker owes in grains when these prices are published, or is owed where negative."""
    return gained(nn.load(prices))


@view
def shares_of(owner: Account) -> int:
    """Shares of the fund."""
    return shares[owner]


@view
def worth() -> int:
    """Grains that the fund owns."""
    return assets


@view
def share_in(stock: int) -> int:
    """Millionths of the fund in a stock; behind the last, in cash."""
    return nn.item(nn.load(held), stock, 1e6) if month > 0 else 0
