"""All jobs: how many, how fast, what waits, and the list of them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from accountant.dashboard.render import page
from accountant.dashboard.resources import Res, Viewer
from accountant.monitoring.reads.jobs import (
    KINDS,
    QUANTILES,
    RECENT,
    STATES,
    InvalidFilter,
    ended,
    listed,
    live,
    oldest_waiting,
    times,
)
from accountant.monitoring.series import SPANS

router = APIRouter()

PAGE = 50
_Word = Annotated[str, Query(max_length=64)]


@router.get("/jobs")
def jobs(
    request: Request,
    resources: Res,
    session: Viewer,
    kind: _Word = "",
    state: _Word = "",
    key: _Word = "",
    span: _Word = "hour",
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> Response:
    """The latest jobs that fit the filters, or those before one."""
    span, error = span if span in SPANS else "hour", ""
    with resources.reads.connect() as connection:
        try:
            found = listed(connection, kind or None, state or None, key or None, before, PAGE + 1)
        except InvalidFilter as wrong:
            found, error = [], wrong.detail
        return page(
            request,
            "pages/jobs.html",
            session,
            422 if error else 200,
            error=error,
            lines=found[:PAGE],
            more=len(found) > PAGE,
            wanted={"kind": kind, "state": state, "key": key},
            before=before,
            kinds=KINDS,
            states=STATES,
            live=live(connection),
            ended=ended(connection, span),
            span=span,
            spans=SPANS,
            times=times(connection),
            recent=RECENT,
            quantiles=[f"p{100 * one:.0f}" for one in QUANTILES],
            oldest=oldest_waiting(connection),
        )
