"""Trains a network whole on published digits, keeps its weights, and uses them in later transactions."""

from accountant.language import Cid, Tensor, Tensors, export, memory, nn

MODEL = "linear 64 32; relu; linear 32 10"
SETTINGS = "epochs 4; batch 25; optimiser sgd rate 0.5 momentum 0.9; loss cross_entropy; seed 7; every 4"
LONG = "epochs 150; batch 25; optimiser adam rate 0.001; loss cross_entropy; seed 7; every 20"
ROOM = 2**27

weights: Cid


def fitted(images: Cid, labels: Cid, settings: str) -> Tensors:
    """New weights."""
    digits = nn.indices(nn.load(labels))
    trained = nn.fit(MODEL, nn.init_model(MODEL, 7), nn.load(images) * 0.0625, digits, settings=settings)
    found: Tensors = []
    for i in range(len(trained) - 1):
        found = nn.append(found, trained[i])
    return found


@export
def train(images: Cid, labels: Cid) -> Cid:
    """A short training of 32 steps."""
    global weights
    weights = nn.save_all(fitted(images, labels, SETTINGS))
    return weights


@export
def train_long(images: Cid, labels: Cid) -> Cid:
    """One of 1,200 steps."""
    global weights
    weights = nn.save_all(fitted(images, labels, LONG))
    return weights


@export
@memory(ROOM)
def train_roomy(images: Cid, labels: Cid) -> Cid:
    """The short one, with more memory than it needs."""
    global weights
    weights = nn.save_all(fitted(images, labels, SETTINGS))
    return weights


@export
def predict(images: Cid) -> bytes:
    """The digit of each image, one byte each."""
    seen: Tensor = nn.load(images) * 0.0625
    found = nn.argmax(nn.predict(MODEL, nn.load_all(weights), seen))
    digits = b""
    for i in range(seen.shape[0]):
        digits += nn.index(found, i).to_bytes(1, "big")
    return digits
