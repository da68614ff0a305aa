"""Accounting queries on the wire: what is asked, and the certificate of its answer."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accountant.accounting.certificate import PlannedQueryCertificate, QueryCertificate
from accountant.accounting.query import AnyQuery, ExactBalance, LowerBound, QueryQuestion, decode_any_query, name_of
from accountant.api.answers import ChoiceView, MissingView, ViewAnswerView, answer_of
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
from accountant.chain.block import Position
from accountant.chain.query import BalanceAtLeast, Income, Storage, TransactionSucceeded, View, decode_answer
from accountant.chain.values import text_of

QueryKind = Literal[
    "balance_at_least", "transaction_succeeded", "income", "storage", "view", "lower_bound", "exact_balance"
]

IntegerOut = Annotated[str, Field(pattern="^-?[0-9]+$", examples=["1000000000"])]
"""What somebody else wrote into a transaction may be negative, though no honest oath says so."""


class PositionView(BaseModel):
    """The state right before a transaction: the hash of the block before it, and its index in the next."""

    previous_hash: HashOut
    index: int

    @classmethod
    def of(cls, position: Position) -> "PositionView":
        """The view of a position."""
        return cls(previous_hash=hex_of(position.previous_hash), index=position.index)


class QueryView(BaseModel):
    """An accounting query. Which fields it has depends on its kind."""

    kind: QueryKind
    hash: Annotated[HashOut, Field(description="What names the query.")]
    account: AccountOut | None = None
    amount: IntegerOut | None = None
    transaction: HashOut | None = None
    contract: AccountOut | None = None
    slot: HexOut | None = None
    function: str | None = None
    arguments: Annotated[list[str] | None, Field(description="Decimal digits or hex.")] = None
    gas_limit: GasOut | None = None
    position: PositionView | None = None

    @classmethod
    def of(cls, query: AnyQuery) -> "QueryView":
        """The view of a query."""
        name = hex_of(name_of(query))
        match query:
            case LowerBound(account=account, position=position) | ExactBalance(account=account, position=position):
                return cls(
                    kind="lower_bound" if isinstance(query, LowerBound) else "exact_balance",
                    hash=name,
                    account=account_of(account),
                    position=PositionView.of(position),
                )
            case BalanceAtLeast(account=account, amount=amount, position=position):
                return cls(
                    kind="balance_at_least",
                    hash=name,
                    account=account_of(account),
                    amount=str(amount),
                    position=PositionView.of(position),
                )
            case TransactionSucceeded(transaction=transaction):
                return cls(kind="transaction_succeeded", hash=name, transaction=hex_of(transaction))
            case Income(transaction=transaction, account=account):
                return cls(kind="income", hash=name, transaction=hex_of(transaction), account=account_of(account))
            case Storage(contract=contract, slot=slot, position=position):
                return cls(
                    kind="storage",
                    hash=name,
                    contract=hex_of(contract),
                    slot=hex_of(slot),
                    position=PositionView.of(position),
                )
            case View():
                return cls(
                    kind="view",
                    hash=name,
                    contract=hex_of(query.contract),
                    function=query.function,
                    arguments=[text_of(None, argument) for argument in query.arguments],
                    gas_limit=str(query.gas_limit),
                    position=PositionView.of(query.position),
                )


class QueryQuestionView(BaseModel):
    """What was asked, positions resolved."""

    query: QueryView
    gas_budget: GasOut | None

    @classmethod
    def of(cls, question: QueryQuestion) -> "QueryQuestionView":
        """The view of a question."""
        budget = None if question.gas_budget is None else str(question.gas_budget)
        return cls(query=QueryView.of(decode_any_query(question.query)), gas_budget=budget)


class QueryResultView(BaseModel):
    """The certificate of a query: its answer, and everything that the answer rests on."""

    verdict: Annotated[
        Literal["accepted", "rejected", "undecided"],
        Field(description="Rejected: the answer is no, or a view failed. Accepted: any other answer."),
    ]
    reason: StoppedOut | None
    kind: QueryKind
    query: Annotated[HexOut, Field(description="Canonical bytes of the query.")]
    query_hash: Annotated[HashOut, Field(description="What names the query.")]
    answer: Annotated[
        bool | str | ViewAnswerView | None,
        Field(description="A boolean, decimal digits, hex, or what a view returned; null while undecided."),
    ]
    gas_budget: GasOut | None
    lower: Annotated[
        AmountOut | None,
        Field(description="The general balance, or the income, is at least this; null for other queries."),
    ]
    upper: Annotated[AmountOut | None, Field(description="And at most this.")]
    zero_balance: Annotated[AmountOut | None, Field(description="What the account owns besides, of zero-cost money.")]
    executed: Annotated[list[HashOut], Field(description="Executed for this answer, in order of execution.")]
    gas_executed: Annotated[GasOut, Field(description="A view's own gas included.")]
    gas_everything: Annotated[GasOut, Field(description="The most that executing everything before would take.")]
    cache_hits: int
    slice: Annotated[list[HashOut], Field(description="All transactions that the answer rests on, in chain order.")]
    missing: Annotated[
        list[MissingView], Field(description="Where the budget ended: what came next, and the most it costs.")
    ]
    choice: Annotated[ChoiceView | None, Field(description="How Θ was chosen, where that took a plan; null elsewhere.")]
    canonical: Annotated[HexOut, Field(description="The certificate's canonical bytes.")]

    @classmethod
    def of(cls, certificate: QueryCertificate, raw: bytes) -> "QueryResultView":
        """The view of a certificate and its canonical bytes."""
        query = QueryView.of(decode_any_query(certificate.query))
        return cls(
            verdict=certificate.verdict.value,
            reason=stopped_by(certificate.reason),
            kind=query.kind,
            query=hex_of(certificate.query),
            query_hash=query.hash,
            answer=None if certificate.answer is None else answer_of(decode_answer(certificate.answer)),
            gas_budget=_digits(certificate.gas_budget),
            lower=_digits(certificate.lower),
            upper=_digits(certificate.upper),
            zero_balance=_digits(certificate.zero_balance),
            executed=[hex_of(t) for t in certificate.executed],
            gas_executed=str(certificate.gas_executed),
            gas_everything=str(certificate.gas_everything),
            cache_hits=certificate.cache_hits,
            slice=[hex_of(t) for t in certificate.slice],
            missing=[MissingView.of(m) for m in certificate.missing],
            choice=ChoiceView.of(certificate.choice) if isinstance(certificate, PlannedQueryCertificate) else None,
            canonical=hex_of(raw),
        )


def _digits(value: int | None) -> str | None:
    return None if value is None else str(value)
