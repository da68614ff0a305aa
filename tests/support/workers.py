"""Real workers and dispatchers over a running service, and what tests ask of jobs on it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import sqlalchemy as sa

from tests.support.processes import wait_until
from tests.support.service import Service

ROOT = Path(__file__).parents[2]
DISPATCHER = ("-m", "accountant.cli", "dispatch")

Start = Callable[..., subprocess.Popen[bytes]]


def worker(queue: str = "cpu", processes: int = 2) -> tuple[str, ...]:
    """A worker for one queue."""
    celery = ("-m", "celery", "-A", "workers.app", "worker", "-Q", queue, "-c", str(processes))
    return (*celery, "--hostname", f"{queue}@%h", "--loglevel", "WARNING")


@contextmanager
def starting(database_url: str, redis_url: str, folder: Path, **settings: str) -> Iterator[Start]:
    """Starts our own processes, each with its children in a group of its own, and ends them all."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ANH_DATA_DIR": str(folder),
        "ANH_JOB_LEASE_S": "2",
        "ANH_JOB_PATIENCE_S": "5",
        **settings,
    }
    with ExitStack() as stack:

        def run(*arguments: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, start_new_session=True)
            stack.callback(end, process)
            return process

        yield run


def end(process: subprocess.Popen[bytes]) -> None:
    """Kills a process with all its descendants, which share its session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)


def status(client: httpx.Client, job: str) -> str:
    """Where a job is in its life."""
    found: str = client.get(f"/v1/jobs/{job}").json()["status"]
    return found


def done(client: httpx.Client, job: str, seconds: float = 180.0) -> dict[str, object]:
    """The job once it has ended, which must be well."""
    wait_until(lambda: status(client, job) not in ("queued", "running", "waiting"), seconds)
    ended: dict[str, object] = client.get(f"/v1/jobs/{job}").json()
    assert ended["status"] == "done", ended
    return ended


def holder(service: Service, table: str = "jobs") -> int:
    """The process that holds the only lease."""
    with service.engine.connect() as connection:
        owner: str = connection.execute(
            sa.text(f"select lease_owner from accountant.{table} where state = 'running'")
        ).scalar_one()
    return int(owner.rpartition(":")[2])


def ends(service: Service) -> int:
    """How many times a job ended as done, by the events that tell of it."""
    with service.engine.connect() as connection:
        count: int = connection.execute(
            sa.text("select count(*) from accountant.job_events where state = 'done'")
        ).scalar_one()
    return count
