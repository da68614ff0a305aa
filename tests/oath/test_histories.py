"""Random histories of a purse: what `counts` promises is what executing everything does, and no unit is lost."""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.footprint import Debit, Query
from accountant.chain.transaction import Transaction
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.oath.counts import FlawKind, counts
from accountant.oath.deposit import deposit_bound
from accountant.oath.gas import OATH_GAS
from accountant.oath.oath import NotAnOath, oath_of
from accountant.oath.swear import deposit_transaction, swear_transaction, withdraw_transaction
from accountant.primitives.types import BLACKHOLE, GENESIS_SEQ, Address, Amount, ContractId, Seq
from tests.support.oath_chain import CLIENT, OWNER, TOKEN, OathChain, altered, terms, without

UNITS = st.one_of(st.integers(1, 6), st.integers(1, 12), st.integers(1, 2**62))


class Step(NamedTuple):
    """One transaction of a history. `flaw` spoils an oath; `general` deposits money that may not be there."""

    kind: str
    units: int
    truthful: bool = True
    beneficiary: Address = BLACKHOLE
    flaw: str = ""
    same_block: bool = False


STEPS = st.lists(
    st.one_of(
        st.builds(Step, st.just("deposit"), st.integers(1, 12), same_block=st.booleans()),
        st.builds(Step, st.just("general"), st.integers(1, 12), same_block=st.booleans()),
        st.builds(Step, st.just("withdraw"), UNITS, same_block=st.booleans()),
        st.builds(
            Step,
            st.just("swear"),
            UNITS,
            st.booleans(),
            st.sampled_from([BLACKHOLE, CLIENT, OWNER]),
            st.sampled_from(["", "", "gas", "query", "cap"]),
            st.booleans(),
        ),
    ),
    min_size=1,
    max_size=20,
)


def _transaction(chain: OathChain, purse: ContractId, step: Step) -> Transaction:
    stamp = chain.stamp()
    units = Amount(step.units)
    if step.kind == "deposit":
        return deposit_transaction(stamp, purse, units)
    if step.kind == "general":
        deposit = deposit_transaction(stamp, purse, Amount(0))
        return altered(deposit, general_value=step.units, gas_limit=2_000)
    if step.kind == "withdraw":
        return withdraw_transaction(stamp, purse, OWNER, units)
    query = chain.rich_has(TOKEN)
    oath = swear_transaction(stamp, purse, terms(query, step.truthful, step.units, step.beneficiary))
    if step.flaw == "gas":
        return altered(oath, gas_limit=60_000)
    if step.flaw == "query":
        return without(oath, Query)
    if step.flaw == "cap":
        footprint = tuple(Debit(purse, e.cap - 1) if isinstance(e, Debit) else e for e in oath.footprint)
        return altered(oath, footprint=footprint)
    return oath


def history(steps: list[Step]) -> tuple[OathChain, ContractId]:
    chain = OathChain()
    purse = chain.deploy()
    chain.deposit(purse, 20)
    pending: list[tuple[Address, Transaction]] = []
    for step in steps:
        if pending and not step.same_block:
            chain.block(*pending)
            pending = []
        pending.append((OWNER, _transaction(chain, purse, step)))
    if pending:
        chain.block(*pending)
    return chain, purse


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_what_counts_is_what_happens(steps: list[Step]) -> None:
    """A false oath that counts costs the purse exactly its penalty; a true one nothing; a flawed one promised nothing.

    The larger half is burnt and the rest is paid; the bound never exceeds what the purse holds, not even
    with any subset of outcomes known; deposits are withdrawals, slashes and what is left.
    """
    chain, purse = history(steps)
    state = execute_everything(chain.index)
    known = MemoryOutcomes()
    deposited = withdrawn = slashed = 0
    for seq in range(chain.index.head().next_seq):
        located, outcome = chain.index.transaction(Seq(seq)), state.outcomes[seq]
        held = state.general_before(purse, Seq(seq))
        assert deposit_bound(chain.index, purse, Seq(seq)) <= deposit_bound(chain.index, purse, Seq(seq), known) <= held
        left = outcome.debit_of(purse)
        try:
            oath = oath_of(chain.index, Seq(seq))
        except NotAnOath:
            deposited += outcome.credit_of(purse)
            withdrawn += left
        else:
            slashed += left
            standing = counts(chain.index, oath)
            false = oath.terms.answer == b"\xc2"
            if standing.counts:
                assert outcome.succeeded and left == (oath.terms.penalty if false else 0)
                burnt = outcome.credit_of(BLACKHOLE)
                assert burnt == (oath.terms.penalty if oath.terms.beneficiary == BLACKHOLE else -(-left // 2)) * false
                if oath.terms.beneficiary == CLIENT:
                    assert outcome.credit_of(CLIENT) == left - burnt
            else:
                assert left in (0, oath.terms.penalty)
                kinds = {flaw.kind for flaw in standing.flaws}
                assert kinds <= {
                    FlawKind.NOT_COVERED,
                    FlawKind.TOO_LITTLE_GAS,
                    FlawKind.MISSING_ENTRY,
                    FlawKind.CAP_BELOW_PENALTY,
                }
        if seq % 3 == 0:
            assert Selective(Session(chain.index, known)).outcome(Seq(seq)) == outcome
        assert located.transaction.gas_limit <= OATH_GAS or not located.transaction.to
    assert deposited == withdrawn + slashed + state.general_before(purse, chain.index.head().next_seq)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_knowing_everything_makes_the_bound_exact(steps: list[Step]) -> None:
    """With every outcome known the deposit's bound is the purse's balance; knowing more never lowers it."""
    chain, purse = history(steps)
    state = execute_everything(chain.index)
    end = chain.index.head().next_seq
    outcomes = MemoryOutcomes()
    last = deposit_bound(chain.index, purse, end)
    for event in reversed(chain.index.events(purse, GENESIS_SEQ, end)):
        Selective(Session(chain.index, outcomes)).outcome(event.seq)
        bound = deposit_bound(chain.index, purse, end, outcomes)
        assert bound >= last
        last = bound
    assert last == state.general_before(purse, end)
