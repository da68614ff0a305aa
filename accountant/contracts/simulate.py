"""Running a call to find out what it touches: nothing needs to be declared, and everything touched is recorded."""

from collections.abc import Callable
from typing import NamedTuple

from accountant.chain.footprint import (
    QUERY_BYTES_MAX,
    SIZE_OPEN,
    Blob,
    Bound,
    Call,
    Credit,
    Debit,
    Entry,
    Memory,
    Query,
    Read,
    Write,
)
from accountant.contracts.entry import EntryPoint
from accountant.contracts.entry_text import undeclared
from accountant.contracts.frame import Execution, Frame
from accountant.contracts.run import execute
from accountant.contracts.tensor_means import Means
from accountant.contracts.world import Run, RunResult, TraceFrame, World
from accountant.primitives.types import AMOUNT_MAX, AccountId, Cid, ContractId, Gas


class Touch(NamedTuple):
    """An entry that a run touched, and the mark that was set at its first touch."""

    entry: Entry
    mark: int


class Simulation(NamedTuple):
    """What came of a simulated run. After a failure `touched` holds what was touched until then."""

    result: RunResult
    touched: tuple[Touch, ...]
    """In order of first touch, each once; a debit's cap is the sum of all that its contract paid."""
    trace: tuple[TraceFrame, ...]
    """Where it failed, innermost first; empty if it did not, or if no code ran."""


def simulate(
    run: Run, world: World, gas: Gas, mark: Callable[[], int] = lambda: 0, means: Means | None = None
) -> Simulation:
    """Run like `execute`, with declarations recorded rather than demanded; `run.footprint` means nothing.

    `mark` is asked at each first touch, before the touched thing is looked at. A run that touches more than a
    footprint may declare fails as UNDECLARED_ACCESS; a memory entry is the last touch, if one is needed, and blobs
    have no size. Exceptions of `world` pass through, and `WorkerUnfit`.
    """
    recorders: list[_Recorder] = []

    def rules(run: Run, world: World, enter: Callable[[Frame, EntryPoint, int], int], means: Means | None) -> Execution:
        recorders.append(_Recorder(run, world, enter, mark, means))
        return recorders[0]

    trace: list[TraceFrame] = []
    result = execute(run._replace(footprint=()), world, gas, rules, trace, means)
    touched = [Touch(entry, at) for entry, at in recorders[0].touched.values()]
    memory = recorders[0].memory()
    return Simulation(result, (*touched, memory) if memory else tuple(touched), tuple(trace))


class _Declares(set[object]):
    """A set of declarations that takes every question for a declaration, and hands it on."""

    def __init__(self, touch: Callable[..., None]) -> None:
        super().__init__()
        self._touch = touch

    def __contains__(self, declaration: object) -> bool:
        self._touch(declaration)
        return True


class _Recorder(Execution):
    """A transaction that declares what it touches while it runs."""

    def __init__(
        self,
        run: Run,
        world: World,
        enter: Callable[[Frame, EntryPoint, int], int],
        mark: Callable[[], int],
        means: Means | None,
    ) -> None:
        super().__init__(run, world, enter, means)
        self.touched: dict[object, tuple[Entry, int]] = {}
        self._mark = mark
        room = self._means.room_bytes
        most = run.limits.tensor_bytes_most
        self.tensor_bytes_most = most if room is None else min(most, room)
        self.reads = _Declares(lambda key: self._touch(Read(*key)))  # type: ignore[assignment]
        self.writes = _Declares(lambda key: self._touch(Write(*key)))  # type: ignore[assignment]
        self.credits = _Declares(lambda account: self._touch(Credit(account)))  # type: ignore[assignment]
        self.calls = _Declares(self._touch_call)  # type: ignore[assignment]
        self.bounds = _Declares(lambda account: self._touch(Bound(account)))  # type: ignore[assignment]
        self.queries = _Declares(lambda query: self._touch(Query(query)))  # type: ignore[assignment]

    def declares(self, cid: Cid) -> bool:
        """Whether the file is published; then it is touched."""
        published = self.world.published(cid)
        if published:
            self._touch(Blob(cid, SIZE_OPEN))
        return published

    def memory(self) -> Touch | None:
        """The memory entry that the run needs; None if it needs none."""
        peak = 0 if self._tensors is None else self._tensors.memory.peak
        return Touch(Memory(peak), 0) if peak > self.run.limits.tensor_bytes_free else None

    def pay(self, payer: ContractId, account: AccountId, amount: int) -> None:
        """Move money; the payer's cap is what it has paid by then, this payment included."""
        cap = self.debited.get(payer, 0) + amount
        if cap > AMOUNT_MAX:
            raise undeclared(Debit(payer, cap))
        self._touch(Debit(payer, cap))
        self.caps[payer] = cap
        super().pay(payer, account, amount)

    def _touch_call(self, contract: bytes) -> None:
        if contract != self.run.contract:
            self._touch(Call(contract))

    def _touch(self, entry: Entry) -> None:
        name: object = (Debit, entry.contract) if isinstance(entry, Debit) else entry
        known = self.touched.get(name)
        if known is None and (len(self.touched) >= self.run.limits.footprint_entries_most or _too_long(entry)):
            raise undeclared(entry)
        self.touched[name] = (entry, self._mark() if known is None else known[1])


def _too_long(entry: Entry) -> bool:
    """Whether no footprint may hold the entry; the host function itself checks slots."""
    return isinstance(entry, Query) and not 0 < len(entry.query) <= QUERY_BYTES_MAX
