"""The tasks: a name, resources, one call."""

from collections.abc import Callable

from celery import Celery

from accountant.services.work import work
from workers.lifecycle import WorkerResources, owner

RUN_JOB = "accountant.run_job"


def register(app: Celery, resources: Callable[[], WorkerResources]) -> None:
    """Gives the application its task, which works with what `resources` returns in the worker's process."""

    def run_job(job_id: str) -> str:
        """One attempt at a job."""
        own = resources()
        return work(own.engine, own.answer, job_id, owner(), own.policy).value

    app.task(name=RUN_JOB)(run_job)
