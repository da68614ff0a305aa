"""What a worker process works with: opened at its first task, after the spawn; closed at its end."""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import sqlalchemy as sa

from accountant.contracts.engine import require_engine
from accountant.services.audits import learning
from accountant.services.judging import judging
from accountant.services.policy import JobPolicy
from accountant.services.questions import Answer, answering_with
from accountant.services.sharing import Sharing
from accountant.settings import Settings, load_settings
from accountant.storage.database import Database, engine_of
from accountant.storage.hot import redis_of
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.world_states import current_stores


@dataclass(frozen=True)
class WorkerResources:
    """The jobs' database, the accountant who answers, what workers share, and how to close it all."""

    engine: sa.Engine
    answer: Answer
    sharing: Sharing
    close: Callable[[], None]


def policy_of(settings: Settings) -> JobPolicy:
    """The job policy of these settings."""
    return JobPolicy(
        lease_s=settings.job_lease_s,
        attempts_most=settings.job_attempts,
        patience_s=settings.job_patience_s,
        delegate_gas=settings.delegate_gas,
        gpu_gas=settings.gpu_gas,
    )


def open_resources(settings: Settings) -> WorkerResources:
    """Opens everything that a worker process needs.

    Raises `NoChain` before genesis is imported, and `EngineMismatch` where the chain names another engine: its
    outcomes would be others.
    """
    with ExitStack() as opened:
        database = opened.enter_context(Database(settings.database))
        client = redis_of(settings.redis)
        opened.callback(client.close)
        index = PostgresIndex(database)
        require_engine(index.genesis.engine)
        engine = engine_of(settings.database)
        opened.callback(engine.dispose)
        outcomes = PostgresOutcomes(database, client, judge=judging(index, engine))
        answer = answering_with(index, current_stores(database, outcomes), learning(engine))
        sharing = Sharing(index, outcomes.current, policy_of(settings))
        return WorkerResources(engine, answer, sharing, opened.pop_all().close)


_of_process: list[WorkerResources] = []


def resources() -> WorkerResources:
    """This process's resources."""
    if not _of_process:
        _of_process.append(open_resources(load_settings()))
    return _of_process[0]


def close() -> None:
    """Closes this process's resources, if it opened any."""
    while _of_process:
        _of_process.pop().close()


def owner() -> str:
    """Who holds a lease: this process of this machine."""
    return f"{socket.gethostname()}:{os.getpid()}"


def abandon() -> None:
    """Ends this process at once, in the midst of whatever it does; the pool starts another."""
    os._exit(1)
