"""The static fold over what is stored: where it stands, what a batch adds, and all of it anew."""

from collections.abc import Iterator, Sequence

from psycopg import Connection
from psycopg.rows import TupleRow
from sqlalchemy import ARRAY, LargeBinary, bindparam, func, literal_column, select, true

from accountant.chain.genesis import decode_genesis
from accountant.chain.transaction import decode_transaction
from accountant.index.blocks import EVENT_KINDS, IndexedBlock
from accountant.index.posting import Posting
from accountant.index.static import (
    EVERYONE,
    NOTHING,
    Running,
    StaticFold,
    fold_blocks,
    running_at_genesis,
    supply_at_genesis,
)
from accountant.primitives.types import AccountId, Address, Gas, Hash, Seq
from accountant.storage import copying, tables
from accountant.storage.database import compiled

ACCOUNTS_MAX = 1_000_000
"""With so many accounts at hand they are all forgotten, and looked up again."""

_ROWS_PER_FETCH = 2_000
_EVENTS = frozenset(map(int, EVENT_KINDS))  # an enumeration's member takes twice the time to find

_i, _t, _b = tables.intervals, tables.transactions, tables.blocks

_GENESIS = compiled(select(tables.genesis.c.raw))
_asked = (
    func.unnest(bindparam("accounts", type_=ARRAY(LargeBinary))).table_valued("account", name="asked").render_derived()
)
_latest = (
    select(_i.c.lower, _i.c.upper, _i.c.gas)
    .where(_i.c.account == _asked.c.account)
    .order_by(_i.c.seq.desc())
    .limit(literal_column("1"))
    .lateral("latest")
)
RUNNING = compiled(
    select(_asked.c.account, _latest.c.lower, _latest.c.upper, _latest.c.gas).select_from(_asked.join(_latest, true()))
)
_EVERYTHING = compiled(
    select(_t.c.seq, _t.c.sender, _t.c.raw, _t.c.index + 1 == _b.c.count)
    .join(_b, _b.c.height == _t.c.height)
    .order_by(_t.c.seq)
)

Folded = Iterator[tuple[AccountId, Posting]]


class StoredFold:
    """The static fold at the head of the stored chain. What it looked up is kept while nobody else imports."""

    def __init__(self) -> None:
        self._head: Hash | None = None
        self._genesis: dict[AccountId, Running] = {}
        self._supply = 0
        self._fold: StaticFold | None = None

    def rows(self, connection: Connection[TupleRow], head: Hash, blocks: Sequence[IndexedBlock]) -> Folded:
        """The postings of a batch that follows `head`; each account that it touches is looked up once."""
        fold = self._fold
        if fold is None:
            fold = self._fold = self._begin(connection)
        if head != self._head or len(fold.running) > ACCOUNTS_MAX:
            fold.running.clear()
        self._head = None
        self._look_up(connection, fold, blocks)
        return fold_blocks(fold, blocks)

    def stands_at(self, head: Hash) -> None:
        """The batch is there for good, and ends with this block."""
        self._head = head

    def _begin(self, connection: Connection[TupleRow]) -> StaticFold:
        row = connection.execute(_GENESIS).fetchone()
        assert row is not None, "install the genesis before the first block"
        genesis = decode_genesis(row[0])
        self._genesis = running_at_genesis(genesis)
        self._supply = supply_at_genesis(genesis)
        return StaticFold(genesis, {}, self._supply)

    def _look_up(self, connection: Connection[TupleRow], fold: StaticFold, blocks: Sequence[IndexedBlock]) -> None:
        touched = {
            key[1:]
            for block in blocks
            for entry in block.transactions
            for key, kind, _ in entry.rows
            if kind in _EVENTS
        }
        missing: list[AccountId] = [Address(account) for account in touched - fold.running.keys()]
        fold.running.update((account, self._genesis.get(account, NOTHING)) for account in missing)
        for account, lower, upper, gas in connection.execute(RUNNING, {"accounts": [*missing, EVERYONE]}, binary=True):
            fold.running[account] = Running(lower, upper, Gas(gas))
        there = fold.running.pop(EVERYONE, None)
        fold.supply = self._supply if there is None else there.upper


def fold_again(connection: Connection[TupleRow]) -> None:
    """Fill the empty table of intervals from the transactions that are stored."""
    row = connection.execute(_GENESIS).fetchone()
    if row is None:
        return
    genesis = decode_genesis(row[0])
    fold = StaticFold(genesis, running_at_genesis(genesis), supply_at_genesis(genesis))
    with connection.cursor(name="everything", binary=True) as stored:
        stored.execute(_EVERYTHING)
        while rows := stored.fetchmany(_ROWS_PER_FETCH):
            with connection.cursor() as cursor, cursor.copy(copying.copy_statement(tables.intervals)) as copy:
                for piece in copying.chunks(copying.interval_rows(_folded(fold, rows))):
                    copy.write(piece)


def _folded(fold: StaticFold, rows: Sequence[TupleRow]) -> Folded:
    for seq, sender, raw, last in rows:
        yield from fold.step(Seq(seq), decode_transaction(raw), Address(sender))
        if last:
            yield EVERYONE, Posting(Seq(seq), upper=fold.supply)
