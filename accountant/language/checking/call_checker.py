"""Calls: of own functions, other contracts, and what the language has."""

import ast
from typing import NamedTuple

from accountant.language.checking import advice, constants
from accountant.language.checking.network_checker import NetworkChecker
from accountant.language.checking.operator_checker import is_simple
from accountant.language.checking.scope import BUILTINS, Effect, Imported, Signature
from accountant.language.errors import Place
from accountant.language.tree import (
    Apply,
    CallContract,
    CallerRule,
    Constant,
    EventType,
    Expression,
    Field,
    Interface,
    Intrinsic,
)
from accountant.language.types import INT_BYTES, Type


class _Known(NamedTuple):
    intrinsic: Intrinsic
    parameters: tuple[Field, ...]
    returns: Type


_KNOWN: dict[str, _Known] = {
    "caller": _Known(Intrinsic.CALLER, (), Type.ACCOUNT),
    "sender": _Known(Intrinsic.SENDER, (), Type.ADDRESS),
    "self_id": _Known(Intrinsic.SELF, (), Type.CONTRACT),
    "value": _Known(Intrinsic.VALUE, (), Type.INT),
    "height": _Known(Intrinsic.HEIGHT, (), Type.INT),
    "index": _Known(Intrinsic.INDEX, (), Type.INT),
    "now": _Known(Intrinsic.NOW, (), Type.INT),
    "previous_hash": _Known(Intrinsic.PREVIOUS_HASH, (), Type.HASH),
    "sha256": _Known(Intrinsic.SHA256, (Field("data", Type.BYTES),), Type.HASH),
    "keccak256": _Known(Intrinsic.KECCAK256, (Field("data", Type.BYTES),), Type.HASH),
    "bound": _Known(Intrinsic.BOUND, (Field("account", Type.ACCOUNT), Field("theta", Type.BYTES)), Type.INT),
    "query": _Known(Intrinsic.QUERY, (Field("query", Type.BYTES),), Type.BYTES),
}
_CONVERSIONS = {kind.value: kind for kind in (Type.ADDRESS, Type.CONTRACT, Type.ACCOUNT, Type.HASH, Type.CID)}
_STATEMENTS = {"log": "log(Event(…))", "pay": "pay(account, amount)"}
_BYTES_METHODS = {"decode": (Intrinsic.DECODE, Type.STR), "hex": (Intrinsic.HEX, Type.STR)}
_TO_BYTES = 'write number.to_bytes(8, "big", signed=True)'
_FROM_BYTES = 'write int.from_bytes(data, "big", signed=True)'


class CallChecker(NetworkChecker):
    """Adds calls to what expressions may be."""

    def call(self, node: ast.Call) -> Expression:
        """A call, which may return nothing."""
        match node.func:
            case ast.Name():
                return self._named(node, node.func)
            case ast.Attribute():
                return self._method(node, node.func)
        raise self.error(node, "a call of something that is no name is not allowed", "call functions by their names")

    def arguments(self, node: ast.Call, name: str, parameters: tuple[Field, ...]) -> tuple[Expression, ...]:
        """The arguments in the order of the parameters. Raises `ContractError` unless each is there once and fits."""
        written = self.bindings(node, name, parameters)
        given = {
            field: self.of_type(argument, field.type, f"{field.name} of {name}") for field, argument in written.items()
        }
        ordered = tuple(given[field] for field in parameters)
        if list(given) != list(parameters) and not all(map(is_simple, ordered)):
            shown = ", ".join(f"{field.name}=…" for field in parameters)
            raise self.error(node, f"arguments of {name} in another order", f"write {name}({shown})")
        return ordered

    def bindings(self, node: ast.Call, name: str, parameters: tuple[Field, ...]) -> dict[Field, ast.expr]:
        """Which argument is for which parameter, in the order in which they are written."""
        shown = f"write {name}({', '.join(f'{field.name}: {field.type.value}' for field in parameters)})"
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                raise self.error(argument, "a starred argument is not allowed", shown)
        if len(node.args) > len(parameters):
            raise self.error(
                node.args[len(parameters)],
                f"{len(node.args)} arguments of {name}, which takes {len(parameters)}",
                shown,
            )
        written = dict(zip(parameters, node.args, strict=False))
        by_name = {field.name: field for field in parameters}
        for keyword in node.keywords:
            field = by_name.get(keyword.arg or "")
            if field is None:
                raise self.error(keyword, f"the argument {keyword.arg or '**'} of {name}", shown)
            if field in written:
                raise self.error(keyword, f"the argument {field.name} of {name} twice", shown)
            written[field] = keyword.value
        for field in parameters:
            if field not in written:
                raise self.error(node, f"no argument for {field.name} of {name}", shown)
        return written

    def _named(self, node: ast.Call, function: ast.Name) -> Expression:
        at, name = self.source.place(node), function.id
        if self._frame is not None and name in self._frame.assigned_names:
            raise self.error(node, f"a call of {name}, which is a variable here", "give the variable another name")
        match self.module.symbols.get(name):
            case Signature() as signature:
                return self._own(node, at, signature)
            case EventType():
                raise self.error(node, f"the event {name} outside of log", f"write log({name}(…))")
            case Interface():
                raise self.error(node, f"{name}(…) without a function of it", f"write {name}(contract).function(…)")
            case Imported():
                return self._imported(node, at, name)
            case None if name in BUILTINS:
                return self._builtin(node, at, name)
            case None:
                raise self.error(function, *advice.of_name(name, self.module.symbols))
        raise self.error(node, f"a call of {name}, which is no function", f"write {name} without brackets behind it")

    def _own(self, node: ast.Call, at: Place, signature: Signature) -> Expression:
        if self._frame is None:
            raise self.error(node, "a call in a constant is not allowed", "write literals and constants")
        name, export = signature.name, signature.export
        if name == "init":
            raise self.error(node, "a call of init is not allowed", "move what both do into an undecorated function")
        if export is not None and export.callers is not CallerRule.ANYONE:
            instead = "@only looks at calls from outside; move what both do into an undecorated function"
            raise self.error(node, f"a call of {name}, which is @only for some is not allowed", instead)
        self.frame.calls.setdefault(name, at)
        return Apply(at, signature.returns, name, self.arguments(node, name, signature.parameters))

    def _imported(self, node: ast.Call, at: Place, name: str) -> Expression:
        if name in _KNOWN:
            known = _KNOWN[name]
            computed = self.compute(at, known.returns, known.intrinsic, *self.arguments(node, name, known.parameters))
            if self._frame is None and not isinstance(computed, Constant):
                raise self.error(node, f"{name}() in a constant is not allowed", "call it in a function")
            return computed
        if name in _CONVERSIONS:
            return self._conversion(node, at, _CONVERSIONS[name])
        if name in _NETWORKS:
            raise self.error(node, f"{name}(…)", _NETWORKS[name])
        if name in _STATEMENTS:
            raise self.error(node, f"{name}(…) as a value", f"write {_STATEMENTS[name]} in a line of its own")
        if name == "elsewhere":
            raise self.error(
                node, "elsewhere() outside of an interface is not allowed", "write the function's own statements"
            )
        raise self.error(node, f"{name}(…) in a function", "it stands at module level or above a function")

    def _conversion(self, node: ast.Call, at: Place, wanted: Type) -> Expression:
        name = wanted.value
        if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
            raise self.error(node, f"{name}(…) without exactly one value", f"write {name}(data)")
        given = self.value(node.args[0])
        if given.type is Type.STR:
            if not isinstance(given, Constant) or not isinstance(given.value, str):
                raise self.error(node, f"{name} of a str that is no literal", "take it as a parameter of that type")
            try:
                return Constant(at, wanted, constants.named(given.value, wanted))
            except constants.NotConstant as error:
                raise self.error(node, error.what, error.instead) from None
        if not given.type.is_bytes:
            raise self.error(node, f"{name} of {given.type.value}", f"write {name}(data) of bytes")
        return given if given.type is wanted else self.compute(at, wanted, Intrinsic.CONVERT, given)

    def _builtin(self, node: ast.Call, at: Place, name: str) -> Expression:
        if name in _NO_FUNCTIONS:
            raise self.error(node, f"{name}(…) here", _NO_FUNCTIONS[name])
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.error(node, f"named or starred arguments of {name}", f"write {name}(value)")
        if name in ("min", "max"):
            return self._extreme(node, at, name)
        if len(node.args) != 1:
            raise self.error(node, f"{len(node.args)} arguments of {name}", f"write {name}(value)")
        if name == "len" and self._is_map(node.args[0]):
            raise self.error(node, "len of a map is not allowed", "count its entries in a storage variable")
        given = self.value(node.args[0])
        match name, given.type:
            case ("int", Type.INT) | ("bool", Type.BOOL) | ("str", Type.STR):
                return given
            case "int", Type.BOOL:
                return self.compute(at, Type.INT, Intrinsic.INT_OF_BOOL, given)
            case "int", Type.STR:
                return self.compute(at, Type.INT, Intrinsic.INT_OF_TEXT, given)
            case "bool", Type.INT:
                return self.compute(at, Type.BOOL, Intrinsic.BOOL_OF_INT, given)
            case "str", Type.INT:
                return self.compute(at, Type.STR, Intrinsic.TEXT_OF_INT, given)
            case "abs", Type.INT:
                return self.compute(at, Type.INT, Intrinsic.ABSOLUTE, given)
            case "len", Type.STR:
                return self.compute(at, Type.INT, Intrinsic.TEXT_LENGTH, given)
            case "len", Type.TENSORS:
                return self.length(at, given)
            case "len", kind if kind.is_bytes:
                return self.compute(at, Type.INT, Intrinsic.BYTES_LENGTH, given)
        raise self.error(node, f"{name} of {given.type.value}", _BUILTIN_ADVICE[name])

    def _extreme(self, node: ast.Call, at: Place, name: str) -> Expression:
        if len(node.args) < 2:
            raise self.error(node, f"{name} of one value", f"write {name}(a, b) of two or more ints")
        intrinsic = Intrinsic.MINIMUM if name == "min" else Intrinsic.MAXIMUM
        result, *others = (self.of_type(argument, Type.INT, f"an argument of {name}") for argument in node.args)
        for other in others:
            result = self.compute(at, Type.INT, intrinsic, result, other)
        return result

    def _is_map(self, node: ast.expr) -> bool:
        stored = self.stored(node)
        return stored is not None and bool(stored.type.keys)

    def _method(self, node: ast.Call, function: ast.Attribute) -> Expression:
        at, name, owner = self.source.place(node), function.attr, function.value
        if self.is_network(owner):
            return self.network(node, function)
        if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name):
            interface = self.module.symbols.get(owner.func.id)
            if isinstance(interface, Interface):
                return self._elsewhere(node, at, owner, interface, name)
        if isinstance(owner, ast.Name) and owner.id == "int" and name == "from_bytes":
            return self._from_bytes(node, at)
        if isinstance(owner, ast.Name) and isinstance(self.module.symbols.get(owner.id), Interface):
            raise self.error(node, f"{owner.id} without a contract", f"write {owner.id}(contract).{name}(…)")
        self.check_owner(function)
        given = self.value(owner)
        if given.type is Type.INT and name == "to_bytes":
            return self._to_bytes(node, at, given)
        if (name == "encode" and given.type is Type.STR) or (name in _BYTES_METHODS and given.type.is_bytes):
            if node.args or node.keywords:
                raise self.error(node, f"arguments of .{name}", f"write .{name}()")
            if name == "encode":
                return self.compute(at, Type.BYTES, Intrinsic.ENCODE, given)
            intrinsic, kind = _BYTES_METHODS[name]
            return self.compute(at, kind, intrinsic, given)
        raise self.error(node, *advice.of_method(name, given.type.value))

    def _to_bytes(self, node: ast.Call, at: Place, given: Expression) -> Expression:
        arguments = self._options(node, ("length", "byteorder", "signed"), _TO_BYTES)
        self._big_endian(node, arguments, _TO_BYTES)
        size = self._option(node, arguments, "length", Type.INT, _TO_BYTES)
        if not 1 <= size <= INT_BYTES:
            raise self.error(node, f"{size} bytes for an integer", "write a length from 1 to 8")
        signed = self._option(node, arguments, "signed", Type.BOOL, _TO_BYTES) if "signed" in arguments else 0
        numbers = (Constant(at, Type.INT, int(number)) for number in (size, signed))
        return self.compute(at, Type.BYTES, Intrinsic.INT_TO_BYTES, given, *numbers)

    def _from_bytes(self, node: ast.Call, at: Place) -> Expression:
        arguments = self._options(node, ("bytes", "byteorder", "signed"), _FROM_BYTES)
        self._big_endian(node, arguments, _FROM_BYTES)
        if "bytes" not in arguments:
            raise self.error(node, "int.from_bytes without bytes", _FROM_BYTES)
        data = self.of_type(arguments["bytes"], Type.BYTES, "an argument of int.from_bytes")
        signed = self._option(node, arguments, "signed", Type.BOOL, _FROM_BYTES) if "signed" in arguments else 0
        return self.compute(at, Type.INT, Intrinsic.INT_FROM_BYTES, data, Constant(at, Type.INT, int(signed)))

    def _options(self, node: ast.Call, names: tuple[str, ...], instead: str) -> dict[str, ast.expr]:
        """Arguments by their names; the last can only be given by its name."""
        if len(node.args) >= len(names):
            raise self.error(node, f"{names[-1]} without its name", instead)
        given = dict(zip(names, node.args, strict=False))
        for keyword in node.keywords:
            if keyword.arg not in names or keyword.arg in given:
                raise self.error(keyword, f"the argument {keyword.arg or '**'} here", instead)
            given[keyword.arg] = keyword.value
        return given

    def _big_endian(self, node: ast.Call, arguments: dict[str, ast.expr], instead: str) -> None:
        order = arguments.get("byteorder")
        given = None if order is None else self.value(order)
        if not isinstance(given, Constant) or given.value != "big":
            raise self.error(order or node, 'an order of bytes that is not "big"', instead)

    def _option(self, node: ast.Call, arguments: dict[str, ast.expr], name: str, kind: Type, instead: str) -> int:
        """A constant that must be known now."""
        argument = arguments.get(name)
        given = None if argument is None else self.value(argument)
        if not isinstance(given, Constant) or given.type is not kind or not isinstance(given.value, int):
            raise self.error(argument or node, f"{name} that is no constant {kind.value}", instead)
        return given.value

    def _elsewhere(self, node: ast.Call, at: Place, owner: ast.Call, interface: Interface, name: str) -> Expression:
        """A call of another contract."""
        if self._frame is None:
            raise self.error(node, "a call in a constant is not allowed", "write literals and constants")
        method = next((method for method in interface.methods if method.name == name), None)
        if method is None:
            raise self.error(node, f"{interface.name} has no function {name}", "declare it in the interface")
        parameters = (Field("contract", Type.CONTRACT), Field("value", Type.INT))
        has_value = len(owner.args) + len(owner.keywords) > 1
        contract, *values = self.arguments(owner, interface.name, parameters if has_value else parameters[:1])
        arguments = self.arguments(node, f"{interface.name}.{name}", method.parameters)
        if has_value:
            self.frame.effects.append(Effect(at, "sends money to another contract"))
        value = values[0] if has_value else None
        return CallContract(at, method.returns, interface.name, name, contract, value, arguments)


_BUILTIN_ADVICE = {
    "int": 'write int(…) of a str, bool or int; of bytes write int.from_bytes(data, "big")',
    "bool": "write bool(…) of an int or bool; write len(data) > 0",
    "str": "write str(…) of an int; of bytes write .decode() or .hex()",
    "abs": "write abs(…) of an int",
    "len": "write len(…) of bytes, str or Tensors",
}
_NO_FUNCTIONS = {
    "range": "write for i in range(…)",
    "bytes": 'write b"…", or x: bytes = … for a wider type',
    "float": "write a literal, 0.5, or nn.real(numerator, denominator)",
}
_NETWORKS = {
    "nn": "write nn.relu(tensor), or another operator",
    "Tensor": "write nn.load(cid), nn.full(shape, 0.0) or another operator of nn",
    "Tensors": "write [first, second]",
    "Indices": "write nn.indices(tensor), or nn.indices_of_ints(shape, data, width)",
}
