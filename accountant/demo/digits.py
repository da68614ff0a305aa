"""Trains a network on handwritten digits, whole, and keeps its weights."""

from accountant.language import Cid, Tensors, export, nn

MODEL = "linear 64 32; relu; linear 32 10"
SETTINGS = "epochs 2; batch 20; optimiser sgd rate 0.5 momentum 0.9; loss cross_entropy; seed 7"

weights: Cid


@export
def train(images: Cid, labels: Cid) -> Cid:
    """The weights, as a file."""
    global weights
    digits = nn.indices(nn.load(labels))
    trained = nn.fit(MODEL, nn.init_model(MODEL, 7), nn.load(images) * 0.0625, digits, settings=SETTINGS)
    found: Tensors = []
    for i in range(len(trained) - 1):
        found = nn.append(found, trained[i])
    weights = nn.save_all(found)
    return weights
