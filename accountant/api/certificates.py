"""Certificates on the wire: every field in a readable form, and the canonical bytes that a hash can be taken of."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accountant.accounting.certificate import (
    Certificate,
    PlannedCertificate,
    QueryCertificate,
    ViewCertificate,
    decode_certificate,
)
from accountant.api.answers import ChoiceView, MissingView, ViewAnswerView, scalar
from accountant.api.fields import (
    AccountOut,
    AmountOut,
    GasOut,
    HashOut,
    HexOut,
    StoppedOut,
    account_of,
    hex_of,
    stopped_by,
)
from accountant.api.query_views import QueryResultView
from accountant.chain.query import ViewAnswer, decode_answer


class IncomeView(BaseModel):
    """A member of Θ: what it brought, and the gas that finding out took in this job."""

    transaction: HashOut
    units: AmountOut
    gas: GasOut


class ResultView(BaseModel):
    """The certificate: an answer and everything that it rests on."""

    verdict: Literal["accepted", "rejected", "undecided"]
    reason: Literal["theta_insufficient", "budget_spent", "blob_unavailable"] | None
    query: Annotated[HexOut | None, Field(description="Canonical bytes of what can be sworn.")]
    answer: Annotated[bool | str | None, Field(description="The query's answer: a boolean, decimal digits or hex.")]
    account: AccountOut
    previous_hash: HashOut
    index: int
    required: Annotated[AmountOut | None, Field(description="The general balance that was asked for.")]
    lower: Annotated[AmountOut, Field(description="The general balance is at least this.")]
    upper: Annotated[AmountOut, Field(description="The general balance is at most this.")]
    zero_balance: Annotated[AmountOut, Field(description="The zero-cost balance, which the account owns besides.")]
    theta: list[IncomeView]
    executed: Annotated[list[HashOut], Field(description="Executed for this answer, in order of execution.")]
    gas_executed: GasOut
    gas_everything: Annotated[GasOut, Field(description="The most that executing everything before would take.")]
    cache_hits: int
    slice: Annotated[list[HashOut], Field(description="All transactions that the answer rests on, in chain order.")]
    missing: list[MissingView]
    choice: Annotated[ChoiceView | None, Field(description="How Θ was chosen, where that took a plan; null elsewhere.")]
    canonical: Annotated[HexOut, Field(description="The certificate's canonical bytes.")]

    @classmethod
    def of(cls, certificate: Certificate, raw: bytes) -> "ResultView":
        """The view of a certificate and its canonical bytes."""
        return cls(
            verdict=certificate.verdict.value,
            reason=None if certificate.reason is None else certificate.reason.value,
            query=None if certificate.query is None else hex_of(certificate.query),
            answer=None if certificate.answer is None else scalar(decode_answer(certificate.answer)),
            account=account_of(certificate.account),
            previous_hash=hex_of(certificate.previous_hash),
            index=certificate.index,
            required=None if certificate.required is None else str(certificate.required),
            lower=str(certificate.lower),
            upper=str(certificate.upper),
            zero_balance=str(certificate.zero_balance),
            theta=[
                IncomeView(transaction=hex_of(i.transaction), units=str(i.units), gas=str(i.gas))
                for i in certificate.theta
            ],
            executed=[hex_of(t) for t in certificate.executed],
            gas_executed=str(certificate.gas_executed),
            gas_everything=str(certificate.gas_everything),
            cache_hits=certificate.cache_hits,
            slice=[hex_of(t) for t in certificate.slice],
            missing=[MissingView.of(m) for m in certificate.missing],
            choice=ChoiceView.of(certificate.choice) if isinstance(certificate, PlannedCertificate) else None,
            canonical=hex_of(raw),
        )


class ViewResultView(BaseModel):
    """The certificate of a view: what a contract's function returns, and what that rests on."""

    verdict: Annotated[
        Literal["accepted", "rejected", "undecided"], Field(description="Whether it returned (accepted) or failed.")
    ]
    reason: StoppedOut | None
    query: Annotated[HexOut, Field(description="Canonical bytes of what can be sworn.")]
    answer: Annotated[ViewAnswerView | None, Field(description="Null while undecided.")]
    executed: Annotated[list[HashOut], Field(description="Executed for this answer, in order of execution.")]
    gas_executed: Annotated[GasOut, Field(description="The view's own gas included.")]
    gas_everything: Annotated[GasOut, Field(description="The most that executing everything before would take.")]
    cache_hits: int
    slice: Annotated[list[HashOut], Field(description="All transactions that the answer rests on, in chain order.")]
    missing: list[MissingView]
    canonical: Annotated[HexOut, Field(description="The certificate's canonical bytes.")]

    @classmethod
    def of(cls, certificate: ViewCertificate, raw: bytes) -> "ViewResultView":
        """The view of a certificate and its canonical bytes."""
        answer = None if certificate.answer is None else decode_answer(certificate.answer)
        return cls(
            verdict=certificate.verdict.value,
            reason=stopped_by(certificate.reason),
            query=hex_of(certificate.query),
            answer=ViewAnswerView.of(answer) if isinstance(answer, ViewAnswer) else None,
            executed=[hex_of(t) for t in certificate.executed],
            gas_executed=str(certificate.gas_executed),
            gas_everything=str(certificate.gas_everything),
            cache_hits=certificate.cache_hits,
            slice=[hex_of(t) for t in certificate.slice],
            missing=[MissingView.of(m) for m in certificate.missing],
            canonical=hex_of(raw),
        )


def result_of(raw: bytes) -> ResultView | ViewResultView | QueryResultView:
    """The view of a stored certificate."""
    certificate = decode_certificate(raw)
    if isinstance(certificate, QueryCertificate):
        return QueryResultView.of(certificate, raw)
    if isinstance(certificate, ViewCertificate):
        return ViewResultView.of(certificate, raw)
    return ResultView.of(certificate, raw)
