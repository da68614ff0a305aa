"""Convolutions over one and two dimensions as operators, with gradients."""

from accountant.tensors.arithmetic import add
from accountant.tensors.convolution_bytes import forward_bytes, input_bytes, weight_bytes
from accountant.tensors.convolution_sums import forward_sums, input_sums, weight_sums
from accountant.tensors.errors import InvalidShape
from accountant.tensors.geometry import Pair, Windows, windows_of
from accountant.tensors.ieee import Values
from accountant.tensors.linear import operand
from accountant.tensors.products import Bytes
from accountant.tensors.rounding import Precision, largest, unit_of
from accountant.tensors.shapes import check_terms, element_count
from accountant.tensors.shaping import reshape
from accountant.tensors.tape import recorded
from accountant.tensors.values import Tensor

IMAGE = (1, 2, 3)
ALL = (0, 1, 2, 3)


def _pair(size: int | Pair) -> Pair:
    return (size, size) if isinstance(size, int) else size


def conv2d(
    tensor: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    groups: int = 1,
    precision: Precision = Precision.EXACT20,
) -> Tensor:
    """[N, C, H, W] with weight [O, C ÷ groups, kh, kw] → [N, O, oh, ow]. Nothing is flipped. Bias: [O].

    Groups of rounding: each image and the whole weight; in gradients each image of g, the whole weight, and for the
    weight's gradient, whose sums go over all images, all of x and all of g.
    """
    if len(tensor.shape) != 4 or len(weight.shape) != 4:
        raise InvalidShape(f"a convolution of {tensor.shape} with {weight.shape}: both need four dimensions")
    images, channels = tensor.shape[:2]
    outputs, per_group = weight.shape[:2]
    if groups < 1 or channels != per_group * groups or outputs % groups or 0 in (channels, outputs):
        raise InvalidShape(f"{channels} channels in {groups} groups do not fit the weight {weight.shape}")
    if bias is not None and bias.shape != (outputs,):
        raise InvalidShape(f"a bias of {bias.shape} for {outputs} outputs")
    windows = windows_of(
        (tensor.shape[2], tensor.shape[3]), (weight.shape[2], weight.shape[3]), _pair(stride), _pair(padding)
    )
    element_count((images, outputs, *windows.out))
    element_count((images, channels, *windows.padded))
    check_terms(per_group * windows.area)
    result = _convolved(tensor, weight, windows, groups, precision)
    return result if bias is None else add(result, reshape(bias, (1, outputs, 1, 1)))


def _convolved(tensor: Tensor, weight: Tensor, windows: Windows, groups: int, precision: Precision) -> Tensor:
    x = tensor.values
    shape = (x.shape[0], weight.shape[0], *windows.out)
    of_images = largest(x, IMAGE) if x.shape[0] else x
    wanted = tensor.node is not None  # images that are data have no gradient

    def forward() -> Values:
        if x.shape[0] == 0:
            return x.new_zeros(shape)
        kernel = operand(weight, ALL, precision)
        if isinstance(kernel, Bytes):
            return forward_bytes(x, of_images, kernel, windows, groups)
        return forward_sums(x, unit_of(of_images, precision), kernel, windows, groups)

    def backward(g: Values) -> tuple[Values | None, Values]:
        if x.shape[0] == 0:
            return x.new_zeros(x.shape), x.new_zeros(weight.shape)
        check_terms(weight.shape[0] // groups * windows.area)
        check_terms(g.shape[0] * windows.count)
        slopes = largest(g, IMAGE)
        kernel = operand(weight, ALL, precision)
        if isinstance(kernel, Bytes):
            of_input = input_bytes(g, slopes, kernel, windows, groups) if wanted else None
            return of_input, weight_bytes((x, g), (of_images.amax(), slopes.amax()), windows, groups)
        of_input = input_sums(g, unit_of(slopes, precision), kernel, windows, groups) if wanted else None
        units = unit_of(of_images.amax(), precision), unit_of(slopes.amax(), precision)
        return of_input, weight_sums(x, g, units, windows, groups)

    return recorded(forward(), (tensor, weight), backward)


def conv1d(
    tensor: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    precision: Precision = Precision.EXACT20,
) -> Tensor:
    """[N, C, L] with weight [O, C ÷ groups, k] → [N, O, l]: a convolution over images of height 1."""
    if len(tensor.shape) != 3 or len(weight.shape) != 3:
        raise InvalidShape(f"a convolution of {tensor.shape} with {weight.shape}: both need three dimensions")
    n, c, length = tensor.shape
    o, per_group, k = weight.shape
    result = conv2d(
        reshape(tensor, (n, c, 1, length)),
        reshape(weight, (o, per_group, 1, k)),
        bias,
        stride=(1, stride),
        padding=(0, padding),
        groups=groups,
        precision=precision,
    )
    return reshape(result, (n, o, result.shape[3]))
