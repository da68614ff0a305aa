"""Products, convolutions, attention, pooling, resizing, normalisation.

`precision` is 20 (bits of an operand; about binary32's quality) or 8 (one byte, faster).
"""

from accountant.language.nn.exact import exact
from accountant.language.nn.values import Pair, Tensor, Tensors

EXACT20, EXACT8 = 20, 8


def _precision(precision: int) -> "exact.Precision":
    names = {EXACT20: exact.Precision.EXACT20, EXACT8: exact.Precision.EXACT8}
    if precision not in names:
        raise exact.InvalidTensor(f"a precision of {precision}; {EXACT20} and {EXACT8} are possible")
    return names[precision]


def _optional(tensor: Tensor | None) -> "exact.Tensor | None":
    return None if tensor is None else tensor.exact


def matmul(left: Tensor, right: Tensor, precision: int = 20) -> Tensor:
    """[…, M, K] × […, K, N]; also `left @ right`."""
    return Tensor(exact.matmul(left.exact, right.exact, _precision(precision)))


def conv1d(
    tensor: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    precision: int = 20,
) -> Tensor:
    """[N, C, L] with weight [O, C ÷ groups, k], bias [O] → [N, O, l]."""
    return Tensor(
        exact.conv1d(
            tensor.exact,
            weight.exact,
            _optional(bias),
            stride=stride,
            padding=padding,
            groups=groups,
            precision=_precision(precision),
        )
    )


def conv2d(
    tensor: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    groups: int = 1,
    precision: int = 20,
) -> Tensor:
    """[N, C, H, W] with weight [O, C ÷ groups, kh, kw], bias [O] → [N, O, h, w]."""
    return Tensor(
        exact.conv2d(
            tensor.exact,
            weight.exact,
            _optional(bias),
            stride=stride,
            padding=padding,
            groups=groups,
            precision=_precision(precision),
        )
    )


def attention(query: Tensor, key: Tensor, value: Tensor, causal: bool = False, precision: int = 20) -> Tensor:
    """softmax(query × keyᵀ ÷ √D) × value over […, L, D], […, S, D], […, S, E]. Causal: only s ≤ l are seen."""
    return Tensor(exact.attention(query.exact, key.exact, value.exact, causal=causal, precision=_precision(precision)))


def max_pool(tensor: Tensor, kernel: Pair, stride: Pair | None = None, padding: Pair = 0) -> Tensor:
    """The largest value of each window of [N, C, H, W]. The stride is the window's size unless given."""
    return Tensor(exact.max_pool2d(tensor.exact, kernel, stride=stride, padding=padding))


def mean_pool(tensor: Tensor, kernel: Pair, stride: Pair | None = None, padding: Pair = 0) -> Tensor:
    """The mean of each window of [N, C, H, W]; padding counts as zeros."""
    return Tensor(exact.mean_pool2d(tensor.exact, kernel, stride=stride, padding=padding))


def _both(size: Pair) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def nearest(tensor: Tensor, size: Pair) -> Tensor:
    """Images [N, C, H, W] of another size, each place from the nearest one."""
    return Tensor(exact.nearest(tensor.exact, _both(size)))


def bilinear(tensor: Tensor, size: Pair) -> Tensor:
    """Images [N, C, H, W] of another size, each place between its four neighbours."""
    return Tensor(exact.bilinear(tensor.exact, _both(size)))


def layer_norm(
    tensor: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, epsilon: float = 1e-5
) -> Tensor:
    """Normalises the last dimension, then × weight + bias, both of its size."""
    return Tensor(exact.layer_norm(tensor.exact, _optional(weight), _optional(bias), epsilon=epsilon))


def batch_norm(
    tensor: Tensor,
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    momentum: float = 0.1,
    epsilon: float = 1e-5,
) -> Tensors:
    """Training: normalises each channel (axis 1) by the batch. The result, and the running mean and variance anew."""
    parameters = [one.exact for one in (weight, bias, mean, variance)]
    return [Tensor(one) for one in exact.batch_norm(tensor.exact, *parameters, momentum=momentum, epsilon=epsilon)]


def batch_norm_fixed(
    tensor: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon: float = 1e-5
) -> Tensor:
    """Use: normalises each channel by the running mean and variance."""
    parameters = [one.exact for one in (weight, bias, mean, variance)]
    return Tensor(exact.batch_norm_fixed(tensor.exact, *parameters, epsilon=epsilon))
