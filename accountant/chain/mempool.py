"""The mempool: transactions that wait for a block, each payable by the state right now.

Algorithm 1 (Tx-DoS) of the paper ends here: a well-signed transaction from a key without zero-cost money costs
one signature check, is refused as `unfunded`, and leaves nothing behind: no memory, no block, no row.
"""

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from accountant.chain.admission import ModuleCheck, check_admission
from accountant.chain.errors import MempoolRefusal, NotPooled
from accountant.chain.holdings import NOTHING_HELD, Holdings
from accountant.chain.inclusion import CheckedBytes, check_bytes, signer
from accountant.chain.state import ChainState
from accountant.chain.transaction import PublishPayload, transaction_hash
from accountant.chain.validator import ValidatedBlock
from accountant.primitives.cid import show_cid
from accountant.primitives.types import Address, Cid, Hash

REPLACEMENT_PERCENT = 10


class MempoolLimits(NamedTuple):
    """How much waits at most."""

    transactions_most: int = 20_000
    bytes_most: int = 64 * 1024 * 1024
    per_sender_most: int = 64
    gap_most: int = 16
    """How many nonces may be missing below a transaction that waits."""


DEFAULT_LIMITS = MempoolLimits()


class Pending(NamedTuple):
    """A waiting transaction."""

    raw: bytes
    hash: Hash
    sender: Address
    nonce: int
    tip: int
    cost: int
    """Fee and zero_value: what the sender's Z must cover."""
    publishes: tuple[Cid, int] | None = None
    """The CID and the size in bytes, of a publication."""
    fee: int = 0
    """What of the cost does not go to the recipient: tip, gas money, and what is burnt."""
    arrived: float = 0.0
    """When it came, by the clock of whoever added it. Nothing goes by it."""


class Mempool:
    """Waiting transactions by sender and nonce. It reads the chain's state and never changes it."""

    def __init__(
        self,
        state: ChainState,
        check_module: ModuleCheck,
        limits: MempoolLimits = DEFAULT_LIMITS,
        holdings: Holdings = NOTHING_HELD,
    ) -> None:
        self._state = state
        self._check_module = check_module
        self._holdings = holdings
        self._limits = limits
        self._by_sender: dict[Address, dict[int, Pending]] = {}
        self._by_hash: dict[Hash, Pending] = {}
        self._cheapest: list[tuple[int, bytes]] = []
        """A heap of (tip, hash), with entries left over from transactions that are gone."""
        self.bytes_count = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    def get(self, transaction_hash: Hash) -> Pending | None:
        """A waiting transaction."""
        return self._by_hash.get(transaction_hash)

    def next_nonce(self, sender: Address) -> int:
        """The first nonce that neither the chain nor the mempool has of a sender."""
        nonce = self._state.account(sender).nonce
        waiting = self._by_sender.get(sender, {})
        while nonce in waiting:
            nonce += 1
        return nonce

    def add(self, raw: bytes, now: float = 0.0) -> Pending:
        """Keep a transaction that comes `now`. Raises `InvalidTransaction` or `NotPooled`; then nothing has changed.

        Checks go from cheap to dear: form, signature, nonce, money, room, and envelopes and modules last.
        """
        checked = check_bytes(raw, self._state.genesis)
        name = transaction_hash(raw)
        if name in self._by_hash:
            raise NotPooled(MempoolRefusal.KNOWN, "it waits already")
        pending = _pending(checked, name, signer(checked), now)
        replaced = self._check_place(pending)
        victims = self._victims(pending, replaced)
        self._check_admission(checked, pending)
        if replaced is not None:
            self._remove(replaced)
        for victim in victims:
            self._remove(victim)
        self._insert(pending)
        return pending

    def all(self) -> Iterable[Pending]:
        """Everything that waits, with or without a gap before it, in no order that means anything."""
        return self._by_hash.values()

    def pending_of(self, sender: Address) -> int:
        """How many transactions of a sender wait without a gap after those on the chain."""
        return self.next_nonce(sender) - self._state.account(sender).nonce

    def drop(self, name: Hash) -> None:
        """Forget a transaction that a proposer found to fail, and what waits behind it of the same sender."""
        pending = self._by_hash.get(name)
        if pending is not None:
            for behind in self._from(pending):
                self._remove(behind)

    def advance(self, block: ValidatedBlock) -> None:
        """After the state took a block in: forget what is on the chain, superseded, or no longer payable."""
        assert self._state.head.hash == block.hash
        for sender in block.accounts:
            account = self._state.account(sender)
            waiting = self._by_sender.get(sender, {})
            left = account.zero
            for nonce in sorted(waiting):
                pending = waiting[nonce]
                if nonce >= account.nonce:
                    left -= pending.cost
                if nonce < account.nonce or left < 0:
                    self._remove(pending)

    def candidates(self) -> Iterator[bytes]:
        """Transactions in the order to propose them, as `in_order`."""
        return (pending.raw for pending in self.in_order())

    def in_order(self) -> Iterator[Pending]:
        """What a block could take: highest tip first, each sender's by nonce without gaps.

        Equal tips go by hash, so the order is a function of the content.
        """
        ready = []
        for sender, waiting in self._by_sender.items():
            first = waiting.get(self._state.account(sender).nonce)
            if first is not None:
                ready.append((-first.tip, first.hash, first))
        heapify(ready)
        while ready:
            _, _, pending = heappop(ready)
            yield pending
            following = self._by_sender.get(pending.sender, {}).get(pending.nonce + 1)
            if following is not None:
                heappush(ready, (-following.tip, following.hash, following))

    def _check_place(self, pending: Pending) -> Pending | None:
        """The transaction that this one replaces. Raises `NotPooled` where nonce or money do not allow it."""
        account = self._state.account(pending.sender)
        waiting = self._by_sender.get(pending.sender, {})
        replaced = waiting.get(pending.nonce)
        costs = sum(p.cost for p in waiting.values()) - (replaced.cost if replaced else 0) + pending.cost
        if costs > account.zero:
            raise NotPooled(
                MempoolRefusal.UNFUNDED, f"with what waits already it takes {costs}, the sender's Z is {account.zero}"
            )
        if pending.nonce < account.nonce:
            raise NotPooled(MempoolRefusal.STALE_NONCE, f"the sender's next nonce is {account.nonce}")
        furthest = self.next_nonce(pending.sender) + self._limits.gap_most
        if replaced is None and pending.nonce > furthest:
            raise NotPooled(MempoolRefusal.NONCE_GAP, f"nonces from {account.nonce} to {furthest} may wait")
        if replaced is None:
            if len(waiting) >= self._limits.per_sender_most:
                raise NotPooled(MempoolRefusal.SENDER_FULL, f"{len(waiting)} transactions of this sender wait already")
        elif pending.tip < (least := replaced.tip + max(1, -(-replaced.tip * REPLACEMENT_PERCENT // 100))):
            raise NotPooled(MempoolRefusal.REPLACEMENT_TIP, f"replacing it takes a tip of at least {least}")
        return replaced

    def _victims(self, pending: Pending, replaced: Pending | None) -> list[Pending]:
        """What has to go to make room: lowest tips first, each with what waits behind it. Raises `NotPooled` (FULL)."""
        count = len(self._by_hash) + 1 - self._limits.transactions_most
        size = self.bytes_count + len(pending.raw) - self._limits.bytes_most
        if replaced is not None:
            count, size = count - 1, size - len(replaced.raw)
        victims: dict[Hash, Pending] = {}
        popped = []
        while (count > 0 or size > 0) and self._cheapest:
            entry = heappop(self._cheapest)
            found = self._by_hash.get(Hash(entry[1]))
            if found is None:
                continue
            popped.append(entry)
            if found.hash in victims:
                continue
            if found.tip >= pending.tip:
                break
            if found.sender == pending.sender:
                continue
            for behind in self._from(found):
                if behind.hash not in victims:
                    victims[behind.hash] = behind
                    count, size = count - 1, size - len(behind.raw)
        for entry in popped:
            heappush(self._cheapest, entry)
        if count > 0 or size > 0:
            raise NotPooled(MempoolRefusal.FULL, "the mempool is full of transactions with tips as high")
        return list(victims.values())

    def _check_admission(self, checked: CheckedBytes, pending: Pending) -> None:
        """Against the contracts and blobs on the chain: one whose deployment or publication still waits is not there.

        A publication comes after its bytes. Raises `NotPooled` (BLOB_ABSENT) where they are not at hand.
        """
        limits = self._state.genesis.limits
        check_admission(checked.transaction, checked.payload, pending.sender, self._state, limits, self._check_module)
        if pending.publishes is not None and not self._holdings.has(*pending.publishes):
            cid, size = pending.publishes
            raise NotPooled(
                MempoolRefusal.BLOB_ABSENT,
                f"no blob {show_cid(cid)} of {size} bytes is here: put its bytes first",
            )

    def _from(self, pending: Pending) -> list[Pending]:
        """A transaction and all of its sender's later ones: without it they could not be included."""
        waiting = self._by_sender[pending.sender]
        return [waiting[nonce] for nonce in sorted(waiting) if nonce >= pending.nonce]

    def _insert(self, pending: Pending) -> None:
        self._by_sender.setdefault(pending.sender, {})[pending.nonce] = pending
        self._by_hash[pending.hash] = pending
        self.bytes_count += len(pending.raw)
        heappush(self._cheapest, (pending.tip, pending.hash))
        if len(self._cheapest) > 2 * len(self._by_hash) + 64:
            self._cheapest = [(p.tip, p.hash) for p in self._by_hash.values()]
            heapify(self._cheapest)

    def _remove(self, pending: Pending) -> None:
        waiting = self._by_sender[pending.sender]
        del waiting[pending.nonce]
        if not waiting:
            del self._by_sender[pending.sender]
        del self._by_hash[pending.hash]
        self.bytes_count -= len(pending.raw)


def _pending(checked: CheckedBytes, name: Hash, sender: Address, now: float) -> Pending:
    transaction = checked.transaction
    cost = checked.fee + transaction.zero_value
    payload = checked.payload
    publishes = (Cid(payload.cid), payload.size) if isinstance(payload, PublishPayload) else None
    return Pending(checked.raw, name, sender, transaction.nonce, transaction.tip, cost, publishes, checked.fee, now)
