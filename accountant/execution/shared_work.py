"""Work that several workers share: what one of them leaves to others, and what was done for it before.

What a heavy transaction did is found by whoever takes that execution; the work that needs it stops, and goes on
from stored outcomes. Nothing here can change an answer: it says who executes, never what comes of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from accountant.contracts.tensor_means import NO_TRAINING, Training
from accountant.execution.port import Heartbeat
from accountant.execution.transition import runs_code
from accountant.index.port import Located
from accountant.primitives.encoding import Decoder, Record
from accountant.primitives.types import Gas, Seq

DONE_BYTES_MAX = 256 * 1024 * 1024


class Executed(Record, frozen=True):
    """A transaction whose outcome was found, and the gas that it used. `code`: whether a contract ran for it."""

    seq: int
    gas: int
    code: bool


class Spent(Record, frozen=True):
    """The gas that finding one outcome took, what it depends on included."""

    seq: int
    gas: int


class Done(Record, frozen=True):
    """What was done for a piece of work so far, by whoever did it.

    `consulted`: transactions whose outcomes were known before and used. `spent`: for each outcome that the work asked
    for itself, in that order, the gas behind it; what two of them share counts for the first.
    """

    executed: tuple[Executed, ...] = ()
    consulted: tuple[int, ...] = ()
    spent: tuple[Spent, ...] = ()

    @property
    def gas(self) -> Gas:
        """Gas of all that was executed."""
        return Gas(sum(one.gas for one in self.executed))

    def joined(self, other: "Done", behind: Seq | None) -> "Done":
        """This and what somebody else did for the same work, to find what `behind` depends on."""
        executed = {one.seq: one for one in (*self.executed, *other.executed)}
        spent = {one.seq: one.gas for one in self.spent}
        if behind is not None:
            spent[behind] = spent.get(behind, 0) + other.gas
        return Done(
            tuple(executed.values()),
            tuple(sorted({*self.consulted, *other.consulted} - set(executed))),
            tuple(Spent(seq, gas) for seq, gas in spent.items()),
        )


_done = Decoder(Done, DONE_BYTES_MAX)
NOTHING = Done()


def decode_done(raw: bytes | None) -> Done:
    """What `raw` encodes; nothing done if it is None. Raises `InvalidEncoding`."""
    return NOTHING if raw is None else _done.decode(raw)


Trainings = Callable[[Seq | None], Training]
"""What a whole training within a transaction reports to; of None, one within a view."""


@dataclass(frozen=True)
class SharedWork:
    """The heartbeat of work that leaves heavy executions to others. Given to a session in its heartbeat's place.

    `gas_left_to_others`: calls with at least this gas limit are left to others; None: nothing is.
    `own`: the transaction that this work is about, which it executes whatever its gas limit. `room_bytes`: tensors that
    this worker can hold, None for no limit; a transaction that may hold more is handed on (`TooLittleMemory`).
    `trainings`: what whole training loops report to. `waits_for_blobs`: whether a published blob that nobody serves
    ends the work, to be tried again (`BlobAwaited`), rather than leaving it undecided (`BlobUnavailable`).
    """

    heartbeat: Heartbeat
    done: Done = NOTHING
    gas_left_to_others: Gas | None = None
    own: Seq | None = None
    room_bytes: int | None = None
    trainings: Trainings = lambda _seq: NO_TRAINING
    waits_for_blobs: bool = False

    def __call__(self, gas: Gas) -> None:
        """Report progress; the listener may raise to stop the work."""
        self.heartbeat(gas)

    def leaves(self, located: Located) -> bool:
        """Whether executing this transaction is left to others."""
        least = self.gas_left_to_others
        if least is None or located.seq == self.own or located.transaction.gas_limit < least:
            return False
        return runs_code(located)


class Parked(Exception):
    """Work that cannot go on before others have executed what was left to them.

    `waits_for`: each transaction, and the outcome asked for by the work itself behind which it stands, if any.
    `done`: what was done for this work so far.
    """

    def __init__(self, waits_for: Mapping[Seq, Seq | None], done: Done) -> None:
        super().__init__(f"waits for {len(waits_for)} executions")
        self.waits_for = waits_for
        self.done = done
