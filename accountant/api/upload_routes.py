"""Routes of uploads in several requests: tus 1.0, the core with the extensions creation and termination."""

import base64
import binascii
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from accountant.api.blob_views import cid_named
from accountant.api.documented import LOCATION, problems
from accountant.api.fields import digits
from accountant.api.posting import media_type
from accountant.api.problems import InvalidParameter, UnknownProtocol, UnsupportedMediaType, problem_of, respond
from accountant.api.receiving import receive_into
from accountant.api.resources import Key, Res
from accountant.primitives.cid import show_cid
from accountant.primitives.types import AMOUNT_MAX, Cid
from accountant.services.uploads import begin_upload, continuing, end_upload, find_upload, offset_of

TUS_VERSION = "1.0.0"
PATCH_TYPE = "application/offset+octet-stream"


class _TusRoute(APIRoute):
    """Every answer says which version of the protocol it speaks, problems as well; others are refused."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                if request.method != "OPTIONS" and request.headers.get("tus-resumable") != TUS_VERSION:
                    raise UnknownProtocol(f"send the header Tus-Resumable: {TUS_VERSION}")
                response = await handler(request)
            except Exception as error:
                problem = problem_of(error)
                if problem.status == 500:
                    raise
                response = respond(request.scope, problem)
                if isinstance(error, UnknownProtocol):
                    response.headers["Tus-Version"] = TUS_VERSION
            response.headers["Tus-Resumable"] = TUS_VERSION
            return response

        return handle


router = APIRouter(tags=["blobs"], route_class=_TusRoute)

_UNKNOWN = {404: ("unknown_upload", "there is no such upload: it never began, was ended, or rested for too long")}
_VERSION = {412: ("unsupported_tus_version", "send the header Tus-Resumable: 1.0.0")}
_OFFSET = {"Upload-Offset": {"description": "How many bytes are there.", "schema": {"type": "integer"}}}
_BLOB = {"Blob-Cid": {"description": "The blob, once all of it is there.", "schema": {"type": "string"}}}
_LENGTH = {"Upload-Length": {"description": "How many bytes there will be.", "schema": {"type": "integer"}}}

TusResumable = Annotated[str | None, Header(alias="Tus-Resumable", description=f"`{TUS_VERSION}`; needed.")]
Length = Annotated[str, Header(alias="Upload-Length", description="Bytes in all.")]
Offset = Annotated[str, Header(alias="Upload-Offset", description="The bytes that are there already.")]
Metadata = Annotated[
    str,
    Header(
        alias="Upload-Metadata",
        max_length=4_096,
        description="Pairs of a name and base64, with commas between. `cid`: what the bytes must be; others are not "
        "looked at.",
    ),
]


@router.options(
    "/uploads",
    operation_id="describeUploads",
    summary="Which protocol do uploads speak?",
    status_code=204,
    response_class=Response,
    responses=problems({}),
)
def describe_uploads(resources: Res) -> Response:
    """Version, extensions, and the largest size."""
    headers = {
        "Tus-Version": TUS_VERSION,
        "Tus-Extension": "creation,termination",
        "Tus-Max-Size": str(resources.blobs.terms.bytes_most),
    }
    return Response(status_code=204, headers=headers)


@router.post(
    "/uploads",
    operation_id="beginUpload",
    summary="Begin an upload in several requests",
    status_code=201,
    response_class=Response,
    responses={
        201: {"description": "Send the bytes to `Location`.", "headers": {**LOCATION, **_OFFSET, **_BLOB}},
        **problems(
            {
                **_VERSION,
                413: ("blob_too_large", "a blob has at most 1073741824 bytes here"),
                422: ("invalid_request", "header/Upload-Length: a number is written in decimal digits alone"),
                507: ("uploads_full", "uploads of one key take at most 17179869184 bytes together"),
            }
        ),
    },
)
def create_upload(
    resources: Res, key: Key, length: Length, metadata: Metadata = "", version: TusResumable = None
) -> Response:
    """Room for so many bytes. It is forgotten when nobody goes on with it for a day."""
    wanted = _wanted(metadata)
    row = begin_upload(resources.blobs, key.prefix, _number(length, "header/Upload-Length"), wanted)
    headers = {"Location": f"/v1/uploads/{row.id}", "Upload-Offset": "0", **_became(row.cid)}
    return Response(status_code=201, headers=headers)


@router.head(
    "/uploads/{id}",
    operation_id="headUpload",
    summary="How far did an upload come?",
    response_class=Response,
    responses={
        200: {"description": "Where to go on.", "headers": {**_OFFSET, **_LENGTH, **_BLOB}},
        **problems({**_UNKNOWN, **_VERSION}),
    },
)
def head_upload(resources: Res, key: Key, id: str, version: TusResumable = None) -> Response:
    """`Upload-Offset` bytes are there."""
    row = find_upload(resources.blobs, key.prefix, id)
    headers = {
        "Upload-Offset": str(offset_of(resources.blobs, row)),
        "Upload-Length": str(row.length),
        "Cache-Control": "no-store",
        **_became(row.cid),
    }
    return Response(status_code=200, headers=headers)


@router.patch(
    "/uploads/{id}",
    operation_id="continueUpload",
    summary="Send the next bytes of an upload",
    status_code=204,
    response_class=Response,
    responses={
        204: {"description": "They are there.", "headers": {**_OFFSET, **_BLOB}},
        **problems(
            {
                **_UNKNOWN,
                **_VERSION,
                400: ("bad_request", "the connection broke off"),
                408: ("request_timeout", "a body is sent within 30 s"),
                409: ("wrong_offset", "5 bytes are there: go on with byte 5, not 7"),
                413: ("blob_too_large", "a blob has at most 11 bytes here"),
                415: ("unsupported_media_type", f"send the body as {PATCH_TYPE}"),
                422: ("cid_mismatch", "the bytes are bafkrei…, not bafkrei…"),
                423: ("upload_locked", "another request sends bytes of this upload now: ask how far it came"),
                503: ("blob_store_unavailable", "the store of blobs cannot write a file: No space left on device"),
            }
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {PATCH_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def continue_upload(
    resources: Res, key: Key, id: str, request: Request, offset: Offset, version: TusResumable = None
) -> Response:
    """What comes before a connection breaks stays. With the last byte the whole is digested and becomes a blob."""
    if media_type(request) != PATCH_TYPE:
        raise UnsupportedMediaType(f"send the body as {PATCH_TYPE}")
    blobs, begin = resources.blobs, _number(offset, "header/Upload-Offset")
    row = await to_thread.run_sync(find_upload, blobs, key.prefix, id)
    with continuing(blobs, row, begin) as sending:
        await receive_into(request, sending.write)
        cid = await to_thread.run_sync(sending.finish)
    headers = {"Upload-Offset": str(sending.size), **_became(cid)}
    return Response(status_code=204, headers=headers)


@router.delete(
    "/uploads/{id}",
    operation_id="endUpload",
    summary="Give an upload up",
    status_code=204,
    response_class=Response,
    responses=problems({**_UNKNOWN, **_VERSION}),
)
def delete_upload(resources: Res, key: Key, id: str, version: TusResumable = None) -> Response:
    """What was sent is forgotten; a blob that it became stays."""
    end_upload(resources.blobs, find_upload(resources.blobs, key.prefix, id))
    return Response(status_code=204)


def _became(cid: Cid | None) -> dict[str, str]:
    return {} if cid is None else {"Blob-Cid": show_cid(cid)}


def _number(text: str, name: str) -> int:
    try:
        number = int(str(digits(text[:20])))
    except ValueError as error:
        raise InvalidParameter(name, str(error)) from None
    if number > AMOUNT_MAX:
        raise InvalidParameter(name, "a number below 2^63")
    return number


def _wanted(metadata: str) -> Cid | None:
    """The CID in the metadata. Raises `InvalidParameter`."""
    for pair in metadata.split(","):
        name, _, value = pair.strip().partition(" ")
        if name == "cid":
            try:
                return cid_named(base64.b64decode(value, validate=True).decode(), "header/Upload-Metadata")
            except (binascii.Error, UnicodeDecodeError):
                raise InvalidParameter("header/Upload-Metadata", "cid: a CID in base64") from None
    return None
