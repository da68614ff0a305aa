"""Expressions: every name resolved, every part typed, constants computed."""

import ast
from abc import ABC, abstractmethod

from accountant.language import advice, constants
from accountant.language.constants import NotConstant, Value
from accountant.language.errors import ContractError, Place
from accountant.language.scope import BUILTINS, Frame, Imported, Module, Signature
from accountant.language.tree import (
    Bind,
    Both,
    Choose,
    Compare,
    Comparison,
    Compute,
    Constant,
    Either,
    EventType,
    Exists,
    Expression,
    Interface,
    Intrinsic,
    Load,
    Local,
    Operate,
    Operation,
    Variable,
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
_LOGICAL = (Operation.AND, Operation.OR, Operation.XOR)
_COMPARISONS: dict[type[ast.cmpop], Comparison] = {
    ast.Eq: Comparison.EQUAL,
    ast.NotEq: Comparison.NOT_EQUAL,
    ast.Lt: Comparison.LESS,
    ast.LtE: Comparison.LESS_EQUAL,
    ast.Gt: Comparison.GREATER,
    ast.GtE: Comparison.GREATER_EQUAL,
}
_EQUALITIES = (Comparison.EQUAL, Comparison.NOT_EQUAL)


def is_simple(expression: Expression) -> bool:
    """Whether it makes no difference when and how often this is evaluated."""
    if isinstance(expression, Compute):
        return not expression.arguments
    return isinstance(expression, Constant | Local)


class ExpressionChecker(ABC):
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
    def call(self, node: ast.Call) -> Expression:
        """A call."""

    def value(self, node: ast.expr) -> Expression:
        """An expression that has a value. Raises `ContractError`."""
        return self._narrow(self._operand(node))

    def _operand(self, node: ast.expr) -> Expression:
        """An expression that has a value; a constant may be over 64 bits as long as it is part of a larger one."""
        expression = self.expression(node)
        if expression.type is Type.NONE:
            raise self.error(node, "a call that returns nothing, used as a value", "call it in a line of its own")
        if expression.type is Type.TENSOR:
            raise self.error(node, "a Tensor as a value", "write its .cid")
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
        """The expression, if its type fits."""
        if not fits(expression.type, wanted):
            given = expression.type
            raise self.error(
                expression.at, f"{given.value} as {what}, which is {wanted.value}", _conversion(given, wanted)
            )
        return expression

    def condition(self, node: ast.expr) -> Expression:
        """An expression of type bool."""
        expression = self.value(node)
        if expression.type is not Type.BOOL:
            raise self.error(node, f"{expression.type.value} as a condition", _truth(expression.type))
        return expression

    def error(self, node: ast.AST | Place, what: str, instead: str) -> ContractError:
        """The error to raise."""
        return self.source.error(node, what, instead)

    def expression(self, node: ast.expr) -> Expression:
        """Any expression, a call that returns nothing among them."""
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Name():
                return self._name(node)
            case ast.BinOp():
                return self._binary(node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BoolOp():
                return self._logical(node)
            case ast.Compare():
                return self._comparison(node)
            case ast.IfExp():
                return self._choice(node)
            case ast.Subscript():
                return self._subscript(node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call():
                return self.call(node)
        raise self.error(node, *advice.of_expression(node))

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
        operation = _OPERATIONS.get(type(operator))
        if operation is None:
            is_division = isinstance(operator, ast.Div)
            what = "the operator /" if is_division else "the operator @"
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
        raise self.error(at, shown, _operands(operation, left.type, right.type))

    def variable(self, node: ast.expr) -> tuple[Variable, tuple[Expression, ...]]:
        """A storage variable with the keys that stand behind it, of which some may be missing."""
        keys: list[ast.expr] = []
        inner = node
        while isinstance(inner, ast.Subscript):
            keys.insert(0, inner.slice)
            inner = inner.value
        symbol = self._stored(inner)
        if symbol is None:
            raise self.error(inner, "no storage variable", "declare one at module level: balances: Map[Account, int]")
        kinds = symbol.type.keys
        if len(keys) > len(kinds):
            raise self.error(node, f"{len(keys)} keys for {symbol.name}, which has {len(kinds)}", "remove a key")
        what = f"a key of {symbol.name}"
        return symbol, tuple(self.of_type(key, kind, what) for key, kind in zip(keys, kinds, strict=False))

    def complete(self, node: ast.expr) -> tuple[Variable, tuple[Expression, ...]]:
        """A storage variable with all of its keys."""
        variable, keys = self.variable(node)
        if len(keys) < len(variable.type.keys):
            instead = f"write {variable.name}{'[key]' * len(variable.type.keys)}"
            raise self.error(node, f"the map {variable.name} without all of its keys", instead)
        return variable, keys

    def _stored(self, node: ast.expr) -> Variable | None:
        if not isinstance(node, ast.Name) or (self._frame is not None and node.id in self._frame.assigned_names):
            return None
        symbol = self.module.symbols.get(node.id)
        if not isinstance(symbol, Variable):
            return None
        if self._frame is None:
            raise self.error(node, f"storage ({node.id}) in a constant", "write literals and constants")
        return symbol

    def _literal(self, node: ast.Constant) -> Expression:
        at, value = self.source.place(node), node.value
        match value:
            case bool():
                return Constant(at, Type.BOOL, value)
            case int():
                return Constant(at, Type.INT, value)
            case str():
                return Constant(at, Type.STR, value)
            case bytes():
                return Constant(at, Type.BYTES, value)
            case None:
                raise self.error(node, "None as a value", "let zero, False or an empty value mean nothing")
        raise self.error(node, "... as a value", "write pass for an empty block")

    def _name(self, node: ast.Name) -> Expression:
        at, name = self.source.place(node), node.id
        if self._frame is not None and name in self._frame.assigned_names:
            return self._local(node, at)
        match self.module.symbols.get(name):
            case Constant() as constant:
                return Constant(at, constant.type, constant.value)
            case Variable():
                variable, _ = self.complete(node)
                return Load(at, variable.type.value, variable, ())
            case Signature():
                raise self.error(node, f"the function {name} without a call", f"write {name}(…)")
            case EventType():
                raise self.error(node, f"the event {name} as a value", f"write log({name}(…))")
            case Interface():
                raise self.error(node, f"the interface {name} as a value", f"write {name}(contract).function(…)")
            case Imported():
                raise self.error(node, f"{name} without a call", f"write {name}(…) where a value is needed")
        if name in BUILTINS:
            raise self.error(node, f"{name} without a call", f"write {name}(…)")
        raise self.error(node, *advice.of_name(name, self.module.symbols))

    def _local(self, node: ast.Name, at: Place) -> Expression:
        frame, name = self.frame, node.id
        index = frame.indices.get(name)
        if index is None:
            raise self.error(node, f"{name} is read before it has a value", "assign it above")
        if not frame.is_assigned(index):
            raise self.error(node, f"{name} may have no value here", "assign it on every path, or once before")
        return Local(at, frame.locals[index].type, index)

    def _binary(self, node: ast.BinOp) -> Expression:
        left = self._operand(node.left)
        return self.combine(self.source.place(node), node.op, left, self._operand(node.right))

    def _unary(self, node: ast.UnaryOp) -> Expression:
        at = self.source.place(node)
        if isinstance(node.op, ast.Not):
            return self._operate(at, Type.BOOL, Operation.NOT, self.condition(node.operand))
        operand = self._operand(node.operand)
        sign = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}[type(node.op)]
        if operand.type is not Type.INT:
            instead = "write not" if operand.type is Type.BOOL and sign == "~" else _conversion(operand.type, Type.INT)
            raise self.error(node, f"{sign} before {operand.type.value}", instead)
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

    def _logical(self, node: ast.BoolOp) -> Expression:
        operands = [self.condition(operand) for operand in node.values]
        is_and = isinstance(node.op, ast.And)
        result = operands.pop()
        while operands:
            result = _joined(is_and, operands.pop(), result)
        return result

    def _comparison(self, node: ast.Compare) -> Expression:
        if isinstance(node.ops[0], ast.In | ast.NotIn):
            return self._membership(node)
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
                    node, "a comparison with None", "compare with zero or an empty value, or write key in map"
                )
            raise self.error(node, "is", "write == or !=")
        if isinstance(operator, ast.In | ast.NotIn):
            raise self.error(node, "in inside a chain of comparisons", "join comparisons with and")
        return self.value(right)

    def _compare(self, node: ast.Compare, comparison: Comparison, left: Expression, right: Expression) -> Expression:
        at = self.source.place(node)
        _check_comparable(self, node, comparison, left.type, right.type)
        if isinstance(left, Constant) and isinstance(right, Constant):
            return Constant(at, Type.BOOL, constants.compare(comparison, left.value, right.value))
        return Compare(at, Type.BOOL, comparison, left, right)

    def _membership(self, node: ast.Compare) -> Expression:
        at, holder = self.source.place(node), node.comparators[0]
        if len(node.ops) > 1:
            raise self.error(node, "in inside a chain of comparisons", "join comparisons with and")
        root = holder
        while isinstance(root, ast.Subscript):
            root = root.value
        if self._stored(root) is None:
            raise self.error(
                holder, "in with something that is no map", "write key in map, or comparisons joined by or"
            )
        # Python evaluates the key before the map's own keys
        key = self.value(node.left)
        variable, keys = self.variable(holder)
        kinds = variable.type.keys
        if len(keys) != len(kinds) - 1:
            instead = f"write key in {variable.name}{'[key]' * (len(kinds) - 1)}" if kinds else "compare with =="
            raise self.error(holder, f"in with {len(keys)} keys of {variable.name}, which has {len(kinds)}", instead)
        if not is_simple(key) and not all(map(is_simple, keys)):
            raise self.error(
                node.left, "a computed key before other computed keys", "keep it in a local variable first"
            )
        self.fitting(key, kinds[-1], f"a key of {variable.name}")
        exists = Exists(at, Type.BOOL, variable, (*keys, key))
        return exists if isinstance(node.ops[0], ast.In) else Operate(at, Type.BOOL, Operation.NOT, (exists,))

    def _choice(self, node: ast.IfExp) -> Expression:
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

    def _subscript(self, node: ast.Subscript) -> Expression:
        at = self.source.place(node)
        root = node.value
        while isinstance(root, ast.Subscript):
            root = root.value
        stored = self._stored(root)
        if stored is not None and stored.type.keys and _depth(node) <= len(stored.type.keys):
            if isinstance(node.slice, ast.Tuple):
                raise self.error(node.slice, "a tuple as a key", f"write {stored.name}[first][second]")
            variable, keys = self.complete(node)
            return Load(at, variable.type.value, variable, keys)
        sequence = self.value(node.value)
        if sequence.type is not Type.STR and not sequence.type.is_bytes:
            raise self.error(node, f"{sequence.type.value}[…]", "only maps, bytes and str have items")
        is_text = sequence.type is Type.STR
        if isinstance(node.slice, ast.Slice):
            return self._slice(at, node.slice, sequence)
        index = self.of_type(node.slice, Type.INT, "an index")
        if is_text:
            return self.compute(at, Type.STR, Intrinsic.TEXT_AT, sequence, index)
        return self.compute(at, Type.INT, Intrinsic.BYTE_AT, sequence, index)

    def _slice(self, at: Place, node: ast.Slice, sequence: Expression) -> Expression:
        if node.step is not None:
            raise self.error(node.step, "a slice with a step", "write a loop over range(…)")
        start, stop = (
            None if bound is None else self.of_type(bound, Type.INT, "the bound of a slice")
            for bound in (node.lower, node.upper)
        )
        if sequence.type is Type.STR:
            return self.compute(at, Type.STR, Intrinsic.TEXT_SLICE, sequence, start, stop)
        return self.compute(at, Type.BYTES, Intrinsic.BYTES_SLICE, sequence, start, stop)

    def _attribute(self, node: ast.Attribute) -> Expression:
        self.check_owner(node)
        owner = self.expression(node.value)
        if owner.type is Type.TENSOR and node.attr == "cid":
            return Compute(self.source.place(node), Type.CID, Intrinsic.CONVERT, (owner,))
        raise self.error(node, *advice.of_method(node.attr, owner.type.value))

    def check_owner(self, node: ast.Attribute) -> None:
        """Raises `ContractError` if what stands before the dot is a name that has nothing behind a dot."""
        owner = node.value
        if not isinstance(owner, ast.Name) or (self._frame is not None and owner.id in self._frame.assigned_names):
            return
        stored = self._stored(owner)
        if stored is not None and stored.type.keys:
            raise self.error(node, *advice.of_method(node.attr, owner.id))
        if owner.id in BUILTINS:
            raise self.error(node, f"{owner.id}.{node.attr}", 'there is int.from_bytes(data, "big")')


def joined_type(one: Type, other: Type) -> Type | None:
    """The narrowest type that values of both have, if there is one."""
    for wanted in (one, other, Type.ACCOUNT, Type.BYTES):
        if fits(one, wanted) and fits(other, wanted):
            return wanted
    return None


def _joined(is_and: bool, left: Expression, right: Expression) -> Expression:
    if isinstance(left, Constant) and isinstance(right, Constant):
        value = (left.value and right.value) if is_and else (left.value or right.value)
        return Constant(left.at, Type.BOOL, bool(value))
    if is_and:
        return Both(left.at, Type.BOOL, left, right)
    return Either(left.at, Type.BOOL, left, right)


def _depth(node: ast.expr) -> int:
    depth = 0
    while isinstance(node, ast.Subscript):
        depth, node = depth + 1, node.value
    return depth


def _check_comparable(
    checker: ExpressionChecker, node: ast.Compare, comparison: Comparison, left: Type, right: Type
) -> None:
    what = f"{left.value} {comparison.value} {right.value}"
    if left is Type.BOOL and right is Type.BOOL:
        if comparison not in _EQUALITIES:
            raise checker.error(node, what, "write == or !=, or int(flag)")
        return
    if left == right and left in (Type.INT, Type.STR):
        return
    if left.is_bytes and right.is_bytes:
        if comparison in _EQUALITIES and not fits(left, right) and not fits(right, left):
            raise checker.error(node, what, "they are never equal as types go; convert one, or keep it as bytes first")
        return
    raise checker.error(node, what, _conversion(left, right))


def _truth(kind: Type) -> str:
    if kind is Type.INT:
        return "write number != 0"
    return "write len(text) > 0" if kind in (Type.STR, Type.BYTES) else "compare it with =="


def _conversion(given: Type, wanted: Type) -> str:
    """How to make one type out of another."""
    match given, wanted:
        case Type.BOOL, Type.INT:
            return "write int(flag)"
        case Type.INT, Type.BOOL:
            return "write number != 0"
        case Type.INT, Type.STR:
            return "write str(number)"
        case Type.STR, Type.INT:
            return "write int(text)"
        case Type.STR, _ if wanted is Type.BYTES:
            return "write text.encode()"
        case Type.STR, _ if wanted.is_bytes:
            return f'write {wanted.value}("0x…") of a literal' if wanted is not Type.CID else 'write Cid("bafkrei…")'
        case _, Type.STR if given.is_bytes:
            return "write data.decode() or data.hex()"
        case Type.INT, _ if wanted is Type.BYTES:
            return 'write number.to_bytes(8, "big", signed=True)'
        case _, Type.INT if given.is_bytes:
            return 'write int.from_bytes(data, "big")'
        case _ if given.is_bytes and wanted.is_bytes:
            return f"write {wanted.value}(…), which checks the length"
        case Type.TENSOR, _:
            return "write weights.cid"
        case _, Type.TENSOR:
            return "write Tensor(cid)"
    return f"write a value of type {wanted.value}"


def _operands(operation: Operation, left: Type, right: Type) -> str:
    sequences = [kind for kind in (left, right) if kind is Type.STR or kind.is_bytes]
    if Type.BOOL in (left, right) and not sequences:
        return "write int(flag), or and, or, not"
    if operation is Operation.MULTIPLY and sequences:
        return "write a loop that adds with +"
    if operation is Operation.MODULO and left is Type.STR:
        return 'put it together with +: "to " + str(number)'
    if operation is Operation.ADD and sequences:
        return _conversion(right, left) if sequences[0] is left else _conversion(left, right)
    return "operands are two ints"
