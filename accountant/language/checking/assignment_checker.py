"""Assignments to locals, storage variables and items of maps."""

import ast

from accountant.language.checking.call_checker import CallChecker
from accountant.language.checking.hints import local_type
from accountant.language.checking.operator_checker import is_simple
from accountant.language.checking.scope import Effect
from accountant.language.errors import Place
from accountant.language.tree import Assign, Bind, Clear, Expression, Load, Local, Statement, Store, Variable
from accountant.language.types import Type, fits


class AssignmentChecker(CallChecker):
    """Adds what changes variables."""

    def assign(self, node: ast.Assign) -> list[Statement]:
        """`target = value`."""
        if len(node.targets) > 1:
            raise self.error(node, "several assignments in one is not allowed", "write each in a line of its own")
        return self._to(node.targets[0], node.value)

    def _to(self, target: ast.expr, value: ast.expr) -> list[Statement]:
        at = self.source.place(target)
        match target:
            case ast.Name() if target.id in self.frame.globals:
                variable, keys = self.complete(target)
                return self._store(at, variable, keys, self._stored_value(value, variable))
            case ast.Name():
                checked = self.value(value)
                return [self.set_local(target, checked)]
            case ast.Subscript():
                return self._store_item(at, target, value)
            case ast.Attribute():
                raise self.error(
                    target, f"an assignment to .{target.attr} is not allowed", "storage variables stand at module level"
                )
            case ast.Tuple() | ast.List():
                raise self.error(
                    target, "an assignment to several names is not allowed", "write each in a line of its own"
                )
            case ast.Starred():
                raise self.error(target, "a starred assignment is not allowed", "write each in a line of its own")
        raise self.error(
            target, "an assignment to this is not allowed", "assign to a local, a storage variable or map[key]"
        )

    def _store_item(self, at: Place, target: ast.Subscript, node: ast.expr) -> list[Statement]:
        self._check_item(target)
        # Python evaluates the value before the keys: the errors come in this order too
        root: ast.expr = target
        while isinstance(root, ast.Subscript):
            root = root.value
        variable = self.stored(root)
        assert variable is not None, "looked at before"
        value = self._stored_value(node, variable)
        variable, keys = self.complete(target)
        if is_simple(value) or all(map(is_simple, keys)):
            return self._store(at, variable, keys, value)
        index = self.frame.temporary(value.type)
        kept = Local(value.at, value.type, index)
        return [Assign(at, index, value), *self._store(at, variable, keys, kept)]

    def _check_item(self, target: ast.Subscript) -> None:
        """Raises `ContractError` unless it is an item of a map."""
        depth, root = 0, target.value
        while isinstance(root, ast.Subscript):
            depth, root = depth + 1, root.value
        variable = self.stored(root)
        if variable is None or not variable.type.keys:
            raise self.error(
                target,
                "an item of what is no map cannot be changed",
                "make a new value: join slices with +, or write [first, second]",
            )
        if depth >= len(variable.type.keys):
            raise self.error(
                target, f"a part of a value of {variable.name} cannot be changed", "assign the whole value"
            )

    def _stored_value(self, node: ast.expr, variable: Variable) -> Expression:
        return self.of_type(node, variable.type.value, f"a value of {variable.name}")

    def _store(self, at: Place, variable: Variable, keys: tuple[Expression, ...], value: Expression) -> list[Statement]:
        self.frame.effects.append(Effect(at, f"writes {variable.name}"))
        return [Store(at, variable, keys, value)]

    def set_local(self, target: ast.Name, value: Expression, declared: Type | None = None) -> Statement:
        """Assigns a local, whose first assignment gives it its type."""
        frame, name, at = self.frame, target.id, self.source.place(target)
        index = frame.indices.get(name)
        if index is None:
            index = frame.declare(name, declared or value.type, at)
        kind = frame.locals[index].type
        if kind is Type.REAL:
            value = self.fitting(value, kind, name)
        if not fits(value.type, kind):
            line = frame.places[name].line
            if fits(kind, value.type):
                instead = f"write {name}: {value.type.value} = … at its first assignment"
                raise self.error(value.at, f"{value.type.value} for {name}, a {kind.value} since line {line}", instead)
            self.fitting(value, kind, f"{name}")
        frame.assign(index)
        return Assign(at, index, value)

    def annotated(self, node: ast.AnnAssign) -> list[Statement]:
        """`name: type = value`, or without a value."""
        target = node.target
        if not isinstance(target, ast.Name) or not node.simple:
            raise self.error(node, "a type hint on something that is no local", "write it without the hint")
        name = target.id
        if name in self.frame.globals:
            raise self.error(node, f"a type hint on {name}, which is storage", "write it without the hint")
        if name in self.frame.indices:
            raise self.error(node, f"a second type hint or a late one for {name}", "write the hint where it begins")
        kind = local_type(self.module, node.annotation)
        if node.value is None:
            self.frame.declare(name, kind, self.source.place(target))
            return []
        return [self.set_local(target, self.of_type(node.value, kind, name), kind)]

    def augmented(self, node: ast.AugAssign) -> list[Statement]:
        """`target += value` and the like."""
        at, target = self.source.place(node.target), node.target
        if isinstance(target, ast.Name) and target.id not in self.frame.globals:
            old = self.value(target)
            return [self.set_local(target, self.combine(at, node.op, old, self.value(node.value)))]
        if isinstance(target, ast.Attribute):
            raise self.error(
                target, f"an assignment to .{target.attr} is not allowed", "storage variables stand at module level"
            )
        if isinstance(target, ast.Subscript):
            self._check_item(target)
        variable, keys = self.complete(target)
        kept, again = self._twice(keys)
        loaded = Load(at, variable.type.value, variable, again)
        result = self.combine(at, node.op, loaded, self.value(node.value))
        value = self.fitting(result, variable.type.value, f"a value of {variable.name}")
        return self._store(at, variable, kept, value)

    def _twice(self, keys: tuple[Expression, ...]) -> tuple[tuple[Expression, ...], tuple[Expression, ...]]:
        """Keys that are evaluated once and used twice."""
        first: list[Expression] = []
        second: list[Expression] = []
        for key in keys:
            if is_simple(key):
                first.append(key)
                second.append(key)
                continue
            index = self.frame.temporary(key.type)
            first.append(Bind(key.at, key.type, index, key))
            second.append(Local(key.at, key.type, index))
        return tuple(first), tuple(second)

    def delete(self, target: ast.expr) -> Statement:
        """`del map[key]`."""
        at = self.source.place(target)
        if not isinstance(target, ast.Subscript):
            raise self.error(
                target, "del of something that is no item of a map is not allowed", "write del map[key], or assign zero"
            )
        self._check_item(target)
        variable, keys = self.complete(target)
        self.frame.effects.append(Effect(at, f"empties {variable.name}"))
        return Clear(at, variable, keys)
