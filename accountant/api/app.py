"""The application: routes, the edge around them, one handler of errors."""

from typing import Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from accountant.api import (
    accountant_routes,
    accounting_cost_routes,
    agreement_routes,
    audit_routes,
    blob_routes,
    bounty_routes,
    chain_routes,
    contract_routes,
    export_routes,
    headers_routes,
    health_routes,
    income_routes,
    job_routes,
    oath_routes,
    observation_routes,
    outcome_routes,
    prepare_routes,
    query_routes,
    question_routes,
    quote_routes,
    theta_routes,
    upload_routes,
    view_routes,
    watch_routes,
)
from accountant.api.edge import Edge
from accountant.api.job_views import JobEventView, TrainingEventView
from accountant.api.problems import FieldError, ProblemView, handle
from accountant.api.resources import Resources
from accountant.api.schemas import PositionIn, TransactionIn
from accountant.api.tracing import TRACEPARENT_PARAMETER, Traced
from accountant.api.waiting import PREFER_PARAMETER, WAITED_RESPONSE, Waiting
from accountant.primitives.errors import AccountantError
from accountant.tracing import spans

API_VERSION = "0.1.0"
_PREFIX = "/v1"

_DESCRIPTION = """\
Finds out, at the least cost, what transactions of an ANH chain did. Work that takes time is a job: `202`, `Location`,
then poll the job or follow its events; or send `Prefer: wait=30`, and get `200` with the job if it has ended by then.

Every route but `/v1/health` and `/v1/readiness` needs the API key. Errors are problem details (RFC 9457) with a stable
`code`. Amounts and gas can pass 2^53: they are answered as decimal strings and taken as strings or numbers. Hashes and
bytes are hex with 0x; user addresses carry the EIP-55 checksum.
"""

_NOT_GENERATED = (ProblemView, FieldError, TransactionIn, PositionIn, JobEventView, TrainingEventView)
"""Schemas that are referred to by hand, so FastAPI does not find them."""


EXPLORER = "/explorer"
"""Where the public explorer is, which needs no key."""


def create_app(resources: Resources, explorer: ASGIApp | None = None) -> FastAPI:
    """The ASGI application over these resources. It owns none of them: whoever made them closes them.

    `explorer`: serves everything below `EXPLORER`.
    """
    app = _routed()
    app.state.resources = resources
    if explorer is not None:
        app.add_route(EXPLORER, lambda _: RedirectResponse(EXPLORER + "/", 307), include_in_schema=False)
        app.mount(EXPLORER, explorer)
    app.add_middleware(Waiting, engine=resources.engine)
    if spans.active():
        app.add_middleware(Traced, prefix=_PREFIX)
    app.add_middleware(
        Edge,
        engine=resources.engine,
        blob_bytes_max=resources.blobs.terms.bytes_most,
        public=None if explorer is None else EXPLORER,
    )
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document, which needs no resources."""
    return _routed().openapi()


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """FastAPI's document, with the schemas that it cannot find."""
        if self.openapi_schema is None:
            document = super().openapi()
            schemas = document["components"]["schemas"]
            for model in _NOT_GENERATED:
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas.update(schema.pop("$defs", {}))
                schemas[model.__name__] = schema
            for item in document["paths"].values():
                for operation in item.values():
                    if "JobView" in str(operation["responses"].get("202")):
                        operation["parameters"] = [
                            *operation.get("parameters", []),
                            PREFER_PARAMETER,
                            TRACEPARENT_PARAMETER,
                        ]
                        operation["responses"] = {"200": WAITED_RESPONSE, **operation["responses"]}
                    if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                        del operation["responses"]["422"]  # FastAPI's own guess: every text is a valid id
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            document["components"]["schemas"] = dict(sorted(schemas.items()))
        assert self.openapi_schema is not None
        return self.openapi_schema


def _routed() -> FastAPI:
    app = _Application(
        title="ANH accountant",
        version=API_VERSION,
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    schemes = [
        Depends(HTTPBearer(auto_error=False, scheme_name="bearer")),
        Depends(APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="apiKey")),
    ]
    for routes in (
        chain_routes,
        contract_routes,
        prepare_routes,
        question_routes,
        query_routes,
        quote_routes,
        theta_routes,
        view_routes,
        outcome_routes,
        income_routes,
        accounting_cost_routes,
        job_routes,
        export_routes,
        headers_routes,
        oath_routes,
        bounty_routes,
        audit_routes,
        watch_routes,
        accountant_routes,
        agreement_routes,
        observation_routes,
        blob_routes,
        upload_routes,
    ):
        app.include_router(routes.router, prefix=_PREFIX, dependencies=schemes)
    app.include_router(health_routes.router, prefix=_PREFIX)
    for expected in (AccountantError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(expected, handle)
    return app
