"""What every `OutcomeStore` does: one suite for the store in memory and in Postgres, with Redis and without."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from accountant.contracts.errors import FailureKind
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import LogEntry, Movement, Observed, Outcome, SlotWrite
from accountant.execution.port import ConflictingOutcome, OutcomeStore
from accountant.execution.timeline import Checkpoint
from accountant.primitives.types import Address, ContractId, Seq
from accountant.storage.database import Database, migrate
from accountant.storage.hot import redis_of
from accountant.storage.outcomes import PostgresOutcomes
from tests.support.index_chain import emptied, imported, transfers_chain
from tests.support.outcome_process import observed


@pytest.fixture(scope="module")
def migrated(module_database_url: str) -> str:
    migrate(module_database_url)
    return module_database_url


@pytest.fixture(params=["memory", "postgres", "postgres and redis"])
def open_store(request: pytest.FixtureRequest) -> Iterator[Callable[[], OutcomeStore]]:
    """Opens the store; the second time as another process would, where that makes a difference."""
    if request.param == "memory":
        memory = MemoryOutcomes()
        yield lambda: memory
        return
    url = request.getfixturevalue("migrated")
    redis_url = request.getfixturevalue("redis_url") if "redis" in request.param else None
    emptied(url)
    with ExitStack() as stack:
        database = stack.enter_context(Database(url))
        chain = transfers_chain(2, 10)
        imported(database, chain.genesis, chain.blocks)

        def opened() -> OutcomeStore:
            made = PostgresOutcomes(database, redis_of(redis_url) if redis_url else None)
            stack.callback(made.close)
            return made

        yield opened


FULL = Observed(
    Outcome(
        FailureKind.OUT_OF_GAS,
        "détail",
        2**53,
        -5,
        (LogEntry(b"c" * 32, b"t", b""),),
        (SlotWrite(b"c" * 32, b"s", b"v" * 3_000_000),),
        (Movement(b"a" * 20, 2**64 - 1),),
        (Movement(b"c" * 32, 1),),
    ),
    (0, 3, 7),
)


def test_what_was_put_is_what_comes_back(open_store: Callable[[], OutcomeStore]) -> None:
    """Every field of an outcome survives, large values and failures included, for whoever opens the store later."""
    store = open_store()
    assert store.get(Seq(8)) is None
    store.put(Seq(8), FULL)
    store.put(Seq(2), observed())
    assert store.get(Seq(8)) == FULL
    later = open_store()
    assert later.get(Seq(8)) == FULL
    assert later.get(Seq(2)) == observed()


def test_several_at_once(open_store: Callable[[], OutcomeStore]) -> None:
    """Only those that were observed come back; asking for none or twice for one is fine."""
    store = open_store()
    for seq in (1, 4, 9):
        store.put(Seq(seq), observed(seq))
    asked = [Seq(seq) for seq in (9, 0, 1, 9, 5)]
    assert store.get_many(asked) == {9: observed(9), 1: observed(1)}
    assert open_store().get_many(iter(asked)) == {9: observed(9), 1: observed(1)}
    assert store.get_many([]) == {}


def test_the_same_outcome_again_changes_nothing(open_store: Callable[[], OutcomeStore]) -> None:
    """What it was computed from may differ the second time; the first is kept, and whoever comes later is told."""
    store = open_store()
    assert store.put(Seq(3), observed(5, (1,))) is True
    assert store.put(Seq(3), observed(5, (1, 2))) is False
    assert open_store().put(Seq(3), observed(5, (1,))) is False
    assert store.get(Seq(3)) == observed(5, (1,))
    assert open_store().get(Seq(3)) == observed(5, (1,))


def test_another_outcome_is_refused(open_store: Callable[[], OutcomeStore]) -> None:
    """A second outcome that differs is an error that names the transaction, and the first stays."""
    store = open_store()
    store.put(Seq(3), observed(5))
    with pytest.raises(ConflictingOutcome) as error:
        store.put(Seq(3), observed(6))
    assert error.value.seq == 3
    assert store.get(Seq(3)) == observed(5)
    assert open_store().get(Seq(3)) == observed(5)


def test_one_flight_at_a_time(open_store: Callable[[], OutcomeStore]) -> None:
    """Threads that want the same transaction at once take turns; another transaction waits for nobody."""
    stores = [open_store() for _ in range(4)]
    inside: list[int] = []
    most: list[int] = []

    def fly(store: OutcomeStore) -> None:
        with store.single_flight(Seq(1)):
            inside.append(1)
            most.append(len(inside))
            with store.single_flight(Seq(0)):
                pass
            inside.pop()

    threads = [threading.Thread(target=fly, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == [1, 1, 1, 1]


def test_a_failed_flight_frees_its_place(open_store: Callable[[], OutcomeStore]) -> None:
    """An exception inside comes out, and the next one may enter."""
    store = open_store()
    with pytest.raises(ZeroDivisionError), store.single_flight(Seq(1)):
        raise ZeroDivisionError
    with store.single_flight(Seq(1)):
        assert store.get(Seq(1)) is None


def test_checkpoints_narrow_and_are_found_from_behind(open_store: Callable[[], OutcomeStore]) -> None:
    """The latest one at or before a position comes back; two for one position become the narrower of both."""
    store, account, other = open_store(), Address(b"a" * 20), ContractId(b"c" * 32)
    assert store.checkpoint(account, Seq(9), exact=False) is None
    store.keep_checkpoint(account, Checkpoint(Seq(2), 7, 7))
    store.keep_checkpoint(account, Checkpoint(Seq(5), 3, 2**70))
    store.keep_checkpoint(account, Checkpoint(Seq(5), 2, 40))
    store.keep_checkpoint(other, Checkpoint(Seq(4), 1, 1))
    later = open_store()
    assert later.checkpoint(account, Seq(9), exact=False) == Checkpoint(Seq(5), 3, 40)
    assert later.checkpoint(account, Seq(5), exact=False) == Checkpoint(Seq(5), 3, 40)
    assert later.checkpoint(account, Seq(4), exact=False) == Checkpoint(Seq(2), 7, 7)
    assert later.checkpoint(account, Seq(9), exact=True) == Checkpoint(Seq(2), 7, 7)
    assert later.checkpoint(account, Seq(1), exact=True) is None
