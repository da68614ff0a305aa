"""Rules of what computes: arithmetic, reductions, products, convolutions, normalisation, losses."""

import math

from accountant.contracts.tensor_rule import Attribute, Made, Rule, Shapes, integer, list_of, one, pair, precision_of
from accountant.tensors.errors import InvalidIndex, InvalidShape
from accountant.tensors.geometry import Windows, windows_of
from accountant.tensors.shapes import Shape, axes_of, axis_of, broadcast, check_terms, element_count


def _same(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
    """Element by element."""
    shape = one(shapes)
    return Made((shape,), math.prod(shape), 2 * math.prod(shape))


def _broadcast(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
    shape = broadcast(one(shapes), one(shapes, 1))
    return Made((shape,), math.prod(shape), 2 * math.prod(shape))


def _reduced(shape: Shape, axes: tuple[int, ...], keep: int) -> Shape:
    if keep:
        return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


def _over_axes(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    shape = one(shapes)
    axes = axes_of(list_of(attributes, 0) or None, len(shape))
    return Made((_reduced(shape, axes, integer(attributes, 1)),), math.prod(shape), 2 * math.prod(shape))


def _over_axis(shape: Shape, axis: int, keep: int, indices: bool) -> Made:
    chosen = axis_of(axis, len(shape))
    if shape[chosen] == 0:
        raise InvalidShape(f"no largest value along axis {chosen} of {shape}")
    return Made((_reduced(shape, (chosen,), keep),), math.prod(shape), 2 * math.prod(shape), indices=indices)


def _max(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    return _over_axis(one(shapes), integer(attributes, 0), integer(attributes, 1), indices=False)


def _argmax(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    return _over_axis(one(shapes), integer(attributes, 0), 0, indices=True)


def _product(left: Shape, right: Shape) -> tuple[Shape, int]:
    """The shape of a matrix product, and its multiplications and additions."""
    if len(left) < 2 or len(right) < 2 or left[-1] != right[-2]:
        raise InvalidShape(f"no matrix product of {left} and {right}")
    check_terms(left[-1])
    shape = (*broadcast(left[:-2], right[:-2]), left[-2], right[-1])
    return shape, 2 * element_count(shape) * left[-1]


def _matmul(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    left, right = one(shapes), one(shapes, 1)
    shape, flops = _product(left, right)
    scratch = math.prod(left) + math.prod(right) + 2 * math.prod(shape)
    return Made((shape,), flops, scratch, precision_of(attributes, 0))


def _convolved(
    tensor: Shape, weight: Shape, bias: Shape | None, stride: tuple[int, int], padding: tuple[int, int], groups: int
) -> tuple[Shape, int, int]:
    """The shape of a convolution of images, its multiplications and additions, and its elements of scratch."""
    images, channels = tensor[:2]
    outputs, per_group = weight[:2]
    if groups < 1 or channels != per_group * groups or outputs % groups or 0 in (channels, outputs):
        raise InvalidShape(f"{channels} channels in {groups} groups do not fit the weight {weight}")
    if bias is not None and bias != (outputs,):
        raise InvalidShape(f"a bias of {bias} for {outputs} outputs")
    windows = windows_of((tensor[2], tensor[3]), (weight[2], weight[3]), stride, padding)
    shape = (images, outputs, *windows.out)
    element_count(shape)
    element_count((images, channels, *windows.padded))
    terms = per_group * windows.area
    check_terms(terms)
    columns = channels * windows.area * windows.count  # one image's windows
    scratch = columns + math.prod(weight) + 2 * math.prod(shape) + images * channels * math.prod(windows.padded)
    return shape, 2 * math.prod(shape) * terms, scratch


def _conv2d(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    tensor, weight = one(shapes), one(shapes, 1)
    if len(tensor) != 4 or len(weight) != 4:
        raise InvalidShape(f"a convolution of {tensor} with {weight}: both need four dimensions")
    stride, padding, groups = pair(attributes, 0), pair(attributes, 1), integer(attributes, 2)
    shape, flops, scratch = _convolved(tensor, weight, shapes[2], stride, padding, groups)
    return Made((shape,), flops, scratch, precision_of(attributes, 3))


def _conv1d(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    tensor, weight = one(shapes), one(shapes, 1)
    if len(tensor) != 3 or len(weight) != 3:
        raise InvalidShape(f"a convolution of {tensor} with {weight}: both need three dimensions")
    stride, padding, groups = (integer(attributes, at) for at in range(3))
    image, kernel = (*tensor[:2], 1, tensor[2]), (*weight[:2], 1, weight[2])
    shape, flops, scratch = _convolved(image, kernel, shapes[2], (1, stride), (0, padding), groups)
    return Made(((*shape[:2], shape[3]),), flops, scratch, precision_of(attributes, 3))


def _attention(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    query, key, value = (one(shapes, at) for at in range(3))
    rank = len(query)
    if rank < 2 or len(key) != rank or len(value) != rank or key[-2] != value[-2]:
        raise InvalidShape(f"no attention of {query} on {key} and {value}")
    scores, first = _product(query, (*key[:-2], key[-1], key[-2]))
    shape, second = _product(scores, value)
    operands = math.prod(query) + math.prod(key) + math.prod(value)
    return Made(
        (shape,), first + second, operands + 8 * math.prod(scores) + 2 * math.prod(shape), precision_of(attributes, 1)
    )


def _windows(tensor: Shape, attributes: tuple[Attribute, ...]) -> Windows:
    if len(tensor) != 4:
        raise InvalidShape(f"pooling of {tensor}: four dimensions are needed")
    kernel, stride, padding = (pair(attributes, at) for at in range(3))
    windows = windows_of((tensor[2], tensor[3]), kernel, stride, padding)
    check_terms(windows.area)
    element_count((*tensor[:2], *windows.padded))
    return windows


def _pool(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    tensor = one(shapes)
    windows = _windows(tensor, attributes)
    shape = (*tensor[:2], *windows.out)
    padded = math.prod(tensor[:2]) * math.prod(windows.padded)
    return Made((shape,), element_count(shape) * windows.area, 2 * padded + 2 * math.prod(shape))


def _resized(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    tensor, size = one(shapes), pair(attributes, 0)
    if len(tensor) != 4 or min(*tensor[2:], *size) < 1:
        raise InvalidShape(f"{tensor} does not become images of {size}")
    shape = (*tensor[:2], *size)
    between = element_count((*tensor[:2], size[0], tensor[3]))
    return Made((shape,), between + element_count(shape), 4 * (between + math.prod(shape)))


def _along(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    """Softmax and its logarithm: a pass for the largest, the powers, the sum, the quotient."""
    shape = one(shapes)
    axis_of(integer(attributes, 0), len(shape))
    return Made((shape,), math.prod(shape), 4 * math.prod(shape))


def _layer_norm(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
    tensor = one(shapes)
    if not tensor or any(parameter is not None and parameter != tensor[-1:] for parameter in shapes[1:]):
        raise InvalidShape(f"a parameter for the last dimension of {tensor} does not fit")
    return Made((tensor,), math.prod(tensor), 6 * math.prod(tensor))


def _channels(shapes: Shapes) -> Shape:
    tensor = one(shapes)
    if len(tensor) < 2:
        raise InvalidShape(f"{tensor} has no channels")
    for at in range(1, 5):
        if one(shapes, at) != (tensor[1],):
            raise InvalidShape(f"a parameter of {shapes[at]} for {tensor[1]} channels")
    return tensor


def _batch_norm(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
    tensor = _channels(shapes)
    statistics = (tensor[1],)
    return Made((tensor, statistics, statistics), math.prod(tensor), 6 * math.prod(tensor))


def _batch_norm_fixed(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
    tensor = _channels(shapes)
    return Made((tensor,), math.prod(tensor), 4 * math.prod(tensor))


def _cross_entropy(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
    logits, labels = one(shapes), one(shapes, 1)
    if len(logits) != 2 or labels != logits[:1]:
        raise InvalidShape(f"logits of {logits} with labels of {labels}")
    if logits[1] == 0 and logits[0]:
        raise InvalidIndex("a label of no classes")
    return Made(((),), math.prod(logits), 4 * math.prod(logits))


def _mean_squared_error(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
    if one(shapes) != one(shapes, 1):
        raise InvalidShape(f"{shapes[0]} compared with {shapes[1]}")
    count = math.prod(one(shapes))
    return Made(((),), count, 4 * count)


def _ctc_loss(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    x, targets, times, lengths = (one(shapes, at) for at in range(4))
    if len(x) != 3 or len(targets) != 2:
        raise InvalidShape(f"log probabilities of {x} with targets of {targets}")
    steps, samples, classes = x
    if targets[0] != samples or times != (samples,) or lengths != (samples,):
        raise InvalidShape(f"targets of {targets} and lengths for {samples} samples")
    if not 0 <= integer(attributes, 0) < classes:
        raise InvalidIndex(f"blank {attributes[0]} of {classes} classes")
    states = element_count((steps, samples, 2 * targets[1] + 1))
    return Made(((samples,),), states + steps, 6 * states + math.prod(x))


RULES: dict[str, Rule] = {
    **dict.fromkeys(("add", "subtract", "multiply", "divide"), _broadcast),
    **dict.fromkeys(("scale", "shift", "negative", "sqrt", "exp", "log", "sigmoid", "tanh", "relu", "gelu"), _same),
    "sum": _over_axes,
    "mean": _over_axes,
    "max": _max,
    "argmax": _argmax,
    "matmul": _matmul,
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "attention": _attention,
    "max_pool": _pool,
    "mean_pool": _pool,
    "nearest": _resized,
    "bilinear": _resized,
    "softmax": _along,
    "log_softmax": _along,
    "layer_norm": _layer_norm,
    "batch_norm": _batch_norm,
    "batch_norm_fixed": _batch_norm_fixed,
    "cross_entropy": _cross_entropy,
    "mean_squared_error": _mean_squared_error,
    "ctc_loss": _ctc_loss,
}
