"""Selective equals eager where contracts train, save and load networks, whatever was kept of their files."""

from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.chain.transaction import TransactionKind
from accountant.contracts.errors import FailureKind
from accountant.contracts.tensor_means import Memo, TooLittleMemory
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryBlobs, MemoryOutcomes
from accountant.execution.needs import BlobAwaited, BlobUnavailable, BudgetSpent
from accountant.execution.outcome import decode_observed
from accountant.execution.replay import replaying
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.shared_work import SharedWork
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import Cid, Gas, Seq
from tests.support.network_chain import LEARNERS, SLOTS, NetworkChain
from tests.support.random_chain import USERS

if TYPE_CHECKING:
    from accountant.contracts.tensor_values import Computed

CHAINS = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True, params=[0, 4], ids=["waiting runs", "as in service"])
def _limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accountant.execution.selective.RUNS_MOST", request.param)


class Forgetful(MemoryBlobs):
    """Holds what was published, and keeps nothing that contracts save."""

    def __init__(self, published: MemoryBlobs) -> None:
        super().__init__()
        self.published = published

    def get(self, cid: Cid) -> bytes | None:
        return self.published.get(cid)

    def put(self, data: bytes) -> Cid:
        return cid_of(data)


def _chain(random: Random, blocks: int = 5) -> tuple[NetworkChain, EagerState]:
    chain = NetworkChain(random)
    chain.grow(blocks)
    return chain, execute_everything(chain.index, blobs=chain.blobs)


def _kept(chain: NetworkChain) -> MemoryOutcomes:
    """A store beside which the published files are, and what is saved is kept."""
    files = MemoryBlobs()
    for cid in chain.cids:
        data = chain.blobs.get(cid)
        if data is not None:
            files.put(data)
    return MemoryOutcomes(files)


@CHAINS
@given(st.randoms(use_true_random=True))
def test_every_outcome_is_the_eager_one(random: Random) -> None:
    """Whichever transaction is asked for first, with files kept or forgotten, its outcome is the eager one."""
    chain, eager = _chain(random)
    for seq, expected in enumerate(eager.outcomes):
        for store in (_kept(chain), MemoryOutcomes(Forgetful(chain.blobs))):
            selective = Selective(Session(chain.index, store))
            assert selective.outcome(Seq(seq)) == expected
            executed = selective.session.executed
            assert len(set(executed)) == len(executed)
            observed = store.get(Seq(seq))
            assert observed is None or decode_observed(encode(observed)) == observed


@CHAINS
@given(st.randoms(use_true_random=True))
def test_a_shared_store_whose_files_are_lost(random: Random) -> None:
    """Outcomes that are known and files that nobody kept: what is loaded is had again, slots and balances agree."""
    chain, eager = _chain(random)
    store = MemoryOutcomes(Forgetful(chain.blobs))
    count = len(eager.outcomes)
    order = list(range(count))
    random.shuffle(order)
    for seq in order:
        assert Selective(Session(chain.index, store)).outcome(Seq(seq)) == eager.outcomes[seq]
        contract, slot, before = random.choice(LEARNERS), random.choice(SLOTS), Seq(random.randrange(count + 1))
        assert Selective(Session(chain.index, store)).slot(contract, slot, before) == eager.slot_before(
            contract, slot, before
        )


@CHAINS
@given(st.randoms(use_true_random=True))
def test_a_replay_finds_the_same_and_runs_nothing(random: Random) -> None:
    """Recorded needs, files among them, lead a replay to the same outcomes, in the cold executor's order."""
    chain, eager = _chain(random)
    for seq in map(Seq, range(len(eager.outcomes))):
        store = _kept(chain)
        cold = Selective(Session(chain.index, store))
        assert cold.outcome(seq) == eager.outcomes[seq]
        again = replaying(chain.index, store)
        assert again.outcome(seq) == eager.outcomes[seq]
        assert again.session.executed == cold.session.executed
        assert again.session.gas_executed == cold.session.gas_executed


@CHAINS
@given(st.randoms(use_true_random=True))
def test_needs_do_not_depend_on_what_was_known(random: Random) -> None:
    """What a run asks for is a function of the chain, whether files were there or had to be made again."""
    chain, eager = _chain(random, 4)
    stores = [_kept(chain), MemoryOutcomes(Forgetful(chain.blobs)), _kept(chain)]
    for seq in range(len(eager.outcomes)):
        for store in stores[:2]:
            Selective(Session(chain.index, store)).outcome(Seq(seq))
    for seq in reversed(range(len(eager.outcomes))):
        Selective(Session(chain.index, stores[2])).outcome(Seq(seq))
    for seq in map(Seq, range(len(eager.outcomes))):
        found = [store.get(seq) for store in stores]
        needs = [None if one is None else one.needs for one in found]
        assert needs[0] == needs[1] == needs[2]


@CHAINS
@given(st.randoms(use_true_random=True))
def test_a_budget_changes_no_outcome(random: Random) -> None:
    """With a budget the answer is the eager one or none, files made again included."""
    chain, eager = _chain(random, 4)
    store = MemoryOutcomes(Forgetful(chain.blobs))
    for seq, expected in enumerate(eager.outcomes):
        for budget in (0, random.randrange(300_000), 10**12):
            session = Session(chain.index, store, gas_budget=Gas(budget))
            try:
                assert Selective(session).outcome(Seq(seq)) == expected
            except BudgetSpent:
                assert budget < 10**12
            assert session.gas_executed <= budget


@CHAINS
@given(st.randoms(use_true_random=True))
def test_views_load_what_is_published(random: Random) -> None:
    """A view needs no declaration; a file that was published later, or not at all, it cannot load."""
    chain, eager = _chain(random, 3)
    for _ in range(6):
        view = chain.view()
        found = Selective(Session(chain.index, _kept(chain))).answer(view)
        assert found == eager.answer(view)


def _trained_and_paid() -> NetworkChain:
    """Training, a slot that passes the CID on, and a payment on what the network says."""
    chain = NetworkChain(Random(0))
    chain.random = Random(3)
    calls = [("train", b"a", b"b", 1), ("pass", b"b", b"c", 0), ("pay", b"c", USERS[1], 0)]
    chain.random.random = lambda: 0.5  # type: ignore[method-assign]
    for function, first, second, number in calls:
        chain.index.append_unsigned([chain.call(function, first, second, number)])
    return chain


def test_a_saved_file_is_loaded_through_the_slots_that_its_cid_passed() -> None:
    """The reader of a slot that was copied from another is backed by whoever saved the file, and pays on it."""
    chain = _trained_and_paid()
    eager = execute_everything(chain.index)
    trained, passed, paid = eager.outcomes
    assert trained.saved[0].cid == trained.return_value == trained.writes[0].value
    assert [write.source for write in (*trained.writes, *passed.writes)] == [0, 0]
    assert paid.failure in (None, FailureKind.INSUFFICIENT_CONTRACT_FUNDS)


def test_a_file_that_nobody_kept_is_made_again_by_executing_who_saved_it() -> None:
    """Its outcome is known, yet it runs once more; that gas counts as executed."""
    chain = _trained_and_paid()
    store = MemoryOutcomes(Forgetful(MemoryBlobs()))
    Selective(Session(chain.index, store)).outcome(Seq(1))
    known = store.get(Seq(0))
    assert known is not None
    session = Session(chain.index, store)
    paid = Selective(session).outcome(Seq(2))
    assert session.executed == [2]
    assert session.gas_executed == paid.gas_used + known.outcome.gas_used
    kept = MemoryOutcomes()
    Selective(Session(chain.index, kept)).outcome(Seq(1))
    session = Session(chain.index, kept)
    assert Selective(session).outcome(Seq(2)) == paid
    assert session.gas_executed == paid.gas_used


def test_a_published_file_that_nobody_serves_is_no_outcome() -> None:
    """Its loader's outcome stays unobserved, and is found once somebody serves the file."""
    chain = NetworkChain(Random(0))
    chain.index.append_unsigned([chain.publication(0.5)])
    chain.random.random = lambda: 0.5  # type: ignore[method-assign]
    chain.index.append_unsigned([chain.call("tune", chain.cids[0], b"a", 0)])
    store = MemoryOutcomes()
    with pytest.raises(BlobUnavailable):
        Selective(Session(chain.index, store)).outcome(Seq(1))
    with pytest.raises(BlobAwaited):
        Selective(Session(chain.index, store, SharedWork(lambda _: None, waits_for_blobs=True))).outcome(Seq(1))
    assert store.get(Seq(1)) is None
    data = chain.blobs.get(chain.cids[0])
    assert data is not None
    store.blobs.put(data)
    found = Selective(Session(chain.index, store)).outcome(Seq(1))
    assert found == execute_everything(chain.index, blobs=chain.blobs).outcomes[1]
    assert found.succeeded


def test_a_worker_with_too_little_memory_hands_the_work_on() -> None:
    """It refuses before running, and no outcome is kept; another worker finds the one there is."""
    chain = NetworkChain(Random(0))
    chain.random.random = lambda: 0.05  # type: ignore[method-assign]  # a memory entry, and one entry less
    chain.random.choice = lambda some: some[-1]  # type: ignore[method-assign,assignment]
    chain.random.randrange = lambda *_: 0  # type: ignore[method-assign]
    chain.index.append_unsigned([chain.call("train", b"a", b"a", 1)])
    store = MemoryOutcomes()
    with pytest.raises(TooLittleMemory):
        Selective(Session(chain.index, store, SharedWork(lambda _: None, room_bytes=99_999_999))).outcome(Seq(0))
    assert store.get(Seq(0)) is None
    there = Selective(Session(chain.index, store, SharedWork(lambda _: None, room_bytes=10**8))).outcome(Seq(0))
    assert there == execute_everything(chain.index).outcomes[0]


def _counted(monkeypatch: pytest.MonkeyPatch, room: int | None = None) -> list[Memo]:
    """The memos of the transactions that run from here on, which hold at most `room` bytes of results."""
    made: list[Memo] = []

    class Counting(Memo):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

        def keep(self, recipe: bytes, results: "Computed", size: int, most: int) -> None:
            super().keep(recipe, results, size, most if room is None else room)

    monkeypatch.setattr("accountant.execution.session.Memo", Counting)
    if room is not None:
        monkeypatch.setattr("accountant.contracts.tensor_means.MEMO_BYTES_LEAST", 0)
    return made


def test_nothing_is_computed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contract that stops for what it does not know, after it trained, does not train again when it runs again."""
    chain = NetworkChain(Random(0))
    chain.random.random = lambda: 0.5  # type: ignore[method-assign]
    one = chain.call("train", b"a", b"b", 1)
    chain.index.append_unsigned([chain.call("forge", b"", b"b", 0), one])
    alone = NetworkChain(Random(0))
    alone.random.random = lambda: 0.5  # type: ignore[method-assign]
    alone.index.append_unsigned([alone.call("train", b"a", b"b", 1)])
    made = _counted(monkeypatch)
    stopped = Selective(Session(chain.index, MemoryOutcomes())).outcome(Seq(1))
    again = max(memo.computed for memo in made)
    assert again > 0
    made.clear()
    fresh = Selective(Session(alone.index, MemoryOutcomes())).outcome(Seq(0))
    assert [memo.computed for memo in made] == [again]
    assert (stopped.saved, stopped.gas_used, stopped.writes[0].value) == (
        *(fresh.saved, fresh.gas_used, fresh.writes[0].value),
    )


@pytest.mark.parametrize("room", [0, 10_000, 30_000])
def test_what_was_forgotten_is_computed_again_to_the_same_bits(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With hardly any memory for results, runs that begin anew give the outcomes of those that remember."""
    made = _counted(monkeypatch, room)
    for seed in range(3):
        chain, eager = _chain(Random(seed), 3)
        for seq in range(len(eager.outcomes)):
            assert Selective(Session(chain.index, _kept(chain))).outcome(Seq(seq)) == eager.outcomes[seq]
    assert any(memo.computed for memo in made)


def test_a_publication_moves_nothing_and_uses_no_gas() -> None:
    """Its outcome is known to anybody."""
    _, eager = _chain(Random(1))
    for located, outcome in zip(eager.located, eager.outcomes, strict=True):
        if located.transaction.kind is TransactionKind.PUBLISH:
            assert outcome.succeeded and not outcome.gas_used
            assert not outcome.credits
