"""Contracts as CPython runs them: the source itself, storage in dictionaries, integers that keep to 64 bits.

What a compiled contract does is compared with this.
"""

import ast
import copy
from collections.abc import Callable
from typing import Any, Self, get_args, get_origin

from accountant.language import names
from accountant.language.slots import Value, raw_bytes, slot_of
from accountant.language.tree import Contract
from accountant.language.types import INT_LEAST, INT_MOST, StorageType, Type
from accountant.primitives.cid import CID_BYTES
from accountant.primitives.types import ContractId
from tests.support.wat import MAIN, PREVIOUS, SENDER, call_of


class _UnsetCid(names.Cid):
    """What a variable that was never set holds: zeros, which are no CID otherwise."""

    def __new__(cls, value: bytes = bytes(CID_BYTES)) -> Self:
        return bytes.__new__(cls, value)


UNSET: dict[Any, Any] = {
    int: 0,
    bool: False,
    bytes: b"",
    str: "",
    names.Address: names.Address(bytes(20)),
    names.Account: names.Account(bytes(20)),
    names.Contract: names.Contract(bytes(32)),
    names.Hash: names.Hash(bytes(32)),
    names.Cid: _UnsetCid(),
}
TYPES = {kind: Type(kind.__name__) for kind in UNSET}


class Failure(Exception):
    """The run fails, for a reason that the source does not state."""


def fits(value: Any) -> Any:
    """The value; integers must be of 64 bits."""
    if isinstance(value, int) and not INT_LEAST <= value <= INT_MOST:
        raise Failure("integer overflow")
    return value


def _power(base: int, exponent: int) -> Any:
    if exponent < 0:
        raise Failure("negative exponent")
    return fits(base ** (exponent if exponent < 66 else 66 + exponent % 2))


def _shift_left(value: int, count: int) -> Any:
    return fits(value << min(count, 65))


class _Bounded(ast.NodeTransformer):
    """Wraps whatever computes in `fits`."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if _is_constant(node):
            return _call("fits", node)
        self.generic_visit(node)
        own = {ast.Pow: "_power", ast.LShift: "_shift_left"}.get(type(node.op))
        return _call("fits", node) if own is None else _call(own, node.left, node.right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if not _is_constant(node):
            self.generic_visit(node)
        return _call("fits", node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        return _call("fits", node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        if isinstance(node.target, ast.Name):
            value = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
            return ast.Assign([node.target], self.visit_BinOp(value))
        self.generic_visit(node)  # of an item `__setitem__` checks what is written
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        node.body = [self.visit(statement) for statement in node.body]
        return node  # decorators and hints are as they were

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        return node


def _is_constant(node: ast.expr) -> bool:
    """Whether the compiler computes it: then only the result must be of 64 bits."""
    allowed = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)
    return all(isinstance(part, allowed) for part in ast.walk(node))


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


class Stored:
    """A map in storage."""

    def __init__(self, kind: Any, log: list[object]) -> None:
        _, self._value = get_args(kind)
        self._log = log
        self.items: dict[Any, Any] = {}

    def __getitem__(self, key: Any) -> Any:
        if get_origin(self._value) is names.Map:
            return self.items.setdefault(key, Stored(self._value, self._log))
        return self.items.get(key, UNSET[self._value])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = fits(value)

    def __delitem__(self, key: Any) -> None:
        self.items.pop(key, None)

    def __contains__(self, key: Any) -> bool:
        return key in self.items and (isinstance(self.items[key], int) or len(self.items[key]) > 0)


class PythonContract:
    """A contract under CPython, at the place of `MAIN`, called by `SENDER` as `tests.support.wat` has it."""

    def __init__(self, source: str, at: ContractId = MAIN, others: "dict[bytes, PythonContract] | None" = None) -> None:
        self.at = at
        self.others = {} if others is None else others
        self.others[at] = self
        self.logs: list[tuple[bytes, bytes, bytes]] = []
        self.paid: list[tuple[bytes, int]] = []
        self._caller: bytes = SENDER
        self._value = 0
        computing = {"fits": fits, "_power": _power, "_shift_left": _shift_left}
        self.space: dict[str, Any] = {"__name__": "contract", **computing}
        tree = ast.fix_missing_locations(_Bounded().visit(ast.parse(source)))
        exec(compile(tree, "contract.py", "exec", dont_inherit=True), self.space)
        self.space |= {**computing, **self._chain()}
        self.stored = {name for name in self.space.get("__annotations__", {}) if name not in self.space}
        for name in self.stored:
            self.space[name] = self._unset(self.space["__annotations__"][name])
        for kind in list(self.space.values()):
            if isinstance(kind, type) and issubclass(kind, names.Interface) and kind is not names.Interface:
                self._connect(kind)

    def call(self, function: str, *arguments: object, caller: bytes = SENDER, value: int = 0) -> object:
        """The result. Raises whatever CPython raises; the storage is then as it was left."""
        before = self._caller, self._value
        self._caller, self._value = caller, value
        try:
            return self.space[function](*arguments)
        finally:
            self._caller, self._value = before

    def transaction(self, function: str, *arguments: object, value: int = 0) -> object:
        """The same; if it raises, everything is as it was before, in all contracts."""
        before = {
            at: (copy.deepcopy({name: one.space[name] for name in one.stored}), list(one.logs), list(one.paid))
            for at, one in self.others.items()
        }
        try:
            return self.call(function, *arguments, value=value)
        except BaseException:
            for at, one in self.others.items():
                stored, one.logs, one.paid = before[at]
                one.space.update(stored)
            raise

    def slots(self, contract: Contract) -> dict[tuple[bytes, bytes], bytes]:
        """What the storage holds, as the chain has it."""
        found: dict[tuple[bytes, bytes], bytes] = {}
        for variable in contract.variables:
            kind = self.space["__annotations__"][variable.name]
            for keys, value in _entries(self.space[variable.name]):
                assert variable.type == _storage_type(kind), "the checker reads hints as Python does"
                if keys or raw_bytes(value).strip(b"\x00"):
                    found[self.at, slot_of(variable, keys)] = raw_bytes(value)
        return {key: value for key, value in found.items() if value}

    def _unset(self, kind: Any) -> Any:
        return Stored(kind, []) if get_origin(kind) is names.Map else UNSET[kind]

    def _chain(self) -> dict[str, Any]:
        run = call_of()
        return {
            "caller": lambda: names.Account(self._caller),
            "sender": lambda: names.Address(SENDER),
            "self_id": lambda: names.Contract(self.at),
            "value": lambda: self._value,
            "height": lambda: run.height,
            "index": lambda: run.index,
            "now": lambda: run.time,
            "previous_hash": lambda: names.Hash(PREVIOUS),
            "pay": lambda account, amount: self.paid.append((bytes(account), amount)),
            "log": self._log,
        }

    def _log(self, event: names.Event) -> None:
        hints = type(event).__annotations__
        given = dict(zip(hints, event.fields, strict=False)) | event.named
        data = b"".join(_field(kind, given[name]) for name, kind in hints.items())
        self.others[MAIN].logs.append((self.at, type(event).__name__.encode(), data))

    def _connect(self, interface: type[names.Interface]) -> None:
        def method(name: str) -> Callable[..., object]:
            def call(proxy: names.Interface, *arguments: object, **named: object) -> object:
                callee = self.others[bytes(proxy.contract)]
                return callee.call(name, *arguments, *named.values(), caller=self.at, value=proxy.value)

            return call

        for name, function in list(vars(interface).items()):
            if callable(function) and not name.startswith("__"):
                setattr(interface, name, method(name))


def _field(kind: Any, value: Any) -> bytes:
    raw = raw_bytes(value)
    framed = kind in (bytes, str, names.Account)
    return len(raw).to_bytes(8, "big") + raw if framed else raw


def _entries(value: Any) -> list[tuple[tuple[Value, ...], Value]]:
    if not isinstance(value, Stored):
        return [((), value)]
    return [((key, *more), inner) for key, item in value.items.items() for more, inner in _entries(item)]


def _storage_type(kind: Any) -> StorageType:
    keys = []
    while get_origin(kind) is names.Map:
        key, kind = get_args(kind)
        keys.append(TYPES[key])
    return StorageType(tuple(keys), TYPES[kind])
