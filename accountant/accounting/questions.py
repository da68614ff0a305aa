"""What a client may ask, and the checks that need no execution."""

from accountant.chain.block import Position
from accountant.primitives.encoding import Record
from accountant.primitives.errors import AccountantError


class InvalidQuestion(AccountantError):
    """A question that the chain's bytes alone show to be wrong. `kind` is stable and machine readable."""

    code = "invalid_question"

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class PaymentQuestion(Record):
    """Algorithm 4 (Pay): did this transaction settle? Without Θ the accountant chooses incomes itself."""

    transaction: bytes
    theta: tuple[bytes, ...] | None = None
    gas_budget: int | None = None


class LowerBoundQuestion(Record):
    """Lemma 1: how much does the account own at least, or is it at least `target`?"""

    account: bytes
    position: Position
    target: int | None = None
    theta: tuple[bytes, ...] | None = None
    gas_budget: int | None = None
