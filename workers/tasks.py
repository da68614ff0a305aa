"""The tasks: a name, resources, one call.

They belong to whatever application finds them: a spawned process makes its own copy of the application.
"""

from celery import current_task, shared_task

from accountant.primitives.types import Seq
from accountant.services.attempt import Attempt
from accountant.services.execute import execute
from accountant.services.work import work
from accountant.tracing.spans import arrived
from workers.broker import RUN_EXECUTION, RUN_JOB, TRACEPARENT
from workers.lifecycle import abandon, owner, resources
from workers.presence import at


def _run_job(job_id: str) -> str:
    """One attempt at a job."""
    with at(job_id), arrived(_traceparent()):
        own = resources()
        policy = own.sharing.policy
        return _left(work(own.engine, own.answer, job_id, owner(), policy, own.sharing, abandon, own.means))


def _run_execution(seq: str) -> str:
    """One attempt at an execution."""
    with at(f"execution of {seq}"), arrived(_traceparent()):
        own = resources()
        return _left(execute(own.engine, Seq(int(seq)), owner(), own.sharing, abandon, own.means))


def _traceparent() -> object:
    """What led to the message at hand, if its sender said so."""
    return current_task.request.get(TRACEPARENT) if current_task else None


def _left(ended: Attempt) -> str:
    """A process that lacked the means ends, so that the next attempt is another's."""
    if ended is Attempt.SPENT:
        raise SystemExit(ended.value)
    return ended.value


shared_task(name=RUN_JOB)(_run_job)
shared_task(name=RUN_EXECUTION)(_run_execution)
