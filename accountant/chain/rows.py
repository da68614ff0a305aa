"""What the inverted file says of one transaction: key → (kind, cap), from its bytes alone.

Every row is a static fact. CREDIT rows carry the most that the transaction can bring to the account,
DEBIT rows the most that it can take from a contract, so intervals need no execution (DESIGN section 4).
"""

from enum import IntEnum
from typing import NamedTuple

from accountant.chain.fees import gas_refundable
from accountant.chain.footprint import Call, Credit, Debit, account_key, code_key
from accountant.chain.genesis import GasSchedule
from accountant.chain.transaction import Transaction, TransactionKind, deployed_contract
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, Address


class RowKind(IntEnum):
    """Why a transaction stands under a key. 0 to 6 are the footprint's entry kinds; the rest is implied."""

    READ = 0
    WRITE = 1
    CREDIT = 2
    """Income of a general balance, of at most `cap`."""
    DEBIT = 3
    """Payouts of a contract, of at most `cap`."""
    CALL = 4
    BOUND = 5
    QUERY = 6
    EXPENSE = 7
    """Signed by this user, carrying a general_value of `cap` (Definition 1)."""
    SETTLED = 8
    """A zero-cost transfer to a contract: its general balance has `cap` more, whatever is executed."""
    ZERO = 9
    """A zero-cost transfer to a user: its zero-cost balance has `cap` more (Lemma 2)."""
    DEPLOY = 10


class Row(NamedTuple):
    """One posting. `cap` is in base units, 0 where a kind has none."""

    key: bytes
    kind: int
    cap: int


def rows_of(transaction: Transaction, sender: Address, gas: GasSchedule) -> list[Row]:
    """All rows of one transaction: at most one per key and kind."""
    value = transaction.zero_value + transaction.general_value
    rows = [Row(b"g" + sender, RowKind.EXPENSE, transaction.general_value)]
    if transaction.kind == TransactionKind.TRANSFER:
        return rows + _rows_of_transfer(transaction, sender, value, gas)
    caps = 0
    credited = set()
    for entry in transaction.footprint:
        if isinstance(entry, Debit):
            caps += entry.cap
            rows.append(Row(entry.key, RowKind.DEBIT, entry.cap))
        elif isinstance(entry, Credit):
            credited.add(entry.account)
        else:
            rows.append(Row(entry.key, RowKind(entry.__struct_config__.tag), 0))  # type: ignore[arg-type]
    if transaction.kind == TransactionKind.CALL:
        callee = transaction.to
        if Call(callee) not in transaction.footprint:
            rows.append(Row(code_key(callee), RowKind.CALL, 0))
    else:
        callee = deployed_contract(sender, transaction)
        rows.append(Row(code_key(callee), RowKind.DEPLOY, 0))
    most = dict.fromkeys(credited, caps)
    if value or callee in most:
        most[callee] = most.get(callee, 0) + value
    most[sender] = max(value, most.get(sender, 0)) + gas_refundable(transaction, gas)
    rows.extend(Row(account_key(a), RowKind.CREDIT, min(m, AMOUNT_MAX)) for a, m in most.items() if m)
    return rows


def _rows_of_transfer(transaction: Transaction, sender: Address, value: int, gas: GasSchedule) -> list[Row]:
    to = b"g" + transaction.to
    own = gas_refundable(transaction, gas)
    if not transaction.general_value:
        kind = RowKind.ZERO if len(transaction.to) == ADDRESS_BYTES else RowKind.SETTLED
        rows = [Row(to, kind, value)]
    elif transaction.to == sender:
        return [Row(to, RowKind.CREDIT, min(value + own, AMOUNT_MAX))]
    else:
        rows = [Row(to, RowKind.CREDIT, min(value, AMOUNT_MAX))]
        own += value
    if own:
        rows.append(Row(b"g" + sender, RowKind.CREDIT, min(own, AMOUNT_MAX)))
    return rows
