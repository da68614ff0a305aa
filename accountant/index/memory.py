"""The index in plain dictionaries: for property tests, benchmarks, and as the second opinion on Postgres."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter

from accountant.chain.footprint import account_key, blob_key, code_key, slot_key
from accountant.chain.genesis import Genesis
from accountant.chain.moment import moment_after_block
from accountant.chain.rows import RowKind
from accountant.chain.transaction import Transaction
from accountant.index.blocks import (
    EVENT_KINDS,
    IndexedBlock,
    RunningValues,
    UnsignedBlock,
    genesis_info,
    info_of,
    latest_transactions,
    unsigned_block,
)
from accountant.index.port import BlockInfo, Event, Head, Located, Moment, Publication
from accountant.index.posting import Posting
from accountant.index.static import StaticFold, running_at_genesis, supply_at_genesis
from accountant.primitives.types import AccountId, Address, Amount, Cid, ContractId, Hash, Height, Seq

_WRITE, _DEPLOY, _EXPENSE = int(RowKind.WRITE), int(RowKind.DEPLOY), int(RowKind.EXPENSE)
_ZERO, _PUBLISH = int(RowKind.ZERO), int(RowKind.PUBLISH)


_seq = itemgetter(0)


class _History:
    """Values by ascending position; the value at a position is the last one strictly before it."""

    __slots__ = ("positions", "values")

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.values: list[int] = []

    def add(self, position: int, value: int) -> None:
        assert not self.positions or self.positions[-1] < position
        self.positions.append(position)
        self.values.append(value)

    def before(self, position: int) -> int:
        found = bisect_left(self.positions, position)
        return self.values[found - 1] if found else 0


class MemoryIndex:
    """A `ChainIndex` that holds everything in memory."""

    def __init__(self, genesis: Genesis) -> None:
        self._genesis = genesis
        info = genesis_info(genesis)
        self._blocks = [info]
        self._heights = {info.hash: 0}
        self._transactions: list[Located] = []
        self._gas_totals = [0]
        self._seqs: dict[Hash, Seq] = {}
        self._writers: defaultdict[bytes, list[Seq]] = defaultdict(list)
        self._deployments: dict[bytes, Seq] = {}
        self._publications: dict[bytes, Publication] = {}
        self._events: defaultdict[bytes, list[Event]] = defaultdict(list)
        self._arrivals: defaultdict[bytes, list[Event]] = defaultdict(list)
        self._postings: defaultdict[AccountId, list[Posting]] = defaultdict(list)
        self._fold = StaticFold(genesis, running_at_genesis(genesis), supply_at_genesis(genesis))
        self._expenses: defaultdict[Address, _History] = defaultdict(_History)
        self._zero: defaultdict[Address, _History] = defaultdict(_History)
        self._unsigned: RunningValues | None = None
        for account in genesis.accounts:
            self._zero[Address(account.address)].add(moment_after_block(0), account.zero_balance)

    def append(self, block: IndexedBlock) -> None:
        """Add the next block; it must follow the head."""
        head, header = self.head(), block.header
        assert header.height == head.height + 1 and header.previous_hash == head.hash
        assert block.first_seq == head.next_seq and header.transaction_count == len(block.transactions)
        height = Height(header.height)
        for index, entry in enumerate(block.transactions):
            seq = Seq(head.next_seq + index)
            assert entry.hash not in self._seqs
            self._seqs[entry.hash] = seq
            self._transactions.append(Located(seq, entry.hash, entry.sender, height, index, entry.transaction))
            self._gas_totals.append(self._gas_totals[-1] + entry.transaction.gas_limit)
            self._file(seq, entry.rows)
            for owner, posting in self._fold.step(seq, entry.transaction, entry.sender):
                self._postings[owner].append(posting)
        for account, seq, total in block.expense_totals:
            self._expenses[account].add(seq, total)
        for account, moment, balance in block.zero_changes:
            self._zero[account].add(moment, balance)
        self._heights[block.hash] = height
        self._blocks.append(info_of(block))

    def append_unsigned(
        self, transactions: Sequence[tuple[Address, Transaction]], time: int | None = None
    ) -> UnsignedBlock:
        """Make and add a block of (sender, transaction), neither signed nor checked, and return it.

        For chains made of such blocks alone.
        """
        if self._unsigned is None:
            assert len(self._blocks) == 1
            self._unsigned = RunningValues(self._genesis)
        block = unsigned_block(self._unsigned, self.head(), transactions, time)
        self.append(block)
        return block

    def _file(self, seq: Seq, rows: Sequence[tuple[bytes, int, int]]) -> None:
        events = []
        for key, kind, cap in rows:
            if kind == _WRITE:
                self._writers[key].append(seq)
            elif kind in EVENT_KINDS:
                events.append((key, kind, cap))
            elif kind == _DEPLOY:
                self._deployments[key] = seq
            elif kind == _PUBLISH:
                self._publications[key] = Publication(seq, cap)
            elif kind == _ZERO:
                self._arrivals[key].append(Event(seq, kind, Amount(cap)))
        for key, kind, cap in sorted(events):
            self._events[key].append(Event(seq, kind, Amount(cap)))

    @property
    def genesis(self) -> Genesis:
        return self._genesis

    def head(self) -> Head:
        last = self._blocks[-1]
        return Head(last.height, last.hash, Seq(len(self._transactions)))

    def block(self, height: Height) -> BlockInfo | None:
        return self._blocks[height] if 0 <= height < len(self._blocks) else None

    def block_by_hash(self, block_hash: Hash) -> BlockInfo | None:
        height = self._heights.get(block_hash)
        return None if height is None else self._blocks[height]

    def transaction(self, seq: Seq) -> Located:
        assert 0 <= seq < len(self._transactions), f"no transaction {seq}"
        return self._transactions[seq]

    def transactions(self, seqs: list[Seq]) -> list[Located]:
        return [self.transaction(seq) for seq in seqs]

    def seq_of(self, transaction_hash: Hash) -> Seq | None:
        return self._seqs.get(transaction_hash)

    def writers(self, contract: ContractId, slot: bytes, before: Seq, limit: int) -> list[Seq]:
        declared = self._writers.get(slot_key(contract, slot), [])
        end = bisect_left(declared, before)
        return declared[max(0, end - limit) : end][::-1]

    def ahead(self, asked: Sequence[tuple[ContractId, bytes, Seq]], limit: int) -> bool:
        return False

    def deployment(self, contract: ContractId) -> Seq | None:
        return self._deployments.get(code_key(contract))

    def publication(self, cid: Cid) -> Publication | None:
        return self._publications.get(blob_key(cid))

    def events(self, account: AccountId, after: Seq, before: Seq) -> list[Event]:
        rows = self._events.get(account_key(account), [])
        first = bisect_left(rows, after + 1, key=_seq)
        return rows[first : bisect_left(rows, before, first, key=_seq)]

    def movements(
        self, account: AccountId, kinds: Sequence[RowKind], after: Seq, before: Seq, limit: int
    ) -> list[Event]:
        rows = [e for e in self.events(account, after, before) if e.kind in kinds]
        if RowKind.ZERO in kinds:
            zeros = self._arrivals.get(account_key(account), [])
            rows += zeros[bisect_left(zeros, after + 1, key=_seq) : bisect_left(zeros, before, key=_seq)]
        return latest_transactions(rows, limit)

    def postings(self, account: AccountId, since: Seq, before: Seq, limit: int) -> list[Posting]:
        rows = self._postings.get(account, [])
        end = bisect_left(rows, before, key=_seq)
        return rows[max(bisect_left(rows, since, 0, end, key=_seq), end - limit) : end]

    def expenses(self, account: Address, before: Seq) -> int:
        history = self._expenses.get(account)
        return history.before(before) if history else 0

    def nonce(self, account: Address, before: Seq) -> int:
        rows = self._events.get(account_key(account), [])
        for event in reversed(rows[: bisect_left(rows, before, key=_seq)]):
            if event.kind == _EXPENSE:
                return self.transaction(event.seq).transaction.nonce + 1
        return 0

    def gas_limits(self, before: Seq) -> int:
        return self._gas_totals[min(max(before, 0), len(self._transactions))]

    def zero_balance(self, account: Address, moment: Moment) -> Amount:
        history = self._zero.get(account)
        return Amount(history.before(moment) if history else 0)
