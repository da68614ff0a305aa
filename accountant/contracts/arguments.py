"""Whether arguments are of the kinds that a function's envelope names."""

from accountant.chain.envelope import ArgumentKind, FunctionEnvelope
from accountant.chain.transaction import Argument
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES

_SIZES = {
    ArgumentKind.ADDRESS: (ADDRESS_BYTES,),
    ArgumentKind.CONTRACT: (HASH_BYTES,),
    ArgumentKind.ACCOUNT: (ADDRESS_BYTES, HASH_BYTES),
    ArgumentKind.HASH: (HASH_BYTES,),
}


def admitted(function: FunctionEnvelope, arguments: tuple[Argument, ...]) -> None:
    """Raises `ContractFailure` (BAD_ARGUMENTS) unless number and kinds are the function's."""
    if len(arguments) != len(function.arguments):
        raise ContractFailure(
            FailureKind.BAD_ARGUMENTS,
            f"{function.name} takes {len(function.arguments)} arguments, not {len(arguments)}",
        )
    for index, (kind, argument) in enumerate(zip(function.arguments, arguments, strict=True)):
        if not _is_of(ArgumentKind(kind), argument):
            raise ContractFailure(
                FailureKind.BAD_ARGUMENTS,
                f"argument {index} of {function.name} is no {ArgumentKind(kind).name.lower()}",
            )


def _is_of(kind: ArgumentKind, argument: Argument) -> bool:
    if isinstance(argument, int):
        if kind is ArgumentKind.BOOL:
            return argument in (0, 1)
        return kind is ArgumentKind.INT and -(2**63) <= argument < 2**63
    if kind in _SIZES:
        return len(argument) in _SIZES[kind]
    if kind is ArgumentKind.STR:
        return _is_text(argument)
    return kind is ArgumentKind.BYTES


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
