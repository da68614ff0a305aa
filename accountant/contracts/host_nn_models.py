"""Host functions on models: lists of layers in text, trained and used as a whole. See docs/host.md, docs/layers.md.

What a training costs is the sum over its steps, and it is paid before the first.
"""

from typing import TYPE_CHECKING

from accountant.contracts.frame import Frame, invalid
from accountant.contracts.host_nn import Given
from accountant.contracts.tensor_plans import LENGTH_BYTES, Cost, cost_of
from accountant.contracts.tensor_values import Held, HeldList
from accountant.contracts.tensor_work import price, work_of
from accountant.primitives.errors import AccountantError

if TYPE_CHECKING:
    from accountant.tensors.layers import Model


def init_model(frame: Frame, model: bytes, seed: int) -> int:
    """New weights of a model."""
    given = Given(frame, (model, seed))
    shapes = tuple(parameter.shape for parameter in _model(model).parameters)
    schedule = frame.schedule.tensors
    works = [work_of("uniform", (), (0, 0, shape))[1] for shape in shapes]
    scratch = max((work.scratch for work in works), default=0)
    cost = Cost(sum(price(work, schedule) for work in works), scratch)
    bench = frame.execution.tensors
    weights = bench.whole(frame, "init_model", (), given.attributes, model, shapes, cost)
    return bench.keep(frame, HeldList(weights))


def predict(frame: Frame, model: bytes, weights: HeldList, data: Held) -> int:
    """What a model makes of data, each sample for itself."""
    from accountant.tensors.training_plan import PIECE, plan_prediction

    Given(frame, (model, weights))
    pieces = -(-data.shape[0] // PIECE) if data.shape else 0
    frame.charge(frame.schedule.host_copy * pieces)  # what planning them takes, however small they are
    try:
        plan = plan_prediction(_model(model, weights), data.shape)
        cost = cost_of(plan, (), frame.schedule.tensors)
        last = plan.parts[-1].plain[-1]
        (shape,), _ = work_of(*last)
    except AccountantError as error:
        raise invalid(str(error)) from None
    bench = frame.execution.tensors
    (result,) = bench.whole(frame, "predict", (*weights.items, data), (), model, (shape,), cost)
    return bench.keep(frame, result)


def fit(
    frame: Frame,
    model: bytes,
    weights: HeldList,
    data: Held,
    labels: Held | None,
    targets: Held | None,
    settings: bytes,
) -> int:
    """Trains a model: the new weights, and at the end the loss of each step."""
    from accountant.tensors.training_plan import plan_training
    from accountant.tensors.training_settings import parse_settings

    Given(frame, (model, weights, settings))
    if labels is not None and targets is not None:
        raise invalid("labels and targets: one of them is possible")
    answers = labels if targets is None else targets
    shapes = tuple(weight.shape for weight in weights.items)
    try:
        parsed = _model(model, weights)
        plan = plan_training(parsed, data.shape, None if answers is None else answers.shape, parse_settings(settings))
        cost = cost_of(plan, shapes, frame.schedule.tensors)
    except AccountantError as error:
        raise invalid(str(error)) from None
    bench = frame.execution.tensors
    text = len(model).to_bytes(LENGTH_BYTES, "big") + model + settings
    operands = (*weights.items, data, answers)
    results = bench.whole(frame, "fit", operands, (), text, (*shapes, (plan.steps,)), cost)
    return bench.keep(frame, HeldList(results))


def _model(text: bytes, weights: HeldList | None = None) -> "Model":
    """The model, to which the weights belong. Raises INVALID_VALUE."""
    from accountant.tensors.layers import parse_model

    try:
        model = parse_model(text)
    except AccountantError as error:
        raise invalid(str(error)) from None
    if weights is not None:
        wanted = [parameter.shape for parameter in model.parameters]
        if [weight.shape for weight in weights.items] != wanted:
            raise invalid("weights that are not of this model")
    return model
