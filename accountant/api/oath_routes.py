"""Routes of oaths: reading one says whether it counts, and a proof shows it to strangers. Nothing is executed."""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from accountant.api.documented import LOCATION, POST_PROBLEMS, problems
from accountant.api.job_views import JobView
from accountant.api.oath_views import OathResourceView
from accountant.api.posting import Digest, IdempotencyKey, json_only
from accountant.api.problems import NotFound
from accountant.api.question_routes import asked
from accountant.api.resources import Key, Res
from accountant.api.schemas import RequestIn
from accountant.oath.oath import NotAnOath
from accountant.oath.proof import OathProofQuestion
from accountant.services.oaths import UnknownOath, read_oath

router = APIRouter(tags=["oaths"])


@router.get(
    "/oaths/{id}",
    operation_id="getOath",
    summary="Read an oath, and whether it counts",
    responses=problems(
        {
            404: ("unknown_oath", "there is no oath oath_7f0d3c3f0f6c4b0d9a4f1b6f0c9f8e21"),
            503: ("storage_unavailable", "the database cannot be reached now"),
        }
    ),
)
def get_oath(resources: Res, key: Key, id: str) -> OathResourceView:
    """The oath with this id, or anybody's oath on the chain by its transaction's hash."""
    index = resources.index()
    with resources.engine.connect() as connection:
        try:
            return OathResourceView.of(read_oath(connection, index, id, key.prefix))
        except (UnknownOath, NotAnOath) as error:
            raise NotFound(error.code, error.detail) from None


class OathProofIn(RequestIn):
    """A portable proof of an oath. It takes no options."""


@router.post(
    "/oaths/{id}/proof",
    operation_id="proveOath",
    summary="Make a portable proof that an oath counts",
    status_code=202,
    response_model=JobView,
    dependencies=[Depends(json_only)],
    responses={
        202: {"headers": LOCATION},
        **problems({**POST_PROBLEMS, 404: ("unknown_oath", "there is no oath in a block under this name")}),
    },
)
def prove(
    resources: Res, key: Key, id: str, body: OathProofIn, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """A job whose result is a file for `accountant oath check`: it shows with block headers alone that the oath stands
    in a block, and whether it counts, its purse's timeline included. Fetch it from `GET /v1/jobs/{job}/certificate`.
    """
    with resources.engine.connect() as connection:
        try:
            oath = read_oath(connection, resources.index(), id, key.prefix)
        except (UnknownOath, NotAnOath) as error:
            raise NotFound(error.code, error.detail) from None
    if oath.seq is None or oath.sworn is None:
        raise NotFound("unknown_oath", "the oath is in no block: there is nothing to prove yet")
    question = OathProofQuestion(oath.sworn.transaction)
    return asked(resources, key, idempotency_key, digest, question, swear=False)
