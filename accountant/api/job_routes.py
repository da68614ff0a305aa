"""Routes of jobs: one, many, cancelling, and a stream of events."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from accountant.api.cursors import make_cursor, read_cursor
from accountant.api.documented import problems
from accountant.api.events import MEDIA_TYPE, last_event, stream
from accountant.api.job_views import JobListView, JobSummaryView, JobView
from accountant.api.paging import PAGE_RESPONSES, PageIn
from accountant.api.posting import Digest, IdempotencyKey, answer_post
from accountant.api.resources import Key, Res
from accountant.services.follow import cancel_job, get_job, job_events, list_jobs, trainings_of
from accountant.storage.idempotency import StoredAnswer

router = APIRouter(tags=["jobs"])

_UNKNOWN = {404: ("unknown_job", "there is no job job_7f0d3c3f0f6c4b0d9a4f1b6f0c9f8e21")}
_INVALID = {422: ("invalid_request", "query/limit: Input should be less than or equal to 100")}


@router.get(
    "/jobs",
    operation_id="listJobs",
    summary="List jobs, latest first",
    response_model=JobListView,
    responses={**PAGE_RESPONSES, **problems(_INVALID)},
)
def list_own_jobs(resources: Res, key: Key, page: Annotated[PageIn, Query()], response: Response) -> JobListView:
    """The jobs that this key asked for."""
    before = None if page.cursor is None else read_cursor(key, page.cursor)
    with resources.engine.connect() as connection:
        rows, has_more = list_jobs(connection, key.prefix, before, page.limit)
    cursor = make_cursor(key, rows[-1].number) if has_more else None
    if cursor is not None:
        response.headers["Link"] = f'</v1/jobs?limit={page.limit}&cursor={cursor}>; rel="next"'
    return JobListView(items=[JobSummaryView.of(row) for row in rows], has_more=has_more, next_cursor=cursor)


@router.get("/jobs/{id}", operation_id="getJob", summary="Read a job", responses=problems(_UNKNOWN))
def get_own_job(resources: Res, key: Key, id: str) -> JobView:
    """The job with its progress, and its result or error once it has ended."""
    with resources.engine.connect() as connection:
        row = get_job(connection, key.prefix, id)
        return JobView.of(row, trainings_of(connection, row))


@router.post(
    "/jobs/{id}/cancel",
    operation_id="cancelJob",
    summary="Cancel a job",
    response_model=JobView,
    responses=problems(
        {
            **_UNKNOWN,
            400: ("invalid_idempotency_key", "an Idempotency-Key is 1 to 255 visible ASCII characters"),
            409: ("job_ended", "the job is done already"),
            422: ("idempotency_key_reused", "this Idempotency-Key came with another request before: use a new one"),
        }
    ),
)
def cancel_own_job(
    resources: Res, key: Key, id: str, digest: Digest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Ends a job that has not ended, and the executions that only it waits for.

    What it executed so far stays known. Cancelling again changes nothing.
    """

    def act(connection: sa.Connection) -> StoredAnswer:
        row = cancel_job(connection, key.prefix, id)
        return StoredAnswer(digest, 200, None, JobView.of(row).model_dump_json().encode())

    return answer_post(resources, key, idempotency_key, digest, act)


@router.get(
    "/jobs/{id}/events",
    operation_id="followJob",
    summary="Follow a job by server-sent events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events named `job`, their data a `JobEventView`; and `training`, without an id, a "
            "`TrainingEventView`. The stream ends with the job.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        204: {"description": "The job has ended and every event was seen: do not connect again."},
        **problems({**_UNKNOWN, 422: ("invalid_request", "Last-Event-ID is the id of an event")}),
    },
)
def follow_own_job(
    resources: Res, key: Key, id: str, last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None
) -> Response:
    """Every change of the job from its beginning, or after `Last-Event-ID`, as it happens."""
    after = last_event(last_event_id)
    with resources.engine.connect() as connection:
        row = get_job(connection, key.prefix, id)
        if row.state.ended and not job_events(connection, row.number, after, 1):
            return Response(status_code=204)
    return StreamingResponse(stream(resources.engine, row.number, after), media_type=MEDIA_TYPE)
