"""Expressions: literals, names, storage, and items of maps, bytes and str."""

import ast
import math
from abc import abstractmethod

from accountant.language.checking import advice
from accountant.language.checking.operator_checker import OperatorChecker, is_simple
from accountant.language.checking.scope import BUILTINS, Imported, Signature
from accountant.language.errors import Place
from accountant.language.reals import bits_of
from accountant.language.tree import (
    Constant,
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
from accountant.language.types import Type


class ExpressionChecker(OperatorChecker):
    """Adds names, storage and items to what operators work on."""

    @abstractmethod
    def call(self, node: ast.Call) -> Expression:
        """A call."""

    @abstractmethod
    def is_network(self, node: ast.expr) -> bool:
        """Whether this is the name `nn`, as it is imported."""

    @abstractmethod
    def tensors(self, node: ast.List) -> Expression:
        """`[a, b]`."""

    @abstractmethod
    def element(self, node: ast.Subscript, owner: Expression) -> Expression:
        """`tensors[i]`."""

    @abstractmethod
    def sized(self, node: ast.Subscript) -> Expression | None:
        """`tensor.shape[i]`; None if this is something else."""

    @abstractmethod
    def behind_dot(self, node: ast.Attribute, owner: Expression) -> Expression:
        """`tensor.dims`, or an error."""

    def expression(self, node: ast.expr) -> Expression:
        """Any expression, a call that returns nothing among them."""
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Name():
                return self._name(node)
            case ast.BinOp():
                return self.binary(node)
            case ast.UnaryOp():
                return self.unary(node)
            case ast.BoolOp():
                return self.logical(node)
            case ast.Compare():
                return self.comparison(node)
            case ast.IfExp():
                return self.choice(node)
            case ast.Subscript():
                return self._subscript(node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call():
                return self.call(node)
            case ast.List():
                return self.tensors(node)
        raise self.error(node, *advice.of_expression(node))

    def variable(self, node: ast.expr) -> tuple[Variable, tuple[Expression, ...]]:
        """A storage variable with the keys that stand behind it, of which some may be missing."""
        keys: list[ast.expr] = []
        inner = node
        while isinstance(inner, ast.Subscript):
            keys.insert(0, inner.slice)
            inner = inner.value
        symbol = self.stored(inner)
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

    def stored(self, node: ast.expr) -> Variable | None:
        """The storage variable that a name means, if it means one."""
        if not isinstance(node, ast.Name) or (self._frame is not None and node.id in self._frame.assigned_names):
            return None
        symbol = self.module.symbols.get(node.id)
        if not isinstance(symbol, Variable):
            return None
        if self._frame is None:
            raise self.error(node, f"storage ({node.id}) in a constant is not allowed", "write literals and constants")
        return symbol

    def _literal(self, node: ast.Constant) -> Expression:
        at, value = self.source.place(node), node.value
        match value:
            case bool():
                return Constant(at, Type.BOOL, value)
            case int():
                return Constant(at, Type.INT, value)
            case float() if math.isfinite(value):
                return Constant(at, Type.REAL, bits_of(value))
            case float():
                raise self.error(node, "a float beyond 64 bits", "floats go up to 1.7e308")
            case str():
                return Constant(at, Type.STR, value)
            case bytes():
                return Constant(at, Type.BYTES, value)
            case None:
                raise self.error(
                    node, "None as a value is not allowed", "let zero, False or an empty value mean nothing"
                )
        raise self.error(node, "... as a value is not allowed", "write pass for an empty block")

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
                instead = _UNCALLED.get(name, f"write {name}(…)")
                raise self.error(node, f"{name} without a call", instead)
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

    def membership(self, node: ast.Compare) -> Expression:
        """`key in map` or `key not in map`."""
        at, holder = self.source.place(node), node.comparators[0]
        if len(node.ops) > 1:
            raise self.error(node, "in inside a chain of comparisons is not allowed", "join comparisons with and")
        root = holder
        while isinstance(root, ast.Subscript):
            root = root.value
        if self.stored(root) is None:
            raise self.error(
                holder,
                "in with something that is no map is not allowed",
                "write key in map, or comparisons joined by or",
            )
        # Python evaluates the key before the map's own keys
        key = self.value(node.left)
        variable, keys = self.variable(holder)
        kinds = variable.type.keys
        if not kinds:
            what = f"in with {variable.name}, which is no map, is not allowed"
            raise self.error(holder, what, "compare with ==, or look at each place in a loop over range(len(data))")
        if len(keys) != len(kinds) - 1:
            instead = f"write key in {variable.name}{'[key]' * (len(kinds) - 1)}"
            raise self.error(holder, f"in with {len(keys)} keys of {variable.name}, which has {len(kinds)}", instead)
        if not is_simple(key) and not all(map(is_simple, keys)):
            raise self.error(
                node.left, "a computed key before other computed keys", "keep it in a local variable first"
            )
        self.fitting(key, kinds[-1], f"a key of {variable.name}")
        exists = Exists(at, Type.BOOL, variable, (*keys, key))
        return exists if isinstance(node.ops[0], ast.In) else Operate(at, Type.BOOL, Operation.NOT, (exists,))

    def _subscript(self, node: ast.Subscript) -> Expression:
        at = self.source.place(node)
        root = node.value
        while isinstance(root, ast.Subscript):
            root = root.value
        stored = self.stored(root)
        if stored is not None and stored.type.keys and _depth(node) <= len(stored.type.keys):
            if isinstance(node.slice, ast.Tuple):
                raise self.error(node.slice, "a tuple as a key is not allowed", f"write {stored.name}[first][second]")
            variable, keys = self.complete(node)
            return Load(at, variable.type.value, variable, keys)
        sized = self.sized(node)
        if sized is not None:
            return sized
        sequence = self.value(node.value)
        if sequence.type in (Type.TENSOR, Type.TENSORS, Type.INDICES):
            return self.element(node, sequence)
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
            raise self.error(node.step, "a slice with a step is not allowed", "write a loop over range(…)")
        start, stop = (
            None if bound is None else self.of_type(bound, Type.INT, "the bound of a slice")
            for bound in (node.lower, node.upper)
        )
        if sequence.type is Type.STR:
            return self.compute(at, Type.STR, Intrinsic.TEXT_SLICE, sequence, start, stop)
        return self.compute(at, Type.BYTES, Intrinsic.BYTES_SLICE, sequence, start, stop)

    def _attribute(self, node: ast.Attribute) -> Expression:
        if self.is_network(node.value):
            raise self.error(node, f"nn.{node.attr[:64]} without a call", f"write nn.{node.attr[:64]}(…)")
        self.check_owner(node)
        return self.behind_dot(node, self.expression(node.value))

    def check_owner(self, node: ast.Attribute) -> None:
        """Raises `ContractError` if what stands before the dot is a name that has nothing behind a dot."""
        owner = node.value
        if not isinstance(owner, ast.Name) or (self._frame is not None and owner.id in self._frame.assigned_names):
            return
        stored = self.stored(owner)
        if stored is not None and stored.type.keys:
            raise self.error(node, *advice.of_method(node.attr, owner.id))
        if owner.id in BUILTINS:
            raise self.error(node, f"{owner.id}.{node.attr}", 'there is int.from_bytes(data, "big")')


_UNCALLED = {
    "deployer": "write @only(deployer) above a function",
    "nn": "write nn.relu(tensor), or another operator",
}


def _depth(node: ast.expr) -> int:
    depth = 0
    while isinstance(node, ast.Subscript):
        depth, node = depth + 1, node.value
    return depth
