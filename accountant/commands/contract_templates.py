"""What `accountant contract new` writes: contracts to begin with, and their tests, which pass."""

from enum import Enum
from typing import NamedTuple

CONTRACT = '''"""A counter: everyone counts for himself."""

from accountant.language import Account, Event, Map, caller, export, log, view

counts: Map[Account, int]


class Counted(Event):
    """Somebody counted."""

    who: Account
    count: int


@export
def count(times: int) -> int:
    """Adds to the caller's count, which it returns."""
    assert times > 0, "count at least once"
    counts[caller()] += times
    log(Counted(who=caller(), count=counts[caller()]))
    return counts[caller()]


@view
def count_of(account: Account) -> int:
    """How far an account has counted."""
    return counts[account]
'''

TEST = '''"""The counter's tests: run `accountant contract test {name}.py`, or pytest."""

from accountant.sandbox import Chain


def test_everyone_counts_for_himself(chain: Chain) -> None:
    """One account's count is not another's, and an event tells of it."""
    alice, bob = chain.account("alice"), chain.account("bob")
    {name} = chain.deploy("{name}.py", sender=alice)
    result = {name}.count(5, sender=alice)
    assert result.returned == 5
    assert result.events == [{name}.Counted(who=alice.address, count=5)]
    assert {name}.count_of(alice) == 5
    assert {name}.count_of(bob) == 0


def test_nobody_counts_backwards(chain: Chain) -> None:
    """A failed call says why, and changes nothing."""
    alice = chain.account("alice")
    {name} = chain.deploy("{name}.py", sender=alice)
    failed = {name}.count(-1, sender=alice)
    assert failed.reason == "count at least once"
    assert {name}.count_of(alice) == 0
'''

NETWORK = '''"""A network of two layers that learns the exclusive or of two bits, in one transaction."""

from accountant.language import Cid, Tensor, Tensors, export, nn, view

HIDDEN = 6
RATE = 0.1

weights: Cid


def score(parameters: Tensors, inputs: Tensor) -> Tensor:
    """What the network says of pairs [N, 2]: from 0 to 1."""
    hidden = nn.tanh(inputs @ parameters[0] + parameters[1])
    return nn.sigmoid(hidden @ parameters[2] + parameters[3])


@export
def train(steps: int, seed: int) -> int:
    """Trains from the beginning and keeps the weights. The last step's loss × 1,000,000."""
    global weights
    inputs = nn.of_ints((4, 2), b"\\x00\\x00\\x00\\x01\\x01\\x00\\x01\\x01")
    wanted = nn.of_ints((4, 1), b"\\x00\\x01\\x01\\x00")
    inner = nn.normal(seed, 0, (2, HIDDEN))
    outer = nn.normal(seed, 1, (HIDDEN, 1))
    state = nn.adam_start([inner, nn.full(HIDDEN, 0.0), outer, nn.full(1, 0.0)])
    millionths = 0
    mark = nn.mark()
    for _step in range(steps):
        parameters = nn.variables(nn.weights(state))
        loss = nn.mean_squared_error(score(parameters, inputs), wanted)
        millionths = nn.item(loss, scale=1e6)
        state = nn.release(mark, nn.adam(state, nn.grad(loss, parameters), RATE))
    weights = nn.save_all(nn.weights(state))
    return millionths


@view
def either(left: bool, right: bool) -> bool:
    """Whether one of two bits is set, and not both."""
    pair = nn.of_ints((1, 2), int(left).to_bytes(1, "big") + int(right).to_bytes(1, "big"))
    return nn.item(score(nn.load_all(weights), pair), scale=1000) > 500
'''

NETWORK_TEST = '''"""The network's tests: run `accountant contract test {name}.py`, or pytest."""

from accountant.sandbox import Chain


def test_the_network_learns(chain: Chain) -> None:
    """After so many steps it answers all four questions."""
    alice = chain.account("alice")
    {name} = chain.deploy("{name}.py", sender=alice)
    result = {name}.train(80, 7, sender=alice, gas=10**9)
    assert result.returned < 10_000
    for left in (False, True):
        for right in (False, True):
            assert {name}.either(left, right) == (left != right)


def test_the_same_seed_gives_the_same_weights(chain: Chain) -> None:
    """To the bit, whoever trains, and wherever it is executed."""
    alice = chain.account("alice")
    {name} = chain.deploy("{name}.py", sender=alice)
    results = [{name}.train(3, seed, sender=alice, gas=10**9).returned for seed in (7, 7, 8)]
    assert results[0] == results[1] != results[2]
'''


class Template(Enum):
    """The kinds of contracts to begin with."""

    COUNTER = "counter"
    NETWORK = "network"


class Files(NamedTuple):
    """A contract, and its tests, in which `{name}` stands for its name."""

    contract: str
    test: str


TEMPLATES = {Template.COUNTER: Files(CONTRACT, TEST), Template.NETWORK: Files(NETWORK, NETWORK_TEST)}
