"""Decorators: what they say of an exported function."""

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from accountant.language.checking import constants
from accountant.language.checking.scope import Imported, Module
from accountant.language.tree import CallerRule, Constant, Export, Field, Touch, TouchKind, Variable
from accountant.language.types import Type

Evaluate = Callable[[ast.expr], Constant]
"""Computes a constant expression, or raises `ContractError`."""

_PLAIN = ("export", "view", "payable", "zero_cost", "direct")
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "gas": ("least", "most"),
    "nested": ("times", "debits"),
    "memory": ("most",),
}
_ALL = (*_PLAIN, "only", *_ARGUMENTS, "touches")
_TOUCHES: dict[str, tuple[str, ...]] = {
    "reads": ("variable", "most"),
    "writes": ("variable", "most"),
    **dict.fromkeys(("debits", "credits", "calls", "bounds", "queries", "blobs"), ("most",)),
}
_CONSTRUCTOR = "init"
_CONSTRUCTOR_MAY = ("payable", "zero_cost", "gas", "memory", "touches")
_VIEW_MAY = ("view", "direct", "only", "gas", "nested", "touches")
_VIEW_TOUCHES = (TouchKind.READS, TouchKind.CALLS, TouchKind.BOUNDS, TouchKind.QUERIES, TouchKind.BLOBS)
GAS_MOST = 2**62


class _Head(NamedTuple):
    """What the decorators of a function are read with."""

    module: Module
    node: ast.FunctionDef
    parameters: tuple[Field, ...]
    constant: Evaluate


def read_export(
    module: Module, node: ast.FunctionDef, parameters: tuple[Field, ...], constant: Evaluate
) -> Export | None:
    """What they say; None for an undecorated function that is not the constructor. Raises `ContractError`."""
    head = _Head(module, node, parameters, constant)
    given: dict[str, ast.expr] = {}
    for decorator in node.decorator_list:
        name = _name(head, decorator)
        if name in given:
            raise module.source.error(decorator, f"@{name} twice", "write it once")
        given[name] = decorator
    _check_together(head, given)
    if not given and node.name != _CONSTRUCTOR:
        return None
    export = Export(
        view="view" in given,
        payable="payable" in given or "zero_cost" in given,
        zero_cost="zero_cost" in given,
        direct="direct" in given,
    )
    for name, read in _READERS.items():
        if isinstance(call := given.get(name), ast.Call):
            export = read(head, export, call)
    if export.direct:
        export = replace(export, nested_times=0)
    return export


def _name(head: _Head, decorator: ast.expr) -> str:
    """Which decorator it is."""
    source = head.module.source
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.id if isinstance(called, ast.Name) else ""
    if name not in _ALL:
        what = f"the decorator @{name}" if name else "a decorator that is no name"
        raise source.error(decorator, what, "there are " + ", ".join("@" + known for known in _ALL))
    if not isinstance(head.module.symbols.get(name), Imported):
        raise source.error(decorator, f"{name} is not imported", f"write from accountant.language import {name}")
    if name in _PLAIN and isinstance(decorator, ast.Call):
        raise source.error(decorator, f"brackets behind @{name}", f"write @{name}")
    if name not in _PLAIN and not isinstance(decorator, ast.Call):
        raise source.error(decorator, f"@{name} without arguments", f"write @{name}(…)")
    return name


def _check_together(head: _Head, given: dict[str, ast.expr]) -> None:
    source, node = head.module.source, head.node
    for name, decorator in given.items():
        if node.name == _CONSTRUCTOR and name not in _CONSTRUCTOR_MAY:
            raise source.error(
                decorator,
                f"@{name} on the constructor is not allowed",
                "remove it: init runs once, when the contract is deployed",
            )
        if "view" in given and name not in _VIEW_MAY:
            instead = "write @export alone, or @view alone" if name == "export" else "write @export instead of @view"
            raise source.error(decorator, f"@{name} on a view is not allowed", instead)
    if given and node.name != _CONSTRUCTOR and "export" not in given and "view" not in given:
        decorator = next(iter(given.values()))
        raise source.error(decorator, "a decorated function that nobody can call", "add @export, or @view")
    if "direct" in given and "nested" in given:
        raise source.error(given["nested"], "@nested on a direct function is not allowed", "remove @nested or @direct")
    if "payable" in given and "zero_cost" in given:
        raise source.error(
            given["payable"], "@payable beside @zero_cost is not allowed", "write @zero_cost alone, which implies it"
        )


def _only(head: _Head, export: Export, call: ast.Call) -> Export:
    source = head.module.source
    if call.keywords or not call.args:
        raise source.error(call, "@only without callers", 'write @only(deployer) or @only("0x…")')
    deployers = [argument for argument in call.args if isinstance(argument, ast.Name) and argument.id == "deployer"]
    if deployers:
        if not head.module.imports("deployer"):
            instead = "write from accountant.language import deployer"
            raise source.error(deployers[0], "deployer is not imported", instead)
        if len(call.args) > 1:
            raise source.error(
                call, "the deployer beside other callers is not allowed", "write @only(deployer), or accounts alone"
            )
        return replace(export, callers=CallerRule.DEPLOYER)
    listed: list[bytes] = []
    for argument in call.args:
        account = _account(head, argument)
        if account in listed:
            raise source.error(argument, "the same caller twice", "write it once")
        listed.append(account)
    return replace(export, callers=CallerRule.LISTED, listed=tuple(listed))


def _account(head: _Head, argument: ast.expr) -> bytes:
    constant = head.constant(argument)
    if constant.type is Type.STR and isinstance(constant.value, str):
        try:
            return constants.named(constant.value, Type.ACCOUNT)
        except constants.NotConstant as error:
            raise head.module.source.error(argument, error.what, error.instead) from None
    if constant.type in (Type.ADDRESS, Type.CONTRACT, Type.ACCOUNT) and isinstance(constant.value, bytes):
        return constant.value
    raise head.module.source.error(argument, f"{constant.type.value} as a caller", 'write "0x…" or a constant Address')


def _gas(head: _Head, export: Export, call: ast.Call) -> Export:
    given = _named(head, call, "gas")
    least = _count(head, given.get("least"), GAS_MOST)
    most = _count(head, given.get("most"), GAS_MOST)
    if least is not None and most is not None and least > most:
        raise head.module.source.error(call, f"least={least} above most={most}", "write the smaller one as least")
    return replace(export, gas_least=least, gas_most=most)


def _nested(head: _Head, export: Export, call: ast.Call) -> Export:
    given = _named(head, call, "nested")
    times = _count(head, given.get("times"))
    if times is None:
        raise head.module.source.error(call, "@nested without a number of calls", "write @nested(2)")
    return replace(export, nested_times=times, nested_debits=_count(head, given.get("debits")))


def _memory(head: _Head, export: Export, call: ast.Call) -> Export:
    most = _count(head, _named(head, call, "memory").get("most"))
    if most is None:
        raise head.module.source.error(call, "@memory without a number of bytes", "write @memory(2**28)")
    return replace(export, memory=most)


def _touches(head: _Head, export: Export, call: ast.Call) -> Export:
    source = head.module.source
    if call.keywords or not call.args:
        raise source.error(call, "@touches without statements", "write @touches(reads(variable, most), calls(1))")
    statements: list[Touch] = []
    for argument in call.args:
        touch = _touch(head, argument)
        if export.view and touch.kind not in _VIEW_TOUCHES:
            raise source.error(argument, f"{touch.kind.value} of a view", "write @export instead of @view")
        if any((touch.kind, touch.variable) == (other.kind, other.variable) for other in statements):
            raise source.error(argument, f"{touch.kind.value} stated twice", "state it once, with the larger number")
        statements.append(touch)
    return replace(export, touches=tuple(statements))


def _touch(head: _Head, argument: ast.expr) -> Touch:
    source = head.module.source
    name = argument.func.id if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Name) else ""
    if not isinstance(argument, ast.Call) or name not in _TOUCHES:
        raise source.error(
            argument, "no statement of @touches", "there are " + ", ".join(f"{key}(…)" for key in _TOUCHES)
        )
    if not head.module.imports(name):
        raise source.error(argument, f"{name} is not imported", f"write from accountant.language import {name}")
    given = _named(head, argument, name)
    kind = TouchKind(name)
    variable = _variable(head, argument, given.get("variable")) if "variable" in _TOUCHES[name] else None
    if kind is TouchKind.DEBITS:
        return Touch(source.place(argument), kind, _cap(head, argument, given.get("most")))
    most = _count(head, given.get("most"))
    return Touch(source.place(argument), kind, 1 if most is None else most, variable)


def _variable(head: _Head, call: ast.Call, argument: ast.expr | None) -> Variable:
    variable = head.module.symbols.get(argument.id) if isinstance(argument, ast.Name) else None
    if not isinstance(variable, Variable):
        raise head.module.source.error(
            argument or call, "no storage variable", "name one that is declared above: reads(balances, 2)"
        )
    return variable


def _cap(head: _Head, call: ast.Call, argument: ast.expr | None) -> int | str:
    source = head.module.source
    if argument is None:
        raise source.error(call, "debits without a cap", 'write debits(1000), debits("units") or debits("value")')
    constant = head.constant(argument)
    if not isinstance(constant.value, str):
        cap = _count(head, argument)
        assert cap is not None, "the argument is there"
        return cap
    if constant.value == "value" or Field(constant.value, Type.INT) in head.parameters:
        return constant.value
    raise source.error(
        argument, f"{constant.value[:40]!r} as a cap", 'name a parameter that is an int, or write "value" or a number'
    )


def _named(head: _Head, call: ast.Call, name: str) -> dict[str, ast.expr]:
    """Arguments by the names of parameters."""
    source = head.module.source
    parameters = _ARGUMENTS.get(name) or _TOUCHES[name]
    shown = f"write {name}({', '.join(parameters)})"
    if len(call.args) > len(parameters):
        raise source.error(call.args[len(parameters)], f"too many arguments of {name}", shown)
    given: dict[str, ast.expr] = dict(zip(parameters, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg not in parameters or keyword.arg in given:
            raise source.error(keyword, f"the argument {keyword.arg or '**'} of {name}", shown)
        given[keyword.arg] = keyword.value
    return given


def _count(head: _Head, argument: ast.expr | None, most: int = 2**63 - 1) -> int | None:
    """A number that is not negative, if it is given."""
    if argument is None:
        return None
    constant = head.constant(argument)
    if constant.type is not Type.INT or not isinstance(constant.value, int):
        raise head.module.source.error(argument, f"{constant.type.value} as a number", "write an int")
    if not 0 <= constant.value <= most:
        raise head.module.source.error(argument, f"{constant.value} as a number", f"write a number from 0 to {most}")
    return constant.value


_READERS: dict[str, Callable[[_Head, Export, ast.Call], Export]] = {
    "only": _only,
    "gas": _gas,
    "nested": _nested,
    "memory": _memory,
    "touches": _touches,
}
