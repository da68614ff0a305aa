"""The home page: the verdict, the numbers of now, what made answers dear, and how it went over time."""

from typing import Annotated, NamedTuple

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from accountant.dashboard.live import SOURCES, Live, Look
from accountant.dashboard.metric_words import worded
from accountant.dashboard.render import page, part
from accountant.dashboard.resources import COOKIE, Res, Viewer
from accountant.monitoring.catalogue import metric
from accountant.monitoring.reads.home import DAY_HOURS, Numbers, dearest, numbers
from accountant.monitoring.series import SPANS, Series, series
from accountant.services.admin_access import session_of

router = APIRouter()


class Chart(NamedTuple):
    """A chart of the home page: a metric over time, a line for each value of a label."""

    title: str
    metric: str
    by: str
    page: str

    @property
    def query(self) -> str:
        """The label as a part of an address."""
        return f"&by={self.by}" if self.by else ""


CHARTS = (
    Chart("Answers", "anh_jobs_ended_total", "state", "/jobs"),
    Chart("Jobs that have not ended", "anh_jobs", "state", "/jobs"),
    Chart("Waiting for a worker", "anh_job_waiting_seconds", "quantile", "/jobs"),
    Chart("Running", "anh_job_running_seconds", "quantile", "/jobs"),
    Chart("Gas executed", "anh_gas_executed_total", "", "/execution"),
    Chart("Outcomes looked up", "anh_outcome_lookups_total", "layer", "/execution"),
    Chart("Worker processes", "anh_workers", "queue", "/workers"),
    Chart("Worker memory", "anh_worker_memory_bytes", "queue", "/workers"),
    Chart("Height of the chain", "anh_chain_height", "", "/chain"),
    Chart("Outbox lag", "anh_outbox_lag_seconds", "", "/reliability"),
)


@router.get("/")
def home(
    request: Request, resources: Res, session: Viewer, span: Annotated[str, Query(max_length=8)] = "hour"
) -> Response:
    """The page as it is now; `/live` keeps it so."""
    look = live_of(request).look()
    with resources.reads.connect() as connection:
        return page(
            request,
            "pages/home.html",
            session,
            look=look,
            numbers=numbers(connection),
            dear=dearest(connection),
            hours=DAY_HOURS,
            charts=CHARTS,
            spans=SPANS,
            span=span if span in SPANS else "hour",
        )


@router.get("/live")
async def live(
    request: Request, resources: Res, session: Viewer, events: Annotated[str, Query(max_length=200)]
) -> Response:
    """The stream of a page's events (see `dashboard.live`)."""
    wanted = tuple(event for event in events.split(",") if event in SOURCES)
    token = request.cookies[COOKIE]

    def may() -> bool:
        return session_of(resources.reads, token) is not None

    stream = live_of(request).stream(wanted, may)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


Name = Annotated[str, Query(max_length=100)]


@router.get("/series/{name}.json")
def series_json(resources: Res, session: Viewer, name: str, span: Name = "hour", by: Name = "") -> Response:
    """A series as charts read it."""
    found = _series(resources.reads, name, span, by)
    lines = [line._asdict() for line in found.lines]
    return JSONResponse({"at": found.at, "lines": lines, "unit": found.unit})


@router.get("/series/{name}")
def series_page(
    request: Request, resources: Res, session: Viewer, name: str, span: Name = "hour", by: Name = ""
) -> Response:
    """The same numbers as a table, the latest first."""
    found = _series(resources.reads, name, span, by)
    rows = list(zip(found.at, *(line.values for line in found.lines), strict=True))[::-1]
    return page(
        request,
        "pages/series.html",
        session,
        metric=metric(name),
        series=found,
        rows=rows,
        nothing=all(value is None for line in found.lines for value in line.values),
        span=span,
        spans=SPANS,
        by=by,
    )


def _series(engine: sa.Engine, name: str, span: str, by: str) -> Series:
    with engine.connect() as connection:
        return worded(metric(name), series(connection, name, span, by), by)


def live_of(request: Request) -> Live:
    """The application's poller."""
    found = request.app.state.live
    assert isinstance(found, Live)
    return found


def verdict_part(_connection: sa.Connection | None, look: Look) -> str:
    """The verdict strip."""
    return part("pages/home_verdict.html", look=look)


def numbers_part(connection: sa.Connection | None, look: Look) -> str:
    """The numbers of now; what was is left standing while the database is down."""
    found: Numbers | None = None if connection is None else numbers(connection)
    return "" if found is None else part("pages/home_numbers.html", numbers=found, look=look)


SOURCES["verdict"] = verdict_part
SOURCES["numbers"] = numbers_part
