"""Jobs that share executions, in a simulated service: kills between any two steps, lost and repeated messages."""

import threading
from collections.abc import Iterator
from random import Random

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.services.api_keys import ensure_first_key
from accountant.services.attempt import Attempt
from accountant.services.policy import JobPolicy
from accountant.services.sweep import sweep
from accountant.storage.database import engine_of, migrate
from accountant.storage.jobs import JobState
from tests.support.planning import always_plan
from tests.support.shared_jobs import POLICY, Fate, SharedService

CHAINS = settings(max_examples=15, deadline=None)


class Setting:
    """A database for many chains, one after the other."""

    def __init__(self, url: str, patch: pytest.MonkeyPatch) -> None:
        migrate(url)
        self._patch = patch
        self.engine = engine_of(url)
        key = ensure_first_key(self.engine)
        assert key is not None
        self.key_prefix = key.split("_")[1]
        self.fate = Fate()
        for event in ("begin", "commit"):
            sa.event.listen(self.engine, event, lambda *_: self.fate.step())

    def service(self, random: Random, policy: JobPolicy = POLICY) -> SharedService:
        """A service on a new random chain, with every execution left to others; half of them plan whatever they can."""
        self._patch.undo()
        if random.random() < 0.5:
            always_plan(self._patch)
        service = SharedService(self.engine, self.key_prefix, random, policy)
        self.fate = service.fate
        return service


@pytest.fixture(scope="module")
def world(module_database_url: str) -> Iterator[Setting]:
    with pytest.MonkeyPatch.context() as patch:
        made = Setting(module_database_url, patch)
        yield made
    made.engine.dispose()


def _left_over(service: SharedService) -> dict[str, int]:
    """Live executions, and waits, once every job has ended and the sweeper went round."""
    sweep(service.engine, service.policy, broker_forgot=False)
    with service.engine.connect() as connection:
        return {
            "live": connection.execute(
                sa.text("select count(*) from accountant.executions where finished_at is null")
            ).scalar_one(),
            "waits": connection.execute(sa.text("select count(*) from accountant.execution_waits")).scalar_one(),
        }


@CHAINS
@given(st.randoms(use_true_random=True))
def test_shared_jobs_agree_with_eager_and_execute_once(world: Setting, random: Random) -> None:
    """Three jobs, everything left to others, messages repeated and in any order: eager's answers, each execution once.

    Every transaction that was executed counts for exactly one job.
    """
    service = world.service(random)
    if not service.eager.outcomes:
        return
    jobs = [service.ask(service.question()) for _ in range(3)]
    service.end_all(jobs, kills=0.0, lost=0.0, twice=0.3)
    executed = [name for job in jobs for name in service.right(job)]
    counts = service.executed()
    assert set(counts.values()) <= {1}
    assert sorted(executed) == sorted(set(counts) - service.unfunded())
    assert _left_over(service) == {"live": 0, "waits": 0}
    assert all(service.job(job).executions == service.job(job).executions_done for job in jobs)


@CHAINS
@given(st.randoms(use_true_random=True))
def test_killed_workers_and_lost_messages_change_no_answer(world: Setting, random: Random) -> None:
    """Workers die between any two steps, and messages vanish: every job ends, with eager's answer."""
    service = world.service(random)
    if not service.eager.outcomes:
        return
    jobs = [service.ask(service.question()) for _ in range(3)]
    service.end_all(jobs, kills=0.5, lost=0.3, twice=0.2)
    for job in jobs:
        service.right(job)
    service.vanish()
    while service.messages:
        service.run(service.messages.pop())
    assert _left_over(service) == {"live": 0, "waits": 0}


@CHAINS
@given(st.randoms(use_true_random=True))
def test_who_waits_for_poison_is_told(world: Setting, random: Random) -> None:
    """With two attempts each, many executions are given up: every job still ends, rightly or as failed with a reason,
    and nothing is left waiting."""
    service = world.service(random, POLICY._replace(attempts_most=2))
    if not service.eager.outcomes:
        return
    jobs = [service.ask(service.question()) for _ in range(3)]
    service.end_all(jobs, kills=0.8, lost=0.1, twice=0.1)
    for job in jobs:
        row = service.job(job)
        if row.state is JobState.DONE:
            service.right(job)
        else:
            assert row.error_code in ("attempts_exhausted", "execution_failed")
    while True:
        service.vanish()
        sweep(service.engine, service.policy, broker_forgot=True)
        service.check()
        service.publish()
        if not service.messages:
            break
        while service.messages:
            service.run(service.messages.pop())
    assert _left_over(service) == {"live": 0, "waits": 0}


@CHAINS
@given(st.randoms(use_true_random=True))
def test_workers_beside_each_other_execute_once(world: Setting, random: Random) -> None:
    """Four workers at once on jobs that arrive together: no deadlock, eager's answers, each execution once."""
    service = world.service(random)
    if not service.eager.outcomes:
        return
    jobs = [service.ask(service.question()) for _ in range(4)]
    deadline = threading.Event()
    guard = threading.Lock()
    failures: list[BaseException] = []

    def worker(number: int) -> None:
        try:
            while not deadline.is_set():
                with guard:
                    service.publish()
                    task = service.messages.pop(0) if service.messages else None
                if task is None:
                    if all(service.job(job).state.ended for job in jobs):
                        return
                    deadline.wait(0.01)
                    continue
                ended = service.run(task, f"worker {number}")
                assert ended in (Attempt.DONE, Attempt.PARKED, Attempt.NOTHING_TO_DO), ended
        except BaseException as error:
            failures.append(error)
            deadline.set()

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    deadline.set()
    assert not failures, failures
    for job in jobs:
        service.right(job)
    assert set(service.executed().values()) <= {1}
    assert _left_over(service) == {"live": 0, "waits": 0}
