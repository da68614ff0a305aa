"""Whole loops as one operator: a model written as a list of layers, trained and used (docs/layers.md)."""

from accountant.language.nn.exact import exact, layers, training, training_settings
from accountant.language.nn.numbers import WORD
from accountant.language.nn.values import Indices, Tensor, Tensors


def init_model(model: str, seed: int) -> Tensors:
    """New weights of a model."""
    return [Tensor(one) for one in layers.init(layers.parse_model(model), seed & WORD)]


def predict(model: str, weights: Tensors, data: Tensor) -> Tensor:
    """What a model makes of data, each sample for itself."""
    return Tensor(training.predict(layers.parse_model(model), [one.exact for one in weights], data.exact))


def fit(
    model: str,
    weights: Tensors,
    data: Tensor,
    labels: Indices | None = None,
    targets: Tensor | None = None,
    *,
    settings: str,
) -> Tensors:
    """Trains: the new weights, and at the end the loss of each step as one tensor."""
    if labels is not None and targets is not None:
        raise exact.InvalidTensor("labels and targets: one of them is possible")
    answers = labels if targets is None else targets
    trained = training.fit(
        layers.parse_model(model),
        [one.exact for one in weights],
        data.exact,
        None if answers is None else answers.exact,
        training_settings.parse_settings(settings),
    )
    return [Tensor(one) for one in (*trained.weights, trained.history)]
