"""Whether a contract's function may be called, asked of its envelope at run time."""

from typing import NamedTuple

from accountant.chain.envelope import CONSTRUCTOR, Callers, FunctionEnvelope
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.world import ContractCode
from accountant.primitives.addresses import show
from accountant.primitives.types import AccountId, ContractId

NAME_SHOWN_MOST = 128
"""Characters of a function's name, twice the bytes that any has: the work must not grow with the name that is asked."""


class EntryPoint(NamedTuple):
    """A function that may be called, and the module that exports it."""

    code: bytes
    function: FunctionEnvelope


def entry_point(
    contract: ContractId, code: ContractCode | None, name: bytes, caller: AccountId, value: int, nested: bool
) -> EntryPoint:
    """The function that `caller` may call now with this value (base units).

    A `direct` function is for transactions alone, and so is a `zero_cost` one, since what a contract pays
    is general money; a constructor runs once, at deployment.
    Raises `ContractFailure` (NO_CODE, NO_FUNCTION, NOT_CALLABLE).
    """
    if code is None:
        raise ContractFailure(FailureKind.NO_CODE, show(contract))
    shown = name[: 4 * NAME_SHOWN_MOST].decode("utf-8", "backslashreplace")[:NAME_SHOWN_MOST]
    function = code.envelope.function(shown)
    if function is None or function.name.encode() != name:
        raise ContractFailure(FailureKind.NO_FUNCTION, f"{shown} of {show(contract)}")
    if nested and (function.direct or function.zero_cost or function.name == CONSTRUCTOR):
        raise ContractFailure(
            FailureKind.NOT_CALLABLE, f"{function.name} of {show(contract)} is for transactions alone"
        )
    if function.callers == Callers.DEPLOYER and caller != code.deployer:
        raise ContractFailure(FailureKind.NOT_CALLABLE, f"{function.name} of {show(contract)} is for its deployer")
    if function.callers == Callers.LISTED and caller not in function.listed:
        raise ContractFailure(FailureKind.NOT_CALLABLE, f"{function.name} of {show(contract)} does not list the caller")
    if value and not function.payable:
        raise ContractFailure(FailureKind.NOT_CALLABLE, f"{function.name} of {show(contract)} takes no value")
    return EntryPoint(code.code, function)
