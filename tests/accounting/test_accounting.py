"""Pay and lower bounds against the eager reference, on random chains, with every kind of Θ and budget."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.bound import lower_bound
from accountant.accounting.certificate import UndecidedReason, Verdict
from accountant.accounting.pay import verify_payment
from accountant.accounting.questions import InvalidQuestion, LowerBoundQuestion, PaymentQuestion
from accountant.chain.block import Position
from accountant.chain.query import decode_answer, decode_query
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.index.port import moment_before
from accountant.index.position import resolve
from accountant.primitives.types import ADDRESS_BYTES, AccountId, Address, Seq
from tests.support.planning import always_plan
from tests.support.random_chain import RandomChain

CHAINS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

_WORLDS = {
    "dense checkpoints, waiting runs": (1, 0, 32, False),
    "as in service": (512, 4, 32, False),
    "planned": (512, 4, 32, True),
    "planned, one posting at first": (1, 4, 1, True),
    "planned, three postings at first": (512, 4, 3, True),
}
"""Postings between checkpoints, starts before runs wait, the first window, and whether Θ is planned."""


@pytest.fixture(autouse=True, params=list(_WORLDS.values()), ids=list(_WORLDS))
def _limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint_every, runs_most, window, planned = request.param
    monkeypatch.setattr("accountant.execution.session.CHECKPOINT_EVERY", checkpoint_every)
    monkeypatch.setattr("accountant.execution.session.WINDOW", window)
    if planned:
        always_plan(monkeypatch)
    monkeypatch.setattr("accountant.execution.selective.RUNS_MOST", runs_most)


def _some_theta(random: Random, chain: RandomChain, account: AccountId) -> tuple[bytes, ...] | None:
    if random.random() < 0.4:
        return None
    income = chain.moved if random.random() < 0.8 else lambda _account: chain.earlier()
    return tuple({income(account) for _ in range(random.randrange(4))})


def _some_budget(random: Random) -> int | None:
    return random.choice([None, None, 0, 5_000, 500_000])


@CHAINS
@given(st.randoms(use_true_random=True))
def test_pay_is_never_wrong(random: Random) -> None:
    """Accepted and rejected are what eager says; undecided says why; without Θ and budget there is no undecided."""
    chain = RandomChain(random)
    chain.grow(6)
    eager = execute_everything(chain.index)
    store = MemoryOutcomes()
    for seq, outcome in enumerate(eager.outcomes):
        located = eager.located[seq]
        question = PaymentQuestion(located.hash, _some_theta(random, chain, located.sender), _some_budget(random))
        try:
            certificate = verify_payment(chain.index, random.choice([store, MemoryOutcomes()]), question)
        except InvalidQuestion:
            assert question.theta
            continue
        if certificate.verdict is Verdict.UNDECIDED:
            assert question.theta is not None or question.gas_budget is not None
            assert certificate.answer is None and certificate.query is None
            if certificate.reason is UndecidedReason.BUDGET_SPENT:
                assert certificate.missing
        else:
            assert (certificate.verdict is Verdict.ACCEPTED) == outcome.succeeded
            assert certificate.query is not None and certificate.answer is not None
            assert eager.answer(decode_query(certificate.query)) == decode_answer(certificate.answer)
        truth = eager.general_before(located.sender, Seq(seq))
        assert certificate.lower <= truth <= certificate.upper
        if question.gas_budget is not None:
            assert certificate.gas_executed <= question.gas_budget


@CHAINS
@given(st.randoms(use_true_random=True))
def test_bounds_are_never_wrong(random: Random) -> None:
    """L ≤ truth ≤ U at any position of the chain, and whatever is certified for swearing is true."""
    chain = RandomChain(random)
    chain.grow(6)
    eager = execute_everything(chain.index)
    store = MemoryOutcomes()
    for _ in range(20):
        account, position = chain.account(), chain.position()
        truth = _balance(chain, eager, account, position)
        target = None
        if random.random() < 0.7:
            target = max(0, (truth if truth is not None else 5) + random.choice([-20, -1, 0, 1, 20]))
        question = LowerBoundQuestion(
            account, position, target, _some_theta(random, chain, account), _some_budget(random)
        )
        try:
            certificate = lower_bound(chain.index, store, question)
        except InvalidQuestion:
            assert question.theta or truth is None
            continue
        assert truth is not None
        assert certificate.zero_balance + certificate.lower <= truth <= certificate.zero_balance + certificate.upper
        if certificate.answer is not None and certificate.query is not None:
            assert eager.answer(decode_query(certificate.query)) == decode_answer(certificate.answer)
        if target is not None and certificate.verdict is not Verdict.UNDECIDED:
            assert (certificate.verdict is Verdict.ACCEPTED) == (truth >= target)
        if target is not None and question.theta is None and question.gas_budget is None:
            assert certificate.verdict is not Verdict.UNDECIDED


def _balance(chain: RandomChain, eager: EagerState, account: AccountId, position: Position) -> int | None:
    """Z + G by the reference; None where the position names nothing."""
    place = resolve(chain.index, position)
    if place is None:
        return None
    zero = chain.index.zero_balance(Address(account), place.moment) if len(account) == ADDRESS_BYTES else 0
    return zero + eager.general_before(account, place.seq)


def test_moments_order_the_ends_of_blocks() -> None:
    """What lands at the end of a block is there at the next one's beginning and not before its last transaction."""
    assert moment_before(1, 5) < moment_before(2, 0)
