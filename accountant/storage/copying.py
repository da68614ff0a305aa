"""Rows as PostgreSQL's binary COPY reads them (manual, COPY, "Binary Format"), packed by hand.

Import spends its time here: one `struct` call for each row's fixed part keeps it well below the price
that the server pays for storing the row.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from struct import Struct

from sqlalchemy import Table

from accountant.chain.moment import Moment
from accountant.index.blocks import IndexedBlock, info_of
from accountant.index.port import BlockInfo
from accountant.index.posting import Posting
from accountant.primitives.encoding import encode
from accountant.primitives.types import AccountId, Address, Seq

START = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
ROWS_PER_WRITE = 2_000

_LENGTH = Struct(">i").pack
_BLOCK = Struct(">hiqiqiqii").pack
_TRANSACTION = Struct(">h" + "iq" * 8 + "iiih").pack
_POSTING = Struct(">hiqiqihi").pack
_EXPENSE = Struct(">hiqi").pack
_INTERVAL = Struct(">h" + "iq" * 9 + "i").pack
_ZERO = Struct(">hiqiqi").pack
_NUMERIC_HEAD = Struct(">hhhh").pack


def copy_statement(table: Table) -> str:
    """COPY of every column of a table, in the table's order."""
    columns = ", ".join(f'"{column.name}"' for column in table.columns if column.server_default is None)
    return f"COPY {table.schema}.{table.name} ({columns}) FROM STDIN (FORMAT BINARY)"


def _bytea(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def numeric(value: int) -> bytes:
    """A non-negative integer as NUMERIC: base 10,000 digits, most significant first, scale 0."""
    assert value >= 0
    digits = []
    while value:
        value, digit = divmod(value, 10_000)
        digits.append(digit.to_bytes(2, "big"))
    return _NUMERIC_HEAD(len(digits), max(0, len(digits) - 1), 0, 0) + b"".join(reversed(digits))


def block_row(info: BlockInfo, header: bytes, signature: bytes) -> bytes:
    """A row of `tables.blocks`."""
    fixed = _BLOCK(9, 8, info.height, 8, info.time, 8, info.first_seq, 4, info.count)
    return fixed + b"".join(map(_bytea, (info.hash, info.previous_hash, info.proposer, header, signature)))


def block_rows(blocks: Iterable[IndexedBlock]) -> Iterator[bytes]:
    """Rows of `tables.blocks`."""
    for block in blocks:
        yield block_row(info_of(block), encode(block.header), block.signature)


def transaction_rows(blocks: Iterable[IndexedBlock], gas_before: int) -> Iterator[bytes]:
    """Rows of `tables.transactions`. `gas_before`: the sum of the gas limits of all earlier transactions."""
    gas_total = gas_before
    for block in blocks:
        height = block.header.height
        for index, entry in enumerate(block.transactions):
            fields = entry.transaction
            gas_total += fields.gas_limit
            number = numeric(gas_total)
            yield b"".join(
                (
                    _TRANSACTION(
                        15, 8, block.first_seq + index, 8, height, 8, fields.nonce, 8, fields.zero_value,
                        8, fields.general_value, 8, fields.gas_limit, 8, fields.gas_price, 8, fields.tip,
                        4, index, 2, fields.kind,
                    ),
                    _LENGTH(len(number)), number,
                    _LENGTH(32), entry.hash,
                    _LENGTH(20), entry.sender,
                    _LENGTH(len(fields.to)), fields.to,
                    _LENGTH(len(entry.raw)), entry.raw,
                )
            )  # fmt: skip


def posting_rows(blocks: Iterable[IndexedBlock]) -> Iterator[bytes]:
    """Rows of `tables.postings`."""
    for block in blocks:
        for seq, entry in enumerate(block.transactions, block.first_seq):
            for key, kind, cap in entry.rows:
                yield _POSTING(4, 8, seq, 8, cap, 2, kind, len(key)) + key


def expense_rows(totals: Iterable[tuple[Address, Seq, int]]) -> Iterator[bytes]:
    """Rows of `tables.expenses`."""
    for account, seq, total in totals:
        number = numeric(total)
        yield _EXPENSE(3, 8, seq, 20) + account + _LENGTH(len(number)) + number


def interval_rows(folded: Iterable[tuple[AccountId, Posting]]) -> Iterator[bytes]:
    """Rows of `tables.intervals`."""
    for account, (seq, expense, debit, credit, settled, returned, gas, lower, upper) in folded:
        assert returned is not None, "what is folded is known"
        yield (
            _INTERVAL(
                10,
                8,
                seq,
                8,
                expense,
                8,
                debit,
                8,
                credit,
                8,
                settled,
                8,
                returned,
                8,
                gas,
                8,
                lower,
                8,
                upper,
                len(account),
            )
            + account
        )


def zero_rows(changes: Iterable[tuple[Address, Moment, int]]) -> Iterator[bytes]:
    """Rows of `tables.zero_balances`."""
    for account, moment, balance in changes:
        yield _ZERO(3, 8, moment, 8, balance, 20) + account


def chunks(rows: Iterable[bytes]) -> Iterator[bytes]:
    """A whole COPY stream, a few thousand rows at a time: the server stores one piece while the next is packed."""
    source = iter(rows)
    yield START
    while piece := b"".join(islice(source, ROWS_PER_WRITE)):
        yield piece
    yield END
