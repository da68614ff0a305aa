"""Income of an account from one transaction (Definition 2)."""

from collections.abc import Iterable

from accountant.chain.rows import RowKind
from accountant.chain.transaction import TransactionKind
from accountant.execution.outcome import Outcome
from accountant.index.port import Event, Located
from accountant.primitives.types import ADDRESS_BYTES, AccountId

INCOME_KINDS = (RowKind.CREDIT, RowKind.SETTLED, RowKind.ZERO)
"""The rows that say that a transaction can be an income (Definition 2)."""


def income_of(located: Located, outcome: Outcome, account: AccountId) -> int:
    """What the transaction brought to the account, in base units, zero-cost or general.

    An expense that failed as insufficient_funds counts as income of its full general_value: it is in the
    running total of expenses and never left (DESIGN section 4).
    """
    transaction = located.transaction
    units = outcome.credit_of(account)
    if account == located.sender and not outcome.funded:
        units += transaction.general_value
    if settles_at_inclusion(located) and transaction.to == account:
        units += transaction.zero_value
    return units


def settles_at_inclusion(located: Located) -> bool:
    """Whether this is a zero-cost transfer to a user: in Z the moment it is in a block (Lemma 2)."""
    transaction = located.transaction
    return (
        transaction.kind == TransactionKind.TRANSFER
        and not transaction.general_value
        and len(transaction.to) == ADDRESS_BYTES
    )


def income_bounds(rows: Iterable[Event]) -> tuple[int, int]:
    """The least and the most that one transaction can bring to an account, from its own rows of income alone.

    What settles at inclusion is certain. An own expense that fails comes back within the row's cap: whatever a failed
    transaction returns is at most its value and its unused gas.
    """
    low = high = 0
    for row in rows:
        high += row.cap
        low += 0 if row.kind == RowKind.CREDIT else row.cap
    return low, high
