"""Following jobs: reading, listing, cancelling. Another key's job does not exist."""

import re

import sqlalchemy as sa

from accountant.primitives.errors import AccountantError
from accountant.storage.jobs import JobEvent, JobRow, Jobs
from accountant.storage.trainings import TrainingRow, TrainingRows
from accountant.storage.waits import Waits

_JOB_ID = re.compile(r"job_[0-9a-f]{32}", re.ASCII)


class UnknownJob(AccountantError):
    """No job of this key has this id."""

    code = "unknown_job"


class JobEnded(AccountantError):
    """The job has ended, so it cannot be cancelled."""

    code = "job_ended"


def get_job(connection: sa.Connection, key_prefix: str, job_id: str) -> JobRow:
    """A job of this key. Raises `UnknownJob`."""
    row = Jobs(connection).get(job_id, key_prefix) if _JOB_ID.fullmatch(job_id) else None
    if row is None:
        raise UnknownJob(f"there is no job {job_id[:64]}")
    return row


def trainings_of(connection: sa.Connection, row: JobRow) -> list[TrainingRow]:
    """What is being trained for a job; nothing once it has ended."""
    return [] if row.state.ended else TrainingRows(connection).of_job(row.number)


def ended_jobs(connection: sa.Connection, job_ids: list[str]) -> set[str]:
    """Those of the jobs that have ended, whoever asked for them."""
    return Jobs(connection).ended(job_ids)


def list_jobs(connection: sa.Connection, key_prefix: str, before: int | None, limit: int) -> tuple[list[JobRow], bool]:
    """Up to `limit` jobs of this key, latest first, and whether there are more."""
    rows = Jobs(connection).page(key_prefix, before, limit + 1)
    return rows[:limit], len(rows) > limit


def cancel_job(connection: sa.Connection, key_prefix: str, job_id: str) -> JobRow:
    """The job, cancelled, with the executions that only it needs; cancelling it again changes nothing.

    Raises `UnknownJob` or `JobEnded`.
    """
    jobs = Jobs(connection)
    row = get_job(connection, key_prefix, job_id)
    cancelled = jobs.cancel(row.number)
    if cancelled is not None:
        Waits(connection).drop(row.number)
        return cancelled
    row = get_job(connection, key_prefix, job_id)
    if row.state != "cancelled":
        raise JobEnded(f"the job is {row.state} already")
    return row


def job_trainings(connection: sa.Connection, number: int) -> list[TrainingRow]:
    """What is being trained for a job that has not ended, by its number."""
    return TrainingRows(connection).of_job(number)


def job_events(connection: sa.Connection, number: int, after: int, limit: int = 100) -> list[JobEvent]:
    """What happened to a job after the event numbered `after`, in order."""
    return Jobs(connection).events(number, after, limit)
