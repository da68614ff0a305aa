"""Answering accounting queries: each by the cheapest way that is known, with everything that the answer rests on."""

from msgspec.structs import asdict

from accountant.accounting.bound import lower_bound
from accountant.accounting.certificate import (
    Certificate,
    MissingExecution,
    PlannedCertificate,
    PlannedQueryCertificate,
    QueryCertificate,
    UndecidedReason,
    Verdict,
    ViewCertificate,
    missing_of,
    reason_of,
)
from accountant.accounting.certify import rests_on
from accountant.accounting.funding import narrow
from accountant.accounting.pay import verify_payment
from accountant.accounting.query import (
    ExactBalance,
    LowerBound,
    QueryQuestion,
    checked_query,
    place_in,
    seq_in,
    view_question,
)
from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion
from accountant.accounting.view import view
from accountant.chain.query import BalanceAtLeast, Income, Storage, TransactionSucceeded, View
from accountant.execution.income import INCOME_KINDS, income_bounds
from accountant.execution.needs import Undecidable
from accountant.execution.port import Heartbeat, OutcomeStore
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.port import ChainIndex
from accountant.primitives.addresses import account_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import ADDRESS_BYTES, AMOUNT_MAX, Address, Gas, Seq


def answer_query(
    index: ChainIndex, outcomes: OutcomeStore, question: QueryQuestion, heartbeat: Heartbeat | None = None
) -> QueryCertificate:
    """The answer, and what it rests on. Raises `InvalidQuestion`, and whatever the heartbeat raises."""
    query = checked_query(index, question)
    budget = question.gas_budget
    match query:
        case TransactionSucceeded():
            paid = verify_payment(index, outcomes, PaymentQuestion(query.transaction, None, budget), heartbeat)
            return _of_balance(question, paid)
        case BalanceAtLeast(account=account, amount=amount, position=position):
            asked = LowerBoundQuestion(account, position, amount, None, budget)
            return _of_balance(question, lower_bound(index, outcomes, asked, heartbeat))
        case LowerBound(account=account, position=position):
            asked = LowerBoundQuestion(account, position, None, None, budget)
            return _of_bound(question, lower_bound(index, outcomes, asked, heartbeat))
        case View():
            return _of_view(question, view(index, outcomes, view_question(query, budget), heartbeat))
        case ExactBalance():
            return _exact_balance(index, outcomes, question, query, heartbeat)
        case Income() | Storage():
            return _looked_up(index, outcomes, question, query, heartbeat)


def _of_balance(question: QueryQuestion, found: Certificate) -> QueryCertificate:
    """A question whose answer is yes or no, as its own certificate has it."""
    return _from(question, found, found.answer, found.lower, found.upper, found.zero_balance)


def _of_bound(question: QueryQuestion, found: Certificate) -> QueryCertificate:
    """A bound is an answer whatever the budget reached: `missing` says what would have raised it next."""
    answer = encode(min(found.zero_balance + found.lower, AMOUNT_MAX))
    return _from(question, found, answer, found.lower, found.upper, found.zero_balance)


def _of_view(question: QueryQuestion, found: ViewCertificate) -> QueryCertificate:
    return _from(question, found, found.answer, None, None, None)


def _from(
    question: QueryQuestion,
    found: Certificate | ViewCertificate,
    answer: bytes | None,
    lower: int | None,
    upper: int | None,
    zero_balance: int | None,
) -> QueryCertificate:
    certificate = QueryCertificate(
        verdict=found.verdict,
        reason=found.reason,
        query=question.query,
        answer=answer,
        gas_budget=question.gas_budget,
        lower=lower,
        upper=upper,
        zero_balance=zero_balance,
        executed=found.executed,
        gas_executed=found.gas_executed,
        gas_everything=found.gas_everything,
        cache_hits=found.cache_hits,
        slice=found.slice,
        missing=found.missing,
    )
    if isinstance(found, PlannedCertificate):
        return PlannedQueryCertificate(**asdict(certificate), choice=found.choice)
    return certificate


def _exact_balance(
    index: ChainIndex,
    outcomes: OutcomeStore,
    question: QueryQuestion,
    query: ExactBalance,
    heartbeat: Heartbeat | None,
) -> QueryCertificate:
    """Executes until lower and upper meet: then nothing else that moved the balance matters."""
    place, account = place_in(index, query.position), account_of(query.account)
    budget = AMOUNT_MAX if question.gas_budget is None else question.gas_budget
    selective = Selective(Session(index, outcomes, heartbeat, Gas(budget)))
    funding = narrow(selective, account, place.seq, None)
    lower, upper = funding.walk.lower, min(funding.walk.upper, AMOUNT_MAX)
    zero = index.zero_balance(Address(account), place.moment) if len(account) == ADDRESS_BYTES else 0
    answer = encode(zero + lower) if lower == upper else None
    return _certificate(selective, question, place.seq, answer, (lower, upper, zero), funding.missing)


def _looked_up(
    index: ChainIndex,
    outcomes: OutcomeStore,
    question: QueryQuestion,
    query: Income | Storage,
    heartbeat: Heartbeat | None,
) -> QueryCertificate:
    selective = Selective(Session(index, outcomes, heartbeat, _gas(question.gas_budget)))
    learnt: tuple[int, int, None] | None = None
    if isinstance(query, Income):
        seq = seq_in(index, query.transaction)
        end = Seq(seq + 1)
        rows = index.movements(account_of(query.account), INCOME_KINDS, Seq(seq - 1), end, 1)
        learnt = (*income_bounds(rows), None)
    else:
        end = place_in(index, query.position).seq
    try:
        answer = selective.answer(query)
    except Undecidable as stopped:
        return _certificate(selective, question, end, None, learnt, (missing_of(stopped),))
    if learnt is not None:
        assert isinstance(answer, int) and learnt[0] <= answer <= learnt[1]
        learnt = answer, answer, None
    return _certificate(selective, question, end, encode(answer), learnt, ())


def _certificate(
    selective: Selective,
    question: QueryQuestion,
    end: Seq,
    answer: bytes | None,
    learnt: tuple[int, int, int | None] | None,
    missing: tuple[MissingExecution, ...],
) -> QueryCertificate:
    session, hashes = selective.session, rests_on(selective)
    lower, upper, zero_balance = learnt or (None, None, None)
    return QueryCertificate(
        verdict=Verdict.UNDECIDED if answer is None else Verdict.ACCEPTED,
        reason=_reason(answer, missing),
        query=question.query,
        answer=answer,
        gas_budget=question.gas_budget,
        lower=lower,
        upper=upper,
        zero_balance=zero_balance,
        executed=tuple(hashes[seq] for seq in session.executed),
        gas_executed=session.gas_executed,
        gas_everything=min(session.index.gas_limits(end), AMOUNT_MAX),
        cache_hits=len(session.cached),
        slice=tuple(hashes.values()),
        missing=missing,
    )


def _reason(answer: bytes | None, missing: tuple[MissingExecution, ...]) -> UndecidedReason | None:
    """Why there is no answer. A balance that stays open with nothing missing would take more gas than there is."""
    if answer is not None:
        return None
    return reason_of(missing[0]) if missing else UndecidedReason.BUDGET_SPENT


def _gas(budget: int | None) -> Gas | None:
    return None if budget is None else Gas(budget)
