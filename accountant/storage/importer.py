"""Import: validated blocks become rows, one database transaction for a batch, by binary COPY.

A batch is taken whole or not at all, whatever instant the process, the connection or the server dies at.
Blocks that are there already are skipped, so a batch may be sent again.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow
from sqlalchemy import ARRAY, BigInteger, Table, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from accountant.chain.block import Header
from accountant.chain.errors import ConflictingBlock
from accountant.chain.genesis import Genesis
from accountant.chain.moment import moment_after_block
from accountant.index.blocks import IndexedBlock, genesis_info
from accountant.index.port import Head
from accountant.primitives.encoding import Decoder, encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Address, Hash, Height, Seq
from accountant.storage import copying, tables
from accountant.storage.agreement_tables import epoch
from accountant.storage.database import Database, compiled
from accountant.storage.folding import StoredFold

EVIDENCE_MAX = 256
"""Refused blocks kept: only a proposer can sign one, and a few prove as much as many."""


class DifferentGenesis(AccountantError):
    """The database holds another chain."""

    code = "different_genesis"


class BlockGap(AccountantError):
    """A block that does not follow the head, because blocks between are missing."""

    code = "block_gap"


class Imported(NamedTuple):
    """What an import did: how many blocks of the batch were new, and the head after it."""

    blocks: int
    head: Head


_headers = Decoder(Header, bytes_max=1024)

_b, _g, _r = tables.blocks, tables.genesis, tables.refused_blocks

_LOCK = compiled(select(_g.c.hash).with_for_update())
_HEAD = compiled(select(_b.c.height, _b.c.hash, _b.c.first_seq + _b.c.count).order_by(_b.c.height.desc()).limit(1))
_GAS_TOTAL = compiled(select(tables.transactions.c.gas_total).order_by(tables.transactions.c.seq.desc()).limit(1))
_HASHES = compiled(
    select(_b.c.height, _b.c.hash).where(_b.c.height == any_(bindparam("heights", type_=ARRAY(BigInteger))))
)
_PUT_GENESIS = compiled(
    insert(_g)
    .values({name: bindparam(name) for name in ("only", "hash", "raw", "cache_key")})
    .on_conflict_do_nothing()
    .returning(_g.c.only)
)
_FIRST_EPOCH = compiled(
    insert(epoch).values({name: bindparam(name) for name in ("only", "number")}).on_conflict_do_nothing()
)
_PUT_EVIDENCE = compiled(
    insert(_r)
    .from_select(
        ["hash", "height", "header", "signature"],
        select(*(bindparam(name, type_=_r.c[name].type) for name in ("hash", "height", "header", "signature"))).where(
            select(func.count()).select_from(_r).scalar_subquery() < EVIDENCE_MAX
        ),
    )
    .on_conflict_do_nothing()
)


class Importer:
    """Writes the chain's tables; nobody else does. Importers of several processes take turns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fold = StoredFold()

    def install(self, genesis: Genesis, cache_key: bytes) -> None:
        """Begin a chain in an empty database; nothing happens if it began with the same genesis.

        `cache_key`: 32 random bytes, kept from the first call on. Raises `DifferentGenesis`.
        """
        assert len(cache_key) == 32
        given = {"only": 1, "hash": genesis.hash, "raw": encode(genesis), "cache_key": cache_key}
        with self._database.connection() as connection, connection.transaction():
            if connection.execute(_PUT_GENESIS, given).fetchone() is not None:
                connection.execute(_FIRST_EPOCH, {"only": 1, "number": 0})
                self._copy(connection, tables.blocks, [_genesis_row(genesis)])
                moment = moment_after_block(0)
                allocations = [(Address(a.address), moment, a.zero_balance) for a in genesis.accounts]
                self._copy(connection, tables.zero_balances, copying.zero_rows(allocations))
                return
            there = _locked(connection)
        if there != genesis.hash:
            raise DifferentGenesis(f"the database holds the chain {there.hex()}, not {genesis.hash.hex()}")

    def import_blocks(self, blocks: Sequence[IndexedBlock]) -> Imported:
        """Append a batch of validated blocks, ascending by height.

        Raises `BlockGap`, or `ConflictingBlock` after keeping the block as evidence; either way the batch
        changes nothing. psycopg's `OperationalError` (server or connection lost): send the batch again.
        """
        try:
            with self._database.connection() as connection, connection.transaction():
                _locked(connection)
                head = _head(connection)
                new = list(_new_blocks(connection, head, blocks))
                if not new:
                    return Imported(0, head)
                self._append(connection, new, head.hash)
            last = new[-1]
            self._fold.stands_at(last.hash)
            next_seq = Seq(last.first_seq + len(last.transactions))
            return Imported(len(new), Head(Height(last.header.height), last.hash, next_seq))
        except ConflictingBlock as refused:
            self.keep_evidence(refused)
            raise

    def _append(self, connection: Connection[TupleRow], blocks: list[IndexedBlock], head: Hash) -> None:
        gas_before = _gas_before(connection)
        folded = self._fold.rows(connection, head, blocks)
        totals = (total for block in blocks for total in block.expense_totals)
        changes = (change for block in blocks for change in block.zero_changes)
        self._copy(connection, tables.blocks, copying.block_rows(blocks))
        self._copy(connection, tables.transactions, copying.transaction_rows(blocks, gas_before))
        self._copy(connection, tables.postings, copying.posting_rows(blocks))
        self._copy(connection, tables.expenses, copying.expense_rows(totals))
        self._copy(connection, tables.intervals, copying.interval_rows(folded))
        self._copy(connection, tables.zero_balances, copying.zero_rows(changes))

    def _copy(self, connection: Connection[TupleRow], table: Table, rows: Iterable[bytes]) -> None:
        with connection.cursor() as cursor, cursor.copy(copying.copy_statement(table)) as copy:
            for piece in copying.chunks(rows):
                copy.write(piece)

    def keep_evidence(self, refused: ConflictingBlock) -> None:
        """Keep a signed header that contradicts the chain, whoever met it; beyond 256 of them, no more."""
        header = _headers.decode(refused.header)
        evidence = {
            "hash": header.hash,
            "height": header.height,
            "header": refused.header,
            "signature": refused.signature,
        }
        with self._database.connection() as connection:
            connection.execute(_PUT_EVIDENCE, evidence)


def _conflict(block: IndexedBlock, height: int, known: Hash, other: Hash) -> ConflictingBlock:
    return ConflictingBlock(height, known, other, encode(block.header), block.signature)


def _locked(connection: Connection[TupleRow]) -> Hash:
    """The hash of the genesis there; its row is locked to the end of the database transaction."""
    row = connection.execute(_LOCK).fetchone()
    assert row is not None, "install the genesis before the first block"
    return Hash(row[0])


def _head(connection: Connection[TupleRow]) -> Head:
    row = connection.execute(_HEAD).fetchone()
    assert row is not None
    return Head(Height(row[0]), Hash(row[1]), Seq(row[2]))


def _gas_before(connection: Connection[TupleRow]) -> int:
    row = connection.execute(_GAS_TOTAL).fetchone()
    return int(row[0]) if row else 0


def _new_blocks(connection: Connection[TupleRow], head: Head, blocks: Sequence[IndexedBlock]) -> Iterator[IndexedBlock]:
    """Those of the blocks that are above the head, each checked against its predecessor."""
    heights = [block.header.height for block in blocks if block.header.height <= head.height]
    there: dict[int, Hash] = dict(connection.execute(_HASHES, {"heights": heights}).fetchall()) if heights else {}
    for block in blocks:
        header = block.header
        if header.height <= head.height and header.height in there:
            if there[header.height] != block.hash:
                raise _conflict(block, header.height, there[header.height], block.hash)
            continue
        if header.height != head.height + 1:
            raise BlockGap(f"the next block is {head.height + 1}, not {header.height}")
        if header.previous_hash != head.hash:
            raise _conflict(block, head.height, head.hash, Hash(header.previous_hash))
        assert block.first_seq == head.next_seq and header.transaction_count == len(block.transactions)
        head = Head(Height(header.height), block.hash, Seq(head.next_seq + header.transaction_count))
        yield block


def _genesis_row(genesis: Genesis) -> bytes:
    return copying.block_row(genesis_info(genesis), b"", b"")
