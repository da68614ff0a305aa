"""What the machine gives to a transaction's tensors. It may end a run; it never changes what comes of one."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from accountant.primitives.cid import cid_of
from accountant.primitives.errors import AccountantError

if TYPE_CHECKING:
    from accountant.contracts.tensor_values import Computed

RECIPES_MOST = 1 << 16
"""Operations that one transaction's memo remembers to have been done; and numbers that were read, and files."""
ENTRY_BYTES = 2048
"""What the results of an operation take in the memo besides their values."""
MEMO_BYTES_LEAST = 16 * 1024 * 1024
"""What a memo may hold, however little the transaction may."""
RELEASED_BYTES_MOST = 1024 * 1024
"""What a memo holds of results that no handle names any more: they may be asked for again, and seldom are. More would
make each step of a training work in other memory than the step before, which a processor has to fetch."""


class WorkerUnfit(AccountantError):
    """This worker cannot do the work; another one may. No outcome follows from that."""

    code = "worker_unfit"


class TooLittleMemory(WorkerUnfit):
    """This worker has too little memory for the transaction's tensors."""

    code = "too_little_memory"


class TooLittleRoom(TooLittleMemory):
    """The transaction may hold more bytes of tensors than this worker has room for: known before it runs."""

    code = "too_little_room"


class UnfitMachine(WorkerUnfit):
    """This machine's products are not exact."""

    code = "unfit_machine"


class Checkpoints(Protocol):
    """Where a training loop leaves its state, so that a killed worker's work is not lost."""

    def load(self, key: bytes) -> bytes | None:
        """The state last saved under this key, unaltered; None if there is none."""

    def save(self, key: bytes, state: bytes) -> None:
        """Keep a state."""


class NoCheckpoints:
    """`Checkpoints` that keep nothing."""

    def load(self, key: bytes) -> bytes | None:
        return None

    def save(self, key: bytes, state: bytes) -> None:
        return None


R = TypeVar("R")


class Meter(Protocol):
    """Who wants to know what operations take. It changes nothing of what comes of them."""

    def timed(self, kind: str, gas: int, work: Callable[[], R]) -> R:
        """Do the work: an operation of this kind, which was priced so much."""


class NoMeter:
    """A `Meter` that measures nothing."""

    def timed(self, kind: str, gas: int, work: Callable[[], R]) -> R:
        return work()


class Training(NamedTuple):
    """What work on tensors reports to. `progress(step, steps, loss)` of a whole training may raise to stop the work."""

    checkpoints: Checkpoints = NoCheckpoints()
    progress: Callable[[int, int, float], None] = lambda _step, _steps, _loss: None
    meter: Meter = NoMeter()


NO_TRAINING = Training()


class _Entry(NamedTuple):
    results: "Computed"
    size: int
    whole: bool


class Memo:
    """What runs of one transaction computed, by recipe, for its next run: a contract that stops begins anew.

    That an operation was done is remembered longer than its results: what is known to go well need not be done before
    somebody looks at it. Results that handles name have room of their own, which what was let go never takes.
    """

    def __init__(self) -> None:
        self.computed = 0
        """Operations that were done, for tests and measurements."""
        self._done: set[bytes] = set()
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._bytes = 0
        self._released: OrderedDict[bytes, _Entry] = OrderedDict()
        self._released_bytes = 0
        self._numbers: dict[bytes, int] = {}
        self._files: dict[bytes, tuple[bytes, bytes]] = {}
        self._saved: dict[bytes, bytes] = {}

    def done(self, recipe: bytes) -> bool:
        """Whether this operation was done before."""
        return recipe in self._done

    def find(self, recipe: bytes) -> tuple["Computed", bool] | None:
        """Its results, if they are still there, and whether they lead to what they were computed from."""
        entry = self._entries.get(recipe)
        if entry is not None:
            self._entries.move_to_end(recipe)
            return entry.results, entry.whole
        entry = self._released.pop(recipe, None)
        if entry is None:
            return None
        self._released_bytes -= entry.size
        self._put(recipe, entry)
        return entry.results, entry.whole

    def keep(self, recipe: bytes, results: "Computed", size: int, most: int) -> None:
        """Remember results whose values have `size` bytes, as long as all together are about at most `most`."""
        self.computed += 1
        if len(self._done) < RECIPES_MOST:
            self._done.add(recipe)
        self._put(recipe, _Entry(results, size + ENTRY_BYTES, True))
        while self._bytes > max(most, MEMO_BYTES_LEAST):
            _, dropped = self._entries.popitem(last=False)
            self._bytes -= dropped.size

    def let_go(self, recipe: bytes) -> None:
        """No handle names these results any more: keep their values alone, and only the latest of all such.

        Where gradients flowed through them, they lead no more to what they were computed from.
        """
        entry = self._entries.pop(recipe, None)
        if entry is None:
            return
        self._bytes -= entry.size
        if entry.size > RELEASED_BYTES_MOST:
            return
        from accountant.contracts.tensor_compute import bare

        results, whole = bare(entry.results)
        self._released[recipe] = _Entry(results, entry.size, entry.whole and whole)
        self._released_bytes += entry.size
        while self._released_bytes > RELEASED_BYTES_MOST:
            _, dropped = self._released.popitem(last=False)
            self._released_bytes -= dropped.size

    def number(self, recipe: bytes, read: Callable[[], int]) -> int:
        """A number that was read from a tensor before, or is now."""
        known = self._numbers.get(recipe)
        if known is None:
            known = read()
            if len(self._numbers) < RECIPES_MOST:
                self._numbers[recipe] = known
        return known

    def file(self, recipe: bytes, write: Callable[[], bytes]) -> tuple[bytes, bytes]:
        """CID and bytes of a file that was saved before, or is now. Each counts once in the transaction's memory."""
        known = self._files.get(recipe)
        if known is None:
            data = write()
            cid = cid_of(data)
            known = cid, self._saved.setdefault(cid, data)
            if len(self._files) < RECIPES_MOST:
                self._files[recipe] = known
        return known

    def _put(self, recipe: bytes, entry: _Entry) -> None:
        before = self._entries.pop(recipe, None)
        self._bytes += entry.size - (before.size if before else 0)
        self._entries[recipe] = entry


@dataclass(frozen=True)
class Means:
    """What one transaction's runs are given.

    `room_bytes`: tensors that this worker can hold, as the transaction counts them; None for no limit. Whoever says
    it leaves room for what is counted by nobody: operands rounded to binary64, and what is remembered for the next
    run, which together take no more than three times as much again.
    """

    memo: Memo
    room_bytes: int | None = None
    training: Training = NO_TRAINING

    def hold(self, most: int) -> None:
        """Raises `TooLittleRoom` if a transaction may hold more than there is room for."""
        if self.room_bytes is not None and most > self.room_bytes:
            raise TooLittleRoom(f"tensors of {most} bytes, and this worker holds at most {self.room_bytes}")
