"""`/metrics` for Prometheus, behind a bearer token from a file: a proxy on this machine would look like loopback."""

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from accountant.dashboard.pages.home import live_of
from accountant.dashboard.resources import Res
from accountant.monitoring.prometheus import exposed
from accountant.processes.tokens import bears

router = APIRouter()


@router.get("/metrics")
def metrics(request: Request, resources: Res) -> Response:
    """Every metric, as text."""
    if not bears(request.headers.get("authorization"), resources.settings.metrics_token_path):
        return PlainTextResponse(
            "This takes the token in the file metrics-token of the data folder.\n",
            401,
            headers={"www-authenticate": "Bearer"},
        )
    verdict = live_of(request).look().verdict
    with resources.reads.connect() as connection:
        text, kind = exposed(connection, verdict)
    return Response(text, media_type=kind)
