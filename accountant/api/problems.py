"""Problem details (RFC 9457): every error that a client sees is rendered by `respond`, and nowhere else."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

import psycopg
import sqlalchemy as sa
import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from accountant.accounting.query import KINDS
from accountant.accounting.questions import InvalidQuestion
from accountant.api.ranges import UnsatisfiableRange
from accountant.blobs.errors import BlobTooLarge, BlobUnavailable, StoreUnavailable
from accountant.primitives.errors import AccountantError
from accountant.services.audits import NoAudit
from accountant.services.blobs import UnknownBlob, UploadsFull
from accountant.services.export import NoCertificate, NothingToProve
from accountant.services.follow import JobEnded, UnknownJob
from accountant.services.idempotency import InvalidIdempotencyKey, StillRunning
from accountant.services.submit import NodeDown, Refused
from accountant.services.uploads import UnknownUpload, UploadLocked, WrongOffset
from accountant.services.watch import NotWatched, WatchListFull
from accountant.storage.index import NoChain

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:anh:problem:"
ERRORS_MOST = 20

_TAGS = frozenset({*KINDS.values(), "payment", "options"})
"""What stands in the place of an error where a value may be of several kinds, and is no field of it."""

_log = structlog.get_logger(__name__)


class FieldError(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str = Field(description="JSON pointer into the body, or the parameter's place and name.")
    detail: str


class ProblemView(BaseModel):
    """An error (RFC 9457). `code` is stable; `detail` is for people."""

    type: str = Field(examples=[TYPE_PREFIX + "unknown_transaction"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no such transaction is on the chain"])
    code: str = Field(examples=["unknown_transaction"])
    request_id: str = Field(examples=["0d3ca1d5d05e4b1f9b1e3d0a6d9f0a51"])
    errors: list[FieldError] | None = None


class Problem(NamedTuple):
    """What is to be rendered."""

    status: int
    code: str
    detail: str
    headers: Mapping[str, str] | None = None
    errors: Sequence[FieldError] = ()


class NotFound(AccountantError):
    """Nothing on the chain has this name."""

    code = "not_found"

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class InvalidParameter(AccountantError):
    """A path or query parameter that has not the right form."""

    code = "invalid_request"

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name


class UnsupportedMediaType(AccountantError):
    """A body of a type that the route does not read."""

    code = "unsupported_media_type"


class UnknownProtocol(AccountantError):
    """A version of the upload protocol (tus) that we do not speak."""

    code = "unsupported_tus_version"


_STATUS: Mapping[type[AccountantError], int] = {
    InvalidIdempotencyKey: HTTPStatus.BAD_REQUEST,
    UnknownJob: HTTPStatus.NOT_FOUND,
    NoAudit: HTTPStatus.NOT_FOUND,
    NotWatched: HTTPStatus.NOT_FOUND,
    WatchListFull: HTTPStatus.CONFLICT,
    JobEnded: HTTPStatus.CONFLICT,
    NothingToProve: HTTPStatus.CONFLICT,
    NoCertificate: HTTPStatus.CONFLICT,
    StillRunning: HTTPStatus.CONFLICT,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    UnknownProtocol: HTTPStatus.PRECONDITION_FAILED,
    UnknownBlob: HTTPStatus.NOT_FOUND,
    UnknownUpload: HTTPStatus.NOT_FOUND,
    WrongOffset: HTTPStatus.CONFLICT,
    BlobTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UploadLocked: HTTPStatus.LOCKED,
    UploadsFull: HTTPStatus.INSUFFICIENT_STORAGE,
    BlobUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    NoChain: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Every other expected error is about the content of a well-formed request: 422."""

_FORWARDED = (HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS)

UNAUTHORIZED = Problem(
    HTTPStatus.UNAUTHORIZED,
    "unauthorized",
    "send a valid API key as `Authorization: Bearer …` or as `X-API-Key: …`",
    {"WWW-Authenticate": "Bearer"},
)


def respond(scope: Scope, problem: Problem) -> Response:
    """The response for a problem."""
    view = ProblemView(
        type=TYPE_PREFIX + problem.code,
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        code=problem.code,
        request_id=scope["state"]["request_id"],
        errors=list(problem.errors) or None,
    )
    content = view.model_dump_json(exclude_none=True)
    return Response(content, problem.status, problem.headers, media_type=MEDIA_TYPE)


def handle(request: Request, error: Exception) -> Response:
    """The handler of every exception that leaves a route."""
    return respond(request.scope, problem_of(error))


def problem_of(error: Exception) -> Problem:
    """What a client is told of an exception; of a bug nothing but that it happened."""
    match error:
        case RequestValidationError():
            return _of_validation(error)
        case HTTPException():
            code = HTTPStatus(error.status_code).name.lower()
            return Problem(error.status_code, code, str(error.detail), error.headers)
        case InvalidQuestion():
            unknown = error.kind.startswith("unknown_")
            return Problem(HTTPStatus.NOT_FOUND if unknown else 422, error.kind, error.detail)
        case NotFound():
            return Problem(HTTPStatus.NOT_FOUND, error.kind, error.detail)
        case InvalidParameter():
            return Problem(422, error.code, error.detail, errors=[FieldError(pointer=error.name, detail=error.detail)])
        case UnsatisfiableRange():
            headers = {"Content-Range": f"bytes */{error.size}"}
            return Problem(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, error.code, error.detail, headers)
        case Refused():
            return Problem(error.status if error.status in _FORWARDED else 422, error.reason, error.detail)
        case NodeDown():
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, error.detail, {"Retry-After": "1"})
        case AccountantError():
            return Problem(_STATUS.get(type(error), 422), error.code, error.detail)
        case sa.exc.OperationalError() | sa.exc.TimeoutError() | psycopg.OperationalError():
            _log.error("storage_unavailable", error=str(error))
            detail = "the database cannot be reached now"
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "storage_unavailable", detail, {"Retry-After": "1"})
        case _:
            return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "something went wrong on our side")


def _of_validation(error: RequestValidationError) -> Problem:
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        return Problem(HTTPStatus.BAD_REQUEST, "malformed_json", "the body is not JSON")
    errors = [FieldError(pointer=_pointer(e["loc"]), detail=_sentence(e)) for e in found[:ERRORS_MOST]]
    return Problem(422, "invalid_request", f"{errors[0].pointer}: {errors[0].detail}", errors=errors)


def _pointer(place: Sequence[str | int]) -> str:
    """`#/theta/3` for a place in the body, `query/limit` for a parameter. Input is cut: an error costs little."""
    parts = [str(part)[:64].replace("~", "~0").replace("/", "~1") for part in place]
    if parts[:1] == ["body"]:
        parts[0] = "#"
        parts = [part for i, part in enumerate(parts) if not _is_tag(place, i, part)]
    return "/".join(parts)


def _is_tag(place: Sequence[str | int], i: int, part: str) -> bool:
    """Whether a part names which of several schemas was meant, of the body, of an item, or of `swear`: no field."""
    if part not in _TAGS:
        return False
    return i == 1 or (i > 1 and (isinstance(place[i - 1], int) or place[i - 1] == "swear"))


def _sentence(error: Mapping[str, object]) -> str:
    return str(error["msg"]).removeprefix("Value error, ")
