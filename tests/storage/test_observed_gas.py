"""Running totals of observed gas: right after outcomes came and went in any order, and always one statement."""

from collections.abc import Iterator
from random import Random

import psycopg
import pytest

from accountant.accounting.outstanding import ObservedGas
from accountant.execution.outcome import Observed, Outcome
from accountant.primitives.types import Gas, Seq
from accountant.storage.database import Database, engine_of, migrate, plain_url
from accountant.storage.observed_gas import GAS_TELLING, Measured, PostgresObservedGas, add_job, read_speed
from accountant.storage.outcomes import PostgresOutcomes
from tests.support.index_chain import ANN, BEN, RecordedIndex, imported, small_genesis, transfer

LIMIT = 40
COUNT = 3_000
"""Transactions: more than two of the totals."""


@pytest.fixture(scope="module")
def url(module_database_url: str) -> str:
    migrate(module_database_url)
    chain = RecordedIndex(small_genesis())
    for first in range(0, COUNT, 1_000):
        chain.append_unsigned(
            [(ANN, transfer(nonce, BEN, 0, 1, gas=LIMIT + nonce)) for nonce in range(first, first + 1_000)]
        )
    with Database(module_database_url) as database:
        imported(database, chain.genesis, chain.blocks)
    return module_database_url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as opened:
        yield opened


def _expected(kept: dict[int, int], before: int) -> ObservedGas:
    seqs = [seq for seq in kept if seq < before]
    return ObservedGas(len(seqs), Gas(sum(kept[seq] for seq in seqs)), Gas(sum(LIMIT + seq for seq in seqs)))


def test_totals_follow_outcomes_that_come_and_go(url: str, database: Database) -> None:
    """In any order, twice the same, withdrawn one by one or in bulk: each prefix is what a count of the rows says."""
    random, outcomes, totals = Random(5), PostgresOutcomes(database), PostgresObservedGas(database)
    kept: dict[int, int] = {}
    for seq in [*random.sample(range(COUNT), 150), 0, 1_023, 1_024, 2_047, 2_048, COUNT - 1, 0]:
        gas = 1 + seq % 30
        outcomes.put(Seq(seq), Observed(Outcome(None, "", gas), ()))
        kept[seq] = gas
    places = [0, 1, 1_023, 1_024, 1_025, 2_048, 2_049, COUNT, *random.sample(range(COUNT), 20)]
    for before in places:
        assert totals.before(Seq(before)) == _expected(kept, before)
    gone = random.sample(sorted(kept), 60)
    with psycopg.connect(plain_url(url)) as connection:
        connection.execute("DELETE FROM accountant.outcomes WHERE seq = ANY(%s)", [gone])
    kept = {seq: gas for seq, gas in kept.items() if seq not in gone}
    for before in places:
        assert totals.before(Seq(before)) == _expected(kept, before)
    with psycopg.connect(plain_url(url)) as connection:
        connection.execute("TRUNCATE accountant.outcomes")
    assert totals.before(Seq(COUNT)) == ObservedGas(0, Gas(0), Gas(0))


def test_speed_is_what_was_measured_lately(url: str) -> None:
    """Nothing before the first job; small jobs tell what any job takes, large ones the speed; older ones count less."""
    engine = engine_of(url)
    with engine.begin() as connection:
        assert read_speed(connection) is None
        add_job(connection, 0, 0.5)
        add_job(connection, GAS_TELLING, 2.0)
        assert read_speed(connection) == Measured(GAS_TELLING, 2.0, 1.0, 0.5)
        for _ in range(3_000):
            add_job(connection, 4 * GAS_TELLING, 2.0)
        add_job(connection, GAS_TELLING - 1, 1.5)
        found = read_speed(connection)
    engine.dispose()
    assert found is not None and 1.85 * GAS_TELLING < found.gas / found.seconds < 2 * GAS_TELLING
    assert found.small_seconds / found.small_jobs == pytest.approx(1.0, abs=0.01)
