"""`+ - * / @` on tensors, of which one operand may be a number: which row of the host table each is."""

import ast

from accountant.language.reals import bits_of, negated
from accountant.language.tree import Constant, Expression, Invoke
from accountant.language.types import Type

_EXACT20 = 20
_ROWS: dict[type[ast.operator], str] = {
    ast.Add: "nn_add",
    ast.Sub: "nn_subtract",
    ast.Mult: "nn_multiply",
    ast.Div: "nn_divide",
    ast.MatMult: "nn_matmul",
}
_NUMBERS: dict[type[ast.operator], str] = {ast.Add: "nn_shift", ast.Sub: "nn_shift", ast.Mult: "nn_scale"}
"""Where one operand is a number."""


def as_real(expression: Expression) -> Expression:
    """A constant int as the float that Python makes of it; everything else as it is."""
    if isinstance(expression, Constant) and expression.type is Type.INT and isinstance(expression.value, int):
        return Constant(expression.at, Type.REAL, bits_of(float(expression.value)))
    return expression


def combined(operator: ast.operator, left: Expression, right: Expression) -> Expression | None:
    """The operation, of which at least one operand is a TENSOR; None if there is none on these."""
    at, kind = left.at, type(operator)
    if left.type is right.type and kind in _ROWS:
        precision = (Constant(at, Type.INT, _EXACT20),) if kind is ast.MatMult else ()
        return Invoke(at, Type.TENSOR, _ROWS[kind], (left, right, *precision))
    if kind not in _NUMBERS:
        return None
    is_left = left.type is Type.TENSOR
    tensor, number = (left, as_real(right)) if is_left else (right, as_real(left))
    if number.type is not Type.REAL:
        return None
    if kind is ast.Sub and is_left:
        if not isinstance(number, Constant) or not isinstance(number.value, int):
            return None
        number = Constant(number.at, Type.REAL, negated(number.value))
    elif kind is ast.Sub:
        tensor = Invoke(at, Type.TENSOR, "nn_negative", (tensor,))
    return Invoke(at, Type.TENSOR, _NUMBERS[kind], (tensor, number))


def advice(operator: ast.operator, left: Expression, right: Expression) -> str:
    """What to write instead of an operation that there is not."""
    kinds = (left.type, right.type)
    if Type.INT in kinds and type(operator) in _NUMBERS:
        return "write nn.real(number, 1) for the int"
    if isinstance(operator, ast.Sub) and kinds == (Type.TENSOR, Type.REAL):
        return "add a number that is negative: tensor + nn.real(-1, 10)"
    if isinstance(operator, ast.Div) and right.type in (Type.REAL, Type.INT):
        return "multiply by the inverse: tensor * 0.5, or tensor * nn.real(1, number)"
    if isinstance(operator, ast.Pow):
        return "write tensor * tensor"
    if isinstance(operator, ast.MatMult) and kinds != (Type.TENSOR, Type.TENSOR):
        return "@ multiplies two Tensors; write tensor * number"
    if type(operator) in _ROWS and set(kinds) <= {Type.TENSOR, Type.REAL, Type.INT}:
        return "make a tensor of the number: nn.full(1, number)"
    return "operands are two Tensors, joined by + - * / or @, or a Tensor and a float"
