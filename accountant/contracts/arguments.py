"""Whether arguments are of the kinds that a function's envelope names."""

from accountant.chain.envelope import ArgumentKind, FunctionEnvelope
from accountant.chain.kinds import is_of_kind
from accountant.chain.transaction import Argument
from accountant.contracts.errors import ContractFailure, FailureKind


def admitted(function: FunctionEnvelope, arguments: tuple[Argument, ...]) -> None:
    """Raises `ContractFailure` (BAD_ARGUMENTS) unless number and kinds are the function's."""
    if len(arguments) != len(function.arguments):
        raise ContractFailure(
            FailureKind.BAD_ARGUMENTS,
            f"{function.name} takes {len(function.arguments)} arguments, not {len(arguments)}",
        )
    for index, (kind, argument) in enumerate(zip(function.arguments, arguments, strict=True)):
        if not is_of_kind(ArgumentKind(kind), argument):
            raise ContractFailure(
                FailureKind.BAD_ARGUMENTS,
                f"argument {index} of {function.name} is no {ArgumentKind(kind).name.lower()}",
            )
