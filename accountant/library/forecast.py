"""A forecast of a time series, by a network that is trained again as values arrive (AR-Net, the paper's reference 19).

Each `report` appends a value; after every sixth anyone may have the network trained again; `forecast` tells the next
value. A training begins anew, or where the last one ended. That decides what knowing a forecast costs: anew it rests on
one training, else on all of them back to the last one that began anew. So a training that begins anew reads nothing
that another training wrote: even the question whether it is allowed is one of its own slot.
"""

from accountant.language import (
    Cid,
    Event,
    Map,
    Tensor,
    Tensors,
    deployer,
    direct,
    export,
    gas,
    log,
    nn,
    only,
    view,
)

BEFORE = 6
"""Returns that the next one is told from."""
WIDTH = 4
"""Bytes of a value."""
VALUES_MOST = 4096
VALUE_MOST = 2**24
"""A tensor holds these exactly."""
FRESH = 6
"""Values between trainings: else anyone could make the forecast dear."""
GAS_MOST = 200_000_000
MODEL = "linear 6 8; tanh; linear 8 1"
SETTINGS = "epochs 4; batch 32; optimiser adam rate 0.01; loss mean_squared_error; seed 11"

series: bytes
"""All values, four bytes each, the newest last."""
weights: Cid
trained: Map[int, bool]
"""Was there a training with so many values?"""


class Reported(Event):
    """A value arrived: the number of values now."""

    value: int
    count: int


class Trained(Event):
    """The network was trained again."""

    weights: Cid
    count: int
    anew: bool
    loss_millionths: int


@export
@direct
@only(deployer)
def report(value: int) -> int:
    """Appends a value, and returns how many there are."""
    global series
    assert 0 < value <= VALUE_MOST, "a value is above zero and at most 2^24"
    longer = series + value.to_bytes(WIDTH, "big")
    assert len(longer) <= VALUES_MOST * WIDTH, "the series is full"
    series = longer
    count = len(longer) // WIDTH
    log(Reported(value=value, count=count))
    return count


@export
@direct
@gas(most=GAS_MOST)
def retrain(count: int, anew: bool) -> int:
    """Trains with the first `count` values, once: the latest multiple of six. The last loss × 1,000,000.

    It begins with new weights, or with those there are (which fails where there are none).
    """
    global weights
    values = series
    done = trained[count]
    late = len(values) // WIDTH - count
    assert count % FRESH == 0 and count > 2 * BEFORE and 0 <= late < FRESH, "not the latest multiple of six, above 12"
    assert not done, "trained with these already"
    start = nn.init_model(MODEL, 11) if anew else nn.load_all(weights)
    changes = returns(values[: count * WIDTH])
    samples = changes.shape[0] - BEFORE
    columns: Tensors = []
    for i in range(BEFORE):
        columns = nn.append(columns, nn.slice(changes, 0, i, samples + i))
    data = nn.join(columns, 1)
    targets = nn.slice(changes, 0, BEFORE, BEFORE + samples)
    fitted = nn.fit(MODEL, start, data, targets=targets, settings=SETTINGS)
    millionths = nn.item(fitted[-1], nn.count(fitted[-1]) - 1, scale=1e6)
    kept: Tensors = []
    for i in range(len(fitted) - 1):
        kept = nn.append(kept, fitted[i])
    weights = nn.save_all(kept)
    trained[count] = True
    log(Trained(weights=weights, count=count, anew=anew, loss_millionths=millionths))
    return millionths


@view
def forecast() -> int:
    """The next value, as the network of the last training expects it. Fails before any training."""
    count = len(series) // WIDTH
    assert count > BEFORE, "too few values"
    latest = series[(count - BEFORE - 1) * WIDTH :]
    change = nn.predict(MODEL, nn.load_all(weights), nn.reshape(returns(latest), (1, BEFORE)))
    newest = nn.of_ints(1, latest[BEFORE * WIDTH :], width=WIDTH)
    return nn.item(nn.exp(change) * newest)


@view
def count_of_values() -> int:
    """How many values were reported."""
    return len(series) // WIDTH


def returns(values: bytes) -> Tensor:
    """Logarithms of each value over the one before: [values − 1, 1]."""
    count = len(values) // WIDTH
    logarithms = nn.log(nn.of_ints((count, 1), values, width=WIDTH))
    return nn.slice(logarithms, 0, 1, count) - nn.slice(logarithms, 0, 0, count - 1)
