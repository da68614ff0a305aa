"""The heads of functions: parameters, results and decorators."""

import ast
from collections.abc import Iterator

from accountant.language.checking.decorators import Evaluate, read_export
from accountant.language.checking.hints import checked_value, local_type, result_type
from accountant.language.checking.scope import BUILTINS, Imported, Module, Signature
from accountant.language.checking.source import Source
from accountant.language.tree import Constant, EventType, Field, Interface, Variable
from accountant.language.types import Type

CONSTRUCTOR = "init"
_TAKEN_BY_THE_MODULE = "memory"


def read_signature(module: Module, node: ast.FunctionDef, constant: Evaluate) -> Signature:
    """A function's head. `constant` evaluates constant expressions. Raises `ContractError`."""
    source = module.source
    _refuse_type_parameters(source, node)
    parameters = read_parameters(module, node.args)
    returns = read_result(module, node)
    export = read_export(module, node, parameters, constant)
    if export is not None:
        check_values(module, node, parameters, returns, "an exported function")
    if node.name == CONSTRUCTOR and returns is not Type.NONE:
        raise source.error(node, f"a constructor that returns {returns.value} is not allowed", "write -> None")
    if export is not None and node.name == _TAKEN_BY_THE_MODULE:
        raise source.error(node, "an exported function called memory is not allowed", "choose another name")
    return Signature(source.place(node), node.name, parameters, returns, export, node)


def check_values(module: Module, node: ast.FunctionDef, parameters: tuple[Field, ...], returns: Type, of: str) -> None:
    """Raises `ContractError` where a parameter or the result is of a type that only the contract's own functions pass.

    `of`: what the function is.
    """
    arguments = node.args.args[len(node.args.args) - len(parameters) :]
    for parameter, argument in zip(parameters, arguments, strict=True):
        assert argument.annotation is not None, "looked at before"
        checked_value(module, argument.annotation, parameter.type, f"a parameter of {of}")
    assert node.returns is not None, "looked at before"
    checked_value(module, node.returns, returns, f"the result of {of}")


def read_parameters(module: Module, arguments: ast.arguments) -> tuple[Field, ...]:
    """The parameters, all of them plain and with hints."""
    source = module.source
    for other, what in ((arguments.vararg, "*"), (arguments.kwarg, "**")):
        if other is not None:
            raise source.error(other, f"the parameter {what}{other.arg} is not allowed", "name every parameter")
    for separate, what in ((arguments.posonlyargs, "/"), (arguments.kwonlyargs, "*")):
        if separate:
            raise source.error(separate[0], f"{what} among the parameters is not allowed", "write plain parameters")
    for default in _defaults(arguments):
        raise source.error(default, "a default argument is not allowed", "let callers give every argument")
    seen: set[str] = set()
    for argument in arguments.args:
        if argument.annotation is None and argument.arg == "self":
            raise source.error(argument, "the parameter self is not allowed", "remove it: the file is the contract")
        if argument.annotation is None:
            raise source.error(argument, f"the parameter {argument.arg} without a type", f"write {argument.arg}: int")
        if argument.arg in seen:
            raise source.error(argument, f"two parameters called {argument.arg}", "give each its own name")
        seen.add(argument.arg)
    return tuple(Field(argument.arg, _hint(module, argument.annotation)) for argument in arguments.args)


def read_result(module: Module, node: ast.FunctionDef) -> Type:
    """The type of the result."""
    if node.returns is None:
        raise module.source.error(node, f"{node.name} without a type of result", "write -> None: or -> int:")
    return result_type(module, node.returns)


def check_local_name(module: Module, name: str, node: ast.AST) -> None:
    """Raises `ContractError` unless a parameter or local may be called so."""
    source = module.source
    if name in BUILTINS:
        raise source.error(node, f"{name} as a name of one's own", "choose another name")
    if name.startswith("__"):
        raise source.error(
            node, f"the name {name} is not allowed", "choose a name that does not begin with two underscores"
        )
    match module.symbols.get(name):
        case Imported():
            raise source.error(node, f"{name} for something else than what is imported", "choose another name")
        case Variable():
            raise source.error(node, f"{name}, which is a storage variable, as a parameter", "choose another name")
        case Constant():
            raise source.error(node, f"{name}, which is a constant, as a variable", "choose another name")
        case EventType() | Interface():
            raise source.error(node, f"{name}, which is a class, as a variable", "choose another name")


def _hint(module: Module, annotation: ast.expr | None) -> Type:
    assert annotation is not None, "looked at before"
    return local_type(module, annotation)


def _defaults(arguments: ast.arguments) -> Iterator[ast.expr]:
    yield from arguments.defaults
    yield from (default for default in arguments.kw_defaults if default is not None)


def _refuse_type_parameters(source: Source, node: ast.AST) -> None:
    if getattr(node, "type_params", None):
        raise source.error(node, "type parameters are not allowed", "write the types")
