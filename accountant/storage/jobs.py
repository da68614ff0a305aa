"""Jobs in Postgres: their life from the question to its answer, one statement or two for each step.

Every change of state is guarded in its WHERE clause, so two processes that race for the same step
cannot both make it. All deadlines are measured by the database's clock.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.execution.port import OutcomesWithdrawn
from accountant.primitives.types import Address, Hash
from accountant.storage.agreement_tables import epoch
from accountant.storage.job_tables import PASSING, job_events, jobs, outbox

_NOW = sa.func.clock_timestamp()


ROOM_MOST = 2**63 - 1
"""Bytes of tensors: of a worker without a limit."""
_DOUBLED_MOST = 5


class JobState(StrEnum):
    """Where a job, or an execution, is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    """For executions that others do: it holds no lease and no worker."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing will change the job any more."""
        return self not in (JobState.QUEUED, JobState.RUNNING, JobState.WAITING)


class Queue(StrEnum):
    """What kind of worker a job, or an execution, needs."""

    CPU = "cpu"
    GPU = "gpu"


class NewJob(NamedTuple):
    """A job to be. `request` is the question's canonical encoding; `swear`: its answer shall be sworn on chain."""

    id: str
    key_prefix: str
    kind: str
    request: bytes
    swear: bool
    attempts_most: int
    queue: Queue = Queue.CPU
    repeats: str | None = None
    """The job whose answer was withdrawn and that is asked again."""
    oath_batch: bool = False
    """Whether its answer may be sworn together with others."""
    oath_beneficiary: Address | None = None
    """Who gets what of the penalty is not burnt; None: all of it is burnt."""
    traceparent: str | None = None
    """What its spans belong to."""


class JobRow(NamedTuple):
    """A job as it stands."""

    number: int
    id: str
    kind: str
    request: bytes
    queue: Queue
    state: JobState
    gas_executed: int
    why_waiting: str | None
    fence: int
    attempts: int
    attempts_most: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    executions: int
    executions_done: int
    certificate: bytes | None
    error_code: str | None
    error_detail: str | None
    swear: bool
    oath: Hash | None
    withdrawn_at: datetime | None
    repeated_by: str | None
    repeats: str | None
    oath_batch: bool
    oath_beneficiary: Address | None
    traceparent: str | None


class Lease(NamedTuple):
    """The right to work on a job until its deadline. Only the holder of the highest `fence` may write."""

    number: int
    id: str
    fence: int
    kind: str
    request: bytes
    attempt: int
    attempts_most: int
    parks: int
    done_so_far: bytes | None
    traceparent: str | None


class JobEvent(NamedTuple):
    """A change of a job that clients are told of, numbered in order."""

    number: int
    at: datetime
    state: JobState
    gas_executed: int
    executions: int
    executions_done: int
    why_waiting: str | None


_EPOCH = sa.func.coalesce(sa.select(epoch.c.number).scalar_subquery(), 0)

_COLUMNS = tuple(jobs.c[name] for name in JobRow._fields)


def _row(values: sa.Row[tuple[object, ...]]) -> JobRow:
    raw = values._asdict()
    raw["queue"], raw["state"] = Queue(raw["queue"]), JobState(raw["state"])
    raw["gas_executed"] = int(raw["gas_executed"])
    return JobRow(**raw)


class Jobs:
    """The jobs, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, new: NewJob) -> JobRow:
        """Stores a job and, in the same transaction, the message that will hand it to a worker."""
        values = {**new._asdict(), "queue": new.queue.value, "why_waiting": f"for a free {new.queue} worker"}
        stored = self._connection.execute(sa.insert(jobs).values(**values).returning(*_COLUMNS)).one()
        row = _row(stored)
        self._tell(row)
        self._post(row.number, 0.0)
        return row

    def get(self, job_id: str, key_prefix: str | None = None) -> JobRow | None:
        """A job; None if it does not exist or, where a key is named, belongs to another one."""
        query = sa.select(*_COLUMNS).where(jobs.c.id == job_id)
        if key_prefix is not None:
            query = query.where(jobs.c.key_prefix == key_prefix)
        found = self._connection.execute(query).one_or_none()
        return None if found is None else _row(found)

    def ended(self, job_ids: list[str]) -> set[str]:
        """Those of the jobs that have ended."""
        query = sa.select(jobs.c.id).where(jobs.c.id == sa.any_(sa.literal(job_ids, sa.ARRAY(sa.Text))))
        return set(self._connection.scalars(query.where(jobs.c.finished_at.is_not(None))))

    def page(self, key_prefix: str, before: int | None, limit: int) -> list[JobRow]:
        """Up to `limit` jobs of a key, latest first, all with number < before; without request and certificate."""
        columns = [sa.null().label(c.name) if c.name in ("request", "certificate") else c for c in _COLUMNS]
        query = sa.select(*columns).where(jobs.c.key_prefix == key_prefix)
        if before is not None:
            query = query.where(jobs.c.number < before)
        return [_row(r) for r in self._connection.execute(query.order_by(jobs.c.number.desc()).limit(limit))]

    def events(self, number: int, after: int, limit: int) -> list[JobEvent]:
        """Up to `limit` events of a job, in order, all with event number > after."""
        columns = tuple(job_events.c[name] for name in JobEvent._fields)
        query = sa.select(*columns).where(job_events.c.job_number == number, job_events.c.number > after)
        found = self._connection.execute(query.order_by(job_events.c.number).limit(limit))
        return [
            JobEvent(**{**r._asdict(), "state": JobState(r.state), "gas_executed": int(r.gas_executed)}) for r in found
        ]

    def take(self, job_id: str, owner: str, lease_s: float, room: int = ROOM_MOST) -> Lease | None:
        """Leases a queued job to a worker and counts the attempt; None if there is nothing to take.

        `room`: bytes of tensors that the worker has room for.
        """
        taken = self._change(
            (
                jobs.c.id == job_id,
                jobs.c.state == JobState.QUEUED,
                jobs.c.attempts < jobs.c.attempts_most,
                jobs.c.room_least <= room,
            ),
            state=JobState.RUNNING,
            why_waiting=None,
            lease_owner=owner,
            lease_until=_NOW + _seconds(lease_s),
            fence=jobs.c.fence + 1,
            attempts=jobs.c.attempts + 1,
            gas_executed=sa.case((jobs.c.done_so_far.is_(None), 0), else_=jobs.c.gas_executed),
            epoch=_EPOCH,
            started_at=sa.func.coalesce(jobs.c.started_at, _NOW),
        )
        if taken is None:
            return None
        fields = (name for name in Lease._fields if name != "attempt")
        query = sa.select(*(jobs.c[name] for name in fields)).where(jobs.c.number == taken.number)
        return Lease(**self._connection.execute(query).one()._asdict(), attempt=taken.attempts)

    def renew(self, lease: Lease, lease_s: float, gas_executed: int) -> bool:
        """Moves the deadline and records progress. False if the lease is not ours any more."""
        known = self._connection.scalar(sa.select(jobs.c.gas_executed).where(jobs.c.number == lease.number))
        changes = {"lease_until": _NOW + _seconds(lease_s), "gas_executed": gas_executed}
        if known == gas_executed:
            renewed = self._connection.execute(sa.update(jobs).where(*_held(lease)).values(**changes))
            return renewed.rowcount == 1
        return self._change(_held(lease), **changes) is not None

    def finish(self, lease: Lease, certificate: bytes, gas_executed: int) -> bool:
        """Ends a job with its answer. False if the lease is not ours any more: then nothing is written.

        Raises `OutcomesWithdrawn` where an outcome was withdrawn since the lease began: then nothing is written either.
        """
        self._connection.execute(sa.select(epoch.c.number).with_for_update(read=True))
        held = self._connection.scalar(sa.select(jobs.c.epoch == _EPOCH).where(*_held(lease)))
        if held is False:
            raise OutcomesWithdrawn
        ended = self._end(_held(lease), JobState.DONE, certificate=certificate, gas_executed=gas_executed)
        return ended is not None

    def fail(self, lease: Lease, code: str, detail: str) -> bool:
        """Ends a job with an error. False if the lease is not ours any more."""
        return self._end(_held(lease), JobState.FAILED, error_code=code, error_detail=detail) is not None

    def retry(self, lease: Lease, why: str, delay_s: float) -> bool:
        """Gives a job back to the queue after an attempt without an answer. False if the lease is lost."""
        row = self._change(
            _held(lease), state=JobState.QUEUED, why_waiting=why, lease_owner=None, lease_until=None, published_at=None
        )
        if row is None:
            return False
        self._post(row.number, delay_s)
        return True

    def begin_again(self, lease: Lease, why: str) -> bool:
        """Gives a job back to the queue through no fault of its own: the attempt is not counted."""
        uncounted = sa.update(jobs).where(*_held(lease)).values(attempts=jobs.c.attempts - 1)
        self._connection.execute(uncounted)
        return self.retry(lease, why, 0.0)

    def hand_on(self, lease: Lease, room_least: int, why: str, delay_s: float) -> bool:
        """Gives a job back for a worker with at least so much room: the attempt is not counted."""
        needs = {"attempts": jobs.c.attempts - 1, "room_least": room_least}
        self._connection.execute(sa.update(jobs).where(*_held(lease)).values(**needs))
        return self.retry(lease, why, delay_s)

    def defer(self, job_id: str, room: int, delay_s: float) -> None:
        """A worker with too little room was asked: the job's message comes again later, each time after longer."""
        wants = (jobs.c.id == job_id, jobs.c.state == JobState.QUEUED, jobs.c.room_least > room)
        found = self._connection.execute(
            sa.select(jobs.c.number, jobs.c.publications).where(*wants).with_for_update()
        ).one_or_none()
        if found is not None:
            self._post(found.number, longer(delay_s, found.publications))

    def withdraw(self, number: int, repeated_by: str) -> None:
        """Marks a finished job's answer as resting on what was withdrawn; another job asks again."""
        marked = sa.update(jobs).where(jobs.c.number == number, jobs.c.withdrawn_at.is_(None))
        changed = self._connection.execute(marked.values(withdrawn_at=_NOW, repeated_by=repeated_by))
        assert changed.rowcount == 1

    def standing(self, after: int, limit: int) -> list[JobRow]:
        """Up to `limit` finished jobs that nobody withdrew, in order, all with number > after."""
        query = sa.select(*_COLUMNS).where(jobs.c.state == JobState.DONE, jobs.c.withdrawn_at.is_(None))
        found = self._connection.execute(query.where(jobs.c.number > after).order_by(jobs.c.number).limit(limit))
        return [_row(r) for r in found]

    def key_prefix(self, number: int) -> str:
        """Who asked for a job."""
        return str(self._connection.execute(sa.select(jobs.c.key_prefix).where(jobs.c.number == number)).scalar_one())

    def cancel(self, number: int) -> JobRow | None:
        """Ends a job that has not ended; its worker finds its lease gone. None if it has ended already."""
        live = jobs.c.state.in_((JobState.QUEUED, JobState.RUNNING, JobState.WAITING))
        return self._end((jobs.c.number == number, live), JobState.CANCELLED)

    def reopen(self, number: int) -> JobRow | None:
        """Queues a job anew that failed or was cancelled, as if it had just been asked. None if it is neither."""
        gone = jobs.c.state.in_((JobState.FAILED, JobState.CANCELLED))
        row = self._change(
            (jobs.c.number == number, gone),
            state=JobState.QUEUED,
            why_waiting=sa.literal("for a free ") + jobs.c.queue + " worker",
            gas_executed=0,
            attempts=0,
            parks=0,
            executions=0,
            executions_done=0,
            done_so_far=None,
            publications=0,
            published_at=None,
            started_at=None,
            finished_at=None,
            error_code=None,
            error_detail=None,
        )
        if row is not None:
            self._post(number, 0.0)
        return row

    def fail_reopened(self, number: int, code: str, detail: str) -> JobRow | None:
        """Ends a job again as it had failed before somebody reopened it. None if it has ended."""
        live = jobs.c.state.in_((JobState.QUEUED, JobState.RUNNING, JobState.WAITING))
        return self._end((jobs.c.number == number, live), JobState.FAILED, error_code=code, error_detail=detail)

    def park(self, lease: Lease, executions: int, why: str | None, done: bytes, gas_executed: int) -> bool:
        """Makes a job wait for `executions` more; its attempt was no failure. False if the lease is lost."""
        row = self._change(
            _held(lease),
            state=JobState.WAITING,
            why_waiting=why,
            lease_owner=None,
            lease_until=None,
            attempts=jobs.c.attempts - 1,
            parks=jobs.c.parks + 1,
            executions=jobs.c.executions + executions,
            done_so_far=done,
            gas_executed=gas_executed,
        )
        return row is not None

    def done_so_far(self, number: int) -> bytes | None:
        """What was done for a job until it last waited, and since."""
        return self._connection.scalar(sa.select(jobs.c.done_so_far).where(jobs.c.number == number))

    def wake(self, number: int, done: bytes, gas_executed: int, why: str | None, ready: bool) -> None:
        """Notes that an execution ended which a waiting job needs, and queues it where nothing is missing any more."""
        changes: dict[str, object] = {"done_so_far": done, "gas_executed": gas_executed, "why_waiting": why}
        if ready:
            changes |= {"state": JobState.QUEUED, "published_at": None}
            changes["why_waiting"] = sa.literal("for a free ") + jobs.c.queue + " worker"
        waiting = (jobs.c.number == number, jobs.c.state == JobState.WAITING)
        row = self._change(waiting, executions_done=jobs.c.executions_done + 1, **changes)
        assert row is not None, "who waits is waiting"
        if ready:
            self._post(number, 0.0)

    def tell_waiting(self, number: int, why: str) -> None:
        """Notes what a waiting job waits for by now."""
        self._change((jobs.c.number == number, jobs.c.state == JobState.WAITING), why_waiting=why)

    def fail_waiting(self, number: int, code: str, detail: str) -> None:
        """Ends a waiting job because what it waits for failed."""
        waiting = (jobs.c.number == number, jobs.c.state == JobState.WAITING)
        self._end(waiting, JobState.FAILED, error_code=code, error_detail=detail)

    def expired(self, limit: int) -> list[Lease]:
        """Leases past their deadline, locked for this transaction."""
        columns = (*(jobs.c[n] for n in Lease._fields if n != "attempt"), jobs.c.attempts.label("attempt"))
        query = sa.select(*columns).where(jobs.c.state == JobState.RUNNING, jobs.c.lease_until < _NOW)
        found = self._connection.execute(query.limit(limit).with_for_update(skip_locked=True))
        return [Lease(**r._asdict()) for r in found]

    def repost(self, patience_s: float) -> int:
        """Posts queued jobs again whose message nobody has acted on for `patience_s` × 2^(publications − 1)."""
        patience = patience_s * sa.func.power(2, sa.func.least(jobs.c.publications - 1, 7))
        late = jobs.c.published_at + sa.func.make_interval(0, 0, 0, 0, 0, 0, patience) < _NOW
        return self._repost(late)

    def repost_all(self) -> int:
        """Posts every queued job again: the broker has forgotten all messages."""
        return self._repost(jobs.c.published_at.is_not(None))

    def _repost(self, condition: sa.ColumnElement[bool]) -> int:
        numbers = sa.select(jobs.c.number).where(jobs.c.state == JobState.QUEUED, condition)
        locked = self._connection.scalars(numbers.with_for_update(skip_locked=True)).all()
        for number in locked:
            self._post(number, 0.0)
        return len(locked)

    def _post(self, number: int, delay_s: float) -> None:
        message = insert(outbox).values(job_number=number, not_before=_NOW + _seconds(delay_s))
        self._connection.execute(message.on_conflict_do_nothing(index_elements=[outbox.c.job_number]))

    def _end(self, conditions: tuple[sa.ColumnElement[bool], ...], state: JobState, **changes: object) -> JobRow | None:
        cleared = {"lease_owner": None, "lease_until": None, "why_waiting": None, "finished_at": _NOW}
        return self._change(conditions, state=state, **cleared, **changes)

    def _change(self, conditions: tuple[sa.ColumnElement[bool], ...], **changes: object) -> JobRow | None:
        statement = sa.update(jobs).where(*conditions).values(**changes).returning(*_COLUMNS)
        changed = self._connection.execute(statement).one_or_none()
        if changed is None:
            return None
        row = _row(changed)
        self._tell(row)
        return row

    def _tell(self, row: JobRow) -> None:
        facts = {
            "state": row.state,
            "gas_executed": Decimal(row.gas_executed),
            "executions": row.executions,
            "executions_done": row.executions_done,
            "why_waiting": row.why_waiting,
        }
        self._connection.execute(sa.insert(job_events).values(job_number=row.number, **facts))


def forget_events(connection: sa.Connection, older_than_s: float, limit: int) -> int:
    """Drops up to `limit` events older than this, how a job ended not among them; their number."""
    since = _NOW - _seconds(older_than_s)
    old = sa.select(job_events.c.number).where(PASSING, job_events.c.at < since).order_by(job_events.c.at).limit(limit)
    return connection.execute(sa.delete(job_events).where(job_events.c.number.in_(old))).rowcount


def forget_jobs_of(connection: sa.Connection, key_prefix: str, older_than_s: float, limit: int) -> int:
    """Drops those of a key's `limit` oldest jobs that ended longer ago than this, with all that belongs to them.

    Only for keys whose jobs nobody swears: what an oath, an audit or another job rests on stays.
    """
    oldest = sa.select(jobs).where(jobs.c.key_prefix == key_prefix).order_by(jobs.c.number).limit(limit).subquery()
    repeating = jobs.alias("repeating")
    old = sa.select(oldest.c.number).where(
        oldest.c.finished_at < _NOW - _seconds(older_than_s),
        ~oldest.c.swear,
        ~sa.exists().where(repeating.c.repeats == oldest.c.id),
    )
    return connection.execute(sa.delete(jobs).where(jobs.c.number.in_(old))).rowcount


def longer(delay_s: float, publications: int) -> float:
    """How long work waits that was offered so often to workers without room for it."""
    return delay_s * 2.0 ** min(max(publications - 1, 0), _DOUBLED_MOST)


def _held(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    return (jobs.c.number == lease.number, jobs.c.fence == lease.fence, jobs.c.state == JobState.RUNNING)


def _seconds(value: float) -> sa.Function[object]:
    return sa.func.make_interval(0, 0, 0, 0, 0, 0, value)
