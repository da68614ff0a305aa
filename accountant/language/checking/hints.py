"""Type hints."""

import ast

from accountant.language.checking import advice
from accountant.language.checking.scope import Imported, Module
from accountant.language.types import StorageType, Type

KEYS_MOST = 4
_PLAIN = {kind.value: kind for kind in (Type.INT, Type.BOOL, Type.BYTES, Type.STR, Type.REAL)}
_IMPORTED = {
    kind.value: kind
    for kind in (
        *(Type.ADDRESS, Type.CONTRACT, Type.ACCOUNT, Type.HASH, Type.CID),
        *(Type.TENSOR, Type.TENSORS, Type.INDICES),
    )
}
_INSTEAD = {
    Type.TENSOR: "write Cid: nn.save(tensor) makes one, and nn.load(cid) a tensor of it",
    Type.TENSORS: "write Cid: nn.save_all(tensors) makes one, and nn.load_all(cid) the tensors of it",
    Type.INDICES: "write bytes, of which nn.indices_of_ints(shape, data, width) makes them",
    Type.REAL: "write int, and count in the smallest unit",
}
TYPE_NAMES = frozenset((*_PLAIN, *_IMPORTED, "Map"))
_TYPES = "write int, bool, bytes, str, Address, Contract, Account, Hash or Cid"


def local_type(module: Module, node: ast.expr) -> Type:
    """The type of a local, or of what own functions pass each other; neither None nor Map. Raises `ContractError`."""
    return _type(module, node)


def value_type(module: Module, node: ast.expr, of: str) -> Type:
    """A type whose values leave a function: not of networks, nor float. `of`: what has it. Raises `ContractError`."""
    return checked_value(module, node, _type(module, node), of)


def checked_value(module: Module, node: ast.AST, kind: Type, of: str) -> Type:
    """The type, if its values leave a function. Raises `ContractError`."""
    if kind.is_local:
        article = "a " if kind in (Type.TENSOR, Type.REAL) else ""
        raise module.source.error(node, f"{article}{kind.value} as {of} is not allowed", _INSTEAD[kind])
    return kind


def result_type(module: Module, node: ast.expr) -> Type:
    """As `local_type`; None is allowed too."""
    return Type.NONE if isinstance(node, ast.Constant) and node.value is None else local_type(module, node)


def storage_type(module: Module, node: ast.expr) -> StorageType:
    """The type of a storage variable."""
    keys: list[Type] = []
    outer = node
    while isinstance(node, ast.Subscript) and _is_map(module, node.value):
        if not isinstance(node.slice, ast.Tuple) or len(node.slice.elts) != 2:
            raise module.source.error(node, "a Map without a key and a value type", "write Map[Account, int]")
        key, node = node.slice.elts
        keys.append(_key(module, key))
        if len(keys) > KEYS_MOST:
            raise module.source.error(outer, f"more than {KEYS_MOST} Maps inside each other", "join keys with +")
    return StorageType(tuple(keys), value_type(module, node, "storage"))


def _key(module: Module, node: ast.expr) -> Type:
    if isinstance(node, ast.Subscript):
        raise module.source.error(node, "a Map as a key is not allowed", "write Map[first key, Map[second key, value]]")
    return value_type(module, node, "a key")


def _is_map(module: Module, node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "Map" and module.imports("Map")


def _type(module: Module, node: ast.expr) -> Type:
    match node:
        case ast.Name(id=name) if name in _PLAIN:
            return _PLAIN[name]
        case ast.Name(id="Map") if module.imports("Map"):
            raise module.source.error(node, "a Map outside of storage, or without its types", _map_advice())
        case ast.Name(id=name) if isinstance(module.symbols.get(name), Imported) and name in _IMPORTED:
            return _IMPORTED[name]
        case ast.Name(id=name):
            what, instead = advice.of_hint(name)
        case ast.Subscript(value=ast.Name(id="Map")) if module.imports("Map"):
            what, instead = "a Map outside of storage is not allowed", _map_advice()
        case ast.Subscript(value=ast.Name(id=name)):
            what, instead = advice.of_hint(name)
        case ast.Subscript(value=ast.Attribute(attr=name)) | ast.Attribute(attr=name):
            what, instead = advice.of_hint(name)
        case ast.Constant(value=None):
            what, instead = "None where a value is needed is not allowed", "there is no None among values: " + _TYPES
        case ast.Constant(value=str()):
            what, instead = "a type in quotes is not allowed", "write the type without quotes"
        case ast.BinOp(op=ast.BitOr()):
            what = "a choice of types is not allowed"
            instead = "write one type: Account is an Address or a Contract; let zero or empty mean nothing"
        case _:
            what, instead = "an expression that is no type", _TYPES
    raise module.source.error(node, what, instead)


def _map_advice() -> str:
    return "declare it at module level, balances: Map[Account, int], and use it by its name"
