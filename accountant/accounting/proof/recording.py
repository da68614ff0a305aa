"""The facts of a whole chain, and which of them were used: what a certificate has to carry."""

from bisect import bisect_left

from accountant.accounting.proof.errors import NotProvable
from accountant.accounting.proof.facts import Facts
from accountant.chain.footprint_root import Page, footprint_leaves, page_of
from accountant.chain.rows import RowKind, rows_of
from accountant.index.port import BlockInfo, ChainIndex, Event, Located, Moment, Publication
from accountant.primitives.types import AccountId, Address, Amount, Cid, ContractId, Hash, Height, Seq

PAGES_MOST = 200_000
"""Pages that one certificate may carry."""

HASHES_MOST = 200_000
"""Transactions of a chain, up to which it is proved that it has none with some hash: by all of their hashes."""


class Tree:
    """The footprint tree of one block: its leaves, and what stands under each key."""

    def __init__(self, transactions: list[Located], index: ChainIndex) -> None:
        self.leaves = footprint_leaves([rows_of(t.transaction, t.sender, index.genesis.gas) for t in transactions])
        self.pages: dict[bytes, Page] = {}
        self.positions: dict[bytes, int] = {}
        for position, leaf in enumerate(self.leaves):
            key, page = page_of(leaf)
            self.pages[key], self.positions[key] = page, position
        self._keys = list(self.positions)

    def around(self, key: bytes) -> set[int]:
        """The positions of the leaves that show what stands under a key: its own, or its neighbours."""
        if key in self.positions:
            return {self.positions[key]}
        after = bisect_left(self._keys, key)
        return {position for position in (after - 1, after) if 0 <= position < len(self.leaves)}


class RecordingFacts(Facts):
    """`Facts` over any index, up to a horizon. Until it records, the index answers by itself, which is faster."""

    def __init__(self, index: ChainIndex, horizon: Height) -> None:
        super().__init__(index.genesis, horizon)
        self.index = index
        self._trees: dict[Height, Tree] = {}
        self._own: dict[Address, list[Seq]] = {}
        self.recording = False
        self.used: set[Seq] = set()
        """Transactions."""
        self.pages: set[tuple[Height, bytes]] = set()
        self.all_hashes = False
        """Whether a hash was asked for that no block has."""

    def record(self) -> None:
        """From now on everything that is asked for is written down."""
        self.recording = True
        self.used.clear()

    def tree(self, height: Height) -> Tree:
        """The footprint tree of a block, from its transactions."""
        tree = self._trees.get(height)
        if tree is None:
            tree = self._trees[height] = Tree(self.transactions_in(height), self.index)
        return tree

    def transactions_in(self, height: Height) -> list[Located]:
        """All transactions of a block."""
        block = self.block_at(height)
        return self.index.transactions([Seq(seq) for seq in range(block.first_seq, block.first_seq + block.count)])

    def block_at(self, height: int) -> BlockInfo:
        block = self.index.block(Height(height))
        assert block is not None
        return block

    def block_by_hash(self, block_hash: Hash) -> BlockInfo | None:
        block = self.index.block_by_hash(block_hash)
        return block if block is not None and block.height <= self.horizon else None

    def block_of(self, seq: Seq) -> BlockInfo:
        last = self.block_at(self.horizon)
        beyond = seq >= last.first_seq
        return last if beyond else self.block_at(self.index.transaction(Seq(max(seq, 0))).height)

    # Before it records

    def writers(self, contract: ContractId, slot: bytes, before: Seq, limit: int) -> list[Seq]:
        if self.recording:
            return super().writers(contract, slot, before, limit)
        return self.index.writers(contract, slot, before, limit)

    def deployment(self, contract: ContractId) -> Seq | None:
        return super().deployment(contract) if self.recording else self.deployer(contract)

    def publication(self, cid: Cid) -> Publication | None:
        if self.recording:
            return super().publication(cid)
        found = self.index.publication(cid)
        return None if found is None or found.seq >= self.head().next_seq else found

    def events(self, account: AccountId, after: Seq, before: Seq) -> list[Event]:
        if self.recording:
            return super().events(account, after, before)
        return self.index.events(account, after, before)

    def signs_nothing(self, account: Address, since: Seq, before: Seq) -> bool:
        if self.recording:
            return super().signs_nothing(account, since, before)
        return not any(since <= seq < before for seq in self.own(account))

    def zero_balance(self, account: Address, moment: Moment) -> Amount:
        if self.recording:
            return super().zero_balance(account, moment)
        return self.index.zero_balance(account, moment)

    # Facts

    def transaction(self, seq: Seq) -> Located:
        self.used.add(seq)
        return self.index.transaction(seq)

    def page(self, key: bytes, height: Height) -> Page:
        self.pages.add((height, key))
        if len(self.pages) > PAGES_MOST:
            raise NotProvable("too_large", f"the answer rests on more than {PAGES_MOST} pages of blocks")
        return self.tree(height).pages.get(key, {})

    def seq_of(self, transaction_hash: Hash) -> Seq | None:
        seq, head = self.index.seq_of(transaction_hash), self.head()
        if seq is not None and seq < head.next_seq:
            self.used.add(seq)
            return seq
        if head.next_seq > HASHES_MOST and self.recording:
            raise NotProvable(
                "unknown_hash",
                f"it rests on 0x{transaction_hash.hex()} not being on the chain, of which only the hashes of all its "
                f"{head.next_seq} transactions are a proof",
            )
        self.all_hashes = True
        return None

    def signed(self, account: Address, nonce: int) -> Located:
        return self.transaction(self.own(account)[nonce])

    def own(self, account: Address) -> list[Seq]:
        """The user's transactions up to the horizon: entry n has nonce n."""
        own = self._own.get(account)
        if own is None:
            events = self.index.events(account, Seq(-1), self.head().next_seq)
            own = self._own[account] = [event.seq for event in events if event.kind == RowKind.EXPENSE]
        return own

    def deployer(self, contract: ContractId) -> Seq | None:
        seq = self.index.deployment(contract)
        if seq is None or seq >= self.head().next_seq:
            return None
        self.used.add(seq)
        return seq
