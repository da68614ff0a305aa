"""Replays from recorded outcomes: what a cold accountant does, without running a contract."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Observed, Outcome, decode_observed, outcome_digest
from accountant.execution.replay import Unobserved, replaying
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.transition import runs_code
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Seq
from tests.support.random_chain import RandomChain

CHAINS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True, params=[(1, 0), (512, 4)], ids=["dense checkpoints, waiting runs", "as in service"])
def _limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint_every, runs_most = request.param
    monkeypatch.setattr("accountant.execution.session.CHECKPOINT_EVERY", checkpoint_every)
    monkeypatch.setattr("accountant.execution.selective.RUNS_MOST", runs_most)


def _warm(chain: RandomChain, random: Random) -> MemoryOutcomes:
    """A store in which everything was asked for, in random order."""
    store = MemoryOutcomes()
    seqs = list(range(chain.index.head().next_seq))
    random.shuffle(seqs)
    for seq in seqs:
        Selective(Session(chain.index, store)).outcome(Seq(seq))
    return store


def _no_run(*_: object) -> None:
    raise AssertionError("a replay runs no contract")


@CHAINS
@given(st.randoms(use_true_random=True))
def test_a_replay_does_what_a_cold_accountant_does(random: Random) -> None:
    """From whatever order outcomes were found in, a replay visits what a cold accountant executes, in its order,
    for the same gas, with the same outcome, and runs nothing.
    """
    chain = RandomChain(random)
    chain.grow(5)
    store = _warm(chain, random)
    for seq in map(Seq, range(chain.index.head().next_seq)):
        cold = Selective(Session(chain.index, MemoryOutcomes()))
        expected = cold.outcome(seq)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("accountant.contracts.run.execute", _no_run)
            patch.setattr("accountant.execution.transition.execute", _no_run)
            replay = replaying(chain.index, store)
            assert replay.outcome(seq) == expected
        assert replay.session.gas_executed == cold.session.gas_executed
        assert replay.session.executed == cold.session.executed
        assert replay.session.resolved == cold.session.resolved


@CHAINS
@given(st.randoms(use_true_random=True))
def test_what_a_run_asked_for_is_a_function_of_the_chain(random: Random) -> None:
    """Cold, warm in any order, and replayed, the same needs are recorded in the same order, and kept as bytes."""
    chain = RandomChain(random)
    chain.grow(5)
    store, other = _warm(chain, random), _warm(chain, random)
    for seq in map(Seq, range(chain.index.head().next_seq)):
        cold = MemoryOutcomes()
        Selective(Session(chain.index, cold)).outcome(seq)
        replay = replaying(chain.index, store)
        replay.outcome(seq)
        one = store.get(seq)
        if one is None:
            assert other.get(seq) is None
            continue
        for also in (other, cold, replay.session.store):
            observed = also.get(seq)
            assert observed is not None and observed.needs == one.needs
        assert decode_observed(encode(one)) == one


@CHAINS
@given(st.randoms(use_true_random=True))
def test_a_replay_stops_where_nothing_is_recorded(random: Random) -> None:
    """Without the outcome of a transaction that runs code a replay says which is missing, or executes it if it may."""
    chain = RandomChain(random)
    chain.grow(3)
    for seq in map(Seq, range(chain.index.head().next_seq)):
        cold = Selective(Session(chain.index, MemoryOutcomes()))
        expected = cold.outcome(seq)
        ran = [s for s in cold.session.executed if runs_code(chain.index.transaction(s))]
        if ran:
            with pytest.raises(Unobserved) as missing:
                replaying(chain.index, MemoryOutcomes()).outcome(seq)
            assert missing.value.seq in ran
        allowed = replaying(chain.index, MemoryOutcomes(), execute=True)
        assert allowed.outcome(seq) == expected
        assert allowed.session.executed == cold.session.executed


def before_files(outcome: Outcome) -> list[object]:
    """An outcome as it was encoded before there were files of tensors."""
    fields = [getattr(outcome, name) for name in outcome.__struct_fields__[:8]]
    fields[5] = [[write.contract, write.slot, write.value] for write in outcome.writes]
    return fields


def test_what_was_kept_without_needs_is_read_and_not_replayed() -> None:
    """An outcome that was stored before needs were recorded is as good as ever, and no record to replay from."""
    chain = RandomChain(Random(1), calm=True)
    chain.grow(4)
    cold = MemoryOutcomes()
    executor = Selective(Session(chain.index, cold))
    for every in map(Seq, range(chain.index.head().next_seq)):
        executor.outcome(every)
    seq = executor.session.executed[0]
    observed = cold.get(seq)
    assert observed is not None
    outcome = before_files(observed.outcome)
    old = decode_observed(encode([outcome, observed.inputs, observed.balances]))
    assert old == Observed(observed.outcome, observed.inputs, observed.balances, None)
    assert decode_observed(encode([outcome, observed.inputs, observed.balances, observed.needs])) == observed
    assert outcome_digest(observed.outcome) == sha256(encode(outcome))
    store = MemoryOutcomes()
    store.put(seq, old)
    with pytest.raises(Unobserved):
        replaying(chain.index, store).outcome(seq)
