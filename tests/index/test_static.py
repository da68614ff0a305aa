"""Static intervals: from the chain alone, and never wrong."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.execution.eager import EagerState, execute_everything
from accountant.index.posting import Posting
from accountant.primitives.types import AccountId, Seq
from tests.support.random_chain import RandomChain

CHAINS = settings(max_examples=150, deadline=None)


def check_postings(chain: RandomChain, eager: EagerState) -> int:
    """At every position each account's balance is inside its static interval; how many intervals say something."""
    narrow = 0
    count = len(eager.outcomes)
    for account in chain.accounts:
        genesis = eager.genesis.general(account)
        for at in range(count + 1):
            latest = chain.index.postings(account, Seq(0), Seq(at), 1)
            lower, upper = (latest[0].lower, latest[0].upper) if latest else (genesis, genesis)
            assert lower <= eager.general_before(account, Seq(at)) <= upper, (account, at)
            narrow += lower > 0 or upper < 2**62
        for posting in chain.index.postings(account, Seq(0), Seq(count), count):
            _check_posting(account, posting, eager)
    return narrow


def _check_posting(account: AccountId, posting: Posting, eager: EagerState) -> None:
    """What the transaction did is within what its posting allows."""
    seq, outcome = posting.seq, eager.outcomes[posting.seq]
    change = eager.general_before(account, Seq(seq + 1)) - eager.general_before(account, seq)
    if not outcome.funded and posting.expense:
        least, most = (0, posting.credit_most) if posting.returned is None else (posting.returned, posting.returned)
        assert posting.settled + least <= change <= posting.settled + most
    else:
        net = change + posting.expense - posting.settled
        assert -posting.debit_most <= net <= posting.credit_most


@CHAINS
@given(st.randoms(use_true_random=True))
def test_the_truth_is_inside_everywhere(random: Random) -> None:
    """L ≤ G ≤ U at every position, and every posting allows what happened: on random, hostile chains."""
    chain = RandomChain(random)
    chain.grow(8)
    check_postings(chain, execute_everything(chain.index))


@CHAINS
@given(st.randoms(use_true_random=True))
def test_who_has_no_posting_has_the_same_balance(random: Random) -> None:
    """A transaction that leaves no posting of an account moves nothing there."""
    chain = RandomChain(random)
    chain.grow(8)
    eager = execute_everything(chain.index)
    for account in chain.accounts:
        moved = {posting.seq for posting in chain.index.postings(account, Seq(0), Seq(len(eager.outcomes)), 10**6)}
        for seq in range(len(eager.outcomes)):
            if seq not in moved:
                assert eager.general_before(account, Seq(seq)) == eager.general_before(account, Seq(seq + 1))
