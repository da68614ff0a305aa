"""Static intervals: from the chain alone, and never wrong."""

from itertools import count
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from accountant.chain.envelope import Envelope, OpenAccess
from accountant.chain.footprint import Credit, Debit, Entry
from accountant.chain.genesis import GasSchedule, Genesis, GenesisContract
from accountant.chain.transaction import Transaction, TransactionKind
from accountant.execution.eager import EagerState, execute_everything
from accountant.index.memory import MemoryIndex
from accountant.index.posting import Posting
from accountant.index.static import Payouts, StaticFold, running_at_genesis, supply_at_genesis
from accountant.primitives.types import AccountId, ContractId, Seq
from tests.support.random_chain import CONTRACTS, USERS, RandomChain

ANN, EVE = USERS[1], USERS[2]
VAULT, SHOP, BANK = CONTRACTS
_nonces = count()

CHAINS = settings(max_examples=150, deadline=None)


def check_postings(chain: RandomChain, eager: EagerState) -> None:
    """At every position each account's balance is inside its static interval, and each posting allows what happened."""
    end = len(eager.outcomes)
    for account in chain.accounts:
        genesis = eager.genesis.general(account)
        for at in range(end + 1):
            latest = chain.index.postings(account, Seq(0), Seq(at), 1)
            lower, upper = (latest[0].lower, latest[0].upper) if latest else (genesis, genesis)
            assert lower <= eager.general_before(account, Seq(at)) <= upper, (account, at)
        for posting in chain.index.postings(account, Seq(0), Seq(end), end):
            _check_posting(account, posting, eager)


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


def _index(balance: int = 0) -> MemoryIndex:
    contracts = tuple(
        GenesisContract(contract, USERS[0], b"", Envelope((), OpenAccess()), balance if contract == VAULT else 0)
        for contract in (VAULT, SHOP, BANK)
    )
    return MemoryIndex(Genesis(7, 0, "none", (USERS[0],), (), contracts, gas=GasSchedule(general_check=3)))


def _call(to: ContractId, *entries: Entry, zero: int = 0, general: int = 0, price: int = 0) -> Transaction:
    return Transaction(1, 7, next(_nonces), TransactionKind.CALL, to, zero, general, 10, price, 0, b"", entries, b"")


def _transfer(to: AccountId, zero: int = 0, general: int = 0, price: int = 0) -> Transaction:
    return Transaction(1, 7, next(_nonces), TransactionKind.TRANSFER, to, zero, general, 10, price, 0, b"", (), b"")


def _interval(index: MemoryIndex, account: AccountId) -> tuple[int, int]:
    latest = index.postings(account, Seq(0), index.head().next_seq, 1)
    return (latest[0].lower, latest[0].upper) if latest else (0, 0)


def test_a_poor_contract_pays_nothing() -> None:
    """Caps of 2^62 on a contract that never had money inflate nobody's U and leave no posting at all."""
    index = _index()
    index.append_unsigned([(EVE, _call(SHOP, Debit(VAULT, 2**62), Credit(ANN))) for _ in range(9)])
    assert _interval(index, ANN) == (0, 0)
    assert index.postings(ANN, Seq(0), Seq(9), 10) == index.postings(VAULT, Seq(0), Seq(9), 10) == []


def test_value_that_moved_in_may_be_paid_out_at_once() -> None:
    """A contract with nothing that is called with 40 can pay 40 in that very transaction; another one cannot."""
    index = _index()
    index.append_unsigned([(EVE, _call(VAULT, Debit(VAULT, 100), Debit(SHOP, 100), Credit(ANN), zero=40))])
    assert _interval(index, ANN) == (0, 40)
    assert _interval(index, VAULT) == (0, 40)
    assert _interval(index, EVE) == (0, 40)


def test_money_that_passes_through_contracts_counts_once() -> None:
    """The vault pays the shop, which pays on: Ann gains what the vault had at most, not that twice."""
    index = _index(balance=60)
    entries = Debit(VAULT, 100), Debit(SHOP, 100), Credit(ANN), Credit(SHOP)
    index.append_unsigned([(EVE, _call(VAULT, *entries))])
    assert _interval(index, ANN) == (0, 60)
    assert _interval(index, SHOP) == (0, 60)
    assert _interval(index, VAULT) == (0, 60)


def test_payouts_go_to_those_who_are_declared() -> None:
    """Who is not named as credited gains nothing, and a debit that nobody is credited with takes nothing."""
    index = _index(balance=60)
    index.append_unsigned([(EVE, _call(SHOP, Debit(VAULT, 50))), (EVE, _call(SHOP, Debit(VAULT, 50), Credit(VAULT)))])
    assert _interval(index, SHOP) == (0, 0)
    assert index.postings(VAULT, Seq(0), Seq(2), 10) == []
    index.append_unsigned([(EVE, _call(SHOP, Debit(VAULT, 50), Credit(ANN)))])
    assert _interval(index, VAULT) == (10, 60)


def test_lending_in_circles_makes_no_money() -> None:
    """Two contracts that lend to each other a hundred times have no more than there is."""
    index = _index(balance=5)
    there, back = (Debit(VAULT, 2**60), Credit(SHOP)), (Debit(SHOP, 2**60), Credit(VAULT))
    index.append_unsigned([(EVE, _call(BANK, *entries)) for entries in (there, back) * 50])
    assert _interval(index, SHOP) == (0, 5)
    assert _interval(index, VAULT) == (0, 5)


def test_a_transfer_that_is_surely_funded_is_settled_on_both_sides() -> None:
    """What the payer surely has leaves it and arrives, with the unused gas: nothing is left to execute."""
    index = _index()
    index.append_unsigned(
        [(ANN, _transfer(VAULT, zero=5, price=10)), (ANN, _transfer(EVE, general=90, zero=1, price=1))]
    )
    assert _interval(index, VAULT) == (5, 5)
    assert _interval(index, ANN) == (10 * 10 - 90 + 7, 10 * 10 - 90 + 7)
    assert _interval(index, EVE) == (91, 91)
    assert all(posting.certain for posting in index.postings(ANN, Seq(0), Seq(2), 9))


def test_a_transfer_that_is_surely_not_funded_returns_its_value() -> None:
    """Zero-cost value and unused gas come back, to the unit, and the recipient hears nothing of it."""
    index = _index()
    index.append_unsigned([(ANN, _transfer(EVE, zero=4, general=1, price=2)), (ANN, _call(SHOP, zero=3, general=50))])
    assert _interval(index, ANN) == (4 + 2 * 7 + 3, 4 + 2 * 7 + 3)
    assert _interval(index, EVE) == _interval(index, SHOP) == (0, 0)


def test_a_doubtful_transfer_returns_its_zero_value_alone() -> None:
    """After an expense of 30 out of at most 100 there are 70 at most; the failed one leaves less than 30 and 9 more."""
    index = _index(balance=100)
    index.append_unsigned(
        [(EVE, _call(SHOP, Debit(VAULT, 100), Credit(ANN))), (ANN, _transfer(EVE, zero=9, general=30))]
    )
    assert _interval(index, ANN) == (0, 70)
    index.append_unsigned([(ANN, _transfer(EVE, zero=9, general=60))])
    assert _interval(index, ANN) == (0, 59 + 9)


def test_a_transfer_to_oneself_brings_its_zero_value() -> None:
    """Funded or not, it makes no difference."""
    index = _index(balance=100)
    index.append_unsigned(
        [(EVE, _call(SHOP, Debit(VAULT, 100), Credit(ANN))), (ANN, _transfer(ANN, zero=9, general=30))]
    )
    assert _interval(index, ANN) == (9, 109)


class _WithoutValue(StaticFold):
    """A wrong fold: a contract's payouts are limited without the value that its call brought."""

    def _payouts(self, transaction: Transaction, callee: AccountId) -> Payouts:
        poorer = structs.replace(transaction, zero_value=0, general_value=0)
        return super()._payouts(poorer, callee)


def test_a_limit_without_the_value_that_moved_in_is_caught() -> None:
    """The property is worth something: a fold that forgets the call's value breaks it within a few random chains."""
    for seed in range(300):
        chain = RandomChain(Random(seed))
        chain.index._fold = _WithoutValue(
            chain.genesis, running_at_genesis(chain.genesis), supply_at_genesis(chain.genesis)
        )
        chain.grow(8)
        try:
            check_postings(chain, execute_everything(chain.index))
        except AssertionError:
            return
    raise AssertionError("no random chain pays out what its call brought")
