"""Real data: scikit-learn's digits are learnt from a list of layers, with both precisions, and told as torch does."""

import pytest
import torch
from sklearn.datasets import load_digits

import accountant.tensors as nn
from accountant.tensors import Indices, Precision, Stream, Tensor
from accountant.tensors.fit import fit, predict
from accountant.tensors.layers import init, parse_model
from accountant.tensors.training_settings import parse_settings

MODEL = """
    conv2d 1 8 3 padding 1; relu; max_pool 2
    conv2d 8 16 3 padding 1; relu; max_pool 2
    flatten; linear 64 10
"""
TRAINED_ON = 1437
NEEDED = 0.95
NEAR = 0.02
"""How far from torch's an accuracy on 360 images may lie: seven of them."""


def _digits() -> tuple[torch.Tensor, torch.Tensor]:
    found = load_digits()
    order = nn.permutation(Stream(1, 1), len(found.target)).values
    images = torch.tensor(found.images, dtype=torch.float32).unsqueeze(1) / 16.0
    return images[order], torch.tensor(found.target, dtype=torch.int64)[order]


def _torchs(weights: list[Tensor], images: torch.Tensor, labels: torch.Tensor, epochs: int) -> torch.Tensor:
    """The same by torch in binary32 with its own Adam, from the same weights, in the same order."""
    own = [weight.values.clone().requires_grad_() for weight in weights]
    optimiser = torch.optim.Adam(own, 0.01)

    def logits(x: torch.Tensor) -> torch.Tensor:
        for at in (0, 2):
            x = torch.nn.functional.conv2d(x, own[at], own[at + 1], padding=1).relu()
            x = torch.nn.functional.max_pool2d(x, 2)
        return x.flatten(1) @ own[4] + own[5]

    for epoch in range(epochs):
        order = nn.permutation(Stream(3, (1 << 56) + epoch), TRAINED_ON).values
        for batch in torch.split(order, 64):
            optimiser.zero_grad()
            torch.autograd.backward(torch.nn.functional.cross_entropy(logits(images[batch]), labels[batch]))
            optimiser.step()
    return logits(images[TRAINED_ON:]).detach().argmax(1)


@pytest.mark.parametrize("precision", list(Precision))
def test_digits_are_learnt(precision: Precision) -> None:
    """More than 95 of 100 that it never saw, and as many as torch within a few."""
    images, labels = _digits()
    model = parse_model(MODEL)
    start = init(model, 2)
    settings = parse_settings("epochs 4; batch 64; optimiser adam rate 0.01; loss cross_entropy; seed 3")
    x, answers = Tensor(images[:TRAINED_ON].contiguous()), Indices(labels[:TRAINED_ON])
    fitted = fit(model, start, x, answers, settings._replace(precision=precision))
    found = nn.argmax(predict(model, fitted.weights, Tensor(images[TRAINED_ON:].contiguous()), precision), 1).values
    theirs = _torchs(start, images, labels, 4)
    ours, others = (float((guess == labels[TRAINED_ON:]).double().mean()) for guess in (found, theirs))
    assert ours > NEEDED
    assert abs(ours - others) <= NEAR
