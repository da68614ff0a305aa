"""The chain as a `ChainIndex` over few primitive facts, each of which a block header commits to.

Whoever makes a certificate and whoever checks it run this same code: the one over facts of a whole chain, writing
down which ones it used (`recording`), the other over facts that were carried and proved (`carried`). A fact that is
not there is an error, never an answer.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from accountant.chain.fees import fee_of
from accountant.chain.footprint import account_key, blob_key, code_key, slot_key
from accountant.chain.footprint_root import Page
from accountant.chain.genesis import Genesis
from accountant.chain.moment import MOMENT_SHIFT, Moment
from accountant.chain.rows import Row, RowKind, rows_of
from accountant.chain.state import ChainState
from accountant.index.blocks import EVENT_KINDS
from accountant.index.port import BlockInfo, Event, Head, Located, Posting, Publication
from accountant.primitives.encoding import encode
from accountant.primitives.types import AccountId, Address, Amount, Cid, ContractId, Hash, Height, Seq


class Facts(ABC):
    """A `ChainIndex` of the blocks from genesis to a horizon: what lies behind that is not there."""

    def __init__(self, genesis: Genesis, horizon: Height) -> None:
        self._genesis = genesis
        self.horizon = horizon
        """The last block that is there."""
        self._at_genesis = ChainState.at_genesis(genesis)
        self._allocated = {account.address: account.zero_balance for account in genesis.accounts}
        self._deployments: dict[ContractId, Seq | None] = {}

    # Primitive facts

    @abstractmethod
    def transaction(self, seq: Seq) -> Located:
        """The transaction with this number: its bytes under a transaction root, and who signed it."""

    @abstractmethod
    def page(self, key: bytes, height: Height) -> Page:
        """What a block has under a key: a leaf under its footprint root; empty where two neighbours leave no room."""

    @abstractmethod
    def seq_of(self, transaction_hash: Hash) -> Seq | None:
        """The transaction with this hash; None if no block has it, up to the horizon."""

    @abstractmethod
    def signed(self, account: Address, nonce: int) -> Located:
        """The user's transaction with this nonce."""

    @abstractmethod
    def deployer(self, contract: ContractId) -> Seq | None:
        """The transaction that deploys a contract, where that is a fact at hand: there is at most one on a chain."""

    @abstractmethod
    def block_at(self, height: int) -> BlockInfo:
        """The block at a height up to the horizon."""

    @abstractmethod
    def block_by_hash(self, block_hash: Hash) -> BlockInfo | None:
        """The block with this hash; None if there is none up to the horizon."""

    @abstractmethod
    def block_of(self, seq: Seq) -> BlockInfo:
        """The block that holds a transaction number; beyond all of them the last one."""

    # Blocks

    @property
    def genesis(self) -> Genesis:
        return self._genesis

    def head(self) -> Head:
        last = self.block_at(self.horizon)
        return Head(last.height, last.hash, Seq(last.first_seq + last.count))

    def block(self, height: Height) -> BlockInfo | None:
        return self.block_at(height) if 0 <= height <= self.horizon else None

    def blocks(self, first: int, last: int) -> Iterator[BlockInfo]:
        """The blocks from a height to another one, ascending, as far as they are there."""
        return (self.block_at(height) for height in range(first, min(last, self.horizon) + 1))

    def transactions(self, seqs: list[Seq]) -> list[Located]:
        return [self.transaction(seq) for seq in seqs]

    # Rows

    def ahead(self, asked: Sequence[tuple[ContractId, bytes, Seq]], limit: int) -> bool:
        return False

    def writers(self, contract: ContractId, slot: bytes, before: Seq, limit: int) -> list[Seq]:
        found: list[Seq] = []
        key, height = slot_key(contract, slot), self.block_of(Seq(before - 1)).height if before else 0
        while height and len(found) < limit:
            block = self.block_at(height)
            if block.count:
                places = _places(self.page(key, Height(height)), RowKind.WRITE)
                found += [seq for place in reversed(places) if (seq := Seq(block.first_seq + place)) < before]
            height -= 1
        return found[:limit]

    def deployment(self, contract: ContractId) -> Seq | None:
        if contract not in self._deployments:
            self._deployments[contract] = self._deployment(contract)
        return self._deployments[contract]

    def _deployment(self, contract: ContractId) -> Seq | None:
        known = self.deployer(contract)
        if known is not None:
            return known
        for block in self.blocks(1, self.horizon):
            if block.count:
                for place in _places(self.page(code_key(contract), block.height), RowKind.DEPLOY):
                    return Seq(block.first_seq + place)
        return None

    def publication(self, cid: Cid) -> Publication | None:
        for block in self.blocks(1, self.horizon):
            if block.count:
                page = self.page(blob_key(cid), block.height)
                for place in _places(page, RowKind.PUBLISH):
                    return Publication(Seq(block.first_seq + place), page[RowKind.PUBLISH][1])
        return None

    def events(self, account: AccountId, after: Seq, before: Seq) -> list[Event]:
        if before - after == 2 and 0 < before <= self.head().next_seq:  # one transaction, which says it all itself
            return self.events_of(account, self.transaction(Seq(after + 1)))
        key, events = account_key(account), []
        for block, first, end in self._parts(Seq(after + 1), before):
            for kind, (places, caps) in self.page(key, block.height).items():
                if kind not in EVENT_KINDS:
                    continue
                for place in places:
                    if first <= place < end:
                        seq = Seq(block.first_seq + place)
                        cap = caps if len(places) == 1 else self._cap(key, kind, seq)
                        events.append(Event(seq, kind, Amount(cap)))
        return sorted(events)

    def events_of(self, account: AccountId, located: Located) -> list[Event]:
        """The rows of one transaction that move an account's general balance."""
        key = account_key(account)
        rows = [row for row in self.rows(located) if row.key == key and row.kind in EVENT_KINDS]
        return sorted(Event(located.seq, row.kind, Amount(row.cap)) for row in rows)

    def rows(self, located: Located) -> list[Row]:
        """All rows of one transaction."""
        return rows_of(located.transaction, located.sender, self._genesis.gas)

    def _cap(self, key: bytes, kind: int, seq: Seq) -> int:
        """One of several caps that a leaf has the sum of alone."""
        return sum(row.cap for row in self.rows(self.transaction(seq)) if row.key == key and row.kind == kind)

    def _parts(self, since: Seq, before: Seq) -> Iterator[tuple[BlockInfo, int, int]]:
        """The blocks with transactions since ≤ seq < before, and which places those are."""
        since = Seq(max(0, since))
        if since >= before:
            return
        for height in range(self.block_of(since).height, self.block_of(Seq(before - 1)).height + 1):
            block = self.block_at(height)
            first, end = max(0, since - block.first_seq), min(block.count, before - block.first_seq)
            if first < end:
                yield block, first, end

    def signs_nothing(self, account: Address, since: Seq, before: Seq) -> bool:
        """Whether the user signed no transaction with since ≤ seq < before: every one has a row of its own kind."""
        for block, first, end in self._parts(since, before):
            places = _places(self.page(account_key(account), block.height), RowKind.EXPENSE)
            if any(first <= place < end for place in places):
                return False
        return True

    # The zero-cost ledger

    def zero_balance(self, account: Address, moment: Moment) -> Amount:
        """Exactly: every block before `moment` is asked for what touches the user, or pays it as a proposer."""
        height, index = moment >> MOMENT_SHIFT, (moment & ((1 << MOMENT_SHIFT) - 1)) - 1
        zero, key = self._allocated.get(account, 0), account_key(account)
        for block in self.blocks(1, height):
            end = block.count if block.height < height else min(index, block.count)
            page = self.page(key, block.height) if end > 0 else {}
            for place in _places(page, RowKind.EXPENSE):
                if place < end:
                    zero -= self.paid(self.transaction(Seq(block.first_seq + place)))
            places, caps = page.get(RowKind.ZERO, ((), 0))
            if places and places[-1] < end:
                zero += caps
            else:
                seqs = (Seq(block.first_seq + place) for place in places if place < end)
                zero += sum(self._cap(key, RowKind.ZERO, seq) for seq in seqs)
            if block.proposer == account and block.height < height:
                seqs = (Seq(seq) for seq in range(block.first_seq, block.first_seq + block.count))
                zero += self.reward(block) + sum(self.transaction(seq).transaction.tip for seq in seqs)
        return Amount(zero)

    def allocated(self, account: Address) -> int:
        """The zero-cost money that genesis gives a user."""
        return self._allocated.get(account, 0)

    def paid(self, located: Located) -> int:
        """What left the sender's Z at inclusion, in base units."""
        transaction = located.transaction
        return fee_of(transaction, len(encode(transaction)), self._genesis.fees) + transaction.zero_value

    def received(self, account: Address, located: Located) -> int:
        """What a transaction brought to a user's Z at inclusion."""
        key = account_key(account)
        return sum(row.cap for row in self.rows(located) if row.key == key and row.kind == RowKind.ZERO)

    def reward(self, block: BlockInfo) -> int:
        """What a block minted for its proposer."""
        return self._at_genesis.reward_at(block.height)

    def rewards(self, account: Address, since: Seq, moment: Moment) -> list[tuple[Seq, int]]:
        """The rewards that landed in a user's Z, blocks that begin at `since` or later, complete before `moment`.

        Each with the number of the first transaction after it.
        """
        at = self.block_of(since)
        first = 1 if since <= 0 else at.height + (at.first_seq < since)
        return [
            (Seq(block.first_seq + block.count), self.reward(block))
            for block in self.blocks(first, (moment >> MOMENT_SHIFT) - 1)
            if block.proposer == account
        ]

    # What no proof asks for

    def movements(
        self, account: AccountId, kinds: Sequence[RowKind], after: Seq, before: Seq, limit: int
    ) -> list[Event]:
        raise NotImplementedError("a proof has the rows of its windows alone")

    def postings(self, account: AccountId, since: Seq, before: Seq, limit: int) -> list[Posting]:
        raise NotImplementedError("a proof walks the rows of its windows")

    def expenses(self, account: Address, before: Seq) -> int:
        raise NotImplementedError("a proof walks expenses one by one")

    def nonce(self, account: Address, before: Seq) -> int:
        raise NotImplementedError("a proof looks a user's transactions up by nonce")

    def gas_limits(self, before: Seq) -> int:
        raise NotImplementedError("what executing everything would take is not proved")


def _places(page: Page, kind: RowKind) -> tuple[int, ...]:
    return page.get(kind, ((), 0))[0]
