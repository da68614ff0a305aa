"""Health and readiness, for probes: the two routes without a key."""

from typing import Literal

import structlog
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from accountant.api.posting import JSON
from accountant.api.resources import Res

router = APIRouter(tags=["health"])

_log = structlog.get_logger(__name__)


class HealthView(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class ReadinessView(BaseModel):
    """Whether everything that requests need is there; `missing` names what is not."""

    status: Literal["ready", "not_ready"]
    missing: list[str]


@router.get("/health", operation_id="getHealth", summary="Is the process alive?")
def get_health() -> HealthView:
    """Answers as long as the process does."""
    return HealthView()


@router.get(
    "/readiness",
    operation_id="getReadiness",
    summary="Can requests be served?",
    response_model=ReadinessView,
    responses={503: {"model": ReadinessView, "description": "Something is missing."}},
)
def get_readiness(resources: Res) -> Response:
    """Tries the database, the broker, and the chain's index."""
    missing = []
    for name, probe in resources.probes.items():
        try:
            probe()
        except Exception as error:  # a probe may fail in any way
            _log.warning("not_ready", what=name, error=str(error))
            missing.append(name)
    view = ReadinessView(status="not_ready" if missing else "ready", missing=missing)
    return Response(view.model_dump_json(), 503 if missing else 200, media_type=JSON)
