"""The parts of the OpenAPI document that many routes share."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from accountant.api.problems import MEDIA_TYPE, TYPE_PREFIX

Responses = dict[int | str, dict[str, Any]]


def problems(codes: Mapping[int, tuple[str, str]]) -> Responses:
    """Error responses: status → (code, detail) of an example. Every guarded route may answer 401 as well."""
    known = {HTTPStatus.UNAUTHORIZED: ("unauthorized", "send a valid API key"), **codes}
    return {int(status): _problem(int(status), *example) for status, example in sorted(known.items())}


def _problem(status: int, code: str, detail: str) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    example = {
        "type": TYPE_PREFIX + code,
        "title": phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": "0d3ca1d5d05e4b1f9b1e3d0a6d9f0a51",
    }
    schema = {"$ref": "#/components/schemas/ProblemView"}
    return {"description": phrase, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}


LOCATION = {"Location": {"description": "Where the resource is.", "schema": {"type": "string"}}}

POST_PROBLEMS: Mapping[int, tuple[str, str]] = {
    400: ("malformed_json", "the body is not JSON"),
    409: ("still_running", "a request with this Idempotency-Key is still running: ask again later"),
    413: ("request_entity_too_large", "a body has at most 1114112 bytes"),
    415: ("unsupported_media_type", "send the body as application/json"),
    422: ("invalid_request", "#/theta/0: a hash is 0x and 64 hex digits"),
    503: ("storage_unavailable", "the database cannot be reached now"),
}
"""What every POST with a body may answer."""

AT_ONCE = problems(
    {
        404: ("unknown_transaction", "no such transaction on the chain"),
        **{status: POST_PROBLEMS[status] for status in (400, 413, 415, 422, 503)},
    }
)
"""What a POST about a transaction may answer that makes no job: it stores nothing, so it needs no key."""
