"""Processes that want the same outcome at the same time."""

import time
from multiprocessing.synchronize import Barrier

from accountant.execution.outcome import Observed, Outcome
from accountant.primitives.types import Seq
from accountant.storage.database import Database
from accountant.storage.hot import redis_of
from accountant.storage.outcomes import PostgresOutcomes

HELD_S = 1.0
"""The lease of whoever holds a lock for ever."""


def observed(gas: int = 5, inputs: tuple[int, ...] = ()) -> Observed:
    """A small outcome."""
    return Observed(Outcome(None, "", gas, b"value"), inputs)


def execute_once(url: str, redis_url: str | None, seqs: list[Seq], barrier: Barrier) -> None:
    """What the executor does with each of `seqs`: looks, waits for its turn, looks again, executes, stores."""
    client = redis_of(redis_url) if redis_url else None
    with Database(url) as database:
        outcomes = PostgresOutcomes(database, client)
        barrier.wait(60)
        for seq in seqs:
            with outcomes.single_flight(seq):
                if outcomes.get(seq) is None:
                    time.sleep(0.15)
                    outcomes.put(seq, observed(seq))
        outcomes.close()


def hold_for_ever(url: str, redis_url: str, seq: Seq, barrier: Barrier) -> None:
    """Takes a lock and waits to be killed."""
    with Database(url) as database:
        outcomes = PostgresOutcomes(database, redis_of(redis_url), lease_s=HELD_S)
        with outcomes.single_flight(seq):
            barrier.wait(60)
            time.sleep(600)
