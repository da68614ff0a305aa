"""Operators: every operand typed, constants computed, chains of comparisons taken apart."""

import ast
from abc import ABC, abstractmethod
from dataclasses import replace

from accountant.language.checking import constants, tensor_arithmetic
from accountant.language.checking.constants import NotConstant, Value
from accountant.language.checking.conversions import conversion, incomparable, joined_type, operands, sign, truth
from accountant.language.checking.scope import Frame, Module
from accountant.language.checking.tensor_arithmetic import as_real
from accountant.language.errors import ContractError, Place
from accountant.language.reals import negated
from accountant.language.tree import (
    Bind,
    Both,
    Choose,
    Compare,
    Comparison,
    Compute,
    Constant,
    Either,
    Expression,
    Intrinsic,
    Invoke,
    Local,
    Operate,
    Operation,
)
from accountant.language.types import Type, fits

_OPERATIONS: dict[type[ast.operator], Operation] = {
    ast.Add: Operation.ADD,
    ast.Sub: Operation.SUBTRACT,
    ast.Mult: Operation.MULTIPLY,
    ast.FloorDiv: Operation.FLOOR_DIVIDE,
    ast.Mod: Operation.MODULO,
    ast.Pow: Operation.POWER,
    ast.LShift: Operation.SHIFT_LEFT,
    ast.RShift: Operation.SHIFT_RIGHT,
    ast.BitAnd: Operation.AND,
    ast.BitOr: Operation.OR,
    ast.BitXor: Operation.XOR,
}
_SIGNS = {kind: operation.value for kind, operation in _OPERATIONS.items()} | {ast.Div: "/", ast.MatMult: "@"}
_LOGICAL = (Operation.AND, Operation.OR, Operation.XOR)
_COMPARISONS: dict[type[ast.cmpop], Comparison] = {
    ast.Eq: Comparison.EQUAL,
    ast.NotEq: Comparison.NOT_EQUAL,
    ast.Lt: Comparison.LESS,
    ast.LtE: Comparison.LESS_EQUAL,
    ast.Gt: Comparison.GREATER,
    ast.GtE: Comparison.GREATER_EQUAL,
}


def is_simple(expression: Expression) -> bool:
    """Whether it makes no difference when and how often this is evaluated."""
    if isinstance(expression, Compute):
        return not expression.arguments
    return isinstance(expression, Constant | Local)


class OperatorChecker(ABC):
    """Checks the expressions of one function, or (without a frame) those at module level, which are constant."""

    def __init__(self, module: Module, frame: Frame | None) -> None:
        self.module = module
        self.source = module.source
        self._frame = frame

    @property
    def frame(self) -> Frame:
        """The function that is being checked."""
        assert self._frame is not None, "asked for inside of functions alone"
        return self._frame

    @abstractmethod
    def expression(self, node: ast.expr) -> Expression:
        """Any expression, a call that returns nothing among them."""

    @abstractmethod
    def membership(self, node: ast.Compare) -> Expression:
        """`key in map` or `key not in map`."""

    def value(self, node: ast.expr) -> Expression:
        """An expression that has a value. Raises `ContractError`."""
        return self._narrow(self._operand(node))

    def _operand(self, node: ast.expr) -> Expression:
        """An expression that has a value; a constant may be over 64 bits as long as it is part of a larger one."""
        expression = self.expression(node)
        if expression.type is Type.NONE:
            raise self.error(node, "a call that returns nothing, used as a value", "call it in a line of its own")
        return expression

    def _narrow(self, expression: Expression) -> Expression:
        if isinstance(expression, Constant):
            try:
                constants.check_width(expression.value)
            except NotConstant as error:
                raise self.error(expression.at, error.what, error.instead) from None
        return expression

    def of_type(self, node: ast.expr, wanted: Type, what: str) -> Expression:
        """An expression of this type. `what` is what it is for."""
        return self.fitting(self.value(node), wanted, what)

    def fitting(self, expression: Expression, wanted: Type, what: str) -> Expression:
        """The expression, if its type fits. A constant int becomes a float where one is wanted, as in Python."""
        if wanted is Type.REAL:
            expression = as_real(expression)
        if not fits(expression.type, wanted):
            given = expression.type
            raise self.error(
                expression.at, f"{given.value} as {what}, which is {wanted.value}", conversion(given, wanted)
            )
        return expression

    def condition(self, node: ast.expr) -> Expression:
        """An expression of type bool."""
        expression = self.value(node)
        if expression.type is not Type.BOOL:
            raise self.error(node, f"{expression.type.value} as a condition", truth(expression.type))
        return expression

    def error(self, node: ast.AST | Place, what: str, instead: str) -> ContractError:
        """The error to raise."""
        return self.source.error(node, what, instead)

    def compute(self, at: Place, kind: Type, intrinsic: Intrinsic, *arguments: Expression | None) -> Expression:
        """An intrinsic, computed now if all its arguments are constant."""
        if arguments and all(argument is None or isinstance(argument, Constant) for argument in arguments):
            values = tuple(argument.value if isinstance(argument, Constant) else None for argument in arguments)
            try:
                value = constants.compute(intrinsic, kind, values)
            except NotConstant as error:
                raise self.error(at, error.what, error.instead) from None
            if value is not None:
                return Constant(at, kind, value)
        return Compute(at, kind, intrinsic, arguments)

    def combine(self, at: Place, operator: ast.operator, left: Expression, right: Expression) -> Expression:
        """An operation on two operands."""
        if Type.TENSOR in (left.type, right.type):
            return self._combine_tensors(at, operator, left, right)
        operation = _OPERATIONS.get(type(operator))
        if operation is None:
            is_division = isinstance(operator, ast.Div)
            what = "the operator / is not allowed" if is_division else "the operator @ is not allowed"
            raise self.error(at, what, "write //, which rounds down" if is_division else "write a loop")
        kinds = (left.type, right.type)
        if kinds == (Type.INT, Type.INT):
            return self._operate(at, Type.INT, operation, left, right)
        if kinds == (Type.BOOL, Type.BOOL) and operation in _LOGICAL:
            return self._operate(at, Type.BOOL, operation, left, right)
        if operation is Operation.ADD and kinds == (Type.STR, Type.STR):
            return self._operate(at, Type.STR, Operation.CONCATENATE, left, right)
        if operation is Operation.ADD and left.type.is_bytes and right.type.is_bytes:
            return self._operate(at, Type.BYTES, Operation.CONCATENATE, left, right)
        shown = f"{left.type.value} {operation.value} {right.type.value}"
        raise self.error(at, shown, operands(operation, left.type, right.type))

    def _combine_tensors(self, at: Place, operator: ast.operator, left: Expression, right: Expression) -> Expression:
        combined = tensor_arithmetic.combined(operator, left, right)
        if combined is None:
            shown = f"{left.type.value} {_SIGNS[type(operator)]} {right.type.value}"
            raise self.error(at, shown, tensor_arithmetic.advice(operator, left, right))
        if left.type is not Type.TENSOR and not is_simple(left) and not is_simple(right):
            raise self.error(at, "a computed number before a computed tensor", "write the tensor first")
        return replace(combined, at=at)

    def binary(self, node: ast.BinOp) -> Expression:
        """`left + right` and the like."""
        left = self._operand(node.left)
        return self.combine(self.source.place(node), node.op, left, self._operand(node.right))

    def unary(self, node: ast.UnaryOp) -> Expression:
        """`-x`, `+x`, `~x` and `not x`."""
        at = self.source.place(node)
        if isinstance(node.op, ast.Not):
            return self._operate(at, Type.BOOL, Operation.NOT, self.condition(node.operand))
        operand = self._operand(node.operand)
        if isinstance(node.op, ast.USub) and operand.type is Type.TENSOR:
            return Invoke(at, Type.TENSOR, "nn_negative", (operand,))
        if isinstance(node.op, ast.USub) and operand.type is Type.REAL and isinstance(operand, Constant):
            assert isinstance(operand.value, int), "a float is its bits"
            return Constant(at, Type.REAL, negated(operand.value))
        shown = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}[type(node.op)]
        if operand.type is not Type.INT:
            instead = "write not" if operand.type is Type.BOOL and shown == "~" else sign(operand.type)
            raise self.error(node, f"{shown} before {operand.type.value}", instead)
        if isinstance(node.op, ast.UAdd):
            return operand
        operation = Operation.NEGATE if isinstance(node.op, ast.USub) else Operation.INVERT
        return self._operate(at, Type.INT, operation, operand)

    def _operate(self, at: Place, kind: Type, operation: Operation, *operands: Expression) -> Expression:
        values: list[Value] = [operand.value for operand in operands if isinstance(operand, Constant)]
        try:
            if len(values) == len(operands):
                return Constant(at, kind, constants.operate(operation, tuple(values)))
            if len(operands) == 2 and isinstance(operands[1], Constant):
                constants.check_right(operation, operands[1].value)
        except NotConstant as error:
            raise self.error(at, error.what, error.instead) from None
        return Operate(at, kind, operation, tuple(map(self._narrow, operands)))

    def logical(self, node: ast.BoolOp) -> Expression:
        """`and` and `or`."""
        operands = [self.condition(operand) for operand in node.values]
        is_and = isinstance(node.op, ast.And)
        result = operands.pop()
        while operands:
            result = _joined(is_and, operands.pop(), result)
        return result

    def comparison(self, node: ast.Compare) -> Expression:
        """A comparison, or a chain of them."""
        if isinstance(node.ops[0], ast.In | ast.NotIn):
            return self.membership(node)
        left = self.value(node.left)
        parts: list[Expression] = []
        for at, (operator, right_node) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = self._compared(node, left, operator, right_node)
            is_last = at == len(node.ops) - 1
            kept = right
            if not is_last and not is_simple(right):
                index = self.frame.temporary(right.type)
                right, kept = Bind(right.at, right.type, index, right), Local(right.at, right.type, index)
            parts.append(self._compare(node, _COMPARISONS[type(operator)], left, right))
            left = kept
        result = parts.pop()
        while parts:
            result = _joined(True, parts.pop(), result)
        return result

    def _compared(self, node: ast.Compare, left: Expression, operator: ast.cmpop, right: ast.expr) -> Expression:
        if isinstance(operator, ast.Is | ast.IsNot):
            if isinstance(right, ast.Constant) and right.value is None:
                raise self.error(
                    node,
                    "a comparison with None is not allowed",
                    "compare with zero or an empty value, or write key in map",
                )
            raise self.error(node, "is is not allowed", "write == or !=")
        if isinstance(operator, ast.In | ast.NotIn):
            raise self.error(node, "in inside a chain of comparisons is not allowed", "join comparisons with and")
        return self.value(right)

    def _compare(self, node: ast.Compare, comparison: Comparison, left: Expression, right: Expression) -> Expression:
        at = self.source.place(node)
        instead = incomparable(comparison, left.type, right.type)
        if instead is not None:
            raise self.error(node, f"{left.type.value} {comparison.value} {right.type.value}", instead)
        if isinstance(left, Constant) and isinstance(right, Constant):
            return Constant(at, Type.BOOL, constants.compare(comparison, left.value, right.value))
        return Compare(at, Type.BOOL, comparison, left, right)

    def choice(self, node: ast.IfExp) -> Expression:
        """`a if condition else b`."""
        at = self.source.place(node)
        condition = self.condition(node.test)
        then, otherwise = self.value(node.body), self.value(node.orelse)
        kind = joined_type(then.type, otherwise.type)
        if kind is None:
            what = f"a choice between {then.type.value} and {otherwise.type.value}"
            raise self.error(node, what, "write values of one type on both sides of else")
        if isinstance(condition, Constant) and isinstance(then, Constant) and isinstance(otherwise, Constant):
            return Constant(at, kind, then.value if condition.value else otherwise.value)
        return Choose(at, kind, condition, then, otherwise)


def _joined(is_and: bool, left: Expression, right: Expression) -> Expression:
    if isinstance(left, Constant) and isinstance(right, Constant):
        value = (left.value and right.value) if is_and else (left.value or right.value)
        return Constant(left.at, Type.BOOL, bool(value))
    if is_and:
        return Both(left.at, Type.BOOL, left, right)
    return Either(left.at, Type.BOOL, left, right)
