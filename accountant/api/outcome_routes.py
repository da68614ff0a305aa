"""The route of outcomes: what did a transaction do?"""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from accountant.accounting.outcome import OutcomeQuestion, OutcomeRecheck
from accountant.api.documented import LOCATION, POST_PROBLEMS, problems
from accountant.api.job_views import JobView
from accountant.api.posting import Digest, IdempotencyKey, json_only
from accountant.api.question_routes import asked
from accountant.api.resources import Key, Res
from accountant.api.schemas import OutcomeIn

router = APIRouter(dependencies=[Depends(json_only)])


@router.post(
    "/outcomes",
    tags=["outcomes"],
    operation_id="findOutcome",
    summary="What did a transaction do?",
    status_code=202,
    response_model=JobView,
    responses={
        202: {"headers": LOCATION},
        **problems({**POST_PROBLEMS, 404: ("unknown_transaction", "no such transaction on the chain")}),
    },
)
def find_outcome(
    resources: Res, key: Key, body: OutcomeIn, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Executes the transaction, and what it depends on, as a job: whether it succeeded, what it returned and logged, or
    how and where it failed. Outcomes are kept: whoever asks again executes nothing. Whether a transaction settled can
    also be sworn; that is a question about its payment.
    """
    question = OutcomeQuestion(body.transaction, body.gas_budget)
    return asked(resources, key, idempotency_key, digest, question, swear=False)


@router.post(
    "/outcomes/rechecks",
    tags=["outcomes"],
    operation_id="recheckOutcome",
    summary="What did a transaction do, found anew?",
    status_code=202,
    response_model=JobView,
    responses={
        202: {"headers": LOCATION},
        **problems({**POST_PROBLEMS, 404: ("unknown_transaction", "no such transaction on the chain")}),
    },
)
def recheck_outcome(
    resources: Res, key: Key, body: OutcomeIn, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """The same, as a job that uses no stored outcome and keeps none: everything that the transaction depends on is
    executed again. Tells whether a stored outcome is right, or who is where two accountants differ.
    """
    question = OutcomeRecheck(body.transaction, body.gas_budget)
    return asked(resources, key, idempotency_key, digest, question, swear=False)
