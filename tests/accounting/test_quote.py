"""Quotes: bounds that hold, from every knowledge, with as little looking as is allowed; and nothing is executed."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.pay import verify_payment
from accountant.accounting.query import ExactBalance, LowerBound, QueryQuestion
from accountant.accounting.query_answer import answer_query
from accountant.accounting.questions import InvalidQuestion, PaymentQuestion
from accountant.accounting.quote import Quote, Used, quote_outcome, quote_payment, quote_query
from accountant.accounting.quote_facts import POSTINGS_MOST
from accountant.chain.block import Position
from accountant.chain.query import BalanceAtLeast, Storage
from accountant.chain.transaction import CallPayload, Transaction, TransactionKind
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.memory import MemoryIndex
from accountant.primitives.encoding import encode
from accountant.primitives.types import Seq
from tests.support.random_chain import USERS, Program, RandomChain, footprint_of

CHAINS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True, params=[(1, 0), (512, 4)], ids=["dense checkpoints, waiting runs", "as in service"])
def _limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint_every, runs_most = request.param
    monkeypatch.setattr("accountant.execution.session.CHECKPOINT_EVERY", checkpoint_every)
    monkeypatch.setattr("accountant.execution.selective.RUNS_MOST", runs_most)


def _warmed(chain: RandomChain, random: Random) -> MemoryOutcomes:
    """A store that knows some of the chain."""
    store, count = MemoryOutcomes(), chain.index.head().next_seq
    for seq in random.sample(range(count), random.randrange(count + 1)):
        Selective(Session(chain.index, store)).outcome(Seq(seq))
    return store


def _contents(store: MemoryOutcomes) -> dict[Seq, object]:
    return dict(store._observed)


def _holds(quote: Quote, gas: int) -> None:
    assert quote.gas_least <= gas <= quote.gas_most <= quote.gas_everything
    assert quote.gas_least <= quote.gas_expected <= quote.gas_most


@CHAINS
@given(st.randoms(use_true_random=True))
def test_no_answer_executes_less_or_more_than_quoted(random: Random) -> None:
    """Every kind of query and payment, from any knowledge: the gas that is executed lies within the quote."""
    chain = RandomChain(random)
    chain.grow(5)
    store = _warmed(chain, random)
    for _ in range(12):
        look_ups = random.choice([0, 3, 20, 2_000, 2_000])
        used = random.choice([Used(0, 0), Used(1, 4)])
        known = _contents(store)
        drawn = random.randrange(8)
        position, account = chain.position(), chain.account()
        try:
            if drawn == 0:
                payment = PaymentQuestion(chain.earlier(), _theta(chain, random))
                quote = quote_payment(chain.index, store, payment, used, look_ups)
                assert _contents(store) == known
                certificate = verify_payment(chain.index, store, payment)
            else:
                query = ExactBalance(account, position) if drawn == 1 else LowerBound(account, position)
                budget = random.choice([None, 0, 200_000]) if drawn == 2 else None
                question = QueryQuestion(encode(query if drawn <= 2 else chain.query()), budget)
                quote = quote_query(chain.index, store, question, used, look_ups)
                assert _contents(store) == known
                certificate = answer_query(chain.index, store, question)  # type: ignore[assignment]
        except InvalidQuestion:
            continue
        _holds(quote, certificate.gas_executed)


def _theta(chain: RandomChain, random: Random) -> tuple[bytes, ...] | None:
    if random.random() < 0.5:
        return None
    return tuple({chain.moved(chain.user()) for _ in range(random.randrange(3))})


@CHAINS
@given(st.randoms(use_true_random=True))
def test_what_an_outcome_costs_whoever_knows_nothing(random: Random) -> None:
    """Whatever a store tells, a cold accountant's gas lies within the quote from nothing; ours within the other."""
    chain = RandomChain(random)
    chain.grow(5)
    store = _warmed(chain, random)
    for seq in map(Seq, range(chain.index.head().next_seq)):
        look_ups = random.choice([0, 5, 2_000, 2_000])
        cold, ours = Session(chain.index, MemoryOutcomes()), Session(chain.index, store)
        from_nothing = quote_outcome(chain.index, store, seq, from_nothing=True, look_ups=look_ups)
        remaining = quote_outcome(chain.index, store, seq, from_nothing=False, look_ups=look_ups)
        Selective(cold).outcome(seq)
        _holds(from_nothing, cold.gas_executed)
        Selective(ours).outcome(seq)
        _holds(remaining, ours.gas_executed)


def test_a_quote_is_bounded_work_whatever_is_asked() -> None:
    """A hub of thousands of payouts, and a slot of thousands of writers: few look-ups, bounds that hold, and a word
    that they are open.
    """
    chain = RandomChain(Random(3), calm=True)
    contract, user = chain.contracts[0], USERS[0]
    program = Program()
    program.write(contract, b"a")
    program.pay(contract, user, 1)
    payload, footprint = encode(CallPayload("run", (program.code,))), footprint_of(program.entries)
    calls = [
        (user, Transaction(1, 7, n, TransactionKind.CALL, contract, 0, 0, 60_000, 0, 0, payload, footprint, bytes(65)))
        for n in range(POSTINGS_MOST + 1)
    ]
    chain.index.append_unsigned(calls)
    counting, head = CountingIndex(chain.index), Position(chain.index.head().hash, 0)
    for query in (ExactBalance(user, head), BalanceAtLeast(contract, 10**6, head), Storage(contract, b"a", head)):
        counting.calls = counting.rows = 0
        quote = quote_query(counting, MemoryOutcomes(), QueryQuestion(encode(query)), look_ups=200)
        assert counting.calls <= 3 * 200 + 20 and counting.rows <= 3 * (POSTINGS_MOST + 1) + 200 * 64
        assert quote.cut_off and quote.gas_most == quote.gas_everything == 60_000 * len(calls)


class CountingIndex:
    """Counts look-ups, and the rows that they return."""

    def __init__(self, index: MemoryIndex) -> None:
        self._index = index
        self.calls = self.rows = 0

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._index, name)
        if not callable(asked):
            return asked

        def counted(*arguments: object) -> object:
            self.calls += 1
            found = asked(*arguments)
            self.rows += len(found) if isinstance(found, list) else 1
            return found

        return counted
