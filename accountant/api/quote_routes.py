"""The route of quotes: what a question would cost, before anything is executed."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from accountant.accounting.query import QueryQuestion, name_of
from accountant.accounting.questions import PaymentQuestion
from accountant.api.documented import AT_ONCE
from accountant.api.fields import GasOut, HashOut, hex_of
from accountant.api.posting import json_only
from accountant.api.query_routes import query_of
from accountant.api.query_schemas import PaymentQuoteIn, QuoteIn
from accountant.api.resources import Res
from accountant.chain.query import TransactionSucceeded
from accountant.primitives.encoding import encode
from accountant.services.quotes import TimedQuote, quote

router = APIRouter(dependencies=[Depends(json_only)])


class QuoteView(BaseModel):
    """What deciding a question executes, if nobody else executes meanwhile: gas_least ≤ gas ≤ gas_most."""

    query_hash: Annotated[HashOut, Field(description="What names the query.")]
    gas_least: Annotated[GasOut, Field(description="No way to the answer takes less.")]
    gas_most: Annotated[GasOut, Field(description="No way to the answer takes more.")]
    gas_expected: Annotated[
        GasOut,
        Field(
            description="With the latest writers writing, the cheapest incomes funding, and usual use of gas limits."
        ),
    ]
    gas_cached: Annotated[
        GasOut, Field(description="What the known outcomes had taken that need not be executed again.")
    ]
    cached_share: Annotated[
        float,
        Field(ge=0, le=1, description="gas_cached, of it and gas_expected together; 1 where neither is anything."),
    ]
    gas_everything: Annotated[GasOut, Field(description="The most that executing everything before would take.")]
    transactions_most: Annotated[int, Field(description="Transactions that may be executed, below no view.")]
    expected_s: Annotated[float, Field(description="Seconds that a worker probably takes, once it has begun.")]
    speed_from: Annotated[
        Literal["measured", "setting"],
        Field(description="Whether seconds go by what workers measured, or by a setting, before they did."),
    ]
    cut_off: Annotated[
        bool, Field(description="The walk met its limit of work: both bounds hold, and might be narrower.")
    ]
    budget_suffices: Annotated[
        bool | None, Field(description="Whether gas_budget decides the question; null where that is open.")
    ]

    @classmethod
    def of(cls, timed: TimedQuote, query_hash: bytes, budget: int | None) -> "QuoteView":
        """The view of a quote."""
        found = timed.quote
        whole = found.gas_cached + found.gas_expected
        suffices = None
        if budget is None or budget >= found.gas_most:
            suffices = True
        elif budget < found.gas_least:
            suffices = False
        return cls(
            query_hash=hex_of(query_hash),
            gas_least=str(found.gas_least),
            gas_most=str(found.gas_most),
            gas_expected=str(found.gas_expected),
            gas_cached=str(found.gas_cached),
            cached_share=found.gas_cached / whole if whole else 1.0,
            gas_everything=str(found.gas_everything),
            transactions_most=found.transactions_most,
            expected_s=timed.expected_s,
            speed_from=timed.speed_from.value,
            cut_off=found.cut_off,
            budget_suffices=suffices,
        )


@router.post(
    "/quotes",
    tags=["queries"],
    operation_id="quoteQuery",
    summary="What would an answer cost?",
    responses=AT_ONCE,
)
def quote_query(resources: Res, body: QuoteIn) -> QuoteView:
    """The same body as `POST /v1/queries`, or a payment with the sender's Θ. Answered at once, by bounded work on the
    index and known outcomes: nothing is executed, nothing is stored.
    """
    question: QueryQuestion | PaymentQuestion
    if isinstance(body, PaymentQuoteIn):
        theta = None if body.theta is None else tuple(body.theta)
        question, name = (
            PaymentQuestion(body.transaction, theta, body.gas_budget),
            name_of(TransactionSucceeded(body.transaction)),
        )
    else:
        query = query_of(resources, body)
        question, name = QueryQuestion(encode(query), body.gas_budget), name_of(query)
    with resources.engine.connect() as connection:
        timed = quote(
            connection,
            resources.index(),
            resources.outcomes(),
            resources.observed,
            question,
            resources.gas_per_second,
        )
    return QuoteView.of(timed, name, body.gas_budget)
