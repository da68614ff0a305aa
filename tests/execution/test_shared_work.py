"""Work that leaves executions to others: the same answers, each execution once, and the accounts in order."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.certificate import Verdict
from accountant.accounting.funding import fund
from accountant.execution.choice import surely_needed
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.shared_work import NOTHING, Done, Executed, Parked, SharedWork, Spent, decode_done
from accountant.execution.transition import runs_code
from accountant.primitives.encoding import encode
from accountant.primitives.types import Gas, Seq
from tests.support.random_chain import SLOTS, RandomChain

CHAINS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True, params=[0, 4], ids=["waiting runs", "as in service"])
def _runs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accountant.execution.selective.RUNS_MOST", request.param)


class Crew:
    """Workers without end, one after the other: whatever a piece of work leaves to others is done in random order."""

    def __init__(self, random: Random, chain: RandomChain, least: int) -> None:
        self.random, self.chain, self.least = random, chain, Gas(least)
        self.store = MemoryOutcomes()
        self.started: list[Seq] = []

    def session(self, done: Done, own: Seq | None = None) -> Session:
        work = SharedWork(lambda _gas: None, done, self.least, own)
        return Session(self.chain.index, self.store, work)

    def execute(self, seq: Seq) -> Done:
        """One execution with all that it has to wait for."""
        self.started.append(seq)
        done = NOTHING
        while True:
            session = self.session(done, own=seq)
            try:
                Selective(session).outcome(seq)
                return session.done()
            except Parked as parked:
                done = self.waited(parked, seq)

    def waited(self, parked: Parked, before: Seq) -> Done:
        """What was done once all that is missing has been executed."""
        done = parked.done
        missing = sorted(parked.waits_for)
        assert missing and missing[-1] < before, "needs point backwards"
        self.random.shuffle(missing)
        for seq in missing:
            if self.store.get(seq) is None:
                done = done.joined(self.execute(seq), parked.waits_for[seq])
        return done


def _grown(random: Random) -> tuple[RandomChain, EagerState, Crew]:
    chain = RandomChain(random)
    chain.grow(6)
    return chain, execute_everything(chain.index), Crew(random, chain, random.choice([0, 0, 100_000]))


@CHAINS
@given(st.randoms(use_true_random=True))
def test_left_to_others_is_the_eager_outcome(random: Random) -> None:
    """With every execution left to others each outcome, slot, balance and answer is the eager one."""
    chain, eager, crew = _grown(random)
    count = len(eager.outcomes)
    for _ in range(12):
        seq = Seq(random.randrange(count + 1))
        account = random.choice(chain.accounts)
        truth = eager.general_before(account, seq)
        amount = max(0, truth + random.choice([-50, -1, 0, 1, 50]))
        contract, slot, query = random.choice(chain.contracts), random.choice(SLOTS), chain.query()
        done = NOTHING
        while True:
            selective = Selective(crew.session(done))
            try:
                if seq < count:
                    assert selective.outcome(seq) == eager.outcomes[seq]
                assert selective.covers(account, amount, seq) == (truth >= amount)
                assert selective.slot(contract, slot, seq) == eager.slot_before(contract, slot, seq)
                assert selective.answer(query) == eager.answer(query)
                break
            except Parked as parked:
                done = crew.waited(parked, Seq(count))
    for located in eager.located:
        if runs_code(located):
            assert crew.store.executions(located.seq) <= 1


@CHAINS
@given(st.randoms(use_true_random=True))
def test_what_was_executed_is_counted_once(random: Random) -> None:
    """A finished piece of work lists every transaction that was executed for it, with its gas, by whomever it was."""
    chain, eager, crew = _grown(random)
    account = random.choice(chain.accounts)
    before = Seq(len(eager.outcomes))
    truth = eager.general_before(account, before)
    amount = max(0, truth + random.choice([-200, -1, 0, 1, 200]))
    done = NOTHING
    while True:
        session = crew.session(done)
        try:
            funding = fund(Selective(session), account, amount, before, None)
            break
        except Parked as parked:
            done = crew.waited(parked, before)
    assert funding.verdict is (Verdict.ACCEPTED if truth >= amount else Verdict.REJECTED)
    there = [seq for seq in range(before) if crew.store.get(Seq(seq)) is not None]
    assert sorted(session.resolved) == there
    assert session.gas_executed == sum(eager.outcomes[seq].gas_used for seq in there)
    assert len(set(session.executed)) == len(session.executed)
    assert not session.cached & set(session.resolved)
    assert sum(income.gas for income in funding.incomes) <= session.gas_executed
    assert len({income.transaction for income in funding.incomes}) == len(funding.incomes)


@CHAINS
@given(st.randoms(use_true_random=True))
def test_no_shorter_batch_decides(random: Random) -> None:
    """Whatever a proper prefix of a batch did, the interval still leaves the amount open."""
    chain, eager, crew = _grown(random)
    before = Seq(len(eager.outcomes))
    for account in chain.accounts:
        session = crew.session(NOTHING)
        walk = session.walk(account, before)
        if walk.lower == walk.upper:
            continue
        amount = random.randrange(walk.lower + 1, walk.upper + 1)
        order = [posting.seq for posting in walk.unknown]
        random.shuffle(order)
        batch = surely_needed(walk, amount, order)
        assert batch == order[: len(batch)]
        known = dict.fromkeys(batch[:-1])
        session = crew.session(NOTHING)
        for seq in known:
            session._known[seq] = eager.outcomes[seq]
        assert session.walk(account, before).covers(amount) is None


def test_under_a_budget_nothing_is_left_to_others() -> None:
    """Work with a gas budget executes everything itself, so that the budget holds."""
    chain = RandomChain(Random(3))
    chain.grow(8)
    eager = execute_everything(chain.index)
    work = SharedWork(lambda _gas: None, NOTHING, Gas(0))
    for seq, expected in enumerate(eager.outcomes):
        session = Session(chain.index, MemoryOutcomes(), work, Gas(10**12))
        assert not session.shared
        assert Selective(session).outcome(Seq(seq)) == expected


def test_what_was_done_joins_and_decodes() -> None:
    """Joining adds what others executed, counts it behind what was asked for, and survives its encoding."""
    own = Done((Executed(1, 10, True),), (5, 7), (Spent(9, 10),))
    others = Done((Executed(5, 30, True), Executed(4, 1, False)), (2,), (Spent(5, 31),))
    joined = own.joined(others, Seq(9))
    assert joined.gas == 41
    assert [one.seq for one in joined.executed] == [1, 5, 4]
    assert joined.consulted == (2, 7)
    assert joined.spent == (Spent(9, 41),)
    assert decode_done(encode(joined)) == joined
    assert decode_done(None) == NOTHING
