"""Routes of blobs: sending one, reading it or a range of it, listing."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from accountant.api.blob_views import BlobListView, BlobView, ListedBlobView, cid_named
from accountant.api.cursors import make_cursor, read_cursor
from accountant.api.documented import LOCATION, problems
from accountant.api.paging import PAGE_RESPONSES, PageIn
from accountant.api.posting import JSON, OCTETS, media_type
from accountant.api.problems import UnsupportedMediaType
from accountant.api.ranges import Range, is_named, range_of
from accountant.api.receiving import receive_into
from accountant.api.resources import Key, Res
from accountant.primitives.cid import show_cid
from accountant.storage.blob_rows import BlobRow

router = APIRouter(tags=["blobs"])

_OF = b"blobs"
_CACHING = "private, max-age=31536000, immutable"
"""What a name stands for never changes; but what needs a key belongs into no cache that others share."""

_BINARY: dict[str, Any] = {OCTETS: {"schema": {"type": "string", "format": "binary"}}}
_SEND_BODY = {"requestBody": {"required": True, "content": _BINARY}}
_INVALID = {422: ("invalid_request", "path/cid: a CID is b and 58 characters of lower-case base32")}
_READ_PROBLEMS = problems(
    {
        **_INVALID,
        404: ("unknown_blob", "there is no blob bafkrei… here"),
        503: ("blob_unavailable", "the bytes of bafkrei… are not there: send them again"),
    }
)
_UNSATISFIABLE = problems({416: ("range_not_satisfiable", "there are 11 bytes")})
_READ_HEADERS = {
    "ETag": {"description": "The CID in quotes.", "schema": {"type": "string"}},
    "Cache-Control": {"schema": {"type": "string"}, "description": "What a CID names never changes."},
    "Accept-Ranges": {"schema": {"type": "string"}, "description": "bytes"},
}

IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="304 if it names the CID.")]
IfRange = Annotated[str | None, Header(alias="If-Range", description="The range, if it is the CID in quotes.")]
AskedRange = Annotated[str | None, Header(alias="Range", description="`bytes=0-1023`: one range.")]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cid: str | None = Field(None, max_length=59, description="What the bytes must be; else nothing is kept.")


@router.post(
    "/blobs",
    operation_id="sendBlob",
    summary="Send a blob",
    status_code=201,
    response_model=BlobView,
    responses={
        200: {"description": "It was there already.", "model": BlobView, "headers": LOCATION},
        201: {"headers": LOCATION},
        **problems(
            {
                400: ("bad_request", "the connection broke off"),
                408: ("request_timeout", "a body is sent within 30 s"),
                413: ("blob_too_large", "a blob has at most 1073741824 bytes here"),
                415: ("unsupported_media_type", "send the body as application/octet-stream"),
                422: ("cid_mismatch", "the bytes are bafkrei…, not bafkrei…"),
                503: ("blob_store_unavailable", "the store of blobs cannot write a file: No space left on device"),
                507: ("uploads_full", "uploads of one key take at most 17179869184 bytes together"),
            }
        ),
    },
    openapi_extra=_SEND_BODY,
)
async def send_blob(resources: Res, key: Key, request: Request, sent: Annotated[_Sent, Query()]) -> Response:
    """Keeps the body under its CID: the same bytes again are the same blob. Unless the chain names it by then, it goes
    after a time of grace. What may break off on the way goes as an upload in several requests (`/v1/uploads`).
    """
    blobs = resources.blobs
    wanted = None if sent.cid is None else cid_named(sent.cid, "query/cid")
    if media_type(request) != OCTETS:
        raise UnsupportedMediaType(f"send the body as {OCTETS}")
    announced = request.headers.get("content-length", "0")
    await to_thread.run_sync(blobs.check_room, key.prefix, int(announced), wanted)
    with blobs.store.spool.writing(blobs.terms.bytes_most) as writing:
        await receive_into(request, writing.write)
        incoming = await to_thread.run_sync(writing.done, wanted)
        new = await to_thread.run_sync(blobs.keep_upload, incoming, key.prefix)
    view = BlobView(cid=show_cid(incoming.facts.cid), size=incoming.facts.size)
    headers = {"Location": f"/v1/blobs/{view.cid}"}
    return Response(view.model_dump_json(), 201 if new else 200, headers, media_type=JSON)


@router.get(
    "/blobs",
    operation_id="listBlobs",
    summary="List blobs",
    response_model=BlobListView,
    responses={
        **PAGE_RESPONSES,
        **problems({422: ("invalid_request", "query/limit: Input should be less than or equal to 100")}),
    },
)
def list_blobs(resources: Res, key: Key, page: Annotated[PageIn, Query()], response: Response) -> BlobListView:
    """What this key uploaded, what the chain names, and what outcomes saved, with what refers to it."""
    before = None if page.cursor is None else read_cursor(key, page.cursor, _OF)
    found = resources.blobs.list(key.prefix, before, page.limit + 1)
    shown = found[: page.limit]
    cursor = make_cursor(key, shown[-1].row.number, _OF) if len(found) > page.limit else None
    if cursor is not None:
        response.headers["Link"] = f'</v1/blobs?limit={page.limit}&cursor={cursor}>; rel="next"'
    return BlobListView(
        items=[ListedBlobView.of(listed) for listed in shown], has_more=cursor is not None, next_cursor=cursor
    )


@router.get(
    "/blobs/{cid}",
    operation_id="getBlob",
    summary="Read a blob, or a range of it",
    response_class=Response,
    responses={
        200: {"description": "All of it.", "content": _BINARY, "headers": _READ_HEADERS},
        206: {"description": "The range.", "content": _BINARY, "headers": _READ_HEADERS},
        304: {"description": "You have it."},
        **_READ_PROBLEMS,
        **_UNSATISFIABLE,
    },
)
def get_blob(
    resources: Res,
    key: Key,
    cid: str,
    asked: AskedRange = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Every byte is checked before it leaves. Where damage is found in the midst, the connection breaks off."""
    row = resources.blobs.find(cid_named(cid, "path/cid"))
    headers = _headers(row)
    if is_named(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    part = range_of(asked if if_range in (None, headers["ETag"]) else None, row.facts.size)
    data = _begun(resources.blobs.read(row, part.start, part.stop))
    return StreamingResponse(data, 206 if part.partial else 200, {**headers, **_extent(row, part)}, media_type=OCTETS)


@router.head(
    "/blobs/{cid}",
    operation_id="headBlob",
    summary="Is a blob there, and how large is it?",
    response_class=Response,
    responses={200: {"description": "`Content-Length` is its size.", "headers": _READ_HEADERS}, **_READ_PROBLEMS},
)
def head_blob(resources: Res, key: Key, cid: str) -> Response:
    """What a GET would say, without the bytes: they are not looked at."""
    row = resources.blobs.find(cid_named(cid, "path/cid"))
    whole = Range(0, row.facts.size, False)
    return Response(None, 200, {**_headers(row), **_extent(row, whole)}, media_type=OCTETS)


def _headers(row: BlobRow) -> dict[str, str]:
    return {"ETag": f'"{show_cid(row.facts.cid)}"', "Cache-Control": _CACHING, "Accept-Ranges": "bytes"}


def _extent(row: BlobRow, part: Range) -> Mapping[str, str]:
    headers = {"Content-Length": str(part.stop - part.start)}
    if part.partial:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{row.facts.size}"
    return headers


def _begun(data: Iterator[bytes]) -> Iterator[bytes]:
    """The same, its first piece read and checked already: what is damaged there is still a problem with a status."""
    first = next(data, b"")
    return chain([first], data)
