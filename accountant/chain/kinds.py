"""Which values each argument kind allows: one rule, for validators and for the runtime."""

from accountant.chain.envelope import ArgumentKind
from accountant.chain.transaction import Argument
from accountant.primitives.cid import is_cid
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES

_LENGTHS: dict[ArgumentKind, tuple[int, ...]] = {
    ArgumentKind.ADDRESS: (ADDRESS_BYTES,),
    ArgumentKind.CONTRACT: (HASH_BYTES,),
    ArgumentKind.ACCOUNT: (ADDRESS_BYTES, HASH_BYTES),
    ArgumentKind.HASH: (HASH_BYTES,),
}


def is_of_kind(kind: ArgumentKind, value: Argument) -> bool:
    """Whether a value on the wire is one of this kind."""
    if isinstance(value, int):
        if kind is ArgumentKind.INT:
            return -(2**63) <= value < 2**63
        return kind is ArgumentKind.BOOL and value in (0, 1)
    if kind is ArgumentKind.STR:
        return _is_text(value)
    if kind is ArgumentKind.CID:
        return is_cid(value)
    return kind is ArgumentKind.BYTES or len(value) in _LENGTHS.get(kind, ())


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
