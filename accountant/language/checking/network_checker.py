"""Networks: calls of `nn`, lists of tensors, and what stands behind a dot or in brackets of a tensor."""

import ast

from accountant.language.checking import advice
from accountant.language.checking.expression_checker import ExpressionChecker
from accountant.language.checking.operator_checker import is_simple
from accountant.language.checking.scope import Effect
from accountant.language.errors import Place
from accountant.language.operators import OPERATORS, SAVES, Form, Operator, Parameter
from accountant.language.reals import bits_of
from accountant.language.tree import Bind, Constant, Expression, Invoke, ListTensors, Local
from accountant.language.types import Type

_Argument = Expression | tuple[Expression, ...] | None
_NN = "nn"


class NetworkChecker(ExpressionChecker):
    """Adds networks to what expressions may be."""

    def is_network(self, node: ast.expr) -> bool:
        """Whether this is the name `nn`, as it is imported."""
        return isinstance(node, ast.Name) and node.id == _NN and self.module.imports(_NN)

    def network(self, node: ast.Call, function: ast.Attribute) -> Expression:
        """`nn.operator(…)`."""
        operator = self._operator(function)
        if self._frame is None:
            what = f"nn.{operator.name}(…) in a constant is not allowed"
            raise self.error(node, what, "call it in a function")
        given = self._given(node, operator)
        checked = {parameter: self._argument(parameter, argument, operator) for parameter, argument in given.items()}
        at = self.source.place(node)
        arguments: list[_Argument] = []
        for parameter in operator.parameters:
            if parameter in checked and not _is_none(given[parameter]):
                arguments.append(checked[parameter])
            elif parameter.form is Form.PAIR_AS_BEFORE:
                arguments[-1], again = self._twice_sizes(arguments[-1])
                arguments.append(again)
            else:
                arguments.append(_default(parameter, at))
        in_order = [parameter for parameter in operator.parameters if parameter in given]
        if list(given) != in_order and not all(map(_is_simple, arguments)):
            raise self.error(node, f"arguments of nn.{operator.name} in another order", f"write {operator}")
        if operator.row in SAVES:
            self.frame.effects.append(Effect(at, "saves a tensor"))
        return Invoke(at, operator.returns, operator.row, tuple(arguments))

    def _operator(self, function: ast.Attribute) -> Operator:
        name = function.attr
        if name not in OPERATORS:
            close = advice.PYTORCH.get(name) or advice.closest(name, OPERATORS)
            instead = f"write {OPERATORS[close]}" if close else "choose what docs/networks.md lists"
            raise self.error(function, f"nn has no {name[:64]}", instead)
        return OPERATORS[name]

    def _given(self, node: ast.Call, operator: Operator) -> dict[Parameter, ast.expr]:
        """Which argument is for which parameter, in the order in which they are written."""
        name, parameters, shown = f"nn.{operator.name}", operator.parameters, f"write {operator}"
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                raise self.error(argument, "a starred argument is not allowed", shown)
        if len(node.args) > operator.by_place:
            without = " without a name" if operator.by_place < len(parameters) else ""
            what = f"{len(node.args)} arguments of {name}{without}, which takes {operator.by_place}"
            raise self.error(node.args[operator.by_place], what, shown)
        given = dict(zip(parameters, node.args, strict=False))
        by_name = {parameter.name: parameter for parameter in parameters}
        for keyword in node.keywords:
            parameter = by_name.get(keyword.arg or "")
            if parameter is None:
                raise self.error(keyword, f"the argument {keyword.arg or '**'} of {name}", shown)
            if parameter in given:
                raise self.error(keyword, f"the argument {parameter.name} of {name} twice", shown)
            given[parameter] = keyword.value
        for parameter in parameters:
            if parameter not in given and parameter.is_required:
                raise self.error(node, f"no argument for {parameter.name} of {name}", shown)
        return given

    def _argument(self, parameter: Parameter, node: ast.expr, operator: Operator) -> _Argument:
        what = f"{parameter.name} of nn.{operator.name}"
        if _is_none(node):
            if parameter.form in (Form.OPTIONAL, Form.PAIR_AS_BEFORE):
                return None
            raise self.error(node, f"None as {what}", f"write a value of type {parameter.type.value}")
        if parameter.form in (Form.VALUE, Form.OPTIONAL):
            return self.of_type(node, parameter.type, what)
        if not isinstance(node, ast.Tuple):
            size = self.of_type(node, Type.INT, what)
            return (size,) if parameter.form is Form.SIZES else self._both(size)
        for element in node.elts:
            if isinstance(element, ast.Starred):
                raise self.error(element, "a starred expression is not allowed", "write each size")
        sizes = tuple(self.of_type(element, Type.INT, f"a number in {what}") for element in node.elts)
        if parameter.form is not Form.SIZES and len(sizes) != 2:
            raise self.error(node, f"{len(sizes)} numbers as {what}", "write two in brackets, or one for both")
        return sizes

    def _both(self, size: Expression) -> tuple[Expression, ...]:
        """One number twice, evaluated once."""
        first, second = self._once(size)
        return first, second

    def _once(self, expression: Expression) -> tuple[Expression, Expression]:
        if is_simple(expression):
            return expression, expression
        index = self.frame.temporary(expression.type)
        bound = Bind(expression.at, expression.type, index, expression)
        return bound, Local(expression.at, expression.type, index)

    def _twice_sizes(self, sizes: _Argument) -> tuple[_Argument, _Argument]:
        assert isinstance(sizes, tuple), "behind another pair"
        pairs = [self._once(size) for size in sizes]
        return tuple(first for first, _ in pairs), tuple(second for _, second in pairs)

    def tensors(self, node: ast.List) -> Expression:
        """`[a, b]`."""
        if not self.module.imports(_NN) or self._frame is None:
            raise self.error(node, *advice.of_expression(node))
        elements = []
        for element in node.elts:
            if isinstance(element, ast.Starred):
                raise self.error(element, "a starred expression is not allowed", "write nn.append(tensors, tensor)")
            elements.append(self.of_type(element, Type.TENSOR, "an element of a list"))
        return ListTensors(self.source.place(node), Type.TENSORS, tuple(elements))

    def length(self, at: Place, tensors: Expression) -> Expression:
        """`len(tensors)`."""
        return Invoke(at, Type.INT, "nn_list_len", (tensors,))

    def element(self, node: ast.Subscript, owner: Expression) -> Expression:
        """`tensors[i]`; raises `ContractError` for items of a Tensor or of Indices."""
        if owner.type is Type.TENSOR:
            instead = "write nn.slice(tensor, axis, begin, end), or nn.item(tensor, i) for an int"
            raise self.error(node, "an item of a Tensor is not allowed", instead)
        if owner.type is Type.INDICES:
            raise self.error(node, "an item of Indices is not allowed", "write nn.index(indices, i)")
        if isinstance(node.slice, ast.Slice):
            raise self.error(node, "a slice of Tensors is not allowed", "write [tensors[0], tensors[1]]")
        index = self.of_type(node.slice, Type.INT, "an index")
        return Invoke(self.source.place(node), Type.TENSOR, "nn_at", (owner, index))

    def sized(self, node: ast.Subscript) -> Expression | None:
        """`tensor.shape[i]`; None if this is something else."""
        inner = node.value
        if not isinstance(inner, ast.Attribute) or inner.attr != "shape" or self.is_network(inner.value):
            return None
        self.check_owner(inner)
        owner = self.expression(inner.value)
        if owner.type is not Type.TENSOR:
            return None
        if isinstance(node.slice, ast.Slice):
            raise self.error(node, "a slice of a shape is not allowed", "write each size: tensor.shape[0]")
        axis = self.of_type(node.slice, Type.INT, "an axis")
        return Invoke(self.source.place(node), Type.INT, "nn_size", (owner, axis))

    def behind_dot(self, node: ast.Attribute, owner: Expression) -> Expression:
        """`tensor.dims`; raises `ContractError` for everything else."""
        if owner.type is Type.TENSOR and node.attr == "dims":
            return Invoke(self.source.place(node), Type.INT, "nn_dims", (owner,))
        if owner.type is Type.TENSOR and node.attr == "shape":
            raise self.error(node, "a shape as a value is not allowed", "write each size: tensor.shape[0]")
        raise self.error(node, *advice.of_method(node.attr, owner.type.value))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_simple(argument: _Argument) -> bool:
    if argument is None:
        return True
    return all(map(is_simple, argument)) if isinstance(argument, tuple) else is_simple(argument)


def _default(parameter: Parameter, at: Place) -> _Argument:
    value = parameter.default
    match parameter.form:
        case Form.SIZES:
            return tuple(Constant(at, Type.INT, size) for size in value)
        case Form.PAIR:
            return (Constant(at, Type.INT, value), Constant(at, Type.INT, value))
        case Form.OPTIONAL:
            return None
    if parameter.type is Type.REAL:
        return Constant(at, Type.REAL, bits_of(value))
    return Constant(at, parameter.type, value)
