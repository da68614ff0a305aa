"""Hashes of every operator, its gradients and two trainings, as JSON: `python -m tests.support.tensor_digests`.

Run in processes with other processors' instructions; `tests/tensors/vectors.json` holds what must come out.
"""

import hashlib
import json
from collections.abc import Iterable

import accountant.tensors as nn
from accountant.tensors import Precision, Stream, Tensor
from tests.support.small_networks import (
    blobs,
    cnn_loss,
    cnn_weights,
    train_adam,
    train_sgd,
    transformer_loss,
    transformer_weights,
)
from tests.support.tensor_operators import CASES, Case, inputs, outputs


def _hash(tensors: Iterable[Tensor]) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(repr(tensor.shape).encode() + tensor.to_bytes())
    return digest.hexdigest()[:32]


def _wild(case: Case) -> list[Tensor]:
    """Inputs over many orders of magnitude, some of whose results are below the least number."""
    given = []
    for number, values in enumerate(inputs(case)):
        powers = nn.uniform(Stream(4, number), tuple(values.shape), -60.0, 20.0)
        given.append(nn.multiply(Tensor(values), nn.exp(powers)))
    return outputs(case, [tensor.values for tensor in given])


def digests(steps: int = 5) -> dict[str, str]:
    """The hash of each."""
    result = {}
    for case in CASES:
        result[case.name] = _hash(outputs(case, inputs(case)))
        result[f"{case.name}, wild"] = _hash(_wild(case))
    for number, shape in ((1, (1000,)), (2, (7, 143))):
        result[f"normal {shape}"] = _hash([nn.normal(Stream(9, number), shape)])
    images, labels = blobs(24, (1, 8, 8))
    for precision in Precision:
        result[f"cnn {precision.name}"] = _hash(train_sgd(cnn_weights(), cnn_loss(precision), images, labels, steps)[0])
    words, kinds = blobs(16, (6, 8))
    result["transformer"] = _hash(train_adam(transformer_weights(), transformer_loss, words, kinds, steps)[0])
    return result


if __name__ == "__main__":
    print(json.dumps(digests(), indent=1))
