"""A worker in the test's own process, for whatever is asked meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from accountant.services.policy import JobPolicy
from accountant.services.questions import answering
from accountant.services.work import work
from accountant.storage.database import Database
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes

_QUEUED = sa.text("select id from accountant.jobs where state = 'queued' and key_prefix = :key")


@contextmanager
def working(engine: sa.Engine, url: str, key: str = "public") -> Iterator[None]:
    """Answers the queued jobs of a key until the block ends."""
    ended = threading.Event()

    def go() -> None:
        with Database(url) as database:
            store = PostgresOutcomes(database)
            answer = answering(PostgresIndex(database), store)
            while not ended.wait(0.02):
                with engine.connect() as connection:
                    ids = list(connection.scalars(_QUEUED, {"key": key}))
                for job_id in ids:
                    work(engine, answer, job_id, "worker", JobPolicy())
            store.close()

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(20)
    assert not thread.is_alive()
