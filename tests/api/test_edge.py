"""The edge's time limit, in front of a small application of its own: a body that trickles in ends early."""

import time
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp

from accountant.api.edge import Edge
from accountant.api.problems import handle

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
    assert time.monotonic() - began < BODY_S + 1
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
