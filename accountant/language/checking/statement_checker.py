"""Statements: what a function does, and that it reads no local without a value and ends with its result."""

import ast
from dataclasses import dataclass

from accountant.language.checking import advice
from accountant.language.checking.assignment_checker import AssignmentChecker
from accountant.language.checking.headers import check_local_name
from accountant.language.checking.scope import NOWHERE, Effect, Frame, Imported, Module, Signature
from accountant.language.errors import Place
from accountant.language.tree import (
    Assert,
    Assign,
    Break,
    Constant,
    Continue,
    Evaluate,
    EventType,
    Expression,
    Field,
    For,
    Function,
    If,
    Log,
    Pay,
    Return,
    Statement,
    Variable,
    While,
)
from accountant.language.types import Type

REASON_CHARACTERS_MOST = 100
"""An assertion without a reason gives so much of its condition's text."""

_PAY = (Field("account", Type.ACCOUNT), Field("amount", Type.INT))


@dataclass
class _Loop:
    """What is assigned wherever the loop is left by `break`."""

    assigned: int = NOWHERE


class StatementChecker(AssignmentChecker):
    """Checks the body of one function."""

    def __init__(self, module: Module, signature: Signature) -> None:
        frame = Frame(signature)
        super().__init__(module, frame)
        self._loops: list[_Loop] = []
        for parameter, argument in zip(signature.parameters, signature.node.args.args, strict=True):
            check_local_name(module, parameter.name, argument)
            frame.assign(frame.declare(parameter.name, parameter.type, self.source.place(argument)))
        frame.assigned_names.update(frame.indices)

    def function(self) -> tuple[Function, Frame]:
        """The checked function, and what it does. Raises `ContractError`."""
        frame, signature = self.frame, self.frame.signature
        body, documentation = split_documentation(signature.node.body)
        body = self._globals(body)
        self._names(body)
        statements = self._block(body)
        if signature.returns is not Type.NONE and frame.assigned != NOWHERE:
            raise self.error(
                signature.node, f"{signature.name} may end without a result", "write return … at the end of every path"
            )
        parameters = len(signature.parameters)
        checked = Function(
            signature.at,
            signature.name,
            parameters,
            tuple(frame.locals),
            signature.returns,
            statements,
            signature.export,
            documentation,
        )
        return checked, frame

    def _globals(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Reads the global statements, with which a body begins; the rest of the body."""
        for at, node in enumerate(body):
            if not isinstance(node, ast.Global):
                return body[at:]
            for name in node.names:
                if name in self.frame.indices:
                    raise self.error(node, f"global {name}, which is a parameter", "give the parameter another name")
                if not isinstance(self.module.symbols.get(name), Variable):
                    raise self.error(node, f"global {name}, which is no storage variable", f"declare {name}: int above")
                self.frame.globals.add(name)
        return []

    def _names(self, body: list[ast.stmt]) -> None:
        """Finds the function's own names, which are its own everywhere in it."""
        waiting = list(reversed(body))
        while waiting:
            node = waiting.pop()
            for target in _targets(node):
                if target.id not in self.frame.globals:
                    self._own_name(target)
            for block in (getattr(node, "orelse", []), getattr(node, "body", [])):
                if isinstance(node, ast.If | ast.For | ast.While):
                    waiting.extend(reversed(block))

    def _own_name(self, target: ast.Name) -> None:
        name = target.id
        symbol = self.module.symbols.get(name)
        if isinstance(symbol, Variable):
            if symbol.type.keys:
                raise self.error(
                    target, f"an assignment to the whole map {name} is not allowed", f"write {name}[key] = value"
                )
            raise self.error(
                target, f"an assignment to {name} without global", f"write global {name} at the start of the function"
            )
        if isinstance(symbol, Constant):
            raise self.error(
                target,
                f"an assignment to the constant {name} is not allowed",
                f"for storage declare it without a value, {name}: int",
            )
        check_local_name(self.module, name, target)
        self.frame.assigned_names.add(name)

    def _block(self, nodes: list[ast.stmt]) -> tuple[Statement, ...]:
        checked: list[Statement] = []
        for node in nodes:
            if self.frame.assigned == NOWHERE:
                raise self.error(node, "a statement that is never reached", "remove it")
            checked.extend(self._statement(node))
        return tuple(checked)

    def _statement(self, node: ast.stmt) -> list[Statement]:
        at = self.source.place(node)
        match node:
            case ast.Assign():
                return self.assign(node)
            case ast.AnnAssign():
                return self.annotated(node)
            case ast.AugAssign():
                return self.augmented(node)
            case ast.If():
                return [self._if(node, at)]
            case ast.While():
                return [self._while(node, at)]
            case ast.For():
                return [self._for(node, at)]
            case ast.Break() | ast.Continue():
                return [self._jump(node, at)]
            case ast.Return():
                return [self._return(node, at)]
            case ast.Assert():
                return [self._assert(node, at)]
            case ast.Delete():
                return [self.delete(target) for target in node.targets]
            case ast.Expr():
                return [self._alone(node.value, at)]
            case ast.Pass():
                return []
            case ast.Global():
                raise self.error(
                    node, "global behind other statements is not allowed", "write it at the start of the function"
                )
        raise self.error(node, *advice.of_statement(node))

    def _if(self, node: ast.If, at: Place) -> Statement:
        condition = self.condition(node.test)
        before = self.frame.assigned
        then = self._block(node.body)
        after_then, self.frame.assigned = self.frame.assigned, before
        otherwise = self._block(node.orelse)
        self.frame.assigned &= after_then
        return If(at, condition, then, otherwise)

    def _while(self, node: ast.While, at: Place) -> Statement:
        self._no_else(node)
        condition = self.condition(node.test)
        before = self.frame.assigned
        body, loop = self._turn(node.body)
        is_endless = isinstance(condition, Constant) and condition.value is True
        self.frame.assigned = loop.assigned if is_endless else before
        return While(at, condition, body)

    def _for(self, node: ast.For, at: Place) -> Statement:
        self._no_else(node)
        target, bounds = node.target, self._range(node.iter)
        if not isinstance(target, ast.Name):
            raise self.error(target, "a loop over several names is not allowed", "write for i in range(…)")
        if target.id in self.frame.globals:
            raise self.error(target, f"{target.id}, which is storage, as a loop variable", "use a local variable")
        before = self.frame.assigned
        # a range's end is evaluated before the variable has its first value
        counter = self.set_local(target, Constant(self.source.place(target), Type.INT, 0))
        assert isinstance(counter, Assign), "a local is assigned"
        body, _ = self._turn(node.body)
        self.frame.assigned = before
        start, stop, step = bounds
        return For(at, counter.index, start, stop, step, body)

    def _turn(self, nodes: list[ast.stmt]) -> tuple[tuple[Statement, ...], _Loop]:
        loop = _Loop()
        self._loops.append(loop)
        body = self._block(nodes)
        self._loops.pop()
        return body, loop

    def _no_else(self, node: ast.While | ast.For) -> None:
        if node.orelse:
            raise self.error(
                node.orelse[0], "else behind a loop is not allowed", "keep in a bool whether the loop was left by break"
            )

    def _range(self, node: ast.expr) -> tuple[Expression, Expression, Expression]:
        is_range = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"
        if not isinstance(node, ast.Call) or not is_range:
            raise self.error(
                node, "a loop over something else than a range is not allowed", "write for i in range(len(data))"
            )
        if node.keywords or not 1 <= len(node.args) <= 3 or any(isinstance(one, ast.Starred) for one in node.args):
            raise self.error(
                node, "range without one, two or three ints", "write range(stop) or range(start, stop, step)"
            )
        at = self.source.place(node)
        bounds = [self.of_type(argument, Type.INT, "an argument of range") for argument in node.args]
        if len(bounds) == 3 and isinstance(bounds[2], Constant) and bounds[2].value == 0:
            raise self.error(node.args[2], "range with a step of zero", "write a step that is not zero")
        if len(bounds) == 1:
            bounds.insert(0, Constant(at, Type.INT, 0))
        if len(bounds) == 2:
            bounds.append(Constant(at, Type.INT, 1))
        start, stop, step = bounds
        return start, stop, step

    def _jump(self, node: ast.Break | ast.Continue, at: Place) -> Statement:
        word = "break" if isinstance(node, ast.Break) else "continue"
        if not self._loops:
            raise self.error(node, f"{word} outside of a loop", "write return")
        if word == "break":
            self._loops[-1].assigned &= self.frame.assigned
        self.frame.assigned = NOWHERE
        return Break(at) if word == "break" else Continue(at)

    def _return(self, node: ast.Return, at: Place) -> Statement:
        returns = self.frame.signature.returns
        is_none = node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
        value = None
        if node.value is not None and not is_none:
            if returns is Type.NONE:
                raise self.error(node, "a result of a function that returns None", "write return alone, or -> int:")
            value = self.of_type(node.value, returns, f"the result of {self.frame.signature.name}")
        elif returns is not Type.NONE:
            raise self.error(node, "return without a result", f"write return and a value of type {returns.value}")
        self.frame.assigned = NOWHERE
        return Return(at, value)

    def _assert(self, node: ast.Assert, at: Place) -> Statement:
        if isinstance(node.test, ast.Tuple):
            raise self.error(
                node.test, "a tuple as a condition is not allowed", 'write assert condition, "reason" without brackets'
            )
        condition = self.condition(node.test)
        if node.msg is not None:
            reason = self.of_type(node.msg, Type.STR, "a reason")
        else:
            reason = Constant(at, Type.STR, self.source.segment(node.test)[:REASON_CHARACTERS_MOST])
        if isinstance(condition, Constant) and condition.value is False:
            self.frame.assigned = NOWHERE
        return Assert(at, condition, reason)

    def _alone(self, node: ast.expr, at: Place) -> Statement:
        """An expression in a line of its own."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            raise self.error(node, "a string in a line of its own is not allowed", "write a comment: # …")
        if isinstance(node, ast.Constant) and node.value is ...:
            raise self.error(node, "... as a statement is not allowed", "write pass")
        if not isinstance(node, ast.Call):
            if type(node) in advice.REFUSED_EXPRESSIONS:
                raise self.error(node, *advice.of_expression(node))
            self.expression(node)
            raise self.error(node, "a value that nobody uses", "assign it, or remove it")
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in self.frame.assigned_names and isinstance(self.module.symbols.get(name), Imported):
            if name == "log":
                return self._log(node, at)
            if name == "pay":
                account, amount = self.arguments(node, name, _PAY)
                self.frame.effects.append(Effect(at, "pays"))
                return Pay(at, account, amount)
        return Evaluate(at, self.expression(node))

    def _log(self, node: ast.Call, at: Place) -> Statement:
        event = node.args[0] if len(node.args) == 1 and not node.keywords else None
        name = event.func.id if isinstance(event, ast.Call) and isinstance(event.func, ast.Name) else ""
        declared = self.module.symbols.get(name)
        if not isinstance(event, ast.Call) or not isinstance(declared, EventType):
            raise self.error(
                node, "log without an event", "write log(Transfer(to=to, units=units)) of a declared Event"
            )
        self.frame.effects.append(Effect(at, f"logs {name}"))
        return Log(at, declared, self.arguments(event, name, declared.fields))


def split_documentation(body: list[ast.stmt]) -> tuple[list[ast.stmt], str]:
    """A body without its docstring, and the docstring."""
    match body:
        case [ast.Expr(value=ast.Constant(value=str() as text)), *rest]:
            return rest, " ".join(text.split())
    return body, ""


def _targets(node: ast.stmt) -> list[ast.Name]:
    """The names that a statement assigns."""
    match node:
        case ast.Assign():
            targets = node.targets
        case ast.AnnAssign() | ast.AugAssign() | ast.For():
            targets = [node.target]
        case _:
            targets = []
    return [target for target in targets if isinstance(target, ast.Name)]
