"""Every answer of a random and hostile chain is proved by a file and headers alone."""

from collections.abc import Iterator
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.proof.build import build
from accountant.accounting.proof.verify import verify
from accountant.chain.block import Position
from accountant.chain.query import AccountingQuery, BalanceAtLeast, Every, TransactionSucceeded
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.position import resolve
from accountant.primitives.encoding import encode
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, Seq
from tests.support.signed_chain import SignedChain

CHAINS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _chain(random: Random) -> SignedChain:
    chain = SignedChain(random)
    chain.grow(6)
    return chain


def _observed(chain: SignedChain) -> MemoryOutcomes:
    store = MemoryOutcomes()
    for seq in range(chain.index.head().next_seq):
        Selective(Session(chain.index, store)).outcome(Seq(seq))
    return store


def _balances(chain: SignedChain, eager: EagerState) -> Iterator[AccountingQuery]:
    """Balances at the edge of yes and no."""
    for account in chain.accounts:
        position: Position = chain.position()
        place = resolve(chain.index, position)
        if place is None:
            continue
        zero = chain.index.zero_balance(account, place.moment) if len(account) == ADDRESS_BYTES else 0  # type: ignore[arg-type]
        owned = zero + eager.general_before(account, place.seq)
        for amount in (owned, owned + 1, owned // 2):
            yield BalanceAtLeast(account, min(amount, AMOUNT_MAX), position)


@CHAINS
@given(st.randoms(use_true_random=True))
def test_every_decided_answer_is_proved_offline(random: Random) -> None:
    """Whatever is asked, the file says what executing everything says, and verifies with headers alone."""
    chain = _chain(random)
    store, headers = _observed(chain), chain.blocks.headers()
    eager = execute_everything(chain.index)
    queries = [chain.query() for _ in range(8)]
    queries += [TransactionSucceeded(chain.index.transaction(Seq(s)).hash) for s in range(len(eager.outcomes))]
    for query in [*queries, *_balances(chain, eager)]:
        answer = Selective(Session(chain.index, store)).answer(query)
        if answer is None:
            continue
        verified = verify(build(chain.index, store, query), headers)
        assert verified.query == query
        assert encode(verified.answer) == encode(answer)
        if isinstance(query, TransactionSucceeded):
            seq = chain.index.seq_of(query.transaction)  # type: ignore[arg-type]
            assert seq is not None
            assert verified.answer == eager.outcomes[seq].succeeded


@CHAINS
@given(st.randoms(use_true_random=True))
def test_a_yes_and_a_no_about_one_balance_are_proved_together(random: Random) -> None:
    """A yes may rest on a window of Z and a no may not: asked at once about one account, both stand."""
    chain = _chain(random)
    store, headers = _observed(chain), chain.blocks.headers()
    eager = execute_everything(chain.index)
    edges = [query for query in _balances(chain, eager) if isinstance(query, BalanceAtLeast)]
    for start in range(0, len(edges), 3):
        parts = edges[start : start + 3]
        random.shuffle(parts)
        query = Every(tuple(parts))
        verified = verify(build(chain.index, store, query), headers)
        assert verified.answer == eager.answer(query)
