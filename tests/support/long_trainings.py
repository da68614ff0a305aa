"""A CNN of three convolutions and a transformer of two layers, trained whole: hashes of the weights that come out.

`python -m tests.support.long_trainings [without-onednn]` prints them as JSON; `tests/tensors/trainings.json`
holds what 100 steps must give. Data are made from counters.
"""

import hashlib
import json
import sys
from collections.abc import Iterable

import torch

import accountant.tensors as nn
from accountant.tensors import Indices, Stream, Tensor
from accountant.tensors.fit import fit
from accountant.tensors.layers import init, parse_model
from accountant.tensors.training_settings import parse_settings
from tests.support.small_networks import blobs

SAMPLES = 30
EPOCHS = 25
"""Of four batches, the last one smaller: 100 steps."""
CNN = """
    conv2d 1 16 3 padding 1; batch_norm 16; relu
    conv2d 16 16 3 padding 1; relu; max_pool 2
    conv2d 16 16 3 stride 2 padding 1; relu; mean_pool 2
    flatten; dropout 0.1; linear 16 4
"""
TRANSFORMER = """
    embedding 13 16; position 9 16
    residual { layer_norm 16; attention 16 2 causal; dropout 0.1 }
    residual { layer_norm 16; feed_forward 16 32; dropout 0.1 }
    residual { layer_norm 16; attention 16 2 causal; dropout 0.1 }
    residual { layer_norm 16; feed_forward 16 32; dropout 0.1 }
    layer_norm 16; linear 16 13
"""
SGD = "sgd rate 0.05 momentum 0.9 decay 0.0001; clip 1.0; loss cross_entropy"
ADAM = "adam rate 0.003; loss next_token"


def words(samples: int, length: int) -> Tensor:
    """Rows in which each number follows from the one before, and sometimes does not."""
    first, jumps = (nn.permutation(Stream(6, at), samples * length).values.view(samples, length) for at in (1, 2))
    rows = torch.where(jumps % 5 == 0, first, torch.cumsum(first[:, :1] % 3 + torch.ones_like(first), 1))
    return nn.reshape(Tensor((rows % 13).to(torch.float32)), (samples, length))


RUNS: dict[str, tuple[str, str]] = {
    "cnn, exact20": (CNN, f"{SGD}; precision exact20"),
    "cnn, exact8": (CNN, f"{SGD}; precision exact8"),
    "transformer, exact20": (TRANSFORMER, f"{ADAM}; precision exact20"),
    "transformer, exact8": (TRANSFORMER, f"{ADAM}; precision exact8"),
}


def hashed(tensors: Iterable[Tensor]) -> str:
    """Of shapes and bytes."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(repr(tensor.shape).encode() + tensor.to_bytes())
    return digest.hexdigest()[:32]


def trainings(epochs: int = EPOCHS) -> dict[str, str]:
    """The hash of the weights and the losses of each run."""
    images, labels = blobs(SAMPLES, (1, 8, 8))
    data: dict[str, tuple[Tensor, Indices | None]] = {CNN: (images, labels), TRANSFORMER: (words(SAMPLES, 10), None)}
    found = {}
    for name, (text, how) in RUNS.items():
        model = parse_model(text)
        settings = parse_settings(f"epochs {epochs}; batch 8; seed 21; optimiser {how}")
        fitted = fit(model, init(model, 20), *data[text], settings)
        found[name] = hashed([*fitted.weights, fitted.history])
    return found


if __name__ == "__main__":
    if "without-onednn" in sys.argv:
        torch.backends.mkldnn.set_flags(False)  # type: ignore[no-untyped-call]
    print(json.dumps(trainings(), indent=1))
