"""Ways to cheat that take more than a flawed byte: each is executed, eagerly and selectively, and `counts` is asked.

`test_counts.py` names every single flaw and `test_slash.py` executes each; here are those that play with order, time,
other oaths, and with the accuser.
"""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.block import Position
from accountant.chain.query import AccountingQuery, BalanceAtLeast, Income, TransactionSucceeded
from accountant.chain.transaction import Transaction
from accountant.contracts.errors import FailureKind
from accountant.index.memory import MemoryIndex
from accountant.oath.counts import FlawKind
from accountant.oath.purse import slash_of
from accountant.oath.swear import deposit_transaction, swear_transaction, withdraw_transaction
from accountant.primitives.types import BLACKHOLE, Amount, ContractId, Hash, Seq
from tests.oath.test_slash import executed, moved, slashed
from tests.support.oath_chain import CLIENT, OWNER, RICH, TOKEN, OathChain, altered, funded, genesis_with, terms

NOT_COVERED, VOID = {FlawKind.NOT_COVERED}, {FlawKind.VOID_QUERY}


def hash_of(transaction: Transaction) -> Hash:
    """What a transaction of the owner will be called, in whatever block it comes to stand."""
    return MemoryIndex(genesis_with()).append_unsigned([(OWNER, transaction)]).transactions[0].hash


def second_purse(chain: OathChain, units: int = 10 * TOKEN) -> ContractId:
    """Another purse of the same owner."""
    purse = chain.deploy()
    chain.deposit(purse, units)
    return purse


@pytest.mark.parametrize("together", [True, False], ids=["in one block", "one block earlier"])
def test_a_purse_that_was_just_emptied(together: bool) -> None:
    """The deposit leaves one transaction before the lie: nothing is slashed, and the chain's bytes alone show it."""
    chain, purse = funded(units=TOKEN)
    query = chain.rich_has(TOKEN)
    leaving = withdraw_transaction(chain.stamp(), purse, OWNER, Amount(TOKEN))
    lying = swear_transaction(chain.stamp(), purse, terms(query, False))
    if together:
        left, lie = chain.block((OWNER, leaving), (OWNER, lying))
    else:
        left, lie = chain.add(leaving), chain.add(lying)
    assert chain.flaws(lie) == NOT_COVERED
    state = executed(chain)
    assert state.outcomes[left].debit_of(purse) == TOKEN
    assert state.outcomes[lie].failure is FailureKind.INSUFFICIENT_CONTRACT_FUNDS and moved(state, lie, purse) == 0


def test_emptied_one_transaction_later_in_its_own_block() -> None:
    """The other order does not help the liar: the slash comes first, and then the withdrawal finds too little."""
    chain, purse = funded(units=TOKEN)
    lying = swear_transaction(chain.stamp(), purse, terms(chain.rich_has(TOKEN), False))
    leaving = withdraw_transaction(chain.stamp(), purse, OWNER, Amount(TOKEN))
    lie, left = chain.block((OWNER, lying), (OWNER, leaving))
    assert chain.flaws(lie) == set()
    state = executed(chain)
    assert slashed(state.outcomes[lie], purse) == TOKEN
    assert state.outcomes[left].failure is FailureKind.INSUFFICIENT_CONTRACT_FUNDS


@pytest.mark.parametrize("together", [True, False], ids=["in one block", "block by block"])
@pytest.mark.parametrize("deposit", [1, 3])
def test_one_deposit_sworn_away_many_times(deposit: int, together: bool) -> None:
    """Of seven lies as many count, and are slashed, as the deposit covers: the first ones. The others roll back."""
    chain, purse = funded(units=deposit * TOKEN)
    query = chain.rich_has(TOKEN)
    lies = [swear_transaction(chain.stamp(), purse, terms(query, False)) for _ in range(7)]
    seqs = chain.block(*((OWNER, lie) for lie in lies)) if together else [chain.add(lie) for lie in lies]
    assert [chain.flaws(seq) for seq in seqs] == [set()] * deposit + [NOT_COVERED] * (7 - deposit)
    state = executed(chain)
    assert [slashed(state.outcomes[seq], purse) for seq in seqs] == [TOKEN] * deposit + [0] * (7 - deposit)
    failed = {state.outcomes[seq].failure for seq in seqs[deposit:]}
    assert failed == {FailureKind.INSUFFICIENT_CONTRACT_FUNDS}
    assert state.general_before(purse, chain.index.head().next_seq) == 0


def test_a_truth_before_lies_hides_none_of_them() -> None:
    """A true oath uses the bound up until somebody executes it, but not the money: the lie after it is slashed, though
    it did not count."""
    chain, purse = funded(units=TOKEN)
    query = chain.rich_has(TOKEN)
    truth, lie = chain.swear(purse, terms(query, True)), chain.swear(purse, terms(query, False))
    assert (chain.flaws(truth), chain.flaws(lie)) == (set(), NOT_COVERED)
    state = executed(chain)
    assert [slashed(state.outcomes[seq], purse) for seq in (truth, lie)] == [0, TOKEN]


@pytest.mark.parametrize("ahead", [1, 2])
def test_an_answer_about_itself(ahead: int) -> None:
    """What the purse holds right after the oath itself, or at its block's end, is not of an earlier block: void."""
    chain, purse = funded()
    about = BalanceAtLeast(purse, 10 * TOKEN, Position(chain.index.head().hash, ahead))
    oath = swear_transaction(chain.stamp(), purse, terms(about, False))
    later = swear_transaction(chain.stamp(), purse, terms(chain.rich_has(TOKEN), True))
    seq, _ = chain.block((OWNER, oath), (OWNER, later))
    assert chain.flaws(seq) == VOID
    state = executed(chain)
    assert state.outcomes[seq].failure is FailureKind.QUERY_VOID and moved(state, seq, purse) == 0


@pytest.mark.parametrize("lie", [True, False])
def test_an_answer_about_a_later_transaction(lie: bool) -> None:
    """A transaction whose bytes are known but which stands in no block yet is the future, even if it comes: void."""
    chain, purse = funded()
    oath_nonce = chain.stamp()
    future = withdraw_transaction(chain.stamp(), purse, OWNER, Amount(TOKEN))
    about = terms(TransactionSucceeded(hash_of(future)), not lie)
    seq = chain.add(swear_transaction(oath_nonce, purse, about))
    came = chain.add(future)
    assert chain.index.transaction(came).hash == hash_of(future)
    assert chain.flaws(seq) == VOID
    state = executed(chain)
    assert state.outcomes[came].succeeded
    assert state.outcomes[seq].failure is FailureKind.QUERY_VOID and moved(state, seq, purse) == 0


class Cycle(NamedTuple):
    """Two oaths that speak of each other, each on a purse of its own."""

    chain: OathChain
    purses: tuple[ContractId, ContractId]
    seqs: tuple[Seq, Seq]


def cycle(together: bool, other_slashed: bool, first_kept: bool) -> Cycle:
    """The first says of the second whether it is slashed; the second says of the first whether it was kept.

    Neither can name the other by its hash, for then each hash would depend on the other one. So the first names the
    second's hash, and the second names the first by its position and purse.
    """
    chain, first = funded()
    second = second_purse(chain)
    head = chain.index.head()
    stamp = chain.stamp()
    about_first = BalanceAtLeast(first, 10 * TOKEN, Position(head.hash, 1))
    answering = swear_transaction(chain.stamp(), second, terms(about_first, first_kept))
    about_second = Income(hash_of(answering), BLACKHOLE)
    asking = swear_transaction(stamp, first, terms(about_second, TOKEN if other_slashed else 0))
    if together:
        one, two = chain.block((OWNER, asking), (OWNER, answering))
    else:
        one, two = chain.add(asking), chain.add(answering)
    assert chain.index.transaction(two).hash == hash_of(answering)
    return Cycle(chain, (first, second), (one, two))


@pytest.mark.parametrize("other_slashed", [True, False])
@pytest.mark.parametrize("first_kept", [True, False])
def test_a_cycle_of_two_oaths(other_slashed: bool, first_kept: bool) -> None:
    """A speaks of B, B of A: A's query lies in the future, so A is void whatever B does, and that decides B.

    No paradox is left: also where A says that B lies, and B that A told the truth.
    """
    chain, (first, second), (one, two) = cycle(False, other_slashed, first_kept)
    assert (chain.flaws(one), chain.flaws(two)) == (VOID, set())
    state = executed(chain)
    assert state.outcomes[one].failure is FailureKind.QUERY_VOID and moved(state, one, first) == 0
    assert state.outcomes[two].return_value == int(first_kept)
    assert slashed(state.outcomes[two], second) == (0 if first_kept else TOKEN)


@pytest.mark.parametrize("other_slashed", [True, False])
@pytest.mark.parametrize("first_kept", [True, False])
def test_a_cycle_within_one_block(other_slashed: bool, first_kept: bool) -> None:
    """In one block neither is strictly earlier than the other: both are void, and nobody is slashed."""
    chain, purses, seqs = cycle(True, other_slashed, first_kept)
    assert [chain.flaws(seq) for seq in seqs] == [VOID, VOID]
    state = executed(chain)
    for seq, purse in zip(seqs, purses, strict=True):
        assert state.outcomes[seq].failure is FailureKind.QUERY_VOID and moved(state, seq, purse) == 0


def test_another_fork_with_the_same_blocks_but_one() -> None:
    """A position of a sister chain that differs in its last block alone is not of this chain: void here, not there."""
    chains = [funded(), funded()]
    for (chain, _), units in zip(chains, (1, 2), strict=True):
        chain.transfer(RICH, CLIENT, units)
    (ours, purse), (theirs, same) = chains
    assert purse == same and ours.index.head().hash != theirs.index.head().hash
    query = BalanceAtLeast(RICH, TOKEN, Position(theirs.index.head().hash, 0))
    here, there = ours.swear(purse, terms(query, False)), theirs.swear(purse, terms(query, False))
    assert (ours.flaws(here), theirs.flaws(there)) == (VOID, set())
    state = executed(ours)
    assert state.outcomes[here].failure is FailureKind.QUERY_VOID and moved(state, here, purse) == 0
    assert slashed(executed(theirs).outcomes[there], purse) == TOKEN


def _queries(chain: OathChain) -> list[tuple[AccountingQuery, object, object]]:
    """Queries, each with its true answer and another one."""
    nothing = deposit_transaction(chain.stamp(RICH), ContractId(CLIENT), Amount(0))
    paid = chain.index.transaction(chain.add(altered(nothing, general_value=5, gas_limit=2_000), RICH)).hash
    chain.transfer(RICH, CLIENT, 1)
    return [
        (chain.rich_has(TOKEN), True, False),
        (TransactionSucceeded(paid), False, True),
        (Income(paid, CLIENT), 0, 5),
    ]


@pytest.mark.parametrize("one_purse", [True, False])
@pytest.mark.parametrize("lie_first", [True, False])
@pytest.mark.parametrize("which", range(3))
def test_two_answers_to_one_query(which: int, lie_first: bool, one_purse: bool) -> None:
    """Whoever swears both answers loses exactly one penalty; both oaths stand on the chain, and both counted."""
    chain, purse = funded()
    other = purse if one_purse else second_purse(chain)
    query, right, wrong = _queries(chain)[which]
    answers = (wrong, right) if lie_first else (right, wrong)
    seqs = [chain.swear(on, terms(query, answer)) for on, answer in zip((purse, other), answers, strict=True)]
    assert [chain.flaws(seq) for seq in seqs] == [set(), set()]
    state = executed(chain)
    costs = [slashed(state.outcomes[seq], on) for seq, on in zip(seqs, (purse, other), strict=True)]
    assert costs == [0 if answer == right else TOKEN for answer in answers] and sum(costs) == TOKEN
    assert all(state.outcomes[seq].succeeded and len(state.outcomes[seq].logs) == 1 for seq in seqs)


ACCUSATIONS = st.lists(st.tuples(st.integers(1, 9), st.sampled_from([OWNER, CLIENT, BLACKHOLE])), max_size=8)


@settings(max_examples=60, deadline=None)
@given(deposit=st.integers(0, 40), accusations=ACCUSATIONS, together=st.booleans())
def test_accusing_oneself_to_get_a_deposit_out(
    deposit: int, accusations: list[tuple[int, bytes]], together: bool
) -> None:
    """Lies sworn to get the deposit out pay their owner, with whomever it shares, at most half of it; the rest burns.

    Each lie that the purse covers when its turn comes burns the larger half of its penalty and pays the smaller one;
    the others move nothing.
    """
    chain, purse = funded(units=deposit)
    query = chain.rich_has(TOKEN)
    sworn = [
        (OWNER, swear_transaction(chain.stamp(), purse, terms(query, False, penalty, to)))  # type: ignore[arg-type]
        for penalty, to in accusations
    ]
    seqs = chain.block(*sworn) if together else [chain.block(one)[0] for one in sworn]
    state = executed(chain)
    left, burnt, paid = deposit, 0, 0
    for seq, (penalty, to) in zip(seqs, accusations, strict=True):
        outcome = state.outcomes[seq]
        covered = penalty <= left
        if not chain.flaws(seq):
            assert covered
        assert outcome.succeeded == covered and slashed(outcome, purse) == penalty * covered
        if covered:
            share = slash_of(Amount(penalty), to)  # type: ignore[arg-type]
            gas_back = outcome.credit_of(OWNER) - (share[1] if to == OWNER else 0)
            assert gas_back == chain.index.transaction(seq).transaction.gas_limit - outcome.gas_used
            assert outcome.credit_of(BLACKHOLE) == share[0] >= share[1]
            left, burnt, paid = left - penalty, burnt + share[0], paid + share[1]
    assert state.general_before(purse, chain.index.head().next_seq) == left
    assert deposit == left + burnt + paid and paid <= burnt and 2 * paid <= deposit
