"""The index in Postgres: every look-up is one statement answered from one index.

Nothing below the head changes, so what was read once may be kept: only "not there" and answers that reach
past the head that was seen last are asked again.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property

from psycopg.rows import TupleRow
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    LargeBinary,
    SmallInteger,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    true,
)

from accountant.chain.footprint import account_key, blob_key, code_key, slot_key
from accountant.chain.genesis import Genesis, decode_genesis
from accountant.chain.moment import Moment
from accountant.chain.rows import RowKind
from accountant.chain.transaction import decode_transaction
from accountant.index.blocks import EVENT_KINDS, latest_transactions
from accountant.index.port import BlockInfo, Event, Head, Located, Publication
from accountant.index.posting import Posting
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import AccountId, Address, Amount, Cid, ContractId, Hash, Height, Seq
from accountant.storage import tables
from accountant.storage.database import Database, compiled
from accountant.storage.lru import Lru

TRANSACTIONS_BYTES_MAX = 32 * 1024 * 1024
ENTRIES_MAX = 65_536
_AHEAD_LEAST = 2
"""Look-ups that are worth a statement of their own before anybody asks for them."""

_b, _t, _p, _e, _z = tables.blocks, tables.transactions, tables.postings, tables.expenses, tables.zero_balances
_i = tables.intervals

_key: ColumnElement[bytes] = bindparam("key", type_=_p.c.key.type)
_before: ColumnElement[int] = bindparam("before", type_=BigInteger)
_INFO = select(_b.c.height, _b.c.hash, _b.c.previous_hash, _b.c.time, _b.c.proposer, _b.c.first_seq, _b.c.count)
_LOCATED = select(
    _t.c.seq, _t.c.hash, _t.c.sender, _t.c.height, _t.c.index, _t.c.raw, *list(_INFO.selected_columns)[1:]
).join(_b, _b.c.height == _t.c.height)

GENESIS = compiled(select(tables.genesis.c.raw))
HEAD = compiled(select(_b.c.height, _b.c.hash, _b.c.first_seq + _b.c.count).order_by(_b.c.height.desc()).limit(1))
BLOCK = compiled(_INFO.where(_b.c.height == bindparam("height", type_=BigInteger)))
BLOCK_BY_HASH = compiled(_INFO.where(_b.c.hash == _key))
TRANSACTIONS = compiled(_LOCATED.where(_t.c.seq == any_(bindparam("seqs", type_=ARRAY(BigInteger)))))
SEQ_OF = compiled(select(_t.c.seq).where(_t.c.hash == _key))
WRITERS = compiled(
    select(_p.c.seq)
    .where(_p.c.key == _key, _p.c.kind == int(RowKind.WRITE), _p.c.seq < _before)
    .order_by(_p.c.seq.desc())
    .limit(bindparam("most", type_=BigInteger))
)
_asked = (
    func.unnest(bindparam("keys", type_=ARRAY(LargeBinary)), bindparam("befores", type_=ARRAY(BigInteger)))
    .table_valued("key", "before", with_ordinality="place")
    .render_derived("asked")
)
_written = (
    select(_p.c.seq)
    .where(_p.c.key == _asked.c.key, _p.c.kind == int(RowKind.WRITE), _p.c.seq < _asked.c.before)
    .order_by(_p.c.seq.desc())
    .limit(bindparam("most", type_=BigInteger))
    .lateral()
)
WRITERS_AHEAD = compiled(select(_asked.c.place, _written.c.seq).select_from(_asked).join(_written, true()))
DEPLOYMENT = compiled(select(_p.c.seq).where(_p.c.key == _key, _p.c.kind == int(RowKind.DEPLOY)))
PUBLICATION = compiled(select(_p.c.seq, _p.c.cap).where(_p.c.key == _key, _p.c.kind == int(RowKind.PUBLISH)))
EVENTS = compiled(
    select(_p.c.seq, _p.c.kind, _p.c.cap).where(
        _p.c.key == _key,
        _p.c.kind
        == any_(literal_column(f"'{{{','.join(str(int(kind)) for kind in sorted(EVENT_KINDS))}}}'::smallint[]")),
        _p.c.seq > bindparam("after", type_=BigInteger),
        _p.c.seq < _before,
    )
)
_kinds = func.unnest(bindparam("kinds", type_=ARRAY(SmallInteger))).table_valued("kind").render_derived("wanted")
_latest = (
    select(_p.c.seq, _p.c.kind, _p.c.cap)
    .where(
        _p.c.key == _key,
        _p.c.kind == _kinds.c.kind,
        _p.c.seq > bindparam("after", type_=BigInteger),
        _p.c.seq < _before,
    )
    .order_by(_p.c.seq.desc())
    .limit(bindparam("most", type_=BigInteger))
    .lateral()
)
MOVEMENTS = compiled(select(_latest.c.seq, _latest.c.kind, _latest.c.cap).select_from(_kinds).join(_latest, true()))
POSTINGS = compiled(
    select(*(_i.c[name] for name in Posting._fields))
    .where(_i.c.account == _key, _i.c.seq >= bindparam("since", type_=BigInteger), _i.c.seq < _before)
    .order_by(_i.c.seq.desc())
    .limit(bindparam("most", type_=BigInteger))
)
EXPENSES = compiled(
    select(_e.c.total).where(_e.c.account == _key, _e.c.seq < _before).order_by(_e.c.seq.desc()).limit(1)
)
LAST_NONCE = compiled(
    select(_t.c.nonce).where(
        _t.c.seq
        == select(_p.c.seq)
        .where(_p.c.key == _key, _p.c.kind == int(RowKind.EXPENSE), _p.c.seq < _before)
        .order_by(_p.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
)
GAS_LIMITS = compiled(select(_t.c.gas_total).where(_t.c.seq < _before).order_by(_t.c.seq.desc()).limit(1))
ZERO_BALANCE = compiled(
    select(_z.c.balance).where(_z.c.account == _key, _z.c.moment < _before).order_by(_z.c.moment.desc()).limit(1)
)


class NoChain(AccountantError):
    """The database holds no chain yet."""

    code = "no_chain"


class PostgresIndex:
    """A `ChainIndex` over the accountant's database; safe for threads, one for each process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = Seq(0)
        self._located: Lru[Seq, Located] = Lru(TRANSACTIONS_BYTES_MAX)
        self._blocks: Lru[int | Hash, BlockInfo] = Lru(ENTRIES_MAX)
        self._seqs: Lru[bytes, Seq] = Lru(ENTRIES_MAX)
        self._publications: Lru[bytes, Publication] = Lru(ENTRIES_MAX)
        self._writers: Lru[tuple[bytes, Seq, int], list[Seq]] = Lru(ENTRIES_MAX)

    @cached_property
    def genesis(self) -> Genesis:
        """The chain's genesis. Raises `NoChain`."""
        row = self._database.fetch_one(GENESIS)
        if row is None:
            raise NoChain("the database holds no chain: import its genesis first")
        return decode_genesis(row[0])

    def head(self) -> Head:
        row = self._database.fetch_one(HEAD)
        if row is None:
            raise NoChain("the database holds no chain: import its genesis first")
        self._seen = max(self._seen, Seq(row[2]))
        return Head(Height(row[0]), Hash(row[1]), Seq(row[2]))

    def block(self, height: Height) -> BlockInfo | None:
        return self._block(height, BLOCK, {"height": height})

    def block_by_hash(self, block_hash: Hash) -> BlockInfo | None:
        return self._block(block_hash, BLOCK_BY_HASH, {"key": block_hash})

    def _block(self, name: int | Hash, sql: str, parameters: dict[str, object]) -> BlockInfo | None:
        info = self._blocks.get(name)
        if info is None:
            row = self._database.fetch_one(sql, parameters)
            if row is None:
                return None
            info = BlockInfo(*row)
            self._keep(info)
        return info

    def _keep(self, info: BlockInfo) -> None:
        self._blocks.put(info.height, info)
        self._blocks.put(info.hash, info)

    def transaction(self, seq: Seq) -> Located:
        return self.transactions([seq])[0]

    def transactions(self, seqs: list[Seq]) -> list[Located]:
        found = {seq: located for seq in seqs if (located := self._located.get(seq)) is not None}
        missing = [seq for seq in dict.fromkeys(seqs) if seq not in found]
        if missing:
            found.update(self._load(missing))
        return [found[seq] for seq in seqs]

    def _load(self, seqs: list[Seq]) -> Iterable[tuple[Seq, Located]]:
        rows = self._database.fetch(TRANSACTIONS, {"seqs": seqs})
        assert len(rows) == len(seqs), f"no transaction {sorted(set(seqs) - {row[0] for row in rows})[:3]}"
        for row in rows:
            located = _located_of(row[:6])
            self._located.put(located.seq, located, len(row[5]))
            self._seqs.put(located.hash, located.seq)
            self._keep(BlockInfo(located.height, *row[6:]))
            self._seen = max(self._seen, Seq(located.seq + 1))
            yield located.seq, located

    def seq_of(self, transaction_hash: Hash) -> Seq | None:
        return self._one_seq(transaction_hash, SEQ_OF)

    def deployment(self, contract: ContractId) -> Seq | None:
        return self._one_seq(code_key(contract), DEPLOYMENT)

    def publication(self, cid: Cid) -> Publication | None:
        found = self._publications.get(cid)
        if found is None:
            row = self._database.fetch_one(PUBLICATION, {"key": blob_key(cid)})
            if row is None:
                return None
            found = Publication(*row)
            self._publications.put(cid, found)
        return found

    def _one_seq(self, key: bytes, sql: str) -> Seq | None:
        seq = self._seqs.get(key)
        if seq is None:
            row = self._database.fetch_one(sql, {"key": key})
            if row is None:
                return None
            seq = Seq(row[0])
            self._seqs.put(key, seq)
        return seq

    def writers(self, contract: ContractId, slot: bytes, before: Seq, limit: int) -> list[Seq]:
        key = slot_key(contract, slot)
        found = self._writers.get((key, before, limit))
        if found is None:
            rows = self._database.fetch(WRITERS, {"key": key, "before": before, "most": limit})
            found = [Seq(row[0]) for row in rows]
            if before <= self._seen:
                self._writers.put((key, before, limit), found, 1 + len(found))
        return list(found)

    def ahead(self, asked: Sequence[tuple[ContractId, bytes, Seq]], limit: int) -> bool:
        wanted = dict.fromkeys((slot_key(contract, slot), before, limit) for contract, slot, before in asked)
        missing = [name for name in wanted if name[1] <= self._seen and self._writers.get(name) is None]
        if len(missing) < _AHEAD_LEAST:
            return True
        parameters = {"keys": [key for key, _, _ in missing], "befores": [before for _, before, _ in missing]}
        found: list[list[Seq]] = [[] for _ in missing]
        for place, seq in self._database.fetch(WRITERS_AHEAD, {**parameters, "most": limit}):
            found[place - 1].append(Seq(seq))
        for name, seqs in zip(missing, found, strict=True):
            self._writers.put(name, sorted(seqs, reverse=True), 1 + len(seqs))
        return True

    def events(self, account: AccountId, after: Seq, before: Seq) -> list[Event]:
        rows = self._database.fetch(EVENTS, {"key": account_key(account), "after": after, "before": before})
        return [Event(*row) for row in sorted(rows)]

    def movements(
        self, account: AccountId, kinds: Sequence[RowKind], after: Seq, before: Seq, limit: int
    ) -> list[Event]:
        numbers = [int(kind) for kind in kinds]
        parameters = {"key": account_key(account), "kinds": numbers, "after": after, "before": before, "most": limit}
        return latest_transactions((Event(*row) for row in self._database.fetch(MOVEMENTS, parameters)), limit)

    def postings(self, account: AccountId, since: Seq, before: Seq, limit: int) -> list[Posting]:
        parameters = {"key": account, "since": since, "before": before, "most": limit}
        return [Posting(*row) for row in reversed(self._database.fetch(POSTINGS, parameters))]

    def expenses(self, account: Address, before: Seq) -> int:
        row = self._database.fetch_one(EXPENSES, {"key": account, "before": before})
        return int(row[0]) if row else 0

    def nonce(self, account: Address, before: Seq) -> int:
        row = self._database.fetch_one(LAST_NONCE, {"key": account_key(account), "before": before})
        return int(row[0]) + 1 if row else 0

    def gas_limits(self, before: Seq) -> int:
        row = self._database.fetch_one(GAS_LIMITS, {"before": before})
        return int(row[0]) if row else 0

    def zero_balance(self, account: Address, moment: Moment) -> Amount:
        row = self._database.fetch_one(ZERO_BALANCE, {"key": account, "before": moment})
        return Amount(row[0] if row else 0)


def _located_of(row: TupleRow) -> Located:
    seq, digest, sender, height, index, raw = row
    return Located(seq, digest, sender, height, index, decode_transaction(raw))
