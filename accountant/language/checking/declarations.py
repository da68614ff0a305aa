"""The module level: imports, constants, storage, events, interfaces, and the heads of functions."""

import ast

import accountant.language as language
from accountant.language.checking import advice
from accountant.language.checking.call_checker import CallChecker
from accountant.language.checking.headers import check_values, read_parameters, read_result, read_signature
from accountant.language.checking.hints import TYPE_NAMES, local_type, storage_type, value_type
from accountant.language.checking.scope import BUILTINS, Imported, Module, Symbol
from accountant.language.checking.source import Source
from accountant.language.checking.statement_checker import split_documentation
from accountant.language.tree import Constant, EventType, Expression, Field, Interface, Method, Variable

_ELSEWHERE = "elsewhere"
_LANGUAGE = "accountant.language"
_TYPING = "typing"
_FINAL = "Final"


def read_declarations(source: Source) -> tuple[Module, str]:
    """The names of a contract, and its docstring. Raises `ContractError`."""
    reader = _Reader(source)
    body, documentation = split_documentation(source.tree.body)
    before: ast.stmt | None = None
    for node in body:
        reader.statement(node, before)
        before = node
    return reader.module, documentation


class _Reader:
    """Reads declarations in their order: a name means what was declared above it."""

    def __init__(self, source: Source) -> None:
        self.module = Module(source)
        self._source = source
        self._constants = CallChecker(self.module, None)

    def statement(self, node: ast.stmt, before: ast.stmt | None) -> None:
        """One statement. `before`: the one above it."""
        match node:
            case ast.ImportFrom():
                self._import(node)
            case ast.Import():
                raise self._source.error(node, "import is not allowed", "write from accountant.language import …")
            case ast.Assign(targets=[ast.Name() as target]):
                self._constant(target, node.value, None)
            case ast.AnnAssign(target=ast.Name() as target):
                self._annotated(node, target)
            case ast.ClassDef():
                self._class(node)
            case ast.FunctionDef():
                self._declare(node.name, read_signature(self.module, node, self._evaluate), node)
            case ast.Expr(value=ast.Constant(value=str())) if isinstance(before, ast.Assign | ast.AnnAssign):
                pass  # it documents the declaration above
            case _:
                self._refuse(node)

    def _refuse(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                what, instead = "a string in a line of its own is not allowed", "write a comment: # …"
            case ast.AsyncFunctionDef():
                what, instead = "async is not allowed", "write a plain def"
            case ast.Assign():
                what, instead = "an assignment to this is not allowed", "write NAME = value, one in a line"
            case ast.AugAssign() | ast.Delete():
                what, instead = "a change at module level is not allowed", "change storage inside functions"
            case _:
                what = "a statement at module level is not allowed"
                instead = "move it into a function; init runs once, when the contract is deployed"
        raise self._source.error(node, what, instead)

    def _declare(self, name: str, symbol: Symbol, node: ast.AST) -> None:
        first = self.module.places.get(name)
        if first is not None:
            raise self._source.error(
                node, f"a second {name}, after the one in line {first.line}", "choose another name"
            )
        if name in BUILTINS:
            raise self._source.error(node, f"{name} as a name of one's own", "choose another name")
        if name.startswith("__"):
            instead = "choose a name that does not begin with two underscores"
            raise self._source.error(node, f"the name {name} is not allowed", instead)
        self.module.symbols[name] = symbol
        self.module.places[name] = self._source.place(node)

    def _import(self, node: ast.ImportFrom) -> None:
        known = {_LANGUAGE: tuple(language.__all__), _TYPING: (_FINAL,)}
        if node.level or node.module not in known:
            what = f"an import from {'.' * node.level}{node.module or ''} is not allowed"
            raise self._source.error(node, what, f"contracts import from {_LANGUAGE} alone")
        for alias in node.names:
            if alias.name == "*":
                raise self._source.error(alias, "import * is not allowed", "name what is imported")
            if alias.asname is not None:
                raise self._source.error(
                    alias, f"{alias.name} under another name is not allowed", f"write import {alias.name}"
                )
            if alias.name not in known[node.module]:
                what = f"{alias.name}, which {node.module} does not have for contracts"
                instead = "write from typing import Final" if node.module == _TYPING else self._close(alias.name)
                raise self._source.error(alias, what, instead)
            self._declare(alias.name, Imported(self._source.place(alias), alias.name), alias)

    def _close(self, name: str) -> str:
        close = advice.closest(name, language.__all__)
        return f"write {close}" if close else "choose what docs/contracts.md lists"

    def _annotated(self, node: ast.AnnAssign, target: ast.Name) -> None:
        is_final, hint = self._final(node.annotation)
        if node.value is not None:
            self._constant(target, node.value, hint)
            return
        if is_final:
            raise self._source.error(node, f"the constant {target.id} without a value", f"write {target.id}: Final = 1")
        if hint is None or not node.simple:
            raise self._source.error(node, "a declaration in brackets is not allowed", f"write {target.id}: int")
        at = self._source.place(target)
        self._declare(target.id, Variable(at, target.id, storage_type(self.module, hint)), target)

    def _final(self, annotation: ast.expr) -> tuple[bool, ast.expr | None]:
        """Whether the hint says Final, and the type that it says."""
        match annotation:
            case ast.Name(id=name) if name == _FINAL and self.module.imports(_FINAL):
                return True, None
            case ast.Subscript(value=ast.Name(id=name), slice=hint) if name == _FINAL and self.module.imports(_FINAL):
                return True, hint
            case ast.Name(id=name) if name == _FINAL:
                raise self._source.error(annotation, "Final is not imported", "write from typing import Final")
        return False, annotation

    def _constant(self, target: ast.Name, value: ast.expr, hint: ast.expr | None) -> None:
        if isinstance(hint, ast.Subscript):
            raise self._source.error(value, f"a value for the map {target.id} is not allowed", "fill it in init")
        wanted = None if hint is None else local_type(self.module, hint)
        constant = self._evaluate(value)
        if wanted is not None:
            fitting = self._constants.fitting(constant, wanted, target.id)
            assert isinstance(fitting, Constant), "a constant stays one"
            constant = fitting
        at = self._source.place(target)
        self._declare(target.id, Constant(at, wanted or constant.type, constant.value), target)

    def _evaluate(self, node: ast.expr) -> Constant:
        value: Expression = self._constants.value(node)
        if not isinstance(value, Constant):
            raise self._source.error(node, "a value that is not constant", "write literals and constants")
        return value

    def _class(self, node: ast.ClassDef) -> None:
        bases = [base.id if isinstance(base, ast.Name) else "" for base in node.bases]
        base = bases[0] if len(bases) == 1 else ""
        if base not in ("Event", "Interface") or node.keywords or getattr(node, "type_params", None):
            raise self._source.error(
                node,
                f"the class {node.name} is no Event and no Interface",
                f"write class {node.name}(Event): or class {node.name}(Interface):",
            )
        if not self.module.imports(base):
            raise self._source.error(node, f"{base} is not imported", f"write from {_LANGUAGE} import {base}")
        if node.decorator_list:
            raise self._source.error(node.decorator_list[0], "a decorator on a class is not allowed", "remove it")
        read = self._event if base == "Event" else self._interface
        self._declare(node.name, read(node), node)

    def _event(self, node: ast.ClassDef) -> EventType:
        body, _ = split_documentation(node.body)
        fields: dict[str, Field] = {}
        for at, part in enumerate(body):
            match part:
                case ast.AnnAssign(target=ast.Name(id=name), value=None, simple=1):
                    self._member(part, name, fields)
                    fields[name] = Field(name, value_type(self.module, part.annotation, "a field of an event"))
                case ast.Expr(value=ast.Constant(value=str())) if at and isinstance(body[at - 1], ast.AnnAssign):
                    pass  # it documents the field above
                case ast.Pass():
                    pass
                case ast.AnnAssign():
                    raise self._source.error(part, "a default value of a field is not allowed", "give it in log(…)")
                case _:
                    raise self._source.error(
                        part, "something in an event that is no field is not allowed", "write units: int"
                    )
        return EventType(self._source.place(node), node.name, tuple(fields.values()))

    def _interface(self, node: ast.ClassDef) -> Interface:
        body, _ = split_documentation(node.body)
        methods: dict[str, Method] = {}
        for part in body:
            if not isinstance(part, ast.FunctionDef):
                instead = "write def transfer(self, to: Account, units: int) -> bool: elsewhere()"
                raise self._source.error(part, "something in an interface that is no function is not allowed", instead)
            self._member(part, part.name, methods)
            methods[part.name] = self._method(part)
        if not methods:
            raise self._source.error(node, f"the interface {node.name} without functions", "declare those you call")
        return Interface(self._source.place(node), node.name, tuple(methods.values()))

    def _member(self, node: ast.AST, name: str, others: dict[str, Field] | dict[str, Method]) -> None:
        if name in others:
            raise self._source.error(node, f"a second {name}", "choose another name")
        if name in TYPE_NAMES or name.startswith("__") or name == "self":
            raise self._source.error(node, f"{name} as a name", "choose another name")

    def _method(self, node: ast.FunctionDef) -> Method:
        if node.decorator_list:
            raise self._source.error(node.decorator_list[0], "a decorator in an interface is not allowed", "remove it")
        arguments = node.args
        if not arguments.args or arguments.args[0].arg != "self" or arguments.args[0].annotation is not None:
            raise self._source.error(node, f"{node.name} without self", f"write def {node.name}(self, …)")
        rest = ast.arguments(
            posonlyargs=arguments.posonlyargs,
            args=arguments.args[1:],
            vararg=arguments.vararg,
            kwonlyargs=arguments.kwonlyargs,
            kw_defaults=arguments.kw_defaults,
            kwarg=arguments.kwarg,
            defaults=arguments.defaults,
        )
        parameters = read_parameters(self.module, rest)
        for parameter, argument in zip(parameters, rest.args, strict=True):
            if parameter.name == "self":
                raise self._source.error(argument, "a second self", "choose another name")
        returns = read_result(self.module, node)
        check_values(self.module, node, parameters, returns, "another contract's function")
        self._empty(node)
        return Method(node.name, parameters, returns)

    def _empty(self, node: ast.FunctionDef) -> None:
        """Raises `ContractError` unless the body says that it is elsewhere."""
        body, documentation = split_documentation(node.body)
        match body:
            case [] if documentation:
                return
            case [ast.Expr(value=ast.Constant(value=value))] if value is ...:
                return
            case [ast.Expr(value=ast.Call(func=ast.Name(id=name), args=[], keywords=[]))] if name == _ELSEWHERE:
                if not self.module.imports(_ELSEWHERE):
                    instead = f"write from {_LANGUAGE} import {_ELSEWHERE}"
                    raise self._source.error(body[0], f"{_ELSEWHERE} is not imported", instead)
                return
        place = body[0] if body else node
        raise self._source.error(
            place, f"a body of {node.name}, which another contract has", "write elsewhere() and nothing else"
        )
