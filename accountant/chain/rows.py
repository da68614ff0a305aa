"""What the inverted file says of one transaction: key → (kind, cap), from its bytes alone.

Every row is a static fact. CREDIT rows carry the most that the transaction can bring to the account,
DEBIT rows the most that it can take from a contract, so intervals need no execution (DESIGN section 4).
Admission keeps value + caps + gas cost below 2^63, so every cap fits an amount.
"""

from enum import IntEnum
from typing import NamedTuple

from accountant.chain.fees import gas_refundable
from accountant.chain.footprint import Blob, Bound, Call, Credit, Debit, Memory, Query, Read, Write, blob_key
from accountant.chain.genesis import GasSchedule
from accountant.chain.transaction import Transaction, TransactionKind, decode_publication, deployed_contract
from accountant.primitives.types import ADDRESS_BYTES, Address


class RowKind(IntEnum):
    """Why a transaction stands under a key. 0 to 6 and BLOB are the footprint's entry kinds; the rest is implied."""

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
    BLOB = 11
    """May load this blob."""
    PUBLISH = 12
    """Published this blob, which has `cap` bytes: one transaction for each CID."""


class Row(NamedTuple):
    """One posting. `cap` is in base units (in bytes for a publication), 0 where a kind has none."""

    key: bytes
    kind: int
    cap: int


_TRANSFER, _PUBLISHES = TransactionKind.TRANSFER, TransactionKind.PUBLISH
# Plain integers: a member look-up on the enumeration costs more than the rest of a row.
_CREDIT, _DEBIT, _CALL = int(RowKind.CREDIT), int(RowKind.DEBIT), int(RowKind.CALL)
_EXPENSE, _SETTLED, _ZERO, _DEPLOY = int(RowKind.EXPENSE), int(RowKind.SETTLED), int(RowKind.ZERO), int(RowKind.DEPLOY)
_PUBLISH = int(RowKind.PUBLISH)
_TOUCH: dict[type, int] = {
    Read: int(RowKind.READ),
    Write: int(RowKind.WRITE),
    Call: int(RowKind.CALL),
    Bound: int(RowKind.BOUND),
    Query: int(RowKind.QUERY),
    Blob: int(RowKind.BLOB),
}


def rows_of(transaction: Transaction, sender: Address, gas: GasSchedule) -> list[Row]:
    """All rows of one admitted transaction: at most one per key and kind."""
    own = b"g" + sender
    rows = [Row(own, _EXPENSE, transaction.general_value)]
    refund = gas_refundable(transaction, gas) if transaction.gas_limit else 0
    if transaction.kind is _TRANSFER:
        _add_transfer(rows, transaction, own, refund)
    elif transaction.kind is _PUBLISHES:
        published = decode_publication(transaction.payload)
        rows.append(Row(blob_key(published.cid), _PUBLISH, published.size))
    else:
        _add_run(rows, transaction, sender, refund)
    return rows


def _add_transfer(rows: list[Row], transaction: Transaction, own: bytes, refund: int) -> None:
    """A failed transfer returns its value to the sender; a self-transfer brings it there either way, once."""
    value = transaction.zero_value + transaction.general_value
    to = b"g" + transaction.to
    if not transaction.general_value:
        rows.append(Row(to, _ZERO if len(transaction.to) == ADDRESS_BYTES else _SETTLED, value))
        if refund:
            rows.append(Row(own, _CREDIT, refund))
        return
    if to != own:
        rows.append(Row(to, _CREDIT, value))
    rows.append(Row(own, _CREDIT, value + refund))


def _add_run(rows: list[Row], transaction: Transaction, sender: Address, refund: int) -> None:
    """The sender gets its value back, or payouts, never both: value returns only when all payouts are undone."""
    value = transaction.zero_value + transaction.general_value
    if transaction.kind is TransactionKind.CALL:
        callee, ran = transaction.to, _CALL
    else:
        callee, ran = deployed_contract(sender, transaction), _DEPLOY
    code = b"c" + callee
    rows.append(Row(code, ran, 0))
    caps = 0
    credited: dict[bytes, int] = {}
    for entry in transaction.footprint:
        kind = type(entry)
        if kind is Debit:
            caps += entry.cap  # type: ignore[union-attr]
            rows.append(Row(entry.key, _DEBIT, entry.cap))  # type: ignore[union-attr]
        elif kind is Credit:
            credited[entry.account] = 0  # type: ignore[union-attr]
        elif kind is not Memory and (kind is not Call or entry.key != code or ran != _CALL):  # type: ignore[union-attr]
            rows.append(Row(entry.key, _TOUCH[kind], 0))  # type: ignore[union-attr]
    most = dict.fromkeys(credited, caps)
    if value:
        most[callee] = most.get(callee, 0) + value
    most[sender] = max(value, most.get(sender, 0)) + refund
    rows.extend(Row(b"g" + account, _CREDIT, cap) for account, cap in most.items() if cap)
