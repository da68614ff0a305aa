"""Audits: the deposit is proved from below, and lies are found as far as the budget reaches; no truth is called one."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.certificate import UndecidedReason
from accountant.accounting.questions import InvalidQuestion
from accountant.chain.block import Position
from accountant.chain.query import decode_answer, decode_query
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.oath.audit import audit
from accountant.oath.audit_report import Audit, AuditQuestion, OathVerdict, decode_audit
from accountant.primitives.encoding import encode
from accountant.primitives.types import BLACKHOLE, ContractId, Hash, Seq
from tests.oath.test_histories import STEPS, Step, history
from tests.support.oath_chain import CLIENT, RICH, TOKEN, OathChain, terms

PLENTY = 10**12


def at_the_head(chain: OathChain) -> Position:
    return Position(chain.index.head().hash, 0)


def audited(chain: OathChain, purse: ContractId, budget: int = PLENTY, store: MemoryOutcomes | None = None) -> Audit:
    return audit(chain.index, store or MemoryOutcomes(), AuditQuestion(purse, at_the_head(chain), budget))


@settings(max_examples=120, deadline=None)
@given(steps=STEPS, budget=st.sampled_from([0, 200_000, 800_000, PLENTY]), randoms=st.randoms(use_true_random=True))
def test_an_audit_is_what_executing_everything_says(steps: list[Step], budget: int, randoms: Random) -> None:
    """Whatever was known before and however far the budget reaches: no bound exceeds the purse, each verdict is what
    the oath did, and what can be sworn is true. With everything executed nothing is outstanding.
    """
    chain, purse = history(steps)
    state = execute_everything(chain.index)
    store = MemoryOutcomes()
    for seq in range(chain.index.head().next_seq):
        if randoms.random() < 0.3:
            Selective(Session(chain.index, store)).outcome(Seq(seq))
    found = audited(chain, purse, budget, store)
    held = state.general_before(purse, chain.index.head().next_seq)
    assert found.deposit_static <= found.deposit_known <= found.deposit <= held
    assert found.gas_executed <= budget
    assert state.answer(decode_query(found.query)) == decode_answer(found.answer)
    assert decode_audit(encode(found)) == found
    slashed = 0
    for oath in found.oaths:
        at = chain.index.seq_of(Hash(oath.transaction))
        assert at is not None
        outcome = state.outcomes[at]
        left = outcome.debit_of(purse)
        slashed += left
        match oath.verdict:
            case OathVerdict.KEPT:
                assert outcome.succeeded and not left
            case OathVerdict.SLASHED:
                assert outcome.succeeded and left == oath.penalty
            case OathVerdict.ESCAPED:
                assert not outcome.succeeded and oath.flaws
            case OathVerdict.UNCHECKED:
                assert budget < PLENTY
    if budget == PLENTY:
        assert found.outstanding == 0 and found.coverage_per_mille == 1_000 and not found.missing
        assert found.slashed == slashed
    else:
        assert found.slashed <= slashed and (found.reason is UndecidedReason.BUDGET_SPENT) == bool(found.missing)


def test_one_lie_among_truths() -> None:
    """It is found, with what it said; the deposit is short of the penalty, and the truths give theirs back."""
    chain = OathChain()
    purse = chain.deploy()
    chain.deposit(purse, 10 * TOKEN)
    for answer in (True, True, False):
        chain.swear(purse, terms(chain.rich_has(TOKEN), answer))
    blind = audited(chain, purse, budget=0)
    assert (blind.deposit_static, blind.deposit, blind.coverage_per_mille) == (7 * TOKEN, 7 * TOKEN, 0)
    assert blind.outstanding == blind.penalties == 3 * TOKEN and blind.lies == () and blind.reason is not None
    found = audited(chain, purse)
    (lie,) = found.lies
    assert decode_answer(lie.answer) is False and lie.gas > 0
    assert (found.deposit_static, found.deposit, found.slashed) == (7 * TOKEN, 9 * TOKEN, TOKEN)
    assert found.solvent and found.deposited == 10 * TOKEN and found.owner is not None


def test_a_budget_goes_to_the_dearest_first() -> None:
    """With gas for one oath the one with the highest penalty is checked; coverage is a share of penalties."""
    chain = OathChain()
    purse = chain.deploy()
    chain.deposit(purse, 10 * TOKEN)
    for penalty in (TOKEN, 3 * TOKEN, 2 * TOKEN):
        chain.swear(purse, terms(chain.rich_has(TOKEN), True, penalty))
    found = audited(chain, purse, budget=800_000)
    verdicts = [oath.verdict for oath in found.oaths]
    assert verdicts == [OathVerdict.UNCHECKED, OathVerdict.KEPT, OathVerdict.UNCHECKED]
    assert found.coverage_per_mille == 500 and found.outstanding == 3 * TOKEN


def test_over_promising_is_seen_without_executing_anything() -> None:
    """An oath beyond the deposit does not count, and the audit says that more was promised than was there."""
    chain = OathChain()
    purse = chain.deploy()
    chain.deposit(purse, 2 * TOKEN)
    for _ in range(3):
        chain.swear(purse, terms(chain.rich_has(TOKEN), True))
    found = audited(chain, purse, budget=0)
    assert [oath.flaws for oath in found.oaths] == [(), (), ("not_covered",)]
    assert not found.solvent and found.penalties == 2 * TOKEN


def test_withdrawals_count_as_lost_until_they_are_known() -> None:
    """Their caps lower the deposit; who knows what they took says that."""
    chain = OathChain()
    purse = chain.deploy()
    chain.deposit(purse, 5 * TOKEN)
    withdrawal = chain.withdraw(purse, 9 * TOKEN)  # more than there is: it fails
    chain.deposit(purse, TOKEN)
    found = audited(chain, purse)
    assert (found.deposit, found.withdrawals_most) == (TOKEN, 9 * TOKEN)
    store = MemoryOutcomes()
    Selective(Session(chain.index, store)).outcome(withdrawal)
    better = audited(chain, purse, store=store)
    assert (better.deposit, better.withdrawals_most) == (6 * TOKEN, 0)


def test_what_is_no_purse() -> None:
    """A contract that nobody deployed can be audited: it has no deposit that an oath could count on."""
    chain = OathChain()
    chain.transfer(RICH, bytes(31) + b"\x01", TOKEN)
    found = audited(chain, ContractId(bytes(31) + b"\x01"))
    assert found.flaws == ("not_deployed",) and not found.solvent and found.deposit == TOKEN and found.owner is None


@pytest.mark.parametrize(
    ("contract", "position", "budget", "kind"),
    [
        (CLIENT, None, 0, "invalid_account"),
        (bytes(32), Position(b"\x77" * 32, 0), 0, "unknown_position"),
        (bytes(32), None, -1, "invalid_budget"),
    ],
)
def test_bad_questions(contract: bytes, position: Position | None, budget: int, kind: str) -> None:
    """What the chain's bytes show to be wrong is refused before anything is executed."""
    chain = OathChain()
    question = AuditQuestion(contract, position or at_the_head(chain), budget)
    with pytest.raises(InvalidQuestion) as refused:
        audit(chain.index, MemoryOutcomes(), question)
    assert refused.value.kind == kind


def test_an_audit_looks_at_its_position() -> None:
    """What happens after it is no part of it."""
    chain = OathChain()
    purse = chain.deploy()
    chain.deposit(purse, 5 * TOKEN)
    position = at_the_head(chain)
    chain.swear(purse, terms(chain.rich_has(TOKEN), False, TOKEN, BLACKHOLE))
    found = audit(chain.index, MemoryOutcomes(), AuditQuestion(purse, position, PLENTY))
    assert found.oaths == () and found.deposit == 5 * TOKEN and found.coverage_per_mille == 1_000
