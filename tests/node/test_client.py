"""The client against servers that misbehave: real sockets, answers byte by byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from accountant.node.client import ATTEMPTS, NodeAnswerInvalid, NodeClient, NodeUnavailable
from accountant.node.wire import join_blocks, split_blocks
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import Height

pytestmark = pytest.mark.anyio

HEAD = b'{"chain_id":1,"genesis_hash":"00","height":5,"hash":"11","time":9}'


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def answer(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    """An HTTP answer; `length` is what it claims."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode() + body


@asynccontextmanager
async def scripted(*answers: bytes) -> AsyncIterator[tuple[NodeClient, list[bytes]]]:
    """A client of a server that gives one answer a connection (empty: hangs up), and the requests that came."""
    left, requests = list(answers), []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(left.pop(0) if left else b"")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, NodeClient(f"http://127.0.0.1:{port}", timeout_s=2, backoff_s=0.001) as client:
        yield client, requests


async def test_a_lost_connection_is_tried_again() -> None:
    """Connections that break off are made anew, a bounded number of times."""
    async with scripted(b"", b"", answer(HEAD)) as (client, requests):
        assert (await client.head()).height == 5
        assert len(requests) == 3
    async with scripted() as (client, requests):
        with pytest.raises(NodeUnavailable):
            await client.head()
        assert len(requests) == ATTEMPTS


async def test_an_answer_is_never_asked_for_again() -> None:
    """A refusal and a busy node are told at once."""
    problem = b'{"type":"t","title":"t","status":503,"detail":"busy","code":"node_busy"}'
    async with scripted(answer(problem, "503 Service Unavailable"), answer(HEAD)) as (client, requests):
        with pytest.raises(NodeUnavailable, match="busy"):
            await client.head()
        assert len(requests) == 1


@pytest.mark.parametrize(
    "lie",
    [
        answer(b"<html>"),
        answer(b"{}"),
        answer(b'{"height":"5"}'),
        answer(b"oops", "500 Internal Server Error"),
        answer(b"x" * 2_000_000),
    ],
)
async def test_answers_that_the_interface_does_not_allow(lie: bytes) -> None:
    """What is no head, no problem, or longer than any head is a typed error."""
    async with scripted(lie) as (client, _):
        with pytest.raises(NodeAnswerInvalid):
            await client.head()


async def test_a_node_that_renames_a_transaction_is_not_believed() -> None:
    """The hash of what was handed in is known beforehand; another one is an error."""
    async with scripted(answer(b'{"hash":"00"}', "202 Accepted")) as (client, _):
        with pytest.raises(NodeAnswerInvalid):
            await client.submit(b"raw")


async def test_a_broken_list_of_blocks_is_an_error() -> None:
    """Lists that end within a block, or claim one of impossible length, are refused."""
    for body in (b"\x00", b"\x00\x00\x00\x05abc", b"\xff\xff\xff\xff" + bytes(10)):
        async with scripted(answer(body)) as (client, _):
            with pytest.raises(NodeAnswerInvalid):
                await client.blocks(1)


async def test_no_block_is_none() -> None:
    """404 for a height is not an error."""
    problem = b'{"type":"t","title":"t","status":404,"detail":"d","code":"block_not_found"}'
    async with scripted(answer(problem, "404 Not Found")) as (client, _):
        assert await client.block(Height(9)) is None


async def test_lists_of_blocks_come_apart_as_they_were_put_together() -> None:
    """Joining and splitting are inverse, and every cut of a list but those between blocks is refused."""
    blocks = [encode(b"a"), encode(b"bc" * 200), b""]
    joined = join_blocks(blocks)
    assert split_blocks(joined) == blocks
    ends = {0, 4 + len(blocks[0]), 8 + len(blocks[0]) + len(blocks[1])}
    for cut in range(len(joined)):
        if cut in ends:
            split_blocks(joined[:cut])
        else:
            with pytest.raises(InvalidEncoding):
                split_blocks(joined[:cut])
