"""What a contract's author may meet in a test besides the failures of transactions, which are results."""

from typing import TYPE_CHECKING

from accountant.chain.errors import InvalidTransaction, NotPooled
from accountant.primitives.errors import AccountantError

if TYPE_CHECKING:
    from accountant.sandbox.result import Result


class SandboxError(AccountantError):
    """A test that asks the chain for what it cannot do. `detail` says what would be right."""

    code = "sandbox"


class WrongArgument(SandboxError):
    """An argument of a contract's function that is missing, too much, or of another type."""

    code = "wrong_argument"


class Refused(SandboxError):
    """A transaction that no block takes, so nothing happened and nobody paid. `kind` is stable."""

    code = "refused"

    def __init__(self, error: InvalidTransaction | NotPooled) -> None:
        super().__init__(error.detail)
        self.kind = error.kind


class BlockOpen(SandboxError):
    """The result of a transaction whose block is still being put together."""

    code = "block_open"


class DeploymentFailed(SandboxError):
    """A constructor that failed, or ran out of gas: there is no contract to go on with."""

    code = "deployment_failed"

    def __init__(self, result: "Result") -> None:
        super().__init__(f"the deployment failed: {result!r}")
        self.result = result


class ViewFailed(SandboxError):
    """A view that failed. It has no transaction; `reason`, `failure`, `detail` and `place` are those of a result."""

    code = "view_failed"

    def __init__(self, name: str, failure: str, detail: str, place: str | None) -> None:
        reason = detail if failure == "assertion" else failure
        super().__init__(f"{name} failed: {described(failure, detail, place)}")
        self.failure = failure
        self.detail = detail
        self.reason = reason
        self.place = place


def described(failure: str, detail: str, place: str | None) -> str:
    """A failure in a few words: what an assertion says, or the kind with its detail; and where."""
    what = repr(detail) if failure == "assertion" else f"{failure}: {detail}" if detail else failure
    return f"{what} at {place}" if place else what
