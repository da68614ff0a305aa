"""A buyer of data: fine-tunes its model on what is offered, and pays if the model decides that it was worth the price.

The paper's dearest case: an income that costs a training run. The exam that decides is named at deployment by its
identifiers, and published after offers end: nobody can offer the exam, and the buyer cannot choose another one.
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
    height,
    log,
    memory,
    nn,
    only,
    pay,
    sha256,
    value,
    view,
    zero_cost,
)

RATE = 0.2
MOMENTUM = 0.9
STEPS_MOST = 1_000

weights: Cid
"""Of a network of two layers: the best one so far."""
exam: bytes
"""SHA-256 of the identifiers of images and labels that decide."""
until: int
"""The last height of offers."""
price: int
"""Base units for each image of the exam that a better model recognises besides."""
steps: int
"""Of a fine-tuning."""
funds: int
"""Base units that the contract has to pay with."""
best: int
"""Images of the exam that `weights` recognise; 0 until the first sale."""
offers: Map[Account, bytes]


class Offered(Event):
    """Somebody has data."""

    seller: Account
    images: Cid
    labels: Cid


class Decided(Event):
    """The model was fine-tuned on an offer."""

    seller: Account
    before: int
    after: int
    paid: int


def init(model: Cid, images: Cid, labels: Cid, last: int, units: int, each: int) -> None:
    """`model` is published; images and labels of the exam will be, after the height `last`."""
    global weights, exam, until, price, steps
    assert units > 0 and 0 < each <= STEPS_MOST, "no such terms"
    weights = nn.save_all(nn.load_all(model))
    exam = sha256(images + labels)
    until = last
    price = units
    steps = each


@export
@zero_cost
@direct
def fund() -> None:
    """Anyone brings money to buy with; it does not come back but by sales and `close`."""
    global funds
    funds += value()


@export
@direct
def offer(images: Cid, labels: Cid) -> None:
    """Offers published data, replacing what the caller offered before."""
    assert height() <= until, "offers have ended"
    offers[caller()] = sha256(images + labels)
    log(Offered(caller(), images, labels))


def scores(w: Tensors, x: Tensor) -> Tensor:
    """[N, pixels] → [N, classes]."""
    return nn.relu(x @ w[0] + w[1]) @ w[2] + w[3]


def right(w: Tensors, x: Tensor, y: Tensor) -> int:
    """How many images of [N, pixels] a model recognises, of labels [N]."""
    said = nn.one_hot(nn.argmax(scores(w, x)), w[3].shape[0])
    return nn.item(nn.sum(said * nn.one_hot(nn.indices(y), w[3].shape[0])))


def tuned(w: Tensors, x: Tensor, y: Tensor) -> Tensors:
    """The model after so many steps on all of the data."""
    labels = nn.indices(y)
    state = nn.sgd_start(w)
    mark = nn.mark()
    for _step in range(steps):
        now = nn.variables(nn.weights(state))
        gradients = nn.clip(nn.grad(nn.cross_entropy(scores(now, x), labels), now), 5.0)
        state = nn.release(mark, nn.sgd(state, gradients, RATE, MOMENTUM))
    return nn.weights(state)


@export
@direct
@memory(2**26)
def sell(images: Cid, labels: Cid, exam_images: Cid, exam_labels: Cid, units: int) -> bool:
    """Fine-tunes on what the caller offered. Whether that was worth `units`: then they are paid, and the model stays.

    It is worth `price` for each image of the exam that is recognised besides. Each offer is decided once.
    """
    global weights, best, funds
    assert offers[caller()] == sha256(images + labels), "another offer"
    assert exam == sha256(exam_images + exam_labels), "another exam"
    assert 0 < units <= funds, "no such price"
    del offers[caller()]
    x = nn.load(exam_images) * 0.0625
    y = nn.load(exam_labels)
    model = nn.load_all(weights)
    before = best if best > 0 else right(model, x, y)
    better = tuned(model, nn.load(images) * 0.0625, nn.load(labels))
    after = right(better, x, y)
    decided = after > before and (after - before) >= (units + price - 1) // price
    if decided:
        weights = nn.save_all(better)
        best = after
        funds -= units
        pay(caller(), units)
    log(Decided(caller(), before, after, units if decided else 0))
    return decided


@export
@direct
@only(deployer)
def close(units: int) -> None:
    """The deployer takes out what is left, once offers have ended for as long again as they were open."""
    global funds
    assert height() > 2 * until, "sellers may still come"
    assert 0 < units <= funds, "not so much"
    funds -= units
    pay(caller(), units)


@view
def recognised() -> int:
    """Images of the exam that the model recognises; 0 until the first sale."""
    return best


@view
def available() -> int:
    """Base units to buy with."""
    return funds
