"""The questions that jobs answer: their kinds, encodings, checks, and how each is answered."""

from collections.abc import Callable
from enum import StrEnum

from accountant.accounting.bound import check_lower_bound, lower_bound
from accountant.accounting.certificate import Certificate
from accountant.accounting.pay import check_payment, verify_payment
from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.index.port import ChainIndex
from accountant.primitives.encoding import Decoder

QUESTION_BYTES_MAX = 1024 * 1024

Question = PaymentQuestion | LowerBoundQuestion
Answer = Callable[[Question, Heartbeat], Certificate]
"""Answers a question. Raises `InvalidQuestion`, and whatever the heartbeat raises."""


class QuestionKind(StrEnum):
    """What a job is about."""

    PAYMENT_VERIFICATION = "payment_verification"
    BALANCE_LOWER_BOUND = "balance_lower_bound"


_payments = Decoder(PaymentQuestion, QUESTION_BYTES_MAX)
_bounds = Decoder(LowerBoundQuestion, QUESTION_BYTES_MAX)


def kind_of(question: Question) -> QuestionKind:
    """The kind under which a question is stored."""
    if isinstance(question, PaymentQuestion):
        return QuestionKind.PAYMENT_VERIFICATION
    return QuestionKind.BALANCE_LOWER_BOUND


def decode_question(kind: QuestionKind, raw: bytes) -> Question:
    """The question that `raw` encodes. Raises `InvalidEncoding`."""
    return _payments.decode(raw) if kind is QuestionKind.PAYMENT_VERIFICATION else _bounds.decode(raw)


def check(index: ChainIndex, question: Question) -> None:
    """Raises `InvalidQuestion` where the chain's bytes alone show a question to be wrong. Executes nothing."""
    if isinstance(question, PaymentQuestion):
        check_payment(index, question)
    else:
        check_lower_bound(index, question)


def answering(index: ChainIndex, outcomes: OutcomeStore) -> Answer:
    """The accountant: answers questions from this index, with these outcomes at hand (Algorithm 4, Lemma 1)."""

    def answer(question: Question, heartbeat: Heartbeat) -> Certificate:
        if isinstance(question, PaymentQuestion):
            return verify_payment(index, outcomes, question, heartbeat)
        return lower_bound(index, outcomes, question, heartbeat)

    return answer
