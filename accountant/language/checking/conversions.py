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
        case Type.TENSOR, _:
            return "write weights.cid"
        case _, Type.TENSOR:
            return "write Tensor(cid)"
    return f"write a value of type {wanted.value}"


def operands(operation: Operation, left: Type, right: Type) -> str:
    """What to write instead of an operation on these types."""
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
