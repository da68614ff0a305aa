"""What a worker process works with: opened at its first task, after the spawn; closed at its end."""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import sqlalchemy as sa

from accountant.blobs.fetching import NodeBlobs
from accountant.blobs.location import open_location
from accountant.blobs.store import Store
from accountant.contracts.engine import require_engine
from accountant.services.audits import learning
from accountant.services.blobs import Blobs, BlobTerms, declared_sizes
from accountant.services.checkpoints import KeptCheckpoints
from accountant.services.executor_blobs import ExecutorBlobs
from accountant.services.judging import judging
from accountant.services.metering import measure_host_call
from accountant.services.policy import JobPolicy
from accountant.services.questions import Answer, answering_with
from accountant.services.sharing import Sharing
from accountant.services.worker_means import WorkerMeans
from accountant.settings import Settings, load_settings
from accountant.storage.database import Database, engine_of
from accountant.storage.hot import redis_of
from accountant.storage.index import PostgresIndex
from accountant.storage.measured_gas import METER
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.world_states import current_stores


@dataclass(frozen=True)
class WorkerResources:
    """The jobs' database, the accountant who answers, what workers share, and how to close it all."""

    engine: sa.Engine
    answer: Answer
    sharing: Sharing
    means: WorkerMeans
    close: Callable[[], None]


def policy_of(settings: Settings) -> JobPolicy:
    """The job policy of these settings."""
    return JobPolicy(
        lease_s=settings.job_lease_s,
        attempts_most=settings.job_attempts,
        patience_s=settings.job_patience_s,
        delegate_gas=settings.delegate_gas,
        gpu_gas=settings.gpu_gas,
        trainings_kept_s=settings.trainings_kept_s,
        logins_kept_s=settings.logins_kept_s,
        public_kept_s=settings.public_kept_s,
    )


def blobs_of(settings: Settings, engine: sa.Engine) -> Blobs:
    """The blobs of these settings; what the chain publishes and is not there comes from the node.

    Raises `InvalidBlobsUrl`.
    """
    store = Store(open_location(settings.blobs_url, settings.blobs_folder))
    terms = BlobTerms(
        bytes_most=settings.blob_bytes_most,
        uploads_bytes_most=settings.blob_uploads_bytes_most,
        grace_s=settings.blob_grace_s,
        checkpoint_s=settings.checkpoint_s,
    )
    return Blobs(engine, store, terms, NodeBlobs([settings.node], declared_sizes(engine)))


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
        blobs = blobs_of(settings, engine)
        outcomes = PostgresOutcomes(database, client, blobs=ExecutorBlobs(blobs), judge=judging(index, engine))
        answer = answering_with(index, current_stores(database, outcomes), learning(engine))
        sharing = Sharing(index, outcomes.current, policy_of(settings))
        means = WorkerMeans(settings.tensor_room_bytes, KeptCheckpoints(blobs))
        return WorkerResources(engine, answer, sharing, means, opened.pop_all().close)


_of_process: list[WorkerResources] = []


def resources() -> WorkerResources:
    """This process's resources."""
    if not _of_process:
        _of_process.append(open_resources(load_settings()))
        measure_host_call(METER)
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
