"""What an author may try that contract Python does not have, and what to write instead."""

import ast
import difflib
from collections.abc import Iterable
from typing import NamedTuple

import accountant.language as language


class Advice(NamedTuple):
    """What is refused, and what to write instead."""

    what: str
    instead: str


_FAIL = 'write assert condition, "reason": a failing call undoes everything'
_COLLECTION = "keep the values in storage, in a Map with int keys and a count beside it"
_ONE_BY_ONE = "give every value its own name"
_TOP = "declare it at the top of the file"

_STATEMENTS: dict[type[ast.stmt], Advice] = {
    ast.FunctionDef: Advice("a function inside a function is not allowed", "write it at module level"),
    ast.AsyncFunctionDef: Advice("async is not allowed", "write a plain def; calls run one after the other"),
    ast.ClassDef: Advice("a class inside a function is not allowed", "events and interfaces stand at module level"),
    ast.Try: Advice("try is not allowed", "check with if before; " + _FAIL),
    ast.TryStar: Advice("try is not allowed", "check with if before; " + _FAIL),
    ast.Raise: Advice("raise is not allowed", 'write assert False, "reason"'),
    ast.With: Advice("with is not allowed", "call functions directly"),
    ast.AsyncWith: Advice("async is not allowed", "call functions directly"),
    ast.AsyncFor: Advice("async is not allowed", "write for … in range(…)"),
    ast.Match: Advice("match is not allowed", "write if, elif and else"),
    ast.Import: Advice(
        "an import inside a function is not allowed", "import at the top: from accountant.language import …"
    ),
    ast.ImportFrom: Advice("an import inside a function is not allowed", "import at the top of the file"),
    ast.Nonlocal: Advice("nonlocal is not allowed", "storage variables are declared global"),
}

REFUSED_EXPRESSIONS: dict[type[ast.expr], Advice] = {
    ast.NamedExpr: Advice("an assignment inside an expression is not allowed", "assign in a statement before"),
    ast.Lambda: Advice("lambda is not allowed", "write a function with def and call it by its name"),
    ast.Dict: Advice("a dict is not allowed", "declare a Map in storage: balances: Map[Account, int]"),
    ast.Set: Advice("a set is not allowed", "declare a Map to bool in storage: members: Map[Account, bool]"),
    ast.List: Advice("a list is not allowed", _COLLECTION),
    ast.Tuple: Advice("a tuple is not allowed", _ONE_BY_ONE),
    ast.ListComp: Advice("a list comprehension is not allowed", "write a for loop over range(…)"),
    ast.SetComp: Advice("a set comprehension is not allowed", "write a for loop over range(…)"),
    ast.DictComp: Advice("a dict comprehension is not allowed", "write a for loop over range(…)"),
    ast.GeneratorExp: Advice("a generator is not allowed", "write a for loop over range(…)"),
    ast.Await: Advice("await is not allowed", "call the function directly"),
    ast.Yield: Advice("yield is not allowed", "return one value"),
    ast.YieldFrom: Advice("yield is not allowed", "return one value"),
    ast.Starred: Advice("a starred expression is not allowed", _ONE_BY_ONE),
    ast.Slice: Advice("a slice here is not allowed", "slice bytes or str: data[start:stop]"),
}

_FUNCTIONS: dict[str, str] = {
    "print": "write log(…) with an Event",
    "sum": "add up in a for loop over range(…)",
    "any": "write a for loop, or conditions joined by or",
    "all": "write a for loop, or conditions joined by and",
    "sorted": "keep values in order as you store them",
    "enumerate": "write for i in range(…)",
    "zip": "write for i in range(…)",
    "reversed": "write for i in range(stop, -1, -1)",
    "map": "write a for loop over range(…)",
    "filter": "write a for loop with an if",
    "iter": "write for i in range(…)",
    "next": "write for i in range(…)",
    "list": _COLLECTION,
    "tuple": _ONE_BY_ONE,
    "dict": "declare a Map in storage",
    "set": "declare a Map to bool in storage",
    "frozenset": "declare a Map to bool in storage",
    "bytearray": 'write bytes: b"…", joined with +',
    "memoryview": "slice bytes: data[start:stop]",
    "complex": "count in the smallest unit, as int",
    "round": "divide with //",
    "divmod": "write a // b and a % b",
    "pow": "write a ** b",
    "hex": "write .hex() of bytes",
    "bin": "write str(number)",
    "oct": "write str(number)",
    "ord": "write text.encode()[0]",
    "chr": "write the letter as a str",
    "hash": "write sha256(data)",
    "id": "keep a number in storage",
    "repr": "write str(number)",
    "format": 'put it together with +: "to " + str(number)',
    "ascii": "write str(number)",
    "isinstance": "types are known from the hints",
    "issubclass": "types are known from the hints",
    "type": "types are known from the hints",
    "callable": "call functions by their names",
    "getattr": "write the name itself",
    "setattr": "write an assignment",
    "hasattr": "write key in map",
    "delattr": "write del map[key]",
    "object": "write one of the types of accountant.language",
    "super": "contracts have no classes: call functions by their names",
    "input": "make it a parameter of the function",
    "open": "make the content a parameter of the function",
    "exec": "write the statements themselves",
    "eval": "write the expression itself",
    "compile": "write the expression itself",
    "globals": "write the name itself",
    "locals": "write the name itself",
    "vars": "write the name itself",
    "dir": "write the name itself",
    "exit": _FAIL,
    "quit": _FAIL,
    "slice": "write data[start:stop]",
    "Exception": _FAIL,
    "ValueError": _FAIL,
    "RuntimeError": _FAIL,
    "AssertionError": _FAIL,
    "KeyError": _FAIL,
    "NotImplementedError": _FAIL,
    "NotImplemented": _FAIL,
    "Ellipsis": "write pass for an empty block",
    "__name__": "a contract is never run as a program; remove it",
    "__debug__": "an assert always counts; remove it",
}

_HINTS: dict[str, str] = {
    "complex": "write int, and count in the smallest unit",
    "Decimal": "write int, and count in the smallest unit",
    "list": "write Map[int, …] in storage with a count beside it",
    "List": "write Map[int, …] in storage with a count beside it",
    "dict": "write Map[…, …] in storage",
    "Dict": "write Map[…, …] in storage",
    "set": "write Map[…, bool] in storage",
    "tuple": "write one parameter or variable for each value",
    "Tuple": "write one parameter or variable for each value",
    "Optional": "there is no None among values: write the type, and let zero or empty mean nothing",
    "Union": "write one type",
    "Any": "write the type",
    "object": "write the type",
    "bytearray": "write bytes",
    "string": "write str",
    "boolean": "write bool",
    "uint": "write int, which has 64 bits",
    "uint256": "write int, which has 64 bits",
    "address": "write Address or Account",
}

_METHODS: dict[str, str] = {
    "append": "write map[count] = value and count += 1, or nn.append(tensors, tensor)",
    "cid": "write nn.save(tensor)",
    "dims": "write tensor.dims",
    "shape": "write tensor.shape[i] of a Tensor",
    "item": "write nn.item(tensor, i)",
    "backward": "write nn.grad(loss, variables)",
    "reshape": "write nn.reshape(tensor, (2, 3))",
    "view": "write nn.reshape(tensor, (2, 3))",
    "get": "write map[key]: a key that was never set reads as zero or empty",
    "keys": "a Map cannot be walked: keep its keys in a Map[int, …]",
    "values": "a Map cannot be walked: keep its keys in a Map[int, …]",
    "items": "a Map cannot be walked: keep its keys in a Map[int, …]",
    "pop": "write del map[key]",
    "format": 'put it together with +: "to " + str(number)',
    "join": "join with +",
    "to_bytes": 'write number.to_bytes(8, "big", signed=True) of an int',
    "from_bytes": 'write int.from_bytes(data, "big")',
    "fromhex": 'write the bytes: b"\\x01\\x02"',
    "balance": "a contract cannot read balances: keep the sums in storage, or ask bound(account, theta)",
    "sender": "write caller() or sender()",
    "startswith": "compare a slice: text[:2] == …",
    "endswith": "compare a slice: text[-2:] == …",
    "transfer": "write pay(account, amount)",
    "send": "write pay(account, amount)",
}

PYTORCH: dict[str, str] = {
    "cat": "join",
    "concat": "join",
    "linear": "matmul",
    "zeros": "full",
    "ones": "full",
    "rand": "uniform",
    "randn": "normal",
    "permute": "transpose",
    "avg_pool": "mean_pool",
    "avg_pool2d": "mean_pool",
    "mse_loss": "mean_squared_error",
    "interpolate": "bilinear",
    "backward": "grad",
}
"""Operators by names that they have elsewhere."""


def of_statement(node: ast.stmt) -> Advice:
    """For a statement that no contract may have (in a function)."""
    return _STATEMENTS.get(
        type(node), Advice("this statement is not allowed", "write it with assignments, if, while, for and assert")
    )


def of_expression(node: ast.expr) -> Advice:
    """For an expression that no contract may have."""
    return REFUSED_EXPRESSIONS.get(
        type(node), Advice("this expression is not allowed", "write it with names, operators and calls")
    )


def of_method(name: str, of: str) -> Advice:
    """For an attribute or a method that values of a type do not have."""
    return Advice(
        f"{of} has no .{name}",
        _METHODS.get(
            name, "there are .decode() and .hex() of bytes, .encode() of str, .to_bytes(…) of int, .shape[i] of Tensor"
        ),
    )


def of_name(name: str, known: Iterable[str]) -> Advice:
    """For a name that means nothing."""
    if name in language.__all__:
        return Advice(f"{name} is not imported", f"write from accountant.language import {name}")
    if name in _FUNCTIONS:
        return Advice(f"{name} is not part of contract Python", _FUNCTIONS[name])
    if name in ("msg", "block", "self", "tx"):
        return Advice(f"nothing is called {name}", "write caller(), sender(), value(), height() or now()")
    if name in ("require", "revert"):
        return Advice(f"nothing is called {name}", _FAIL)
    close = closest(name, known)
    return Advice(f"nothing is called {name}", f"write {close}" if close else "declare it, or write another name")


def closest(name: str, known: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    close = difflib.get_close_matches(name[:64], sorted(known)[:1000], 1)
    return close[0] if close else None


def of_hint(name: str) -> Advice:
    """For a name that is no type."""
    if name in language.__all__ and name not in _HINTS:
        return of_name(name, ())
    types = "write int, bool, bytes, str, Address, Contract, Account, Hash or Cid"
    return Advice(f"{name} is no type of contract Python", _HINTS.get(name, types))
