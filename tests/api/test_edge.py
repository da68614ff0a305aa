"""The edge's time limit, in front of a small application of its own: a body that trickles in ends early."""

import time
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Scope

from accountant.api.edge import Edge
from accountant.api.problems import Problem, handle

pytestmark = pytest.mark.anyio

BODY_S = 0.4
OPEN = "/v1/health"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def edge() -> ASGIApp:
    """An application that reads its body, and one that answers for longer than a body may take."""
    inner = FastAPI()
    inner.add_exception_handler(HTTPException, handle)

    @inner.post(OPEN)
    async def read(request: Request) -> int:
        return len(await request.body())

    @inner.get(OPEN)
    async def follow() -> StreamingResponse:
        async def events() -> AsyncIterator[bytes]:
            for _ in range(4):
                await anyio.sleep(BODY_S / 2)
                yield b"event"

        return StreamingResponse(events())

    return Edge(inner, sa.create_engine("postgresql+psycopg://127.0.0.1:1/never"), body_s=BODY_S)


async def trickle(pieces: int, every_s: float) -> AsyncIterator[bytes]:
    for _ in range(pieces):
        await anyio.sleep(every_s)
        yield b" "


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=edge()), base_url="http://edge")


async def test_a_body_that_trickles_in_is_given_up() -> None:
    """However often a piece comes, a body that is not whole in time is answered with 408, and the connection closed."""
    began = time.monotonic()
    async with client() as asking:
        answer = await asking.post(OPEN, content=trickle(1_000, 0.05))
    assert time.monotonic() - began < 25  # all of it would take 50
    assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")
    assert answer.headers["connection"] == "close"


async def test_a_body_in_pieces_is_read_whole() -> None:
    """A body that comes in pieces and in time is read to its end."""
    async with client() as asking:
        answer = await asking.post(OPEN, content=trickle(5, 0.02))
    assert (answer.status_code, answer.json()) == (200, 5)


async def test_an_answer_may_take_longer_than_a_body() -> None:
    """The limit is on the request alone: an event stream lasts as long as it lasts."""
    async with client() as asking:
        answer = await asking.get(OPEN)
    assert answer.content == b"event" * 4


async def test_a_blob_may_take_longer_as_long_as_it_comes() -> None:
    """A body that goes to a file gets time for each byte; one that trickles in is given up all the same."""
    inner = FastAPI()
    inner.add_exception_handler(HTTPException, handle)

    @inner.post("/v1/blobs")
    async def read(request: Request) -> int:
        return len(await request.body())

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for _ in range(4):
            await anyio.sleep(BODY_S / 2)
            yield bytes(size)

    unguarded = _Unguarded(inner, sa.create_engine("postgresql+psycopg://127.0.0.1:1/never"), 10, BODY_S, 1 << 20)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=unguarded), base_url="http://edge") as sender:
        assert (await sender.post("/v1/blobs", content=pieces(100_000))).json() == 400_000
        assert (await sender.post("/v1/blobs", content=pieces(1))).status_code == 408
        assert (await sender.post("/v1/blobs", content=pieces(300_000))).status_code == 413


class _Unguarded(Edge):
    """There is no database of keys."""

    async def _admit(self, scope: Scope, headers: Headers) -> Problem | None:
        return None
