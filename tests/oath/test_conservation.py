"""Random histories of several purses among other people's money: what came into each is what left it and what is left.

Eager and selective execution agree on all of it, and no bound exceeds a purse, whatever is known.
"""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.block import Position
from accountant.chain.query import AccountingQuery, BalanceAtLeast, Income, decode_answer, decode_query
from accountant.chain.transaction import Transaction, TransactionKind
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Observed
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.oath.counts import counts
from accountant.oath.deposit import deposit_bound
from accountant.oath.gas import WITHDRAW_GAS
from accountant.oath.oath import NotAnOath, Oath, oath_of
from accountant.oath.swear import deposit_transaction, swear_transaction, withdraw_transaction
from accountant.primitives.types import BLACKHOLE, Address, Amount, ContractId, Seq
from tests.support.oath_chain import CLIENT, OWNER, RICH, TOKEN, OathChain, altered, genesis_purse, terms

PEOPLE = (OWNER, CLIENT, RICH)
OWNED = (OWNER, OWNER, CLIENT)
"""Who owns each purse: the first one stands in genesis."""
IN_GENESIS = 7
PURSE, PERSON = st.integers(0, 2), st.sampled_from(PEOPLE)


class Paid(NamedTuple):
    """A plain transfer of anybody's, to a person or into a purse."""

    sender: Address
    to: Address | int
    zero: int
    general: int


class Left(NamedTuple):
    """A withdrawal of the owner's, which may be more than there is."""

    purse: int
    units: int
    short_of_gas: bool


class Sworn(NamedTuple):
    """An oath: about money at the last block's end, about a purse of these, or about what an earlier oath burnt."""

    purse: int
    about: int
    truthful: bool
    penalty: int
    beneficiary: Address


UNITS = st.one_of(st.integers(1, 8), st.integers(1, 8), st.integers(1, 2**60))
STEP = st.one_of(
    st.builds(Paid, PERSON, st.one_of(PERSON, PURSE), st.integers(0, 9), st.sampled_from([0, 0, 1, 40_000])),
    st.builds(Left, PURSE, UNITS, st.sampled_from([False, False, False, True])),
    st.builds(Sworn, PURSE, st.integers(0, 4), st.booleans(), UNITS, st.sampled_from([BLACKHOLE, CLIENT, OWNER, RICH])),
)
BLOCKS = st.lists(st.lists(STEP, min_size=1, max_size=6), min_size=1, max_size=6)
"""Batches of transactions: each list is a block."""


class Histories(NamedTuple):
    """A chain with three purses, and every transaction's outcome, found eagerly."""

    chain: OathChain
    purses: list[ContractId]
    state: EagerState

    @property
    def end(self) -> Seq:
        """After the last transaction."""
        return self.chain.index.head().next_seq

    def oath(self, seq: Seq) -> Oath | None:
        """The oath that a transaction swears."""
        try:
            return oath_of(self.chain.index, seq)
        except NotAnOath:
            return None


def _query(chain: OathChain, purses: list[ContractId], oaths: list[Seq], about: int) -> AccountingQuery:
    last = chain.index.block(chain.index.head().height)
    assert last is not None
    if about == 4 and oaths:
        return Income(chain.index.transaction(oaths[-1]).hash, BLACKHOLE)
    account = RICH if about >= 3 else purses[about]
    return BalanceAtLeast(account, 5 if about < 3 else TOKEN, Position(last.previous_hash, last.count))


def _transaction(
    chain: OathChain, purses: list[ContractId], oaths: list[Seq], step: Paid | Left | Sworn
) -> tuple[Address, Transaction]:
    if isinstance(step, Paid):
        to = purses[step.to] if isinstance(step.to, int) else ContractId(step.to)
        paying = deposit_transaction(chain.stamp(step.sender), to, Amount(step.zero))
        changes = {"general_value": step.general, "gas_limit": 2_000} if step.general else {}
        return step.sender, altered(paying, **changes)
    owner = OWNED[step.purse]
    if isinstance(step, Left):
        leaving = withdraw_transaction(chain.stamp(owner), purses[step.purse], owner, Amount(step.units))
        return owner, altered(leaving, gas_limit=9_000 if step.short_of_gas else WITHDRAW_GAS)
    query = _query(chain, purses, oaths, step.about)
    truth = execute_everything(chain.index).answer(query)
    answer = truth if step.truthful else (not truth if isinstance(truth, bool) else truth + 1)  # type: ignore[operator]
    sworn = terms(query, answer, step.penalty, step.beneficiary)
    return owner, swear_transaction(chain.stamp(owner), purses[step.purse], sworn)


def played(blocks: list[list[Paid | Left | Sworn]]) -> Histories:
    """The chain that these blocks make."""
    first = genesis_purse(IN_GENESIS)
    chain = OathChain(first)
    purses = [ContractId(first.contract), chain.deploy(), chain.deploy(CLIENT)]
    oaths: list[Seq] = []
    for block in blocks:
        made = [_transaction(chain, purses, oaths, step) for step in block]
        seqs = chain.block(*made)
        oaths += [seq for seq, step in zip(seqs, block, strict=True) if isinstance(step, Sworn)]
    return Histories(chain, purses, execute_everything(chain.index))


@settings(max_examples=60, deadline=None)
@given(blocks=BLOCKS)
def test_nothing_is_lost(blocks: list[list[Paid | Left | Sworn]]) -> None:
    """Genesis and deposits are withdrawals, slashes and what is left, purse by purse; slashes are burnt or paid.

    A false oath that counts costs its penalty, a true one nothing; all of it found again by selective execution from
    the end backwards, on one store, and by a cold one for each transaction.
    """
    made = played(blocks)
    chain, state = made.chain, made.state
    shared = Selective(Session(chain.index, MemoryOutcomes()))
    for seq in reversed(range(made.end)):
        assert shared.outcome(Seq(seq)) == state.outcomes[seq]
        if seq % 4 == len(blocks) % 4:
            assert Selective(Session(chain.index, MemoryOutcomes())).outcome(Seq(seq)) == state.outcomes[seq]
    for purse, owner in zip(made.purses, OWNED, strict=True):
        deposited = IN_GENESIS if purse == made.purses[0] else 0
        withdrawn = slashed = 0
        for seq in map(Seq, range(made.end)):
            located, outcome, oath = chain.index.transaction(seq), state.outcomes[seq], made.oath(seq)
            deposited += outcome.credit_of(purse)
            if located.transaction.to != purse:
                assert outcome.debit_of(purse) == 0
            elif oath is None:
                assert outcome.debit_of(purse) == 0 or located.sender == owner
                withdrawn += outcome.debit_of(purse)
            else:
                slashed += _slash(made, oath)
        left = state.general_before(purse, made.end)
        assert left >= 0 and deposited == withdrawn + slashed + left


def _slash(made: Histories, oath: Oath) -> int:
    """What an oath cost its purse; all of it is burnt or paid to its beneficiary."""
    outcome, index = made.state.outcomes[oath.seq], made.chain.index
    lost = outcome.debit_of(oath.contract)
    gas_back = oath.transaction.gas_limit - outcome.gas_used
    assert sum(movement.units for movement in outcome.credits) - gas_back == lost
    assert outcome.credit_of(BLACKHOLE) >= -(-lost // 2)
    right = made.state.answer(decode_query(oath.terms.query)) == decode_answer(oath.terms.answer)
    if counts(index, oath).counts:
        assert outcome.succeeded and lost == (0 if right else oath.terms.penalty)
    assert lost in ((0,) if right else (0, oath.terms.penalty))
    return lost


@settings(max_examples=60, deadline=None)
@given(blocks=BLOCKS, data=st.data())
def test_no_bound_exceeds_a_purse_whatever_is_known(
    blocks: list[list[Paid | Left | Sworn]], data: st.DataObject
) -> None:
    """Right before every position, with any subset of the outcomes known, each purse holds what its bound says; knowing
    more never lowers a bound, and with everything known it is the balance."""
    made = played(blocks)
    index, state = made.chain.index, made.state
    subset = data.draw(st.sets(st.integers(0, made.end - 1)), label="known")
    some, everything = MemoryOutcomes(), MemoryOutcomes()
    for seq in map(Seq, range(made.end)):
        everything.put(seq, Observed(state.outcomes[seq], ()))
        if seq in subset:
            some.put(seq, Observed(state.outcomes[seq], ()))
    for before in map(Seq, range(made.end + 1)):
        for purse in made.purses:
            held = state.general_before(purse, before)
            static, known = deposit_bound(index, purse, before), deposit_bound(index, purse, before, some)
            assert 0 <= static <= known <= held == deposit_bound(index, purse, before, everything)


@settings(max_examples=40, deadline=None)
@given(blocks=BLOCKS, data=st.data())
def test_knowing_more_makes_no_oath_count_less(blocks: list[list[Paid | Left | Sworn]], data: st.DataObject) -> None:
    """What counts by the chain's bytes counts with any subset of the outcomes known; and whatever counts with some of
    them known costs its penalty where it is false."""
    made = played(blocks)
    oaths = [oath for seq in range(made.end) if (oath := made.oath(Seq(seq))) is not None]
    subset = data.draw(st.sets(st.integers(0, made.end - 1)), label="known")
    some = MemoryOutcomes()
    for seq in subset:
        some.put(Seq(seq), Observed(made.state.outcomes[seq], ()))
    for oath in oaths:
        static, known = counts(made.chain.index, oath), counts(made.chain.index, oath, some)
        assert known.counts or not static.counts
        if known.counts:
            outcome = made.state.outcomes[oath.seq]
            right = made.state.answer(decode_query(oath.terms.query)) == decode_answer(oath.terms.answer)
            assert outcome.succeeded and outcome.debit_of(oath.contract) == (0 if right else oath.terms.penalty)


def test_histories_reach_what_they_should() -> None:
    """The steps do what they are for: payments, withdrawals, and oaths kept, slashed, rolled back and about one."""
    blocks: list[list[Paid | Left | Sworn]] = [
        [Paid(RICH, 0, 9, 0), Paid(RICH, 1, 5, 0), Left(0, 2, False), Left(0, 2, True)],
        [Sworn(0, 3, True, 4, CLIENT), Sworn(0, 3, False, 4, CLIENT), Sworn(1, 0, False, 2**60, BLACKHOLE)],
        [Sworn(2, 4, True, 1, BLACKHOLE), Paid(CLIENT, 2, 3, 0)],
        [Sworn(2, 4, True, 1, RICH), Sworn(2, 4, False, 1, RICH)],
    ]
    made = played(blocks)
    purse, other, third = made.purses
    outcomes = made.state.outcomes[2:]
    assert [made.chain.index.transaction(Seq(seq)).transaction.kind for seq in (0, 1)] == [TransactionKind.DEPLOY] * 2
    assert [i for i, outcome in enumerate(outcomes) if not outcome.succeeded] == [3, 6]
    assert [outcomes[i].debit_of(purse) for i in (2, 4, 5)] == [2, 0, 4]
    assert [outcomes[i].debit_of(third) for i in (9, 10)] == [0, 1]
    assert [made.state.general_before(p, made.end) for p in (purse, other, third)] == [IN_GENESIS + 9 - 2 - 4, 5, 2]
