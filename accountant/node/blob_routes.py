"""Blobs over the node's HTTP: bytes come before the transaction that publishes them, and whoever asks gets them again.

Hashed on the way in and before they go out; in pieces both ways, so a blob takes no memory. A range may be asked for
(RFC 9110), so that a broken download goes on where it broke off.
"""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse

from accountant.node.blobs import Arrival
from accountant.node.process import Node
from accountant.node.wire import BLOB_BYTES_PER_S_LEAST, BLOB_PART_BYTES, OCTETS, BlobView
from accountant.primitives.cid import parse_cid, show_cid
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Cid

FREE_S = 30.0
"""A blob may take that long whatever its size, and beyond it as long as the least rate says."""


class BlobNotFound(AccountantError):
    """No such blob is here."""

    code = "blob_not_found"


class BlobTooLarge(AccountantError):
    """A blob that nobody could publish."""

    code = "body_too_large"


class BlobTooSlow(AccountantError):
    """A blob that did not arrive in time."""

    code = "body_too_slow"


class LengthRequired(AccountantError):
    """A blob without its size: room is made before its bytes are read."""

    code = "length_required"


def add_blob_routes(app: FastAPI, node: Node) -> None:
    """Puts the blobs of a node under `/blobs`."""

    @app.put("/blobs/{cid}")
    async def upload(cid: str, request: Request) -> Response:
        """Takes the bytes of a CID: 201, or 200 if they are here already."""
        name = parse_cid(cid)
        size = _announced(request, node.blob_bytes_most)
        if await asyncio.to_thread(node.blobs.has, name, size):
            async for _ in _in_time(request, size):
                pass  # read to the end, so that the answer is not lost with the connection
            return _view(name, size, HTTPStatus.OK)
        with node.blobs.arrival(name, size) as arrival:
            await _write(arrival, _in_time(request, size))
            await asyncio.to_thread(arrival.finish)
        return _view(name, size, HTTPStatus.CREATED)

    @app.head("/blobs/{cid}")
    @app.get("/blobs/{cid}")
    async def download(cid: str) -> Response:
        """The bytes of a CID, or a range of them."""
        name = parse_cid(cid)
        path = await asyncio.to_thread(node.blobs.checked_path, name)
        if path is None:
            raise BlobNotFound(f"no blob {cid} is here")
        headers = {"ETag": f'"{cid}"', "Cache-Control": "public, max-age=31536000, immutable"}
        return FileResponse(path, headers=headers, media_type=OCTETS)


def _announced(request: Request, bytes_most: int) -> int:
    length = request.headers.get("content-length")
    if length is None:
        raise LengthRequired("say how many bytes come: Content-Length")
    if not 0 < int(length) <= bytes_most:  # the server has checked that it is a number
        raise BlobTooLarge(f"a blob has 1 to {bytes_most} bytes, not {length}")
    return int(length)


async def _in_time(request: Request, size: int) -> AsyncIterator[bytes]:
    """The body's pieces. Raises `BlobTooSlow`."""
    seconds = FREE_S + size / BLOB_BYTES_PER_S_LEAST
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                yield piece
    except TimeoutError:
        raise BlobTooSlow(f"the blob did not arrive within {seconds:.0f} seconds") from None


async def _write(arrival: Arrival, pieces: AsyncIterator[bytes]) -> None:
    """Writes in larger parts than the network has, each on another thread. Raises as the pieces and the arrival do."""
    part = bytearray()
    async for piece in pieces:
        part += piece
        if len(part) >= BLOB_PART_BYTES:
            await asyncio.to_thread(arrival.write, bytes(part))
            part.clear()
    if part:
        await asyncio.to_thread(arrival.write, bytes(part))


def _view(cid: Cid, size: int, status: int) -> Response:
    view = BlobView(show_cid(cid), size)
    return Response(msgspec.json.encode(view), status, media_type="application/json")
