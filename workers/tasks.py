"""The tasks: a name, resources, one call.

They belong to whatever application finds them: a spawned process makes its own copy of the application.
"""

from celery import shared_task

from accountant.services.work import Attempt, work
from workers.broker import RUN_JOB
from workers.lifecycle import owner, resources


def _run_job(job_id: str) -> str:
    """One attempt at a job. A process that lacked the means ends, so that the next attempt is another's."""
    own = resources()
    ended = work(own.engine, own.answer, job_id, owner(), own.policy)
    if ended is Attempt.SPENT:
        raise SystemExit(ended.value)
    return ended.value


shared_task(name=RUN_JOB)(_run_job)
