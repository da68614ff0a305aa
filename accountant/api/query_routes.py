"""The route of accounting queries: all kinds, each answered by a certificate."""

from typing import assert_never

from fastapi import APIRouter, Depends
from starlette.responses import Response

from accountant.accounting.query import AnyQuery, ExactBalance, LowerBound, QueryQuestion, can_be_sworn
from accountant.accounting.questions import InvalidQuestion
from accountant.accounting.view import viewed_function
from accountant.api.documented import LOCATION, POST_PROBLEMS, problems
from accountant.api.job_views import JobView
from accountant.api.posting import Digest, IdempotencyKey, json_only
from accountant.api.query_schemas import (
    BalanceAtLeastPartIn,
    EveryIn,
    ExactBalanceIn,
    IncomePartIn,
    LowerBoundQueryIn,
    QueryIn,
    StoragePartIn,
    TransactionSucceededPartIn,
    ViewQueryIn,
)
from accountant.api.question_routes import asked, position_of
from accountant.api.resources import Key, Res, Resources
from accountant.chain.query import BalanceAtLeast, Every, Income, PartQuery, Storage, TransactionSucceeded, View
from accountant.chain.values import arguments_of, parameters_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import ContractId

router = APIRouter(dependencies=[Depends(json_only)])

_PartIn = BalanceAtLeastPartIn | TransactionSucceededPartIn | IncomePartIn | StoragePartIn


@router.post(
    "/queries",
    tags=["queries"],
    operation_id="askQuery",
    summary="Ask an accounting query",
    status_code=202,
    response_model=JobView,
    responses={
        202: {"headers": LOCATION},
        **problems({**POST_PROBLEMS, 404: ("unknown_position", "the position's block is not on the chain")}),
    },
)
def ask_query(
    resources: Res, key: Key, body: QueryIn, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Any of the queries (DESIGN section 5), as a job. The answer comes with the query's canonical bytes, which an oath
    carries. `lower_bound` and `exact_balance` can be asked and not sworn: `not_swearable`.
    """
    query = query_of(resources, body)
    if body.swear and not can_be_sworn(query):
        raise InvalidQuestion("not_swearable", f"the answer of {body.kind} is never sworn: ask it without `swear`")
    question = QueryQuestion(encode(query), body.gas_budget)
    return asked(resources, key, idempotency_key, digest, question, body.swear)


def query_of(resources: Resources, body: QueryIn) -> AnyQuery:
    """The query that a body names; `head` becomes the end of the chain as it is now. Raises `InvalidQuestion`."""
    match body:
        case BalanceAtLeastPartIn() | TransactionSucceededPartIn() | IncomePartIn() | StoragePartIn():
            return _part_of(resources, body)
        case EveryIn():
            return Every(tuple(_part_of(resources, part) for part in body.queries))
        case ViewQueryIn():
            position = position_of(resources, body.position)
            function = viewed_function(resources.index(), ContractId(body.contract), body.function, position)
            arguments = arguments_of(parameters_of(function.arguments), body.arguments)
            return View(body.contract, body.function, arguments, body.gas_limit, position)
        case LowerBoundQueryIn():
            return LowerBound(body.account, position_of(resources, body.position))
        case ExactBalanceIn():
            return ExactBalance(body.account, position_of(resources, body.position))
    assert_never(body)


def _part_of(resources: Resources, body: _PartIn) -> PartQuery:
    match body:
        case BalanceAtLeastPartIn():
            return BalanceAtLeast(body.account, body.amount, position_of(resources, body.position))
        case TransactionSucceededPartIn():
            return TransactionSucceeded(body.transaction)
        case IncomePartIn():
            return Income(body.transaction, body.account)
        case StoragePartIn():
            return Storage(body.contract, body.slot, position_of(resources, body.position))
    assert_never(body)
