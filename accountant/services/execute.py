"""Executing: one attempt at one execution that jobs or later executions wait for."""

from dataclasses import dataclass

import sqlalchemy as sa

from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.shared_work import Parked, SharedWork, decode_done
from accountant.primitives.encoding import encode
from accountant.primitives.types import Seq
from accountant.services.attempt import Attempt, attempt
from accountant.services.heart import Abandon
from accountant.services.sharing import Sharing
from accountant.services.worker_means import ANY_ROOM, WorkerMeans
from accountant.storage.executions import ExecutionLease, Executions
from accountant.storage.trainings import Trained, TrainingRows
from accountant.storage.waits import Waiter, Waits
from accountant.tracing.spans import current


def execute(
    engine: sa.Engine,
    seq: Seq,
    owner: str,
    sharing: Sharing,
    abandon: Abandon | None = None,
    means: WorkerMeans = ANY_ROOM,
) -> Attempt:
    """Takes the execution if it is free, executes the transaction and what only it needs, and tells who waits."""
    policy = sharing.policy
    with engine.begin() as connection:
        executions = Executions(connection)
        lease = executions.take(seq, owner, policy.lease_s, means.room)
        if lease is None:
            executions.defer(seq, means.room, policy.room_delay_s)
            return Attempt.NOTHING_TO_DO
    return attempt(_Execution(engine, lease, sharing), policy, abandon, means)


def fail_execution(connection: sa.Connection, lease: ExecutionLease, detail: str) -> bool:
    """Ends an execution for good, and whatever waits for it. False if the lease is lost."""
    row = Executions(connection).fail(lease, "attempts_exhausted", detail)
    if row is None:
        return False
    Waits(connection).fail(lease.seq, f"transaction 0x{row.transaction.hex()} could not be executed: {detail}")
    return True


@dataclass(frozen=True)
class _Execution:
    """A `Leased` execution."""

    engine: sa.Engine
    lease: ExecutionLease
    sharing: Sharing

    @property
    def own(self) -> Seq | None:
        return self.lease.seq

    def renew(self, gas: int) -> bool:
        with self.engine.begin() as connection:
            return Executions(connection).renew(self.lease, self.sharing.policy.lease_s, gas)

    def run(self, work: SharedWork) -> bytes:
        session = Session(self.sharing.index, self.sharing.outcomes(), work)
        Selective(session).outcome(self.lease.seq)
        return encode(session.done())

    def finish(self, result: bytes, gas: int) -> bool:
        done = decode_done(result)
        current().set(gas_executed=done.gas, transactions_executed=len(done.executed), cache_hits=len(done.consulted))
        with self.engine.begin() as connection:
            held = Executions(connection).finish(self.lease, done.gas)
            if held:
                Waits(connection).wake(self.lease.seq, done)
        return held

    def fail(self, code: str, detail: str) -> bool:
        with self.engine.begin() as connection:
            return fail_execution(connection, self.lease, detail)

    def retry(self, why: str, delay_s: float) -> bool:
        with self.engine.begin() as connection:
            return Executions(connection).retry(self.lease, delay_s)

    def begin_again(self, why: str) -> bool:
        with self.engine.begin() as connection:
            return Executions(connection).begin_again(self.lease)

    def hand_on(self, room_least: int, why: str, delay_s: float) -> bool:
        with self.engine.begin() as connection:
            held = Executions(connection).hand_on(self.lease, room_least, delay_s)
            if held:
                Waits(connection).tell(self.lease.seq, why)
        return held

    def trained(self, step: Trained) -> None:
        with self.engine.begin() as connection:
            TrainingRows(connection).report(Waiter(None, self.lease.seq), step)

    def park(self, parked: Parked) -> bool:
        done = parked.done

        def hold(connection: sa.Connection, _missing: list[bytes]) -> bool:
            return Executions(connection).park(self.lease, encode(done), done.gas)

        return self.sharing.park(self.engine, Waiter(None, self.lease.seq), parked, hold)
