"""Handwritten digits: a network of two layers, trained within one transaction and used by later ones."""

from accountant.language import Cid, Event, Tensor, Tensors, export, log, memory, nn, view

CLASSES = 10
RATE = 0.5
MOMENTUM = 0.9

weights: Cid


class Trained(Event):
    """The network was trained."""

    weights: Cid
    loss_millionths: int


def first(pixels: int, hidden: int, seed: int) -> Tensors:
    """Weights to begin with; `nn.init` divides by the size of a row."""
    inner = nn.transpose(nn.init(seed, 0, (hidden, pixels)), (1, 0))
    outer = nn.transpose(nn.init(seed, 1, (CLASSES, hidden)), (1, 0))
    return [inner, nn.full(hidden, 0.0), outer, nn.full(CLASSES, 0.0)]


def scores(parameters: Tensors, images: Tensor) -> Tensor:
    """What the network says of images [N, pixels]: [N, CLASSES]."""
    hidden = nn.relu(images @ parameters[0] + parameters[1])
    return hidden @ parameters[2] + parameters[3]


def brightness(images: Cid) -> Tensor:
    """Images from 0 to 1, of a file that holds them from 0 to 16."""
    return nn.load(images) * 0.0625


@export
@memory(2**26)
def train(images: Cid, labels: Cid, hidden: int, steps: int, seed: int) -> int:
    """Trains from the beginning, and keeps the weights. The last step's loss × 1,000,000."""
    global weights
    pixels = brightness(images)
    digits = nn.indices(nn.load(labels))
    state = nn.sgd_start(first(pixels.shape[1], hidden, seed))
    millionths = 0
    mark = nn.mark()
    for _step in range(steps):
        parameters = nn.variables(nn.weights(state))
        loss = nn.cross_entropy(scores(parameters, pixels), digits)
        millionths = nn.item(loss, scale=1e6)
        gradients = nn.clip(nn.grad(loss, parameters), 5.0)
        state = nn.release(mark, nn.sgd(state, gradients, RATE, MOMENTUM))
    weights = nn.save_all(nn.weights(state))
    log(Trained(weights, millionths))
    return millionths


@export
def predict(images: Cid) -> bytes:
    """The digit of each image, one byte each."""
    pixels = brightness(images)
    found = nn.argmax(scores(nn.load_all(weights), pixels))
    digits = b""
    for i in range(pixels.shape[0]):
        digits += nn.index(found, i).to_bytes(1, "big")
    return digits


@view
def digit(images: Cid, at: int) -> int:
    """The digit of one image."""
    one = nn.slice(brightness(images), 0, at, at + 1)
    return nn.index(nn.argmax(scores(nn.load_all(weights), one)), 0)
