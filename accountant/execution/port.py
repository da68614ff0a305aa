"""What the selective executor asks of the store of outcomes. Adapters: `execution.memory`, `storage.outcomes`."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from accountant.execution.outcome import Observed
from accountant.execution.timeline import Checkpoint
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import AccountId, Cid, Gas, Seq


class ConflictingOutcome(AccountantError):
    """A second outcome of a transaction that differs from the first: a bug or corruption, never input."""

    code = "conflicting_outcome"

    def __init__(self, seq: Seq) -> None:
        super().__init__(f"transaction {seq} already has another outcome: one of the two was computed wrongly")
        self.seq = seq


class OutcomesWithdrawn(AccountantError):
    """An outcome was withdrawn since this work began: what it found may rest on it. It is to begin again."""

    code = "outcomes_withdrawn"

    def __init__(self) -> None:
        super().__init__("a wrong outcome was withdrawn since this work began: it begins again")


class Blobs(Protocol):
    """Files by CID: what was published and is held here, and what contracts saved and somebody kept."""

    def get(self, cid: Cid) -> bytes | None:
        """The bytes, which are those that the CID names; None if they are not to be had."""

    def put(self, data: bytes) -> Cid:
        """Keep a file, or not: what a contract saved can be had again by executing it. Its CID."""


class OutcomeStore(Protocol):
    """Outcomes by transaction number, kept for ever and shared by all clients."""

    @property
    def blobs(self) -> Blobs:
        """The files beside them."""

    def get(self, seq: Seq) -> Observed | None:
        """The outcome, if anyone observed it."""

    def get_many(self, seqs: Iterable[Seq]) -> dict[Seq, Observed]:
        """Those of the outcomes that were observed."""

    def put(self, seq: Seq, observed: Observed) -> bool:
        """Keep an outcome; whether nobody had put it before. Putting the same outcome again changes nothing.

        Raises `ConflictingOutcome`, and `OutcomesWithdrawn` where what was known before may be wrong.
        """

    def checkpoint(self, account: AccountId, before: Seq, exact: bool) -> Checkpoint | None:
        """The latest checkpoint of the account's general balance at or before a position.

        `exact`: only one with lower = upper.
        """

    def keep_checkpoint(self, account: AccountId, checkpoint: Checkpoint) -> None:
        """Keep what is known of a balance; where something is kept already, the narrower of both.

        Raises `OutcomesWithdrawn` where what was known before may be wrong.
        """

    def single_flight(self, seq: Seq) -> AbstractContextManager[None]:
        """Held while one transaction is executed: a second worker that asks for the same one waits here.

        Whoever enters looks into the store again first. Losing the lock costs a repeated execution,
        never a wrong outcome.
        """


Heartbeat = Callable[[Gas], None]
"""Called with the gas executed so far, at least once for each executed transaction. It may raise to stop the work."""

Records = Callable[[Seq], Observed | None]
"""What executing a transaction would find, with all that it would ask for; None where nobody recorded that. It may
raise to stop the work."""
