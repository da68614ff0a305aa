"""What operators do to jobs, whoever asked for them: cancel, retry, and hand everything to the broker again.

Each is one line of the audit log, written in the transaction that does it, and tells how it is undone.
"""

import sqlalchemy as sa

from accountant.primitives.errors import AccountantError
from accountant.services.follow import UnknownJob
from accountant.storage.admins import Action, Admins, User
from accountant.storage.executions import Executions
from accountant.storage.jobs import JobRow, Jobs, JobState
from accountant.storage.waits import Waits

CANCEL, RETRY, REPUBLISH = "job.cancel", "job.retry", "jobs.republish"


class JobUnchanged(AccountantError):
    """The job is in a state in which this cannot be done to it."""

    code = "job_unchanged"


def cancel(admins: Admins, by: User, job_id: str, undoes: int | None = None) -> None:
    """Ends a job that has not ended, and the executions that only it needs. Raises `UnknownJob`, `JobUnchanged`."""
    jobs, row = _job(admins.connection, job_id)
    done = jobs.cancel(row.number)
    if done is None:
        raise JobUnchanged("The job has ended already.")
    Waits(admins.connection).drop(row.number)
    _note(admins, by, CANCEL, row, done, undoes)


def retry(admins: Admins, by: User, job_id: str, undoes: int | None = None) -> None:
    """Queues a job anew that failed or was cancelled, with all its attempts. Raises `UnknownJob`, `JobUnchanged`."""
    jobs, row = _job(admins.connection, job_id)
    done = jobs.reopen(row.number)
    if done is None:
        raise JobUnchanged("Only a job that failed or was cancelled is tried again.")
    _note(admins, by, RETRY, row, done, undoes)


def republish(admins: Admins, by: User) -> int:
    """Hands every queued job and execution to the broker once more; how many. It does no harm, and is not undone."""
    count = Executions(admins.connection).repost_all() + Jobs(admins.connection).repost_all()
    admins.note(by, REPUBLISH, "outbox", None, {"messages": count})
    return count


def undo_cancel(admins: Admins, by: User, action: Action) -> None:
    """Queues the job anew. Raises as `retry` does."""
    _, row = _job(admins.connection, action.target)
    if row.state is not JobState.CANCELLED:
        raise JobUnchanged("The job is not cancelled any more.")
    retry(admins, by, action.target, action.number)


def undo_retry(admins: Admins, by: User, action: Action) -> None:
    """Ends the job as it had ended before. Raises `UnknownJob`, `JobUnchanged`."""
    assert action.before is not None
    jobs, row = _job(admins.connection, action.target)
    if action.before["state"] == JobState.CANCELLED:
        cancel(admins, by, action.target, action.number)
        return
    done = jobs.fail_reopened(row.number, str(action.before["error_code"]), str(action.before["error_detail"]))
    if done is None:
        raise JobUnchanged("The job has ended already.")
    Waits(admins.connection).drop(row.number)
    _note(admins, by, "job.fail", row, done, action.number)


def _job(connection: sa.Connection, job_id: str) -> tuple[Jobs, JobRow]:
    jobs = Jobs(connection)
    try:
        row = jobs.get(job_id)
    except ValueError:  # a later version wrote it
        raise JobUnchanged("The job is in a state, or for a queue, that is not known here.") from None
    if row is None:
        raise UnknownJob("There is no such job.")
    return jobs, row


def _note(admins: Admins, by: User, action: str, before: JobRow, after: JobRow, undoes: int | None) -> None:
    admins.note(by, action, after.id, _facts(before), _facts(after), undoes)


def _facts(row: JobRow) -> dict[str, object]:
    failed = {"error_code": row.error_code, "error_detail": row.error_detail}
    return {"state": row.state.value, **(failed if row.error_code is not None else {})}
