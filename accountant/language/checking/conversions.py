"""Which types go together, and what an author writes to make one of another."""

from accountant.language.tree import Comparison, Operation
from accountant.language.types import Type, fits

_EQUALITIES = (Comparison.EQUAL, Comparison.NOT_EQUAL)


def joined_type(one: Type, other: Type) -> Type | None:
    """The narrowest type that values of both have, if there is one."""
    for wanted in (one, other, Type.ACCOUNT, Type.BYTES):
        if fits(one, wanted) and fits(other, wanted):
            return wanted
    return None


def incomparable(comparison: Comparison, left: Type, right: Type) -> str | None:
    """What to write instead of comparing these types; None if they can be compared."""
    if left is Type.BOOL and right is Type.BOOL:
        return None if comparison in _EQUALITIES else "write == or !=, or int(flag)"
    if left is right and left in (Type.INT, Type.STR):
        return None
    if Type.TENSOR in (left, right):
        return "compare ints: nn.item(tensor, i)"
    if left.is_local or right.is_local:
        return "compare ints or bytes"
    if left.is_bytes and right.is_bytes:
        if comparison not in _EQUALITIES or fits(left, right) or fits(right, left):
            return None
        return "their types are never equal; keep one as bytes first: x: bytes = …"
    swapped = right is Type.STR or (left is Type.INT and right is Type.BOOL)
    return conversion(right, left) if swapped and left is not Type.STR else conversion(left, right)


def truth(kind: Type) -> str:
    """How to make a condition of a value."""
    if kind is Type.INT:
        return "write number != 0"
    if kind is Type.TENSOR:
        return "write nn.item(tensor, i) > 0"
    if kind is Type.TENSORS:
        return "write len(tensors) > 0"
    if kind in (Type.STR, Type.BYTES):
        return f"write len({'text' if kind is Type.STR else 'data'}) > 0"
    return "compare it with =="


def conversion(given: Type, wanted: Type) -> str:
    """How to make one type out of another."""
    match given, wanted:
        case Type.BOOL, Type.INT:
            return "write int(flag)"
        case Type.INT, Type.BOOL:
            return "write number != 0"
        case (Type.TENSOR, Type.CID) | (Type.TENSORS, Type.CID):
            return f"write nn.{'save' if given is Type.TENSOR else 'save_all'}(…)"
        case (Type.CID, Type.TENSOR) | (Type.CID, Type.TENSORS):
            return f"write nn.{'load' if wanted is Type.TENSOR else 'load_all'}(cid)"
        case Type.INT, Type.STR:
            return "write str(number)"
        case Type.STR, Type.INT:
            return "write int(text)"
        case Type.STR, _ if wanted is Type.BYTES:
            return "write text.encode()"
        case Type.STR, _ if wanted.is_bytes:
            return f'write {wanted.value}("0x…") of a literal' if wanted is not Type.CID else 'write Cid("bafkrei…")'
        case _, Type.STR if given.is_bytes:
            return "write data.decode() or data.hex()"
        case Type.INT, _ if wanted is Type.BYTES:
            return 'write number.to_bytes(8, "big", signed=True)'
        case _, Type.INT if given.is_bytes:
            return 'write int.from_bytes(data, "big")'
        case _ if given.is_bytes and wanted.is_bytes:
            return f"write {wanted.value}(…), which checks the length"
        case Type.INT, Type.TENSOR:
            return "make a tensor of the number: nn.full(1, nn.real(number))"
        case Type.REAL, Type.TENSOR:
            return "make a tensor of the number: nn.full(1, number)"
        case Type.INDICES, Type.TENSOR:
            return "write nn.one_hot(indices, classes)"
        case Type.TENSOR, Type.INT:
            return "write nn.item(tensor, i)"
        case Type.TENSOR, Type.TENSORS:
            return "write [tensor]"
        case Type.TENSOR, Type.INDICES:
            return "write nn.indices(tensor)"
        case Type.TENSORS, Type.TENSOR:
            return "write tensors[i], or nn.join(tensors)"
        case Type.INDICES, Type.INT:
            return "write nn.index(indices, i)"
        case Type.INT, Type.REAL:
            return "write nn.real(number, 1)"
        case Type.REAL, Type.INT:
            return "count in the smallest unit, as int"
    return f"write a value of type {wanted.value}"


def sign(operand: Type) -> str:
    """What to write instead of a sign before a value of this type."""
    if operand is Type.TENSOR:
        return "there is -tensor, and no other sign"
    if operand is Type.REAL:
        return "write a literal, -0.5, or nn.real(-1, 2)"
    return conversion(operand, Type.INT)


def operands(operation: Operation, left: Type, right: Type) -> str:
    """What to write instead of an operation on these types."""
    if Type.REAL in (left, right):
        return "there is no arithmetic of floats: count in the smallest unit, as int, or write nn.real(a, b)"
    if Type.TENSORS in (left, right):
        return "write nn.append(tensors, tensor)"
    sequences = [kind for kind in (left, right) if kind is Type.STR or kind.is_bytes]
    if Type.BOOL in (left, right) and not sequences:
        return "write int(flag), or and, or, not"
    if operation is Operation.MULTIPLY and sequences:
        return "write a loop that adds with +"
    if operation is Operation.MODULO and left is Type.STR:
        return 'put it together with +: "to " + str(number)'
    if operation is Operation.ADD and sequences:
        return conversion(right, left) if sequences[0] is left else conversion(left, right)
    return "operands are two ints"
