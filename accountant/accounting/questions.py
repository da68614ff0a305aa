"""What a client may ask, and the checks that need no execution."""

from accountant.chain.block import Position
from accountant.chain.rows import RowKind
from accountant.chain.transaction import Argument
from accountant.index.port import ChainIndex
from accountant.primitives.addresses import show
from accountant.primitives.encoding import Record
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import AMOUNT_MAX, AccountId, Hash, Seq


class InvalidQuestion(AccountantError):
    """A question that the chain's bytes alone show to be wrong. `kind` is stable and machine readable."""

    code = "invalid_question"

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class PaymentQuestion(Record, frozen=True):
    """Algorithm 4 (Pay): did this transaction settle? Without Θ the accountant chooses incomes itself."""

    transaction: bytes
    theta: tuple[bytes, ...] | None = None
    gas_budget: int | None = None


class LowerBoundQuestion(Record, frozen=True):
    """Lemma 1: how much does the account own at least, or is it at least `target`?"""

    account: bytes
    position: Position
    target: int | None = None
    theta: tuple[bytes, ...] | None = None
    gas_budget: int | None = None


class ViewQuestion(Record, frozen=True):
    """What does a contract's function return on the state at the position (paper, section II-B)?"""

    contract: bytes
    function: str
    arguments: tuple[Argument, ...]
    gas_limit: int
    """The most gas of the function itself: part of what is asked, so it must not be spent on transactions."""
    position: Position
    gas_budget: int | None = None


THETA_MOST = 1_000
"""Members of one Θ."""


def check_budget(gas_budget: int | None) -> None:
    """A gas budget is not negative and below 2^63. Raises `InvalidQuestion`."""
    if gas_budget is not None and not 0 <= gas_budget <= AMOUNT_MAX:
        raise InvalidQuestion("invalid_budget", "a gas budget is 0 ≤ gas < 2^63")


def check_theta(
    index: ChainIndex, account: AccountId, theta: tuple[bytes, ...] | None, before: Seq
) -> tuple[Seq, ...] | None:
    """Θ as transaction numbers: each an income of the account, strictly before the position, counted once.

    Raises `InvalidQuestion`; executes nothing.
    """
    if theta is None:
        return None
    if len(theta) > THETA_MOST:
        raise InvalidQuestion("theta_too_large", f"Θ has {len(theta)} members, at most {THETA_MOST} are allowed")
    if len(set(theta)) != len(theta):
        raise InvalidQuestion("duplicate_income", "Θ counts each transaction once")
    seqs = []
    for member in theta:
        seq = index.seq_of(Hash(member))
        if seq is None:
            raise InvalidQuestion("unknown_income", f"Θ names 0x{member.hex()}, which is not on the chain")
        if seq >= before:
            raise InvalidQuestion("income_not_before", f"0x{member.hex()} is not strictly before the position")
        events = index.events(account, Seq(seq - 1), Seq(seq + 1))
        if not any(event.kind in _INCOME for event in events):
            raise InvalidQuestion("foreign_income", f"0x{member.hex()} is no income of {show(account)}")
        seqs.append(seq)
    return tuple(seqs)


_INCOME = (RowKind.CREDIT, RowKind.SETTLED, RowKind.EXPENSE)
