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
from accountant.oath.proof import OathProofQuestion, check_oath_proof, oath_proof
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
    | OathProofQuestion
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
    OATH_PROOF = "oath_proof"


_TYPES: dict[QuestionKind, type[Question]] = {
    QuestionKind.PAYMENT_VERIFICATION: PaymentQuestion,
    QuestionKind.BALANCE_LOWER_BOUND: LowerBoundQuestion,
    QuestionKind.VIEW: ViewQuestion,
    QuestionKind.OUTCOME: OutcomeQuestion,
    QuestionKind.OUTCOME_RECHECK: OutcomeRecheck,
    QuestionKind.TRANSACTION_PREPARATION: PreparationQuestion,
    QuestionKind.CERTIFICATE_EXPORT: ExportQuestion,
    QuestionKind.OBSERVATION: ObservationQuestion,
    QuestionKind.QUERY: QueryQuestion,
    QuestionKind.AUDIT: AuditQuestion,
    QuestionKind.OATH_PROOF: OathProofQuestion,
}
_KINDS = {kind: name for name, kind in _TYPES.items()}
_DECODERS: dict[QuestionKind, Decoder[Question]] = {
    name: Decoder(kind, QUESTION_BYTES_MAX) for name, kind in _TYPES.items()
}


def kind_of(question: Question) -> QuestionKind:
    """The kind under which a question is stored."""
    return _KINDS[type(question)]


def decode_question(kind: QuestionKind, raw: bytes) -> Question:
    """The question that `raw` encodes. Raises `InvalidEncoding`."""
    return _DECODERS[kind].decode(raw)


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
        case OathProofQuestion():
            check_oath_proof(index, question)


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
            case OathProofQuestion():
                return Exported(oath_proof(index, question))

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
