"""Outcomes in memory: for property tests, benchmarks and cold runs that must share nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from accountant.execution.outcome import Observed
from accountant.execution.port import Blobs, ConflictingOutcome
from accountant.execution.timeline import Checkpoint
from accountant.primitives.cid import cid_of
from accountant.primitives.types import AccountId, Cid, Seq


class MemoryBlobs:
    """`Blobs` in memory: all of them, or those put last; what is not there is looked for `beneath`."""

    def __init__(self, bytes_most: int | None = None, beneath: Blobs | None = None) -> None:
        self._beneath = beneath
        self._files: dict[bytes, bytes] = {}
        self._bytes_most = bytes_most
        self._bytes = 0
        self._guard = Lock()

    def get(self, cid: Cid) -> bytes | None:
        data = self._files.get(cid)
        return self._beneath.get(cid) if data is None and self._beneath is not None else data

    def put(self, data: bytes) -> Cid:
        cid = cid_of(data)
        with self._guard:
            if cid not in self._files:
                self._files[cid] = data
                self._bytes += len(data)
            while self._bytes_most is not None and self._bytes > self._bytes_most:
                self._bytes -= len(self._files.pop(next(iter(self._files))))
        return cid


class MemoryOutcomes:
    """An `OutcomeStore` for the threads of one process."""

    def __init__(self, blobs: Blobs | None = None) -> None:
        self.blobs: Blobs = blobs or MemoryBlobs()
        self._observed: dict[Seq, Observed] = {}
        self._executions: Counter[Seq] = Counter()
        self._checkpoints: defaultdict[AccountId, dict[Seq, Checkpoint]] = defaultdict(dict)
        self._flights: defaultdict[Seq, Lock] = defaultdict(Lock)
        self._guard = Lock()

    def get(self, seq: Seq) -> Observed | None:
        return self._observed.get(seq)

    def get_many(self, seqs: Iterable[Seq]) -> dict[Seq, Observed]:
        return {seq: self._observed[seq] for seq in seqs if seq in self._observed}

    def put(self, seq: Seq, observed: Observed) -> bool:
        with self._guard:
            kept = self._observed.setdefault(seq, observed)
            if kept.outcome != observed.outcome:
                raise ConflictingOutcome(seq)
            self._executions[seq] += 1
            return self._executions[seq] == 1

    def executions(self, seq: Seq) -> int:
        """How many times an outcome of this transaction was put."""
        return self._executions[seq]

    def stored_after(self, seq: Seq) -> list[tuple[Seq, Observed]]:
        """The outcomes of all later transactions, ascending."""
        return [(later, self._observed[later]) for later in sorted(self._observed) if later > seq]

    def withdraw(self, seqs: Iterable[Seq], since: Mapping[AccountId, Seq]) -> None:
        """Take outcomes away, and what is known of accounts' balances after a transaction of each."""
        with self._guard:
            for seq in seqs:
                del self._observed[seq]
            for account, seq in since.items():
                kept = self._checkpoints[account]
                self._checkpoints[account] = {before: c for before, c in kept.items() if before <= seq}

    def checkpoint(self, account: AccountId, before: Seq, exact: bool) -> Checkpoint | None:
        with self._guard:
            kept = [c for c in self._checkpoints[account].values() if c.before <= before]
        return max((c for c in kept if not exact or c.lower == c.upper), default=None)

    def keep_checkpoint(self, account: AccountId, checkpoint: Checkpoint) -> None:
        with self._guard:
            _, lower, upper = self._checkpoints[account].get(checkpoint.before, checkpoint)
            narrower = Checkpoint(checkpoint.before, max(lower, checkpoint.lower), min(upper, checkpoint.upper))
            assert narrower.lower <= narrower.upper
            self._checkpoints[account][checkpoint.before] = narrower

    @contextmanager
    def single_flight(self, seq: Seq) -> Iterator[None]:
        with self._guard:
            flight = self._flights[seq]
        with flight:
            yield
