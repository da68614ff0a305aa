"""Bodies that are too large to hold: they go into a file piece by piece, off the event loop."""

from collections.abc import Callable

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from accountant.blobs.pieces import PIECE_BYTES


async def receive_into(request: Request, write: Callable[[bytes], None]) -> None:
    """Writes the body, piece by piece; what came before a connection broke is written too."""
    held = bytearray()
    broken = False
    try:
        async for data in request.stream():
            held += data
            if len(held) >= PIECE_BYTES:
                await to_thread.run_sync(write, bytes(held))
                held.clear()
    except ClientDisconnect:
        broken = True
    if held:
        await to_thread.run_sync(write, bytes(held))
    if broken:
        raise HTTPException(400, "the connection broke off")
