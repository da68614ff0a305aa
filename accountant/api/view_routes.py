"""The route of views: what does a contract's function return?"""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from accountant.accounting.questions import ViewQuestion
from accountant.accounting.view import viewed_function
from accountant.api.documented import LOCATION, POST_PROBLEMS, problems
from accountant.api.job_views import JobView
from accountant.api.posting import Digest, IdempotencyKey, json_only
from accountant.api.question_routes import asked, position_of
from accountant.api.resources import Key, Res
from accountant.api.schemas import ViewIn
from accountant.chain.values import arguments_of, parameters_of
from accountant.primitives.types import ContractId

router = APIRouter(dependencies=[Depends(json_only)])


@router.post(
    "/views",
    tags=["views"],
    operation_id="viewContract",
    summary="What does a contract's function return?",
    status_code=202,
    response_model=JobView,
    responses={
        202: {"headers": LOCATION},
        **problems({**POST_PROBLEMS, 404: ("unknown_function", "the contract has no function of this name")}),
    },
)
def view_contract(
    resources: Res, key: Key, body: ViewIn, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """The application-defined minimal accounting query (section II-B), as a job: the function is run on the state at
    the position, which is found selectively. It may read everything and change nothing; nobody signs it, so sender and
    caller are address zero. Accepted: it returned. Rejected: it failed.
    """
    position = position_of(resources, body.position)
    function = viewed_function(resources.index(), ContractId(body.contract), body.function, position)
    arguments = arguments_of(parameters_of(function.arguments), body.arguments)
    question = ViewQuestion(body.contract, body.function, arguments, body.gas_limit, position, body.gas_budget)
    return asked(resources, key, idempotency_key, digest, question, body.swear)
