"""The route of outcomes: what did a transaction do?"""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from accountant.accounting.outcome import OutcomeQuestion
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
