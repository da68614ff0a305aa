"""Matrix multiplication as an operator, with gradients."""

from accountant.tensors.arithmetic import unbroadcast
from accountant.tensors.errors import InvalidShape
from accountant.tensors.ieee import Values
from accountant.tensors.products import Rounded, product, rounded, row_product, transposed
from accountant.tensors.rounding import Precision
from accountant.tensors.shapes import broadcast, check_terms, element_count
from accountant.tensors.tape import recorded
from accountant.tensors.values import Tensor

MATRIX = (-2, -1)


def operand(tensor: Tensor, axes: tuple[int, ...], precision: Precision) -> Rounded:
    """A tensor rounded, once for all uses with these groups."""
    key = (precision, *axes)
    known = tensor.rounded.get(key)
    if known is None:
        known = tensor.rounded[key] = rounded(tensor.values, axes, precision)
    return known


def matmul(left: Tensor, right: Tensor, precision: Precision = Precision.EXACT20) -> Tensor:
    """[…, M, K] × […, K, N]. Groups: rows of left, matrices of right; so a row's result depends on no other row.

    In gradients: rows of g and matrices of right; matrices of left and of g, all rows as one matrix where right has
    two dimensions.
    """
    if len(left.shape) < 2 or len(right.shape) < 2 or left.shape[-1] != right.shape[-2]:
        raise InvalidShape(f"no matrix product of {left.shape} and {right.shape}")
    rows, terms, columns = left.shape[-2], left.shape[-1], right.shape[-1]
    shape = (*broadcast(left.shape[:-2], right.shape[:-2]), rows, columns)
    element_count(shape)
    check_terms(terms)
    flat = len(right.shape) == 2

    def folded(values: Values, width: int) -> Values:
        return values.reshape(-1, width) if flat else values

    def forward() -> Values:
        if 0 in shape or terms == 0:
            return left.values.new_zeros(shape)
        return row_product(folded(left.values, terms), operand(right, MATRIX, precision), precision).reshape(shape)

    def backward(g: Values) -> tuple[Values | None, Values | None]:
        if 0 in shape or terms == 0:
            return left.values.new_zeros(left.shape), right.values.new_zeros(right.shape)
        g = folded(g, columns)
        check_terms(g.shape[-2])
        of_left = of_right = None
        if left.node is not None:
            of_left = row_product(g, transposed(operand(right, MATRIX, precision)), precision)
            of_left = of_left.reshape(left.shape) if flat else unbroadcast(of_left, left.shape)
        if right.node is not None:
            a = transposed(rounded(folded(left.values, terms), MATRIX, precision))
            of_right = product(a, rounded(g, MATRIX, precision))
            of_right = of_right if flat else unbroadcast(of_right, right.shape)
        return of_left, of_right

    return recorded(forward(), (left, right), backward)
