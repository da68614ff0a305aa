"""The store of outcomes on real servers: Redis may be lost, flushed, poisoned or absent; one execution is enough."""

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from accountant.primitives.encoding import encode
from accountant.primitives.types import Seq
from accountant.storage.database import Database, migrate
from accountant.storage.hot import PAUSE_S, HotLayer, redis_of
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.single_flight import SingleFlight
from tests.support.index_chain import RecordedIndex, emptied, imported, transfers_chain
from tests.support.outcome_process import HELD_S, execute_once, hold_for_ever, observed

SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def migrated(module_database_url: str) -> str:
    migrate(module_database_url)
    return module_database_url


@pytest.fixture
def chain() -> RecordedIndex:
    return transfers_chain(2, 10)


@pytest.fixture
def database(migrated: str, chain: RecordedIndex) -> Iterator[Database]:
    emptied(migrated)
    with Database(migrated) as opened:
        imported(opened, chain.genesis, chain.blocks)
        yield opened


@pytest.fixture
def closed_redis() -> str:
    """The URL of a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{probe.getsockname()[1]}/0"


def test_an_outcome_is_stored_with_its_place(database: Database, chain: RecordedIndex) -> None:
    """The row holds the block's hash, the index in it, the gas, and how often it was executed."""
    outcomes = PostgresOutcomes(database)
    outcomes.put(Seq(13), observed(77))
    outcomes.put(Seq(13), observed(77))
    rows = database.fetch("SELECT seq, block_hash, index, gas_used, executions, observed FROM accountant.outcomes")
    assert rows == [(13, chain.blocks[1].hash, 3, 77, 2, encode(observed(77)))]
    assert (outcomes.executions(Seq(13)), outcomes.executions(Seq(12))) == (2, 0)
    with pytest.raises(AssertionError, match="no transaction 20"):
        outcomes.put(Seq(20), observed())


def test_the_hot_layer_answers_alone(database: Database, redis_url: str) -> None:
    """While Redis has an outcome, Postgres is not asked for it."""
    outcomes = PostgresOutcomes(database, redis_of(redis_url))
    outcomes.put(Seq(1), observed())
    database.fetch("DELETE FROM accountant.outcomes RETURNING seq")
    assert outcomes.get(Seq(1)) == observed()


def test_a_flush_of_redis_changes_nothing(database: Database, redis_url: str) -> None:
    """Every outcome is still there, and hot again after it was asked for once."""
    client = redis_of(redis_url)
    outcomes = PostgresOutcomes(database, client)
    for seq in range(5):
        outcomes.put(Seq(seq), observed(seq))
    assert client.dbsize() == 5
    client.flushall()
    assert outcomes.get_many([Seq(seq) for seq in range(6)]) == {seq: observed(seq) for seq in range(5)}
    assert client.dbsize() == 5


def test_an_absent_redis_costs_little_time(
    database: Database, closed_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand look-ups with nobody at Redis's address give the truth, and the address is hardly tried: twice, and
    then not for a while."""
    tried = []
    connect = redis.Connection._connect

    def counted(connection: redis.Connection) -> object:
        tried.append(connection)
        return connect(connection)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(redis.Connection, "_connect", counted)
    outcomes = PostgresOutcomes(database, redis_of(closed_redis))
    outcomes.put(Seq(1), observed())
    begin, tries = time.monotonic(), len(tried)
    assert all(outcomes.get(Seq(1)) == observed() for _ in range(1000))
    assert len(tried) - tries <= 2 * (1 + (time.monotonic() - begin) / PAUSE_S)


Change = Callable[[bytes], bytes]


def keys(client: redis.Redis) -> list[str]:
    """All of an accountant's keys."""
    return [name.decode() if isinstance(name, bytes) else name for name in client.keys("anh:*")]


def _poison(client: redis.Redis, change: Change) -> int:
    names = keys(client)
    for name in names:
        stored = client.get(name)
        assert isinstance(stored, bytes)
        client.set(name, change(stored))
    return len(names)


@pytest.mark.parametrize(
    "change",
    [
        lambda stored: b"",
        lambda stored: stored[:10],
        lambda stored: stored[:-1],
        lambda stored: stored[:-1] + bytes([stored[-1] ^ 1]),
        lambda stored: bytes([stored[0] ^ 1]) + stored[1:],
        lambda stored: bytes(32) + encode(observed(999)),
        lambda stored: stored[:32] + encode(observed(999)),
        lambda stored: encode(observed(999)),
    ],
)
def test_a_poisoned_cache_changes_no_verdict(database: Database, redis_url: str, change: Change) -> None:
    """Cut, flipped or forged bytes in Redis are a miss: the outcome still comes from Postgres."""
    client = redis_of(redis_url)
    PostgresOutcomes(database, client).put(Seq(1), observed())
    assert _poison(client, change) == 1
    assert PostgresOutcomes(database, client).get(Seq(1)) == observed()


def test_an_entry_under_another_name_is_a_miss(redis_url: str) -> None:
    """A genuine value that was copied to another key is not trusted there, nor is another database's."""
    client = redis_of(redis_url)
    hot = HotLayer(client, SECRET)
    hot.put_many({b"outcome:1": b"one"})
    (name,) = keys(client)
    client.copy(name, name.replace(":1", ":2"))
    assert hot.get_many([b"outcome:1", b"outcome:2"]) == [b"one", None]
    assert HotLayer(client, bytes(32)).get_many([b"outcome:1"]) == [None]


def test_another_type_under_the_key_is_a_miss(database: Database, redis_url: str) -> None:
    """A list where a string should be is an error inside Redis, and a miss outside."""
    client = redis_of(redis_url)
    PostgresOutcomes(database, client).put(Seq(1), observed())
    (name,) = keys(client)
    client.delete(name)
    client.lpush(name, "x")
    assert PostgresOutcomes(database, client).get(Seq(1)) == observed()


@pytest.mark.parametrize("layer", ["redis", "redis away", "no redis"])
def test_two_processes_execute_a_dependency_once(
    database: Database, redis_url: str, closed_redis: str, layer: str
) -> None:
    """Two workers that want the same five outcomes at once execute each exactly once between them."""
    url = {"redis": redis_url, "redis away": closed_redis, "no redis": None}[layer]
    seqs = [Seq(seq) for seq in range(5)]
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [context.Process(target=execute_once, args=(database.url, url, seqs, barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    outcomes = PostgresOutcomes(database)
    assert [outcomes.executions(seq) for seq in seqs] == [1] * 5


def test_the_lock_of_a_killed_worker_is_free_soon(database: Database, redis_url: str) -> None:
    """A waiter gets in once the dead holder's lease is over, and not before the holder died."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    holder = context.Process(target=hold_for_ever, args=(database.url, redis_url, Seq(1), barrier))
    holder.start()
    barrier.wait(60)
    client = redis_of(redis_url)
    flights = PostgresOutcomes(database, client, lease_s=HELD_S)
    (key,) = (name for name in keys(client) if name.endswith(":flight:1"))
    left = [int(client.pttl(key))]
    while left[-1] <= min(left):  # it only falls, until the holder that lives renews it
        assert len(left) < 6_000
        time.sleep(0.01)
        left.append(int(client.pttl(key)))
    holder.kill()
    holder.join()
    begin = time.monotonic()
    with flights.single_flight(Seq(1)):
        waited = time.monotonic() - begin
    assert waited < 20 * HELD_S
    flights.close()


def test_a_held_lock_survives_a_flush(database: Database, redis_url: str) -> None:
    """The renewal puts the key of a held lock back, and a released lock never comes back."""
    client = redis_of(redis_url)
    flights = SingleFlight(client, database.url, "test", lease_s=0.3)
    with flights.hold("x"):
        client.flushall()
        deadline = time.monotonic() + 60
        while not client.exists("test:flight:x"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    time.sleep(0.3)
    assert not client.exists("test:flight:x")
    flights.close()


def test_nobody_frees_the_lock_of_another(database: Database, redis_url: str) -> None:
    """A holder whose lock was lost to somebody else leaves the new one in place when it is done."""
    client = redis_of(redis_url)
    flights = SingleFlight(client, database.url, "test")
    with flights.hold("x"):
        client.set("test:flight:x", "somebody else")
    assert client.get("test:flight:x") == b"somebody else"
    flights.close()
