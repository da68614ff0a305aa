"""Accounting queries as questions: answered as executing everything says, or undecided with what was learnt."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.certificate import QueryCertificate, UndecidedReason, Verdict, decode_certificate
from accountant.accounting.query import (
    KINDS,
    AnyQuery,
    ExactBalance,
    LowerBound,
    QueryQuestion,
    can_be_sworn,
    check_query,
    decode_any_query,
    name_of,
)
from accountant.accounting.query_answer import answer_query
from accountant.accounting.questions import InvalidQuestion
from accountant.chain.block import Position
from accountant.chain.query import (
    BalanceAtLeast,
    Every,
    Income,
    Storage,
    TransactionSucceeded,
    View,
    ViewAnswer,
    decode_answer,
    decode_query,
    query_hash,
)
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.index.position import resolve
from accountant.primitives.addresses import account_of
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import ADDRESS_BYTES, Address
from tests.support.planning import always_plan
from tests.support.random_chain import CONTRACTS, USERS, RandomChain

CHAIN = RandomChain(Random(11))
CHAIN.grow(6)
HEAD = Position(CHAIN.index.head().hash, 0)
NOWHERE = Position(bytes(32), 0)
TRANSACTION = CHAIN.index.transaction(0).hash  # type: ignore[arg-type]


def _truth(chain: RandomChain, eager: EagerState, query: object) -> object:
    """What executing everything says."""
    if not isinstance(query, LowerBound | ExactBalance):
        return eager.answer(query)  # type: ignore[arg-type]
    place = resolve(chain.index, query.position)
    assert place is not None
    account = account_of(query.account)
    zero = chain.index.zero_balance(Address(account), place.moment) if len(account) == ADDRESS_BYTES else 0
    return zero + eager.general_before(account, place.seq)


@pytest.fixture(autouse=True, params=[None, 1, 32], ids=["greedy", "planned, one posting at first", "planned"])
def _planned(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        monkeypatch.setattr("accountant.execution.session.WINDOW", request.param)
        always_plan(monkeypatch)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=True))
def test_every_answer_is_the_eager_one(random: Random) -> None:
    """Every kind, from cold and warm stores, with and without a budget: the truth or none, within what was learnt."""
    chain = RandomChain(random)
    chain.grow(5)
    eager, store = execute_everything(chain.index), MemoryOutcomes()
    for _ in range(14):
        drawn = random.randrange(7)
        position, account = chain.position(), chain.account()
        query = LowerBound(account, position) if drawn == 0 else ExactBalance(account, position)
        asked = encode(query if drawn < 2 else chain.query())
        budget = random.choice([None, None, 0, 30_000, 1_000_000])
        try:
            found = answer_query(chain.index, random.choice([store, MemoryOutcomes()]), QueryQuestion(asked, budget))
        except InvalidQuestion:
            continue
        _check(found, asked, budget, _truth(chain, eager, decode_any_query(asked)))


def _check(found: QueryCertificate, asked: bytes, budget: int | None, truth: object) -> None:
    assert found.query == asked and found.gas_budget == budget
    assert decode_certificate(encode(found)) == found
    assert budget is None or found.gas_executed <= budget
    assert set(found.executed) <= set(found.slice)
    query = decode_any_query(asked)
    if found.lower is not None and found.zero_balance is not None and isinstance(truth, int) and truth is not True:
        assert found.upper is not None
        if isinstance(query, LowerBound | ExactBalance):
            assert found.zero_balance + found.lower <= truth <= found.zero_balance + found.upper
    if isinstance(query, Income):
        assert found.lower is not None and found.upper is not None and isinstance(truth, int)
        assert found.lower <= truth <= found.upper
    if found.answer is None:
        assert found.verdict is Verdict.UNDECIDED and found.reason is UndecidedReason.BUDGET_SPENT
        assert budget is not None and found.missing and not isinstance(query, LowerBound)
        return
    answer = decode_answer(found.answer)
    if isinstance(query, LowerBound):
        assert isinstance(truth, int) and answer <= truth  # type: ignore[operator]
        return
    assert answer == truth and type(answer) is type(truth)
    no = answer is False or (isinstance(answer, ViewAnswer) and answer.failure is not None)
    assert found.verdict is (Verdict.REJECTED if no else Verdict.ACCEPTED)


def test_names_and_encodings_of_all_kinds() -> None:
    """Eight kinds, each with its own bytes and hash; the six of contracts and oaths are encoded as those know them."""
    queries: list[AnyQuery] = [
        BalanceAtLeast(USERS[0], 5, HEAD),
        TransactionSucceeded(TRANSACTION),
        Income(TRANSACTION, USERS[0]),
        Storage(CONTRACTS[0], b"a", HEAD),
        View(CONTRACTS[0], "run", (b"",), 10, HEAD),
        Every((TransactionSucceeded(TRANSACTION), Storage(CONTRACTS[0], b"a", HEAD))),
        LowerBound(USERS[0], HEAD),
        ExactBalance(USERS[0], HEAD),
    ]
    assert [type(query) for query in queries] == list(KINDS)
    assert len({name_of(query) for query in queries}) == 8
    for query in queries:
        raw = encode(query)
        assert decode_any_query(raw) == query
        if can_be_sworn(query):
            assert decode_query(raw) == query and name_of(query) == query_hash(query)
        else:
            with pytest.raises(InvalidEncoding):
                decode_query(raw)


def test_an_exact_balance_that_a_budget_ends_says_what_was_learnt() -> None:
    """The interval so far, what had to be executed next, and its price; with more budget it goes on from there."""
    chain = RandomChain(Random(1), calm=True)
    chain.grow(12)
    store = MemoryOutcomes()
    head = Position(chain.index.head().hash, 0)
    account = next(
        account
        for account in chain.accounts
        if answer_query(chain.index, store, QueryQuestion(encode(ExactBalance(account, head)), 0)).answer is None
    )
    asked = encode(ExactBalance(account, head))
    poor = answer_query(chain.index, store, QueryQuestion(asked, 0))
    assert poor.lower is not None and poor.upper is not None and poor.lower < poor.upper
    (missing,) = poor.missing
    assert missing.transaction is not None and missing.gas_most > 0 and poor.gas_executed == 0
    rich = answer_query(chain.index, store, QueryQuestion(asked))
    assert rich.answer is not None and rich.lower == rich.upper and rich.gas_executed > 0
    assert poor.lower <= rich.lower <= poor.upper  # type: ignore[operator]
    again = answer_query(chain.index, store, QueryQuestion(asked, 0))
    assert again.answer == rich.answer and again.gas_executed == 0


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("invalid_query", BalanceAtLeast(b"x" * 21, 0, HEAD)),
        ("invalid_account", LowerBound(b"x" * 31, HEAD)),
        ("invalid_query", Income(TRANSACTION, b"x" * 21)),
        ("unknown_position", ExactBalance(USERS[0], NOWHERE)),
        ("unknown_position", Storage(CONTRACTS[0], b"", NOWHERE)),
        ("unknown_position", View(CONTRACTS[0], "run", (b"",), 0, NOWHERE)),
        ("unknown_transaction", TransactionSucceeded(bytes(32))),
        ("unknown_transaction", Income(bytes(32), USERS[0])),
        ("unknown_contract", Storage(bytes(32), b"", HEAD)),
        ("unknown_function", View(CONTRACTS[0], "none", (), 0, HEAD)),
        ("invalid_query", (9, b"")),
        ("unknown_transaction", Every((TransactionSucceeded(TRANSACTION), TransactionSucceeded(bytes(32))))),
        ("unknown_contract", Every((TransactionSucceeded(TRANSACTION), Storage(bytes(32), b"", HEAD)))),
    ],
)
def test_what_is_refused(kind: str, query: object) -> None:
    """Whatever the chain's bytes show to be wrong is refused with its own kind, and nothing is executed."""
    with pytest.raises(InvalidQuestion) as refused:
        check_query(CHAIN.index, QueryQuestion(encode(query)))
    assert refused.value.kind == kind


def test_a_budget_below_zero_is_refused() -> None:
    """A budget is 0 or more."""
    with pytest.raises(InvalidQuestion) as refused:
        check_query(CHAIN.index, QueryQuestion(encode(LowerBound(USERS[0], HEAD)), -1))
    assert refused.value.kind == "invalid_budget"
