"""Portable certificates of finished jobs: which question makes one, and where its bytes are."""

from accountant.accounting.certificate import AnyCertificate, decode_certificate
from accountant.accounting.outcome import OutcomeCertificate, decode_outcome_certificate
from accountant.accounting.proof.export import ExportQuestion, decode_exported, export_of
from accountant.oath.audit_report import Audit, decode_audit
from accountant.primitives.errors import AccountantError
from accountant.services.questions import QuestionKind
from accountant.storage.jobs import JobRow

_FILES = (QuestionKind.CERTIFICATE_EXPORT, QuestionKind.OATH_PROOF)
WITHOUT_PROOF = (QuestionKind.TRANSACTION_PREPARATION, QuestionKind.OBSERVATION, *_FILES)
"""What is no answer to a query."""


class NothingToProve(AccountantError):
    """The job has decided nothing of which there could be a certificate."""

    code = "nothing_to_prove"


class NoCertificate(AccountantError):
    """The job has made no portable certificate, or not yet."""

    code = "no_certificate"


def export_question(row: JobRow, gas_budget: int | None) -> ExportQuestion:
    """The question for a certificate of the job's answer. Raises `NothingToProve`."""
    kind = QuestionKind(row.kind)
    if kind in WITHOUT_PROOF or row.certificate is None:
        raise NothingToProve(f"a {kind} that is {row.state} has no answer to prove")
    answered = answered_by(kind, row.certificate)
    if isinstance(answered, Audit):
        return ExportQuestion(answered.query, (), gas_budget)  # that the deposit is there
    question = export_of(answered, gas_budget)
    if question is None:
        raise NothingToProve(
            "the answer is undecided, or cannot be sworn: ask again with a larger gas budget, or another query"
        )
    return question


def answered_by(kind: QuestionKind, raw: bytes) -> AnyCertificate | OutcomeCertificate | Audit:
    """What a finished job found out, of a kind that is not `WITHOUT_PROOF`."""
    if kind is QuestionKind.AUDIT:
        return decode_audit(raw)
    if kind in (QuestionKind.OUTCOME, QuestionKind.OUTCOME_RECHECK):
        return decode_outcome_certificate(raw)
    return decode_certificate(raw)


def certificate_file(row: JobRow) -> bytes:
    """The bytes that a job of a certificate, or of an oath's proof, made. Raises `NoCertificate`."""
    if QuestionKind(row.kind) not in _FILES:
        raise NoCertificate("POST here first: the job that comes of it makes the certificate")
    if row.certificate is None:
        raise NoCertificate(f"the job is {row.state}")
    return decode_exported(row.certificate).file
