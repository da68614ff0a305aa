"""Executions in Postgres: heavy transactions that workers share, with the discipline of jobs (`storage/jobs.py`).

An execution's row is its transaction's number: however many jobs need it, it is executed once. Rows are locked in one
order everywhere: executions by number, then jobs by number, then who waits for what (`storage/waits.py`).
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.primitives.types import Gas, Hash, Seq
from accountant.storage.job_tables import execution_waits, executions, outbox
from accountant.storage.jobs import ROOM_MOST, JobState, Queue, longer

_NOW = sa.func.clock_timestamp()
_LIVE = (JobState.QUEUED, JobState.RUNNING, JobState.WAITING)


class NewExecution(NamedTuple):
    """An execution to be."""

    seq: Seq
    transaction: Hash
    gas_limit: Gas
    queue: Queue
    traceparent: str | None = None
    """What its spans belong to: whoever was first to want it."""


class ExecutionRow(NamedTuple):
    """An execution as it stands."""

    seq: Seq
    transaction: Hash
    queue: Queue
    state: JobState
    gas_executed: int
    fence: int
    attempts: int
    attempts_most: int
    parks: int
    done_so_far: bytes | None
    created_at: datetime
    started_at: datetime | None
    resumed_at: datetime | None
    finished_at: datetime | None
    error_code: str | None
    error_detail: str | None
    traceparent: str | None


class ExecutionLease(NamedTuple):
    """The right to work on an execution until its deadline. Only the holder of the highest `fence` may write."""

    seq: Seq
    fence: int
    attempt: int
    attempts_most: int
    parks: int
    done_so_far: bytes | None
    traceparent: str | None

    @property
    def id(self) -> str:
        """What logs call it."""
        return f"execution of {self.seq}"


_COLUMNS = tuple(executions.c[name] for name in ExecutionRow._fields)


class Executions:
    """The executions, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, seq: Seq) -> ExecutionRow | None:
        """The execution of a transaction, if somebody ever waited for it."""
        found = self._connection.execute(sa.select(*_COLUMNS).where(executions.c.seq == seq)).one_or_none()
        return None if found is None else _row(found)

    def locked(self, new: list[NewExecution], attempts_most: int) -> dict[Seq, JobState | None]:
        """Makes those that are not there, and locks all; their states as they were, None for new ones."""
        ordered = sorted(new)
        rows = [{**one._asdict(), "queue": one.queue.value, "attempts_most": attempts_most} for one in ordered]
        made = insert(executions).values(rows).on_conflict_do_nothing().returning(executions.c.seq)
        fresh = set(self._connection.scalars(made))
        there = sa.select(executions.c.seq, executions.c.state).where(executions.c.seq.in_([n.seq for n in ordered]))
        found = self._connection.execute(there.order_by(executions.c.seq).with_for_update())
        return {Seq(r.seq): None if r.seq in fresh else JobState(r.state) for r in found}

    def open(self, seqs: list[Seq], traceparent: str | None = None) -> None:
        """Queues executions that are new, or that ended and are wanted once more; they must be locked."""
        cleared = {
            "attempts": 0,
            "parks": 0,
            "gas_executed": 0,
            "done_so_far": None,
            "published_at": None,
            "publications": 0,
            "started_at": None,
            "finished_at": None,
            "error_code": None,
            "error_detail": None,
            "room_least": 0,
            "traceparent": traceparent,
        }
        self._connection.execute(
            sa.update(executions).where(executions.c.seq.in_(seqs)).values(state=JobState.QUEUED, **cleared)
        )
        for seq in seqs:
            self.post(seq, 0.0)

    def take(self, seq: Seq, owner: str, lease_s: float, room: int = ROOM_MOST) -> ExecutionLease | None:
        """Leases a queued execution to a worker and counts the attempt; None if there is nothing to take.

        `room`: bytes of tensors that the worker has room for.
        """
        row = self._change(
            (
                executions.c.seq == seq,
                executions.c.state == JobState.QUEUED,
                executions.c.attempts < executions.c.attempts_most,
                executions.c.room_least <= room,
            ),
            state=JobState.RUNNING,
            lease_owner=owner,
            lease_until=_NOW + _seconds(lease_s),
            fence=executions.c.fence + 1,
            attempts=executions.c.attempts + 1,
            started_at=sa.func.coalesce(executions.c.started_at, _NOW),
            resumed_at=_NOW,
        )
        if row is None:
            return None
        return _lease(row)

    def renew(self, lease: ExecutionLease, lease_s: float, gas_executed: int) -> bool:
        """Moves the deadline and records progress. False if the lease is not ours any more."""
        changes = {"lease_until": _NOW + _seconds(lease_s), "gas_executed": gas_executed}
        return self._change(_held(lease), **changes) is not None

    def finish(self, lease: ExecutionLease, gas_executed: int) -> bool:
        """Ends an execution whose outcome is stored. False if the lease is not ours any more.

        What was done for it is kept by whom it counts for: along a chain it would be kept once for each link.
        """
        row = self._end(_held(lease), JobState.DONE, done_so_far=None, gas_executed=gas_executed)
        return row is not None

    def fail(self, lease: ExecutionLease, code: str, detail: str) -> ExecutionRow | None:
        """Ends an execution with an error. None if the lease is not ours any more."""
        return self._end(_held(lease), JobState.FAILED, error_code=code, error_detail=detail)

    def retry(self, lease: ExecutionLease, delay_s: float) -> bool:
        """Gives an execution back to the queue after an attempt without an end. False if the lease is lost."""
        row = self._change(_held(lease), state=JobState.QUEUED, lease_owner=None, lease_until=None, published_at=None)
        if row is None:
            return False
        self.post(row.seq, delay_s)
        return True

    def begin_again(self, lease: ExecutionLease) -> bool:
        """Gives an execution back through no fault of its own: the attempt is not counted."""
        uncounted = sa.update(executions).where(*_held(lease)).values(attempts=executions.c.attempts - 1)
        self._connection.execute(uncounted)
        return self.retry(lease, 0.0)

    def hand_on(self, lease: ExecutionLease, room_least: int, delay_s: float) -> bool:
        """Gives an execution back for a worker with at least so much room: the attempt is not counted."""
        needs = {"attempts": executions.c.attempts - 1, "room_least": room_least}
        self._connection.execute(sa.update(executions).where(*_held(lease)).values(**needs))
        return self.retry(lease, delay_s)

    def defer(self, seq: Seq, room: int, delay_s: float) -> None:
        """A worker with too little room was asked: the message comes again later, each time after longer."""
        wants = (executions.c.seq == seq, executions.c.state == JobState.QUEUED, executions.c.room_least > room)
        query = sa.select(executions.c.publications).where(*wants).with_for_update()
        publications = self._connection.scalar(query)
        if publications is not None:
            self.post(seq, longer(delay_s, publications))

    def park(self, lease: ExecutionLease, done: bytes, gas_executed: int) -> bool:
        """Makes an execution wait for others; its attempt was no failure. False if the lease is lost."""
        row = self._change(
            _held(lease),
            state=JobState.WAITING,
            lease_owner=None,
            lease_until=None,
            attempts=executions.c.attempts - 1,
            parks=executions.c.parks + 1,
            done_so_far=done,
            gas_executed=gas_executed,
        )
        return row is not None

    def wake(self, seq: Seq, done: bytes, gas_executed: int, ready: bool) -> None:
        """Notes what was done for a waiting execution, and queues it where nothing is missing any more."""
        changes: dict[str, object] = {"done_so_far": done, "gas_executed": gas_executed}
        if ready:
            changes |= {"state": JobState.QUEUED, "published_at": None}
        row = self._change((executions.c.seq == seq, executions.c.state == JobState.WAITING), **changes)
        assert row is not None, "who waits is waiting"
        if ready:
            self.post(seq, 0.0)

    def fail_waiting(self, seq: Seq, code: str, detail: str) -> None:
        """Ends a waiting execution because what it waits for failed."""
        self._end(
            (executions.c.seq == seq, executions.c.state == JobState.WAITING),
            JobState.FAILED,
            error_code=code,
            error_detail=detail,
        )

    def traces(self, seqs: Collection[Seq]) -> list[str]:
        """What the spans of these executions belong to, where they are traced, in chain order."""
        there = sa.select(executions.c.traceparent).where(
            executions.c.seq.in_(seqs), executions.c.traceparent.is_not(None)
        )
        return list(self._connection.scalars(there.order_by(executions.c.seq)))

    def cancel_unwanted(self, limit: int) -> int:
        """Ends up to `limit` executions that nobody waits for; their workers find their leases gone. Their number.

        What another process holds is skipped, so that this waits for nobody. What they waited for themselves may be
        unwanted now: call it again until it ends none.
        """
        waiting = sa.exists().where(execution_waits.c.seq == executions.c.seq)
        live = sa.select(executions.c.seq).where(executions.c.finished_at.is_(None))
        candidates = live.where(~waiting).order_by(executions.c.seq).limit(limit).with_for_update(skip_locked=True)
        locked = self._connection.scalars(candidates).all()
        # somebody may have begun to wait between the look and the lock, and nobody can now
        ended = 0
        for seq in locked:
            row = self._end((executions.c.seq == seq, executions.c.state.in_(_LIVE), ~waiting), JobState.CANCELLED)
            if row is not None:
                ended += 1
                self._connection.execute(sa.delete(execution_waits).where(execution_waits.c.by_seq == seq))
        return ended

    def expired(self, limit: int) -> list[ExecutionLease]:
        """Leases past their deadline, locked for this transaction, the earliest transactions first."""
        columns = (*(executions.c[n] for n in ExecutionLease._fields if n != "attempt"), executions.c.attempts)
        late = sa.select(*columns).where(executions.c.state == JobState.RUNNING, executions.c.lease_until < _NOW)
        found = self._connection.execute(late.order_by(executions.c.seq).limit(limit).with_for_update(skip_locked=True))
        return [_lease(r) for r in found]

    def repost(self, patience_s: float) -> int:
        """Posts queued executions again whose message nobody has acted on for `patience_s` × 2^(publications − 1)."""
        patience = patience_s * sa.func.power(2, sa.func.least(executions.c.publications - 1, 7))
        return self._repost(executions.c.published_at + sa.func.make_interval(0, 0, 0, 0, 0, 0, patience) < _NOW)

    def repost_all(self) -> int:
        """Posts every queued execution again: the broker has forgotten all messages."""
        return self._repost(executions.c.published_at.is_not(None))

    def _repost(self, condition: sa.ColumnElement[bool]) -> int:
        seqs = sa.select(executions.c.seq).where(executions.c.state == JobState.QUEUED, condition)
        locked = self._connection.scalars(seqs.with_for_update(skip_locked=True)).all()
        for seq in locked:
            self.post(Seq(seq), 0.0)
        return len(locked)

    def post(self, seq: Seq, delay_s: float) -> None:
        """Stores the message that will hand the execution to a worker."""
        message = insert(outbox).values(execution_seq=seq, not_before=_NOW + _seconds(delay_s))
        self._connection.execute(message.on_conflict_do_nothing(index_elements=[outbox.c.execution_seq]))

    def _end(
        self, conditions: tuple[sa.ColumnElement[bool], ...], state: JobState, **changes: object
    ) -> ExecutionRow | None:
        return self._change(conditions, state=state, lease_owner=None, lease_until=None, finished_at=_NOW, **changes)

    def _change(self, conditions: tuple[sa.ColumnElement[bool], ...], **changes: object) -> ExecutionRow | None:
        statement = sa.update(executions).where(*conditions).values(**changes).returning(*_COLUMNS)
        changed = self._connection.execute(statement).one_or_none()
        return None if changed is None else _row(changed)


def forget_executions(connection: sa.Connection, older_than_s: float, limit: int) -> int:
    """Drops up to `limit` executions that ended longer ago than this; outcomes stay. Their number."""
    since = _NOW - _seconds(older_than_s)
    old = sa.select(executions.c.seq).where(executions.c.finished_at < since)
    locked = old.order_by(executions.c.finished_at).limit(limit).with_for_update(skip_locked=True)
    return connection.execute(sa.delete(executions).where(executions.c.seq.in_(locked))).rowcount


def _lease(row: ExecutionRow | sa.Row[tuple[object, ...]]) -> ExecutionLease:
    named = {name: getattr(row, name) for name in ExecutionLease._fields if name != "attempt"}
    return ExecutionLease(**named, attempt=row.attempts)


def _row(values: sa.Row[tuple[object, ...]]) -> ExecutionRow:
    raw = values._asdict()
    raw["queue"], raw["state"] = Queue(raw["queue"]), JobState(raw["state"])
    raw["gas_executed"] = int(raw["gas_executed"])
    return ExecutionRow(**raw)


def _held(lease: ExecutionLease) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        executions.c.seq == lease.seq,
        executions.c.fence == lease.fence,
        executions.c.state == JobState.RUNNING,
    )


def _seconds(value: float) -> sa.Function[object]:
    return sa.func.make_interval(0, 0, 0, 0, 0, 0, value)
