"""Who waits for which execution: jobs, and executions of later transactions.

A wait is registered while its execution's row is locked, and an execution ends under the same lock: so whoever waits is
told, and whoever comes after the end sees it. Nothing is waited for that is not strictly earlier.
"""

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

import sqlalchemy as sa

from accountant.execution.shared_work import Done, decode_done
from accountant.primitives.encoding import encode
from accountant.primitives.types import Seq
from accountant.storage.executions import Executions, NewExecution
from accountant.storage.job_tables import execution_waits, executions, jobs
from accountant.storage.jobs import Jobs, JobState

Known = Callable[[Iterable[Seq]], Collection[Seq]]
"""Which of these outcomes are known, whoever found them."""

FAILED = "execution_failed"
"""The error of a job or execution that waited for one that failed."""

_NAMED = 3


class Waiter(NamedTuple):
    """Who waits: a job by its number, or the execution of a transaction."""

    job_number: int | None
    by_seq: Seq | None


class Wanted(NamedTuple):
    """What is waited for, and the outcome asked for by the waiter itself that needs it, if any."""

    execution: NewExecution
    behind: Seq | None


class Waits:
    """All waiting, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._executions = Executions(connection)
        self._jobs = Jobs(connection)

    def join(self, wanted: list[Wanted], known: Known, attempts_most: int) -> dict[Seq, bool]:
        """Locks what is to be waited for, made where it is not there: each, and whether it is executed for us.

        What somebody else asked for before us is not. Empty where all has become known meanwhile.
        """
        there = set(known([one.execution.seq for one in wanted]))
        missing = [one.execution for one in wanted if one.execution.seq not in there]
        if not missing:
            return {}
        states = self._executions.locked(missing, attempts_most)
        ended = [seq for seq, state in states.items() if state is JobState.DONE]
        there = set(known(ended)) if ended else set()
        to_open = [seq for seq, state in states.items() if (state is None or state.ended) and seq not in there]
        self._executions.open(to_open, missing[0].traceparent)
        return {seq: seq in to_open for seq in states if seq not in there}

    def register(self, waiter: Waiter, wanted: list[Wanted], joined: dict[Seq, bool]) -> None:
        """Says that somebody waits for what `join` locked; the waiter's own row is locked by now."""
        rows = [
            {**waiter._asdict(), "seq": seq, "behind": one.behind, "charged": joined[seq]}
            for one in wanted
            if (seq := one.execution.seq) in joined
        ]
        self._connection.execute(sa.insert(execution_waits), rows)

    def wake(self, seq: Seq, done: Done) -> None:
        """An execution ended well: whoever waits for it is told, and queued if nothing else is missing."""
        waits = self._locked_waits(seq)
        self._connection.execute(sa.delete(execution_waits).where(execution_waits.c.seq == seq))
        for wait in waits:
            mine = done if wait.charged else None
            if wait.by_seq is not None:
                self._wake_execution(Seq(wait.by_seq), mine, wait.behind)
            else:
                self._wake_job(wait.job_number, mine, wait.behind)

    def _locked_waits(self, seq: Seq) -> list[sa.Row[tuple[object, ...]]]:
        """Who waits for an execution, all waiters' rows locked in order."""
        found = self._connection.execute(
            sa.select(*execution_waits.c).where(execution_waits.c.seq == seq).order_by(execution_waits.c.number)
        ).all()
        self._lock(executions.c.seq, {wait.by_seq for wait in found if wait.by_seq is not None})
        self._lock(jobs.c.number, {wait.job_number for wait in found if wait.job_number is not None})
        again = sa.select(*execution_waits.c).where(execution_waits.c.seq == seq)  # a cancelled job waits no more
        return list(self._connection.execute(again.order_by(execution_waits.c.number)).all())

    def _lock(self, key: sa.Column[int], values: Collection[int]) -> None:
        if values:
            self._connection.execute(sa.select(key).where(key.in_(values)).order_by(key).with_for_update())

    def _wake_execution(self, seq: Seq, done: Done | None, behind: Seq | None) -> None:
        row = self._executions.get(seq)
        assert row is not None
        joined = decode_done(row.done_so_far)
        if done is not None:
            joined = joined.joined(done, behind)
        self._executions.wake(seq, encode(joined), joined.gas, not self._left(execution_waits.c.by_seq == seq))

    def _wake_job(self, number: int, done: Done | None, behind: Seq | None) -> None:
        left = self._left(execution_waits.c.job_number == number)
        joined = decode_done(self._jobs.done_so_far(number))
        if done is not None:
            joined = joined.joined(done, behind)
        self._jobs.wake(number, encode(joined), joined.gas, why_waiting(left), not left)

    def _left(self, condition: sa.ColumnElement[bool]) -> list[bytes]:
        """The hashes of what is still waited for, in chain order."""
        waited = sa.select(executions.c.transaction).join(execution_waits, execution_waits.c.seq == executions.c.seq)
        return list(self._connection.scalars(waited.where(condition).order_by(executions.c.seq)))

    def tell(self, seq: Seq, why: str) -> None:
        """Tells the jobs that wait for an execution what it waits for itself; its row is locked by now."""
        waiting = sa.select(execution_waits.c.job_number).where(
            execution_waits.c.seq == seq, execution_waits.c.job_number.is_not(None)
        )
        for number in sorted(self._connection.scalars(waiting)):
            self._jobs.tell_waiting(number, why)

    def fail(self, seq: Seq, detail: str) -> None:
        """An execution failed: whoever waits for it fails, and whoever waits for those."""
        self._lock(executions.c.seq, self._later(seq))
        failed = {seq, *self._later(seq)}  # somebody may have come meanwhile
        for one in sorted(failed - {seq}):
            self._executions.fail_waiting(one, FAILED, detail)
        waiting = sa.select(execution_waits.c.job_number).where(execution_waits.c.seq.in_(failed))
        numbers = {number for number in self._connection.scalars(waiting) if number is not None}
        for number in sorted(numbers):
            self._jobs.fail_waiting(number, FAILED, detail)
        self._connection.execute(
            sa.delete(execution_waits).where(
                execution_waits.c.seq.in_(failed)
                | execution_waits.c.by_seq.in_(failed)
                | execution_waits.c.job_number.in_(numbers)
            )
        )

    def _later(self, seq: Seq) -> set[Seq]:
        """The executions that wait for this one, in whatever depth."""
        waits = execution_waits
        first = sa.select(waits.c.by_seq).where(waits.c.seq == seq, waits.c.by_seq.is_not(None))
        later = first.cte("later", recursive=True)
        further = sa.select(waits.c.by_seq).join(later, waits.c.seq == later.c.by_seq)
        found = self._connection.scalars(sa.select(later.union(further.where(waits.c.by_seq.is_not(None))).c.by_seq))
        return {Seq(one) for one in found}

    def drop(self, job_number: int) -> None:
        """A job that has ended waits for nothing; what only it needed is ended too, as far as nobody holds it."""
        gone = self._connection.execute(sa.delete(execution_waits).where(execution_waits.c.job_number == job_number))
        while gone.rowcount and self._executions.cancel_unwanted(_UNWANTED):
            pass


_UNWANTED = 1_000


def why_waiting(transactions: list[bytes]) -> str | None:
    """What a job waits for, for people; None if nothing."""
    if not transactions:
        return None
    names = ", ".join(f"0x{name.hex()}" for name in transactions[:_NAMED])
    more = f" and {len(transactions) - _NAMED} more" if len(transactions) > _NAMED else ""
    what = "the execution" if len(transactions) == 1 else f"{len(transactions)} executions"
    return f"for {what} of {names}{more}"
