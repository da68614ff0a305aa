"""The questions that jobs answer: their kinds, encodings, checks, and how each is answered."""

import time
from collections.abc import Callable
from enum import StrEnum
from random import SystemRandom

from accountant.accounting.bound import check_lower_bound, lower_bound
from accountant.accounting.certificate import AnyCertificate
from accountant.accounting.observe import (
    ObservationCertificate,
    ObservationQuestion,
    StateStore,
    check_observation,
    observe,
)
from accountant.accounting.outcome import (
    OutcomeCertificate,
    OutcomeQuestion,
    OutcomeRecheck,
    check_outcome,
    find_outcome,
    recheck_outcome,
)
from accountant.accounting.pay import check_payment, verify_payment
from accountant.accounting.preparation import PreparationQuestion, Prepared, check_preparation
from accountant.accounting.prepare import prepare
from accountant.accounting.proof.export import Exported, ExportQuestion, check_export, export
from accountant.accounting.query import QueryQuestion, check_query
from accountant.accounting.query_answer import answer_query
from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion, ViewQuestion
from accountant.accounting.view import check_view, view
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.index.port import ChainIndex
from accountant.oath.audit import audit, check_audit, dearest_first
from accountant.oath.audit_report import Audit, AuditQuestion
from accountant.oath.counts import owner_of
from accountant.primitives.encoding import Decoder
from accountant.primitives.types import Address, ContractId
from accountant.trust.knowledge import Knowledge

QUESTION_BYTES_MAX = 1024 * 1024

Question = (
    PaymentQuestion
    | LowerBoundQuestion
    | ViewQuestion
    | OutcomeQuestion
    | OutcomeRecheck
    | PreparationQuestion
    | ObservationQuestion
    | QueryQuestion
    | AuditQuestion
    | ExportQuestion
)
Answered = AnyCertificate | OutcomeCertificate | Prepared | ObservationCertificate | Audit | Exported
Answer = Callable[[Question, Heartbeat], Answered]
"""Answers a question. Raises `InvalidQuestion`, and whatever the heartbeat raises."""
Learn = Callable[[Address], Knowledge]
"""What verdicts taught so far, somebody's history among it."""


class QuestionKind(StrEnum):
    """What a job is about."""

    PAYMENT_VERIFICATION = "payment_verification"
    BALANCE_LOWER_BOUND = "balance_lower_bound"
    VIEW = "view"
    OUTCOME = "outcome"
    OUTCOME_RECHECK = "outcome_recheck"
    TRANSACTION_PREPARATION = "transaction_preparation"
    CERTIFICATE_EXPORT = "certificate_export"
    OBSERVATION = "observation"
    QUERY = "query"
    AUDIT = "audit"


_payments = Decoder(PaymentQuestion, QUESTION_BYTES_MAX)
_bounds = Decoder(LowerBoundQuestion, QUESTION_BYTES_MAX)
_views = Decoder(ViewQuestion, QUESTION_BYTES_MAX)
_outcomes = Decoder(OutcomeQuestion, QUESTION_BYTES_MAX)
_rechecks = Decoder(OutcomeRecheck, QUESTION_BYTES_MAX)
_preparations = Decoder(PreparationQuestion, QUESTION_BYTES_MAX)
_exports = Decoder(ExportQuestion, QUESTION_BYTES_MAX)
_observations = Decoder(ObservationQuestion, QUESTION_BYTES_MAX)
_queries = Decoder(QueryQuestion, QUESTION_BYTES_MAX)
_audits = Decoder(AuditQuestion, QUESTION_BYTES_MAX)


def kind_of(question: Question) -> QuestionKind:
    """The kind under which a question is stored."""
    match question:
        case PaymentQuestion():
            return QuestionKind.PAYMENT_VERIFICATION
        case LowerBoundQuestion():
            return QuestionKind.BALANCE_LOWER_BOUND
        case ViewQuestion():
            return QuestionKind.VIEW
        case OutcomeQuestion():
            return QuestionKind.OUTCOME
        case OutcomeRecheck():
            return QuestionKind.OUTCOME_RECHECK
        case PreparationQuestion():
            return QuestionKind.TRANSACTION_PREPARATION
        case ExportQuestion():
            return QuestionKind.CERTIFICATE_EXPORT
        case ObservationQuestion():
            return QuestionKind.OBSERVATION
        case QueryQuestion():
            return QuestionKind.QUERY
        case AuditQuestion():
            return QuestionKind.AUDIT


def decode_question(kind: QuestionKind, raw: bytes) -> Question:
    """The question that `raw` encodes. Raises `InvalidEncoding`."""
    match kind:
        case QuestionKind.PAYMENT_VERIFICATION:
            return _payments.decode(raw)
        case QuestionKind.BALANCE_LOWER_BOUND:
            return _bounds.decode(raw)
        case QuestionKind.VIEW:
            return _views.decode(raw)
        case QuestionKind.OUTCOME:
            return _outcomes.decode(raw)
        case QuestionKind.OUTCOME_RECHECK:
            return _rechecks.decode(raw)
        case QuestionKind.TRANSACTION_PREPARATION:
            return _preparations.decode(raw)
        case QuestionKind.CERTIFICATE_EXPORT:
            return _exports.decode(raw)
        case QuestionKind.OBSERVATION:
            return _observations.decode(raw)
        case QuestionKind.QUERY:
            return _queries.decode(raw)
        case QuestionKind.AUDIT:
            return _audits.decode(raw)


def check(index: ChainIndex, question: Question) -> None:
    """Raises `InvalidQuestion` where the chain's bytes alone show a question to be wrong. Executes nothing."""
    match question:
        case PaymentQuestion():
            check_payment(index, question)
        case LowerBoundQuestion():
            check_lower_bound(index, question)
        case ViewQuestion():
            check_view(index, question)
        case OutcomeQuestion() | OutcomeRecheck():
            check_outcome(index, question)
        case PreparationQuestion():
            check_preparation(index, question)
        case ExportQuestion():
            check_export(index, question)
        case ObservationQuestion():
            check_observation(index, question)
        case QueryQuestion():
            check_query(index, question)
        case AuditQuestion():
            check_audit(index, question)


def answering(
    index: ChainIndex, outcomes: OutcomeStore, states: StateStore | None = None, learn: Learn | None = None
) -> Answer:
    """The accountant: answers questions from this index, with these outcomes at hand (Algorithm 4, Lemma 1, views).

    `states` keeps the world states that are observed; without it their roots are all that is told. `learn` says what
    audits go by when they choose what to check first; without it they go by penalties.
    """

    def answer(question: Question, heartbeat: Heartbeat) -> Answered:
        match question:
            case PaymentQuestion():
                return verify_payment(index, outcomes, question, heartbeat)
            case LowerBoundQuestion():
                return lower_bound(index, outcomes, question, heartbeat)
            case ViewQuestion():
                return view(index, outcomes, question, heartbeat)
            case OutcomeQuestion():
                return find_outcome(index, outcomes, question, heartbeat)
            case OutcomeRecheck():
                return recheck_outcome(index, question, heartbeat, outcomes.blobs)
            case PreparationQuestion():
                return prepare(index, outcomes, question, int(time.time()), heartbeat)
            case ExportQuestion():
                return export(index, outcomes, question, heartbeat)
            case ObservationQuestion():
                return observe(index, outcomes, states, question, heartbeat)
            case QueryQuestion():
                return answer_query(index, outcomes, question, heartbeat)
            case AuditQuestion():
                return _audited(index, outcomes, question, heartbeat, learn)

    return answer


def _audited(
    index: ChainIndex, outcomes: OutcomeStore, question: AuditQuestion, heartbeat: Heartbeat, learn: Learn | None
) -> Audit:
    owner = owner_of(index, ContractId(question.contract))
    if learn is None or owner is None:
        return audit(index, outcomes, question, heartbeat, dearest_first)
    from accountant.trust.ranking import ranking  # scikit-learn takes two seconds to import, and most jobs need none

    riskiest = ranking(index, outcomes, learn(Address(owner)), SystemRandom())
    return audit(index, outcomes, question, heartbeat, riskiest)


def answering_with(
    index: ChainIndex, current: Callable[[], tuple[OutcomeStore, StateStore]], learn: Learn | None = None
) -> Answer:
    """The same with the stores as they stand when a question comes: something may have been withdrawn before."""
    return lambda question, heartbeat: answering(index, *current(), learn)(question, heartbeat)
