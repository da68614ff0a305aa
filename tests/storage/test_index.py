"""The index in Postgres: each look-up costs one walk down one index, and what is final is read once."""

import json
import threading
from collections.abc import Iterator

import psycopg
import pytest

from accountant.chain.footprint import Read, Write, account_key, slot_key
from accountant.chain.moment import moment_before
from accountant.primitives.cid import cid_of
from accountant.primitives.types import Height, Seq
from accountant.storage import index as statements
from accountant.storage.database import Database, Parameters, migrate
from accountant.storage.index import PostgresIndex
from accountant.storage.lru import Lru
from tests.support.index_chain import (
    ANN,
    BEN,
    VAULT,
    RecordedIndex,
    call,
    emptied,
    imported,
    publication,
    small_genesis,
    transfer,
    transfers_chain,
)

BLOCKS, CALLS = 20, 200


@pytest.fixture(scope="module")
def migrated(module_database_url: str) -> str:
    migrate(module_database_url)
    return module_database_url


@pytest.fixture
def database(migrated: str) -> Iterator[Database]:
    emptied(migrated)
    with Database(migrated) as opened:
        yield opened


def hot_chain() -> RecordedIndex:
    """One sender with thousands of expenses, and one slot with thousands of readers and two writers."""
    index = RecordedIndex(small_genesis())
    nonce = 0
    for _ in range(BLOCKS):
        made = []
        for number in range(CALLS):
            entries = [Write(VAULT, b"s")] if nonce in (5, 9) else [Read(VAULT, b"s")]
            made.append((ANN, call(nonce, VAULT, *entries) if number % 2 else transfer(nonce, BEN, 0, 3)))
            nonce += 1
        index.append_unsigned(made)
    return index


def plan(database: Database, sql: str, parameters: Parameters, setting: str) -> list[dict[str, object]]:
    """All nodes of the plan that was run, outermost first."""
    with database.connection() as connection, connection.transaction():
        connection.execute(f"SET LOCAL plan_cache_mode = {setting}")
        row = connection.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql, parameters, prepare=True).fetchone()
    assert row is not None
    nodes, found = [row[0][0]["Plan"] if not isinstance(row[0], str) else json.loads(row[0])[0]["Plan"]], []
    while nodes:
        node = nodes.pop()
        found.append(node)
        nodes += node.get("Plans", [])
    return found


@pytest.mark.parametrize("setting", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("analyzed", [False, True])
@pytest.mark.parametrize("at", [0.01, 0.5, 1.0])
def test_running_values_are_one_look_up_at_any_position(
    database: Database, setting: str, analyzed: bool, at: float
) -> None:
    """Expenses, intervals, zero-cost balances, the latest writer: an index scan for one row, no sort, few pages."""
    chain = hot_chain()
    imported(database, chain.genesis, chain.blocks)
    if analyzed:
        with database.connection() as connection:
            connection.execute("ANALYZE")
    before = Seq(int(at * chain.head().next_seq))
    moment = moment_before(max(1, int(at * BLOCKS)), 1)
    look_ups: list[tuple[str, Parameters]] = [
        (statements.EXPENSES, {"key": ANN, "before": before}),
        (statements.GAS_LIMITS, {"before": before}),
        (statements.POSTINGS, {"key": ANN, "since": 0, "before": before, "most": 1}),
        (statements.ZERO_BALANCE, {"key": ANN, "before": moment}),
        (statements.WRITERS, {"key": slot_key(VAULT, b"s"), "before": before, "most": 1}),
    ]
    for sql, parameters in look_ups:
        limit, *below = plan(database, sql, parameters, setting)
        assert limit["Node Type"] == "Limit"
        assert [node["Node Type"] for node in below] in (["Index Scan"], ["Index Only Scan"])
        assert below[0]["Actual Rows"] == 1
        assert below[0].get("Rows Removed by Filter", 0) == 0
        pages = limit["Shared Hit Blocks"] + limit["Shared Read Blocks"]  # type: ignore[operator]
        assert pages <= 6


def test_events_walk_over_events_alone(database: Database) -> None:
    """Readers, writers, bounds and zero-cost income under the same key cost an event query nothing."""
    chain = hot_chain()
    imported(database, chain.genesis, chain.blocks)
    parameters = {"key": account_key(ANN), "after": 1_000, "before": 1_010}
    nodes = plan(database, statements.EVENTS, parameters, "force_custom_plan")
    assert "Sort" not in {node["Node Type"] for node in nodes}
    assert {node.get("Index Name") for node in nodes} - {None} == {"postings_pkey"}
    assert sum(int(node.get("Rows Removed by Filter", 0)) for node in nodes) == 0  # type: ignore[call-overload]
    assert len(PostgresIndex(database).events(ANN, Seq(1_000), Seq(1_010))) == 18


def test_what_is_final_is_read_once(database: Database) -> None:
    """After the tables are gone, everything that was asked before is still answered; nothing else is."""
    chain = transfers_chain(3, 20)
    imported(database, chain.genesis, chain.blocks)
    index = PostgresIndex(database)
    seqs = [Seq(seq) for seq in range(20, 60, 7)]
    index.head()

    def answers() -> list[object]:
        located = index.transactions(seqs)
        info = index.block(Height(2))
        assert info is not None
        writers = index.writers(VAULT, b"s", Seq(60), 5)
        return [located, info, index.block_by_hash(info.hash), index.seq_of(located[0].hash), writers, index.genesis]

    first = answers()
    emptied(database.url)
    assert answers() == first
    assert index.block(Height(1)) is None


def test_writers_are_fetched_ahead_in_one_statement(database: Database) -> None:
    """Whoever asks for them later is answered without the tables, those of no writers included."""
    chain = RecordedIndex(small_genesis())
    chain.append_unsigned([(ANN, call(nonce, VAULT, Write(VAULT, b"s"), Write(VAULT, b"t"))) for nonce in range(5)])
    imported(database, chain.genesis, chain.blocks)
    index = PostgresIndex(database)
    index.transactions([Seq(4)])
    asked = [(VAULT, b"s", Seq(5)), (VAULT, b"s", Seq(2)), (VAULT, b"t", Seq(4)), (VAULT, b"u", Seq(4))]
    index.ahead([*asked, (VAULT, b"s", Seq(9))], 3)
    emptied(database.url)
    assert [index.writers(*one, 3) for one in asked] == [[4, 3, 2], [1, 0], [3, 2, 1], []]
    assert index.writers(VAULT, b"s", Seq(9), 3) == [], "past what is surely there, it is asked again"


def test_a_transaction_comes_with_its_block(database: Database) -> None:
    """The block's place and time are known once a transaction of it is."""
    chain = transfers_chain(3, 20)
    imported(database, chain.genesis, chain.blocks)
    index = PostgresIndex(database)
    index.transaction(Seq(25))
    emptied(database.url)
    assert index.block(Height(2)) == chain.block(Height(2)) == index.block_by_hash(chain.blocks[1].hash)
    assert index.block(Height(1)) is None


def test_what_is_not_there_yet_is_asked_again(database: Database) -> None:
    """An index that looked past the head sees a block, a transaction, a publication and a writer once they come."""
    chain = RecordedIndex(small_genesis())
    importer = imported(database, chain.genesis, [])
    index = PostgresIndex(database)
    chain.append_unsigned([(ANN, call(0, VAULT, Write(VAULT, b"s"))), (BEN, publication(0, cid_of(b""), 1))])
    block = chain.blocks[0]
    assert index.publication(cid_of(b"")) is None
    name = block.transactions[0].hash
    assert index.block(Height(1)) is None
    assert index.block_by_hash(block.hash) is None
    assert index.seq_of(name) is None
    assert index.writers(VAULT, b"s", Seq(9), 5) == []
    importer.import_blocks(chain.blocks)
    assert index.head() == chain.head()
    assert index.block(Height(1)) == chain.block(Height(1))
    assert index.block_by_hash(block.hash) == chain.block(Height(1))
    assert index.seq_of(name) == 0
    assert index.writers(VAULT, b"s", Seq(9), 5) == [0]
    assert index.publication(cid_of(b"")) == (1, 1)


def test_reads_survive_a_dropped_connection(database: Database) -> None:
    """A read on a connection that the server ended meanwhile is run again on a new one."""
    chain = transfers_chain(1, 5)
    imported(database, chain.genesis, chain.blocks)
    index = PostgresIndex(database)
    assert index.head() == chain.head()
    with psycopg.connect(database.url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert index.head() == chain.head()
    assert index.transaction(Seq(3)) == chain.transaction(Seq(3))


def test_threads_share_an_index(database: Database) -> None:
    """Eight threads that ask at once, of one index with a small pool, all get what memory says."""
    chain = transfers_chain(4, 50)
    imported(database, chain.genesis, chain.blocks)
    index = PostgresIndex(database)
    wrong: list[Seq] = []

    def ask(start: int) -> None:
        for step in range(200):
            seq = Seq((start + step * 7) % 200)
            if index.transaction(seq) != chain.transaction(seq):
                wrong.append(seq)

    threads = [threading.Thread(target=ask, args=(number * 25,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_cache_is_bounded_by_weight() -> None:
    """The least recently used values leave first; what weighs more than everything allowed never enters."""
    cache: Lru[str, int] = Lru(10)
    cache.put("a", 1, 4)
    cache.put("b", 2, 4)
    assert cache.get("a") == 1
    cache.put("c", 3, 4)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
    cache.put("d", 4, 11)
    assert cache.get("d") is None
    cache.put("a", 5, 6)
    assert (cache.get("a"), cache.get("c")) == (5, 3)
