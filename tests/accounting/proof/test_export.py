"""Which answers have certificates, and what is refused before one is made."""

from random import Random

import pytest

from accountant.accounting.certificate import Verdict
from accountant.accounting.outcome import OutcomeQuestion, find_outcome
from accountant.accounting.pay import verify_payment
from accountant.accounting.proof.export import ExportQuestion, check_export, export, export_of
from accountant.accounting.proof.verify import verify
from accountant.accounting.questions import InvalidQuestion, PaymentQuestion
from accountant.chain.query import TransactionSucceeded
from accountant.execution.memory import MemoryOutcomes
from accountant.primitives.encoding import encode
from accountant.primitives.types import Seq
from tests.support.signed_chain import SignedChain


def _chain() -> SignedChain:
    chain = SignedChain(Random(11), calm=True)
    chain.grow(8)
    return chain


def test_every_decided_payment_and_outcome_is_exported_with_its_incomes() -> None:
    """From the certificate alone: its query, its incomes first, and the same answer. Undecided ones have none."""
    chain = _chain()
    headers, decided, undecided = chain.blocks.headers(), 0, 0
    for seq in map(Seq, range(chain.index.head().next_seq)):
        name = chain.index.transaction(seq).hash
        for budget in (None, 0):
            paid = verify_payment(chain.index, MemoryOutcomes(), PaymentQuestion(name, gas_budget=budget))
            question = export_of(paid, None)
            if question is None:
                assert paid.verdict is Verdict.UNDECIDED
                undecided += 1
                continue
            assert question.theta == tuple(income.transaction for income in paid.theta)
            check_export(chain.index, question)
            answer = verify(export(chain.index, MemoryOutcomes(), question).file, headers).answer
            assert answer is (paid.verdict is Verdict.ACCEPTED)
            decided += 1
        done = find_outcome(chain.index, MemoryOutcomes(), OutcomeQuestion(name))
        question = export_of(done, 7)
        assert question == ExportQuestion(encode(TransactionSucceeded(name)), (), 7)
    assert decided
    assert undecided


def test_what_cannot_be_asked_or_paid_is_refused() -> None:
    """No query, one about nothing, a negative budget, too many incomes; and a budget that the answer passes."""
    chain = _chain()
    name = chain.index.transaction(Seq(0)).hash
    whole = encode(TransactionSucceeded(name))
    for question, kind in (
        (ExportQuestion(b"?"), "invalid_query"),
        (ExportQuestion(encode(TransactionSucceeded(bytes(32)))), "unknown_target"),
        (ExportQuestion(whole, gas_budget=-1), "invalid_budget"),
        (ExportQuestion(whole, (bytes(32),) * 1_001), "theta_too_large"),
    ):
        with pytest.raises(InvalidQuestion) as refused:
            check_export(chain.index, question)
        assert refused.value.kind == kind
    seqs = map(Seq, range(chain.index.head().next_seq))
    called = next(s for s in seqs if chain.index.transaction(s).transaction.kind == 1)
    dear = ExportQuestion(encode(TransactionSucceeded(chain.index.transaction(called).hash)), gas_budget=1)
    with pytest.raises(InvalidQuestion) as spent:
        export(chain.index, MemoryOutcomes(), dear)
    assert spent.value.kind == "budget_spent"
