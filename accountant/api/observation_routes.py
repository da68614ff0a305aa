"""Routes of world states: have one observed, and read what was observed."""

from fastapi import APIRouter, Depends
from starlette.responses import Response

from accountant.accounting.observe import ObservationQuestion
from accountant.api.documented import LOCATION, POST_PROBLEMS, problems
from accountant.api.fields import digits
from accountant.api.job_views import JobView
from accountant.api.observation_views import KeptStateView, ObservationIn
from accountant.api.posting import OCTETS, Digest, IdempotencyKey, json_only
from accountant.api.problems import InvalidParameter, NotFound
from accountant.api.question_routes import asked
from accountant.api.resources import Key, Res
from accountant.primitives.types import Height
from accountant.storage.world_states import kept_page, kept_state

router = APIRouter(tags=["observations"])

_DIGITS_MOST = 18
_KEPT = {
    404: ("not_observed", "no world state of this height is kept: have it observed"),
    422: ("invalid_request", "path/height: a number is written in decimal digits alone"),
}


@router.post(
    "/observations",
    operation_id="observeWorld",
    summary="What is the whole world state?",
    status_code=202,
    response_model=JobView,
    dependencies=[Depends(json_only)],
    responses={
        202: {"headers": LOCATION},
        **problems({**POST_PROBLEMS, 404: ("unknown_block", "there is no block of height 42 yet")}),
    },
)
def observe_world(
    resources: Res, key: Key, body: ObservationIn, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """The world state at the end of a block (section II-A), as a job: executes everything up to it that nobody executed
    before. Its root is the answer; the state itself is kept for a while and read by its height.
    """
    question = ObservationQuestion(body.height, body.gas_budget)
    return asked(resources, key, idempotency_key, digest, question, swear=False)


@router.get(
    "/observations/{height}",
    operation_id="getWorld",
    summary="Read an observed world state's root and size",
    responses=problems(_KEPT),
)
def get_world(resources: Res, height: str) -> KeptStateView:
    """The latest few observed states are kept, until an outcome that they rest on is withdrawn."""
    with resources.engine.connect() as connection:
        state = kept_state(connection, Height(_number(height, "height")))
    if state is None:
        raise _unknown()
    return KeptStateView.of(state)


@router.get(
    "/observations/{height}/pages/{page}",
    operation_id="getWorldPage",
    summary="Read a page of an observed world state",
    response_class=Response,
    responses={
        200: {
            "description": "The canonical encoding of a list of leaves, each in its canonical encoding. All pages in "
            "order have the leaves under the state's root.",
            "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems(_KEPT),
    },
)
def get_world_page(resources: Res, height: str, page: str) -> Response:
    """About 256 KiB of leaves; one leaf is never cut."""
    with resources.engine.connect() as connection:
        raw = kept_page(connection, Height(_number(height, "height")), min(_number(page, "page"), 2**31 - 1))
    if raw is None:
        raise _unknown()
    return Response(raw, media_type=OCTETS)


def _number(text: str, name: str) -> int:
    try:
        digits(text)
    except ValueError as error:
        raise InvalidParameter(f"path/{name}", str(error)) from None
    if len(text) > _DIGITS_MOST:
        raise _unknown()
    return int(text)


def _unknown() -> NotFound:
    return NotFound("not_observed", "no world state of this height is kept: have it observed")
