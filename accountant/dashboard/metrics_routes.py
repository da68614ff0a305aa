"""`/metrics` for Prometheus, behind a bearer token from a file: a proxy on this machine would look like loopback."""

import secrets
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from accountant.dashboard.pages.home import live_of
from accountant.dashboard.resources import Res
from accountant.monitoring.prometheus import exposed

router = APIRouter()

_TOKEN_BYTES_MOST = 4_096


@router.get("/metrics")
def metrics(request: Request, resources: Res) -> Response:
    """Every metric, as text."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    token = _token(resources.settings.metrics_token_path)
    if not token or scheme.lower() != "bearer" or not secrets.compare_digest(given.strip().encode(), token):
        return PlainTextResponse(
            "This takes the token in the file metrics-token of the data folder.\n",
            401,
            headers={"www-authenticate": "Bearer"},
        )
    verdict = live_of(request).look().verdict
    with resources.reads.connect() as connection:
        text, kind = exposed(connection, verdict)
    return Response(text, media_type=kind)


def _token(path: Path) -> bytes:
    """What the file holds; nothing where there is none: then nobody is let in."""
    try:
        with path.open("rb") as file:
            return file.read(_TOKEN_BYTES_MOST).strip()
    except OSError:
        return b""
