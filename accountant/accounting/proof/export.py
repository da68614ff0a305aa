"""Exporting: the question whose answer is a portable certificate."""

from accountant.accounting.certificate import Certificate, QueryCertificate, ViewCertificate
from accountant.accounting.outcome import OutcomeCertificate
from accountant.accounting.proof.build import build
from accountant.accounting.proof.errors import NotProvable
from accountant.accounting.proof.file import CERTIFICATE_FILE_BYTES_MAX
from accountant.accounting.query import AnyQuery, ExactBalance, LowerBound, decode_any_query
from accountant.accounting.questions import THETA_MOST, InvalidQuestion, check_budget
from accountant.chain.query import AccountingQuery, BalanceAtLeast, TransactionSucceeded, decode_answer, decode_query
from accountant.execution.needs import BlobUnavailable, BudgetSpent
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.execution.queries import target_of
from accountant.index.port import ChainIndex
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import AMOUNT_MAX, Gas, Hash, Seq


class ExportQuestion(Record, frozen=True):
    """A certificate of what this query's answer is. `theta`: incomes that it rests on first, where it can."""

    query: bytes
    theta: tuple[bytes, ...] = ()
    gas_budget: int | None = None
    """The most gas of everything that it rests on, recorded or not."""


class Exported(Record, frozen=True):
    """A portable certificate's bytes."""

    file: bytes


_exported = Decoder(Exported, CERTIFICATE_FILE_BYTES_MAX + 16)


def decode_exported(raw: bytes) -> Exported:
    """What an export job left. Raises `InvalidEncoding`."""
    return _exported.decode(raw)


def export_of(answered: object, gas_budget: int | None) -> ExportQuestion | None:
    """The question for a certificate of what was answered; None where nothing was decided that can be proved."""
    match answered:
        case Certificate(query=bytes(query)):
            return ExportQuestion(query, tuple(income.transaction for income in answered.theta), gas_budget)
        case ViewCertificate(query=query, answer=bytes()):
            return ExportQuestion(query, (), gas_budget)
        case QueryCertificate(query=query, answer=bytes(answer)):
            return _of_query(decode_any_query(query), answer, gas_budget)
        case OutcomeCertificate(transaction=transaction) if answered.outcome is not None:
            return ExportQuestion(encode(TransactionSucceeded(transaction)), (), gas_budget)
    return None


def _of_query(query: AnyQuery, answer: bytes, gas_budget: int | None) -> ExportQuestion | None:
    """A lower bound is proved as the balance being at least that much; an exact balance takes two certificates."""
    match query:
        case ExactBalance():
            return None
        case LowerBound(account=account, position=position):
            units = decode_answer(answer)
            assert isinstance(units, int)
            return ExportQuestion(encode(BalanceAtLeast(account, min(units, AMOUNT_MAX), position)), (), gas_budget)
    return ExportQuestion(encode(query), (), gas_budget)


def check_export(index: ChainIndex, question: ExportQuestion) -> None:
    """Refuse what the chain's bytes alone show to be wrong. Raises `InvalidQuestion`; executes nothing."""
    _checked(index, question)


def export(
    index: ChainIndex, outcomes: OutcomeStore, question: ExportQuestion, heartbeat: Heartbeat | None = None
) -> Exported:
    """The certificate, from recorded outcomes as far as there are some; the rest is executed.

    Raises `InvalidQuestion` where none can be made, and whatever the heartbeat raises.
    """
    query, theta = _checked(index, question)
    budget = None if question.gas_budget is None else Gas(question.gas_budget)
    try:
        file = build(index, outcomes, query, theta=theta, execute=True, gas_budget=budget, heartbeat=heartbeat)
    except NotProvable as error:
        raise InvalidQuestion(error.code, f"{error.kind}: {error.detail}") from None
    except BudgetSpent as spent:
        raise InvalidQuestion("budget_spent", str(spent)) from None
    except BlobUnavailable as error:
        raise InvalidQuestion("blob_unavailable", str(error)) from None
    return Exported(file)


def _checked(index: ChainIndex, question: ExportQuestion) -> tuple[AccountingQuery, tuple[Seq, ...]]:
    try:
        query = decode_query(question.query)
    except InvalidEncoding as error:
        raise InvalidQuestion("invalid_query", error.detail) from None
    check_budget(question.gas_budget)
    if target_of(index, query) is None:
        raise InvalidQuestion("unknown_target", "the query names a block or a transaction that is not on the chain")
    if len(question.theta) > THETA_MOST:
        raise InvalidQuestion("theta_too_large", f"at most {THETA_MOST} incomes may be named")
    seqs = (index.seq_of(Hash(member)) for member in question.theta)
    return query, tuple(seq for seq in seqs if seq is not None)
