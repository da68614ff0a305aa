"""Outcomes as answers: what a transaction did, where it failed, at which cost, and never more than the budget."""

import pytest

from accountant.accounting.certificate import UndecidedReason, Verdict
from accountant.accounting.outcome import (
    OutcomeCertificate,
    OutcomeQuestion,
    check_outcome,
    decode_outcome_certificate,
    find_outcome,
)
from accountant.accounting.questions import InvalidQuestion
from accountant.chain.state import ChainState
from accountant.chain.transaction import decode_deployment
from accountant.contracts.errors import FailureKind
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.index.memory import MemoryIndex
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import ContractId, Seq
from accountant.sandbox import Chain
from tests.support.chains import ALICE, BOB, call, extend, transfer
from tests.support.till import TILL, till_genesis

COUNTER = '''"""A counter."""

from accountant.language import export

count: int


@export
def add(times: int) -> int:
    global count
    assert times > 0, "at least once"
    count += times
    return count

'''


@pytest.fixture
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """Three calls that depend on each other, the second one failing, and one that pays in vain."""
    folder = tmp_path_factory.mktemp("counter")
    (folder / "counter.py").write_text(COUNTER)
    chain = Chain(folder)
    alice = chain.account("alice")
    counter = chain.deploy("counter.py", sender=alice)
    for times in (3, 0, 4):
        counter.add(times, sender=alice, gas=100_000)
    chain.transfer(counter, 0, general_value=10**15, sender=chain.account("bob"))
    return chain


def _find(chain: Chain, outcomes: MemoryOutcomes, back: int, gas_budget: int | None = None) -> OutcomeCertificate:
    """The certificate of the transaction `back` places before the end."""
    index = chain.ledger.index
    located = index.transaction(Seq(index.head().next_seq - back))
    found = find_outcome(index, outcomes, OutcomeQuestion(located.hash, gas_budget))
    assert decode_outcome_certificate(encode(found)) == found
    assert found.transaction == located.hash
    return found


def test_a_success_and_what_it_rests_on(chain: Chain) -> None:
    """The last addition needs the others and the deployment; the next one who asks executes nothing."""
    outcomes = MemoryOutcomes()
    found = _find(chain, outcomes, 3)
    assert found.outcome is not None
    assert (found.verdict, found.outcome.return_value, found.trace) == (Verdict.ACCEPTED, 7, ())
    assert len(found.executed) == 3
    assert set(found.executed) <= set(found.slice)
    assert 0 < found.gas_executed <= found.gas_everything
    again = _find(chain, outcomes, 3)
    assert (again.outcome, again.executed, again.gas_executed) == (found.outcome, (), 0)
    assert again.cache_hits == 1


def test_a_failure_and_its_place(chain: Chain) -> None:
    """Kind, reason and the functions that it passed; the same when its outcome was known before."""
    outcomes = MemoryOutcomes()
    found, again = _find(chain, outcomes, 4), _find(chain, outcomes, 4)
    assert found.outcome is not None
    assert (found.verdict, found.outcome.failure, found.outcome.detail) == (
        Verdict.REJECTED,
        FailureKind.ASSERTION,
        "at least once",
    )
    deployment = chain.ledger.index.deployment(ContractId(found.trace[0].contract))
    assert deployment is not None
    code = decode_deployment(chain.ledger.index.transaction(deployment).transaction.payload).code
    assert {place.code_hash for place in found.trace} == {sha256(code)}
    assert again.trace == found.trace
    assert again.executed == ()


def test_a_payment_without_funds_has_no_place(chain: Chain) -> None:
    """No code ran, so nothing is run again."""
    found = _find(chain, MemoryOutcomes(), 1)
    assert found.outcome is not None
    assert (found.outcome.failure, found.trace) == (FailureKind.INSUFFICIENT_FUNDS, ())


def test_every_outcome_is_the_eager_one() -> None:
    """Whatever is asked, in any order, is what executing everything gives."""
    state, index = ChainState.at_genesis(till_genesis()), MemoryIndex(till_genesis())
    sent = [
        call(ALICE, 0, TILL, "point", (b"here",), gas_limit=50_000),
        call(BOB, 0, TILL, "refund", (1_000,), gas_limit=50_000),
        transfer(ALICE, 1, BOB.address, general=10_000),
    ]
    index.append(extend(state, sent))
    outcomes = MemoryOutcomes()
    for seq, expected in reversed(list(enumerate(execute_everything(index).outcomes))):
        located = index.transaction(Seq(seq))
        assert find_outcome(index, outcomes, OutcomeQuestion(located.hash)).outcome == expected


def test_the_budget_bounds_all_that_is_run(chain: Chain) -> None:
    """A failure is run again for its place only if the budget has room for that."""
    first = _find(chain, MemoryOutcomes(), 4)
    assert first.outcome is not None
    alone = first.gas_executed - first.outcome.gas_used
    for gas_budget, traced in ((alone + first.outcome.gas_used - 1, False), (first.gas_executed + 10_000, True)):
        found = _find(chain, MemoryOutcomes(), 4, gas_budget)
        assert found.outcome == first.outcome
        assert bool(found.trace) is traced
        assert found.gas_executed <= gas_budget


def test_a_spent_budget_is_undecided(chain: Chain) -> None:
    """What had to be executed next is named."""
    found = _find(chain, MemoryOutcomes(), 3, 1_000)
    assert (found.verdict, found.reason, found.outcome) == (Verdict.UNDECIDED, UndecidedReason.BUDGET_SPENT, None)
    assert len(found.missing) == 1


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        (OutcomeQuestion(bytes(32)), "unknown_transaction"),
        (OutcomeQuestion(b"short"), "unknown_transaction"),
        (OutcomeQuestion(bytes(32), -1), "unknown_transaction"),
    ],
)
def test_what_is_wrong_is_told(chain: Chain, question: OutcomeQuestion, kind: str) -> None:
    """Nothing is executed for a question about nothing."""
    with pytest.raises(InvalidQuestion) as refused:
        check_outcome(chain.ledger.index, question)
    assert refused.value.kind == kind


def test_a_budget_is_an_amount(chain: Chain) -> None:
    """Negative gas and gas past 2^63 are refused."""
    name = chain.ledger.index.transaction(Seq(0)).hash
    for budget in (-1, 2**63):
        with pytest.raises(InvalidQuestion, match="gas budget"):
            check_outcome(chain.ledger.index, OutcomeQuestion(name, budget))
