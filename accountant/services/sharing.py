"""What workers share: heavy executions, each done once for all that wait for it."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from accountant.execution.port import OutcomeStore
from accountant.execution.shared_work import Parked
from accountant.index.port import ChainIndex
from accountant.primitives.types import Gas, Seq
from accountant.services.heart import LeaseLost
from accountant.services.policy import JobPolicy
from accountant.storage.executions import Executions, NewExecution
from accountant.storage.jobs import Queue
from accountant.storage.waits import Waiter, Waits, Wanted
from accountant.tracing import spans

Hold = Callable[[sa.Connection, list[bytes]], bool]
"""Turns a lease into waiting for executions of these transactions. False if the lease is lost."""


@dataclass(frozen=True)
class Sharing:
    """The chain that is worked on, what is known of it, and who executes what."""

    index: ChainIndex
    outcomes: Callable[[], OutcomeStore]
    """As they stand: something may have been withdrawn."""
    policy: JobPolicy

    def park(self, engine: sa.Engine, waiter: Waiter, parked: Parked, hold: Hold) -> bool:
        """Makes somebody wait for what it left to others, in one database transaction.

        False where all of it has become known meanwhile. Raises `LeaseLost`; then nothing is stored.
        """
        wanted = self._wanted(parked)
        with engine.begin() as connection:
            waits = Waits(connection)
            joined = waits.join(wanted, self.outcomes().get_many, self.policy.attempts_most)
            if not joined:
                return False
            if not hold(connection, [w.execution.transaction for w in wanted if w.execution.seq in joined]):
                raise LeaseLost
            waits.register(waiter, wanted, joined)
            _link_to(connection, [seq for seq, ours in joined.items() if not ours])
        return True

    def _wanted(self, parked: Parked) -> list[Wanted]:
        """In chain order."""
        found, trace = [], spans.current().traceparent
        for located in self.index.transactions(sorted(parked.waits_for)):
            gas = Gas(located.transaction.gas_limit)
            queue = Queue.GPU if gas >= self.policy.gpu_gas else Queue.CPU
            new = NewExecution(located.seq, located.hash, gas, queue, trace)
            found.append(Wanted(new, parked.waits_for[located.seq]))
        return found


def _link_to(connection: sa.Connection, others: list[Seq]) -> None:
    """Executions that somebody wanted before belong to that one's trace; the waiter's says which."""
    if others and spans.active():
        for traceparent in Executions(connection).traces(others):
            spans.link(traceparent)
