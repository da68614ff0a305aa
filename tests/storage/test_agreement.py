"""The running hash in Postgres: what the definition says, however it was extended, and not beyond a gap."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from accountant.accounting.agreement import first_running_hash, next_running_hash
from accountant.execution.eager import execute_everything
from accountant.execution.outcome import Observed, outcome_digest
from accountant.primitives.cid import cid_of
from accountant.primitives.types import Hash, Height, Seq
from accountant.services.agreement import digests_of, summary_at
from accountant.services.withdraw import withdraw
from accountant.storage import agreement
from accountant.storage.agreement import StoredAgreement
from accountant.storage.database import Database, engine_of, migrate
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from tests.support.index_chain import ANN, BEN, emptied, imported, paying_chain, publication, transfer

CHAIN = paying_chain(12, 10)
CHAIN.append_unsigned([])
CHAIN.append_unsigned([(ANN, publication(120, cid_of(b"weights"), 7)), (ANN, transfer(121, BEN, 0, 9, gas=2_050))])
RIGHT = execute_everything(CHAIN).outcomes
OBSERVABLE = [seq for seq, outcome in enumerate(RIGHT) if outcome.gas_used]
HASH = CHAIN.genesis.hash


class Here:
    """A database with the chain."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self.database = stack.enter_context(Database(url))
        imported(self.database, CHAIN.genesis, CHAIN.blocks)
        self.engine = engine_of(url)
        stack.callback(self.engine.dispose)
        self.index = PostgresIndex(self.database)

    def observe(self, *seqs: int) -> None:
        outcomes = PostgresOutcomes(self.database)
        for seq in seqs:
            outcomes.put(Seq(seq), Observed(RIGHT[seq], ()))

    def covered(self) -> tuple[Height, Hash | None]:
        """How far the running hash goes once it was extended, and what it is there."""
        with self.engine.begin() as connection:
            stored = StoredAgreement(connection)
            stored.extend(HASH)
            return stored.covered(), stored.running_hash(stored.covered(), HASH)


@pytest.fixture(scope="module")
def migrated(module_database_url: str) -> str:
    migrate(module_database_url)
    return module_database_url


@pytest.fixture(params=[4_096, 15], ids=["as in service", "small pages"])
def here(migrated: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    monkeypatch.setattr(agreement, "PAGE", request.param)
    emptied(migrated)
    with ExitStack() as stack:
        yield Here(migrated, stack)


def defined(height: int) -> Hash:
    """R after a block, by its definition."""
    block = CHAIN.block(Height(height))
    assert block is not None
    running = first_running_hash(HASH)
    for seq in OBSERVABLE:
        if seq < block.first_seq + block.count:
            running = next_running_hash(running, Seq(seq), outcome_digest(RIGHT[seq]))
    return running


def test_it_is_what_the_definition_says(here: Here) -> None:
    """It goes up to the block before the first gap, and on from there once the gap is filled; empty blocks included."""
    gap = OBSERVABLE[len(OBSERVABLE) // 2]
    height = CHAIN.transaction(Seq(gap)).height
    here.observe(*(seq for seq in OBSERVABLE if seq != gap))
    assert here.covered() == (height - 1, defined(height - 1))
    here.observe(gap)
    assert here.covered() == (14, defined(14))
    with here.engine.connect() as connection:
        stored = StoredAgreement(connection)
        assert [stored.running_hash(Height(h), HASH) for h in range(15)] == [defined(h) for h in range(15)]
        assert stored.running_hash(Height(15), HASH) is None


def test_little_by_little(here: Here) -> None:
    """A request extends it by a bounded piece, and the next one goes on."""
    here.observe(*OBSERVABLE)
    heights = []
    for _ in range(20):
        with here.engine.begin() as connection:
            stored = StoredAgreement(connection)
            stored.extend(HASH, most=1)
            heights.append(stored.covered())
    assert heights == sorted(heights)
    assert heights[-1] == 14
    assert here.covered() == (14, defined(14))


def test_a_withdrawal_takes_it_back(here: Here) -> None:
    """The running hash ends before the block of a withdrawn outcome, and is the same again once that is observed."""
    here.observe(*OBSERVABLE)
    assert here.covered()[0] == 14
    gone = OBSERVABLE[-5]
    withdraw(here.engine, here.index, CHAIN.transaction(Seq(gone)).hash)
    height = CHAIN.transaction(Seq(gone)).height
    assert here.covered() == (height - 1, defined(height - 1))
    here.observe(gone)
    assert here.covered() == (14, defined(14))


def test_where_we_stand(here: Here) -> None:
    """The summary counts transactions and outcomes up to a height; digests are those of what is stored."""
    here.observe(*OBSERVABLE[:20])
    block = CHAIN.block(Height(5))
    assert block is not None
    with here.engine.begin() as connection:
        told = summary_at(connection, here.index, block)
        assert (told.transactions, told.block_hash, told.genesis_hash) == (50, block.hash, HASH)
        assert told.observed == sum(seq < 50 for seq in OBSERVABLE[:20])
        found = digests_of(connection, Seq(0), 1_000, 10, None)
        assert found.observed.seqs() == OBSERVABLE[:20]
        assert digests_of(connection, Seq(0), 1_000, 10, found.observed) == found
        assert connection.scalar(sa.text("select count(*) from accountant.running_hashes")) == told.covered
