"""Why a run failed. Each kind is part of the outcome, so the names are part of the chain's rules."""

from enum import StrEnum

from accountant.primitives.errors import AccountantError


class FailureKind(StrEnum):
    """The error kind of a failed transaction."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    NO_CODE = "no_code"
    NO_FUNCTION = "no_function"
    NOT_CALLABLE = "not_callable"
    BAD_ARGUMENTS = "bad_arguments"
    UNDECLARED_ACCESS = "undeclared_access"
    CAP_EXCEEDED = "cap_exceeded"
    INSUFFICIENT_CONTRACT_FUNDS = "insufficient_contract_funds"
    TRAP = "trap"
    ASSERTION = "assertion"
    OUT_OF_GAS = "out_of_gas"
    MEMORY_LIMIT = "memory_limit"
    VALUE_TOO_LARGE = "value_too_large"
    INVALID_HANDLE = "invalid_handle"
    INVALID_VALUE = "invalid_value"
    RECURSION_LIMIT = "recursion_limit"
    LOG_LIMIT = "log_limit"
    INVALID_THETA = "invalid_theta"
    QUERY_VOID = "query_void"
    VIEW_WRITES = "view_writes"
    """A view that would have written, paid or logged. No transaction fails so."""


class ContractFailure(Exception):
    """Ends a run: the transaction rolls back. `detail` is made of chain data alone, so it is deterministic."""

    def __init__(self, kind: FailureKind, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class InvalidModule(AccountantError):
    """A module that no block takes. `kind` says which structural rule it breaks."""

    code = "invalid_module"

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
