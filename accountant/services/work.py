"""Working: one attempt at one job, under a lease that a thread keeps alive."""

import time
from dataclasses import dataclass, field

import sqlalchemy as sa

from accountant.execution.shared_work import Parked, SharedWork, decode_done
from accountant.oath.audit_report import decode_audit
from accountant.primitives.encoding import encode
from accountant.primitives.types import Seq
from accountant.services.attempt import Attempt, attempt
from accountant.services.audits import keep_audit
from accountant.services.heart import Abandon
from accountant.services.policy import JobPolicy
from accountant.services.questions import Answer, Answered, QuestionKind, decode_question
from accountant.services.sharing import Sharing
from accountant.services.worker_means import ANY_ROOM, WorkerMeans
from accountant.storage.job_figures import keep_figures
from accountant.storage.jobs import Jobs, Lease
from accountant.storage.observed_gas import add_job
from accountant.storage.trainings import Trained, TrainingRows
from accountant.storage.waits import Waiter, why_waiting
from accountant.tracing.spans import Value, current, within


def work(
    engine: sa.Engine,
    answer: Answer,
    job_id: str,
    owner: str,
    policy: JobPolicy,
    sharing: Sharing | None = None,
    abandon: Abandon | None = None,
    means: WorkerMeans = ANY_ROOM,
) -> Attempt:
    """Takes the job if it is free, answers it, and stores the answer if the lease still holds.

    Without `sharing` whatever has to be executed is executed here.
    """
    with engine.begin() as connection:
        jobs = Jobs(connection)
        lease = jobs.take(job_id, owner, policy.lease_s, means.room)
        if lease is None:
            jobs.defer(job_id, means.room, policy.room_delay_s)
            return Attempt.NOTHING_TO_DO
    alone = policy._replace(delegate_gas=None)
    return attempt(_Job(engine, answer, lease, policy, sharing), alone if sharing is None else policy, abandon, means)


@dataclass(frozen=True)
class _Job:
    """A `Leased` job."""

    engine: sa.Engine
    answer: Answer
    lease: Lease
    policy: JobPolicy
    sharing: Sharing | None

    own: Seq | None = None
    began: float = field(default_factory=time.monotonic)
    answered: list[Answered] = field(default_factory=list)
    """The latest answer, before it was encoded."""

    def renew(self, gas: int) -> bool:
        with self.engine.begin() as connection:
            return Jobs(connection).renew(self.lease, self.policy.lease_s, gas)

    def run(self, work: SharedWork) -> bytes:
        self.answered[:] = [self.answer(decode_question(QuestionKind(self.lease.kind), self.lease.request), work)]
        return encode(self.answered[0])

    def finish(self, result: bytes, gas: int) -> bool:
        current().set(gas_executed=gas, **_took(self.answered[0]))
        with within("job.answer", certificate_bytes=len(result)), self.engine.begin() as connection:
            held = Jobs(connection).finish(self.lease, result, gas)
            if held:  # what others executed for the job took their time
                add_job(connection, gas - decode_done(self.lease.done_so_far).gas, time.monotonic() - self.began)
                keep_figures(connection, self.lease.number, self.answered[0])
                if self.lease.kind == QuestionKind.AUDIT:
                    keep_audit(connection, self.lease.number, decode_audit(result))
        return held

    def fail(self, code: str, detail: str) -> bool:
        with self.engine.begin() as connection:
            return Jobs(connection).fail(self.lease, code, detail)

    def retry(self, why: str, delay_s: float) -> bool:
        with self.engine.begin() as connection:
            return Jobs(connection).retry(self.lease, why, delay_s)

    def begin_again(self, why: str) -> bool:
        with self.engine.begin() as connection:
            return Jobs(connection).begin_again(self.lease, why)

    def hand_on(self, room_least: int, why: str, delay_s: float) -> bool:
        with self.engine.begin() as connection:
            return Jobs(connection).hand_on(self.lease, room_least, why, delay_s)

    def trained(self, step: Trained) -> None:
        with self.engine.begin() as connection:
            TrainingRows(connection).report(Waiter(self.lease.number, None), step)

    def park(self, parked: Parked) -> bool:
        assert self.sharing is not None
        done = parked.done

        def hold(connection: sa.Connection, missing: list[bytes]) -> bool:
            return Jobs(connection).park(self.lease, len(missing), why_waiting(missing), encode(done), done.gas)

        return self.sharing.park(self.engine, Waiter(self.lease.number, None), parked, hold)


def _took(answered: Answered) -> dict[str, Value]:
    """What an answer says of the work behind it, where it says so."""
    executed, known = getattr(answered, "executed", None), getattr(answered, "cache_hits", None)
    took: dict[str, Value] = {"cache_hits": known} if isinstance(known, int) else {}
    if executed is None:
        return took
    return {**took, "transactions_executed": executed if isinstance(executed, int) else len(executed)}
