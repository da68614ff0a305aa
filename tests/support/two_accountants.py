"""Accountants on one chain, each with a database, an API on loopback and a worker: for what they say to each other."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from starlette.types import ASGIApp

from accountant.api.app import create_app
from accountant.api.resources import Resources
from accountant.execution.outcome import Observed, Outcome
from accountant.execution.port import Blobs
from accountant.primitives.types import Hash, Seq
from accountant.services.api_keys import ensure_first_key
from accountant.services.audits import learning
from accountant.services.judging import judging
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering_with
from accountant.services.submit import NodeDown
from accountant.services.work import work
from accountant.storage.database import Database, engine_of, migrate
from accountant.storage.index import PostgresIndex
from accountant.storage.observed_gas import PostgresObservedGas
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.world_states import current_stores
from tests.support.blob_office import no_blobs
from tests.support.index_chain import RecordedIndex, imported
from tests.support.service import served


@dataclass(frozen=True)
class Accountant:
    """A running accountant."""

    url: str
    key: str
    engine: sa.Engine
    index: PostgresIndex
    outcomes: PostgresOutcomes

    def observe(self, seq: int, outcome: Outcome) -> None:
        """It says that the transaction did this."""
        self.outcomes.current().put(Seq(seq), Observed(outcome, ()))


@contextmanager
def running_accountant(database_url: str, chain: RecordedIndex, blobs: Blobs | None = None) -> Iterator[Accountant]:
    """An accountant of this chain that has observed nothing. `blobs`: the files that it holds."""
    migrate(database_url)
    with ExitStack() as stack:
        database = stack.enter_context(Database(database_url))
        imported(database, chain.genesis, chain.blocks)
        engine = engine_of(database_url)
        stack.callback(engine.dispose)
        key = ensure_first_key(engine)
        assert key is not None
        index = PostgresIndex(database)
        outcomes = PostgresOutcomes(database, blobs=blobs, judge=judging(index, engine))
        stack.callback(outcomes.close)

        def api() -> ASGIApp:
            return create_app(
                Resources(
                    engine=engine,
                    index=lambda: index,
                    outcomes=outcomes.current,
                    observed=PostgresObservedGas(database).before,
                    forward=_no_node,
                    policy=JobPolicy(),
                    gas_per_second=10**9,
                    probes={},
                    blobs=no_blobs(engine),
                )
            )

        url = stack.enter_context(served(api))
        stack.enter_context(_working(engine, database, index, outcomes))
        yield Accountant(url, key, engine, index, outcomes)


def _no_node(_raw: bytes) -> Hash:
    raise NodeDown("there is no node")


@contextmanager
def _working(engine: sa.Engine, database: Database, index: PostgresIndex, outcomes: PostgresOutcomes) -> Iterator[None]:
    """A worker that takes jobs as they come."""
    stop = threading.Event()
    answer = answering_with(index, current_stores(database, outcomes), learning(engine))

    def run() -> None:
        while not stop.wait(0.05):
            with engine.connect() as connection:
                waiting = connection.execute(sa.text("select id from accountant.jobs where state = 'queued'")).scalars()
                ids = list(waiting)
            for job_id in ids:
                work(engine, answer, job_id, "worker", JobPolicy())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()
