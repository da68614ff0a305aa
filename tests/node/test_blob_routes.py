"""Blobs over the node's HTTP: in and out in pieces, hashed both ways, and what is refused says why."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from accountant.chain.errors import MempoolRefusal
from accountant.chain.genesis import Limits
from accountant.node import blob_routes
from accountant.node.client import NodeAnswerInvalid, NodeClient, NodeUnavailable, Refused
from accountant.node.wire import PROBLEM
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.types import Cid
from accountant.processes.ports import free_port
from tests.support.chains import ALICE, BOB, genesis, key, publish
from tests.support.nodes import NEVER_S, RunningNode, running_node, until, until_height

pytestmark = pytest.mark.anyio

GENESIS = genesis(limits=Limits(blob_bytes_most=3 * 1024 * 1024))
WEIGHTS = bytes(range(256)) * 5_000
CID = cid_of(WEIGHTS)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The bytes of CID in a file."""
    path = tmp_path / "weights"
    path.write_bytes(WEIGHTS)
    return path


async def fetched(node: RunningNode, cid: Cid, size: int) -> bytes | None:
    parts: list[bytes] = []
    return b"".join(parts) if await node.client.fetch_blob(cid, size, parts.append) else None


async def until_held(node: RunningNode) -> None:
    """Returns when the node serves CID."""

    async def there() -> bool:
        return await node.client.blob_size(CID) == len(WEIGHTS)

    await until(there)


async def test_bytes_come_first_and_the_publication_follows(tmp_path: Path, file: Path) -> None:
    """Without its bytes a publication is refused by name; with them it is in the next block, and they are served."""
    async with running_node(tmp_path / "node", GENESIS) as node:
        raw = publish(ALICE, 0, CID, len(WEIGHTS))
        with pytest.raises(Refused, match="put its bytes first") as refused:
            await node.client.submit(raw)
        assert refused.value.reason == MempoolRefusal.BLOB_ABSENT and refused.value.status == 409
        assert await node.client.blob_size(CID) is None and await fetched(node, CID, len(WEIGHTS)) is None
        assert await node.client.put_blob(CID, file) == len(WEIGHTS)
        assert await node.client.put_blob(CID, file) == len(WEIGHTS), "again changes nothing"
        await node.client.submit(raw)
        await until_height(node.client, 1)
        assert dict(node.keeper.state.blobs()) == {CID: len(WEIGHTS)}
        assert await node.client.blob_size(CID) == len(WEIGHTS)
        assert await fetched(node, CID, len(WEIGHTS)) == WEIGHTS
    async with running_node(tmp_path / "node", GENESIS) as node:
        assert await fetched(node, CID, len(WEIGHTS)) == WEIGHTS, "and after a restart"
        with pytest.raises(Refused, match="published already"):
            await node.client.submit(publish(ALICE, 1, CID, len(WEIGHTS)))


async def test_a_publication_of_another_size_is_refused(tmp_path: Path, file: Path) -> None:
    """The size that a publication says is that of the bytes which are here."""
    async with running_node(tmp_path / "node", GENESIS, interval_s=NEVER_S) as node:
        await node.client.put_blob(CID, file)
        for size in (1, len(WEIGHTS) + 1):
            with pytest.raises(Refused) as refused:
                await node.client.submit(publish(ALICE, 0, CID, size))
            assert refused.value.reason == MempoolRefusal.BLOB_ABSENT


@pytest.mark.parametrize(
    ("wanted", "status", "begin", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, len(WEIGHTS)),
        ("bytes=-7", 206, len(WEIGHTS) - 7, len(WEIGHTS)),
        ("bytes=65535-65537", 206, 65_535, 65_538),
        (None, 200, 0, len(WEIGHTS)),
    ],
)
async def test_ranges(tmp_path: Path, file: Path, wanted: str | None, status: int, begin: int, end: int) -> None:
    """Any range of the bytes can be had, so a broken download goes on; the CID is the entity tag."""
    async with running_node(tmp_path / "node", GENESIS, interval_s=NEVER_S) as node, httpx.AsyncClient() as http:
        await node.client.put_blob(CID, file)
        url, headers = f"{node.url}/blobs/{show_cid(CID)}", {"Range": wanted} if wanted else {}
        answer = await http.get(url, headers=headers)
        assert (answer.status_code, answer.content) == (status, WEIGHTS[begin:end])
        assert answer.headers["etag"] == f'"{show_cid(CID)}"' and answer.headers["accept-ranges"] == "bytes"
        head = await http.head(url, headers=headers)
        assert head.status_code == status and head.headers["content-length"] == str(end - begin) and not head.content


async def test_a_range_beyond_the_end_is_not_satisfied(tmp_path: Path, file: Path) -> None:
    """A range that no byte is in says how many there are."""
    async with running_node(tmp_path / "node", GENESIS, interval_s=NEVER_S) as node, httpx.AsyncClient() as http:
        await node.client.put_blob(CID, file)
        answer = await http.get(f"{node.url}/blobs/{show_cid(CID)}", headers={"Range": f"bytes={len(WEIGHTS)}-"})
        assert answer.status_code == 416 and answer.headers["content-range"] == f"bytes */{len(WEIGHTS)}"


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize(
    ("name", "body", "headers", "status", "code"),
    [
        (show_cid(CID), b"other bytes", {}, 422, "blob_mismatch"),
        (show_cid(CID), b"", {}, 413, "body_too_large"),
        (show_cid(CID), bytes(3 * 1024 * 1024 + 1), {}, 413, "body_too_large"),
        (show_cid(CID), _pieces(b"no", b"length"), {}, 411, "length_required"),
        (show_cid(CID)[:-1], WEIGHTS, {}, 400, "invalid_cid"),
        ("0x00", WEIGHTS, {}, 400, "invalid_cid"),
        ("..%2F..%2Fetc", WEIGHTS, {}, 404, "no_such_resource"),
    ],
)
async def test_what_is_refused(
    tmp_path: Path, name: str, body: bytes | AsyncIterator[bytes], headers: dict[str, str], status: int, code: str
) -> None:
    """Other bytes than the CID names, none, too many, of unknown number, or under no CID: a problem, and no file."""
    async with running_node(tmp_path / "node", GENESIS, interval_s=NEVER_S) as node, httpx.AsyncClient() as http:
        answer = await http.put(f"{node.url}/blobs/{name}", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == PROBLEM
        assert not [path for path in (tmp_path / "node" / "blobs").rglob("*") if path.is_file()]


def begun_upload(node: RunningNode) -> socket.socket:
    """A connection on which the first bytes of CID have gone out."""
    connection = socket.create_connection(("127.0.0.1", int(node.url.rsplit(":", 1)[1])))
    head = f"PUT /blobs/{show_cid(CID)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(WEIGHTS)}\r\n\r\n"
    connection.sendall(head.encode() + WEIGHTS[:100])
    return connection


async def test_a_body_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """Who goes away in the middle of an upload leaves neither bytes nor a claim to room."""
    async with running_node(tmp_path / "node", GENESIS, interval_s=NEVER_S) as node:
        with begun_upload(node):
            await asyncio.sleep(0.1)

        async def nothing_left() -> bool:
            return not [path for path in (tmp_path / "node" / "blobs").rglob("*") if path.is_file()]

        await until(nothing_left)
        assert await node.client.blob_size(CID) is None


async def test_a_slow_upload_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that come more slowly than the least rate end in a refusal, not in a connection held for ever."""
    monkeypatch.setattr(blob_routes, "FREE_S", 0.2)
    monkeypatch.setattr(blob_routes, "BLOB_BYTES_PER_S_LEAST", 10**9)

    async with running_node(tmp_path / "node", GENESIS, interval_s=NEVER_S) as node:
        with begun_upload(node) as connection:
            answer = await asyncio.to_thread(connection.makefile("rb").read)
    assert answer.startswith(b"HTTP/1.1 408 ") and b"body_too_slow" in answer


async def test_uploads_have_their_room(tmp_path: Path, file: Path) -> None:
    """What nobody paid for takes no more than the node is told; the next upload is refused for now."""
    async with running_node(tmp_path / "node", GENESIS, interval_s=NEVER_S, uploads_most=len(WEIGHTS)) as node:
        await node.client.put_blob(CID, file)
        other = tmp_path / "other"
        other.write_bytes(b"other")
        with pytest.raises(Refused) as refused:
            await node.client.put_blob(cid_of(b"other"), other)
        assert (refused.value.status, refused.value.reason) == (507, "no_room")


async def test_a_damaged_blob_is_not_served(tmp_path: Path, file: Path) -> None:
    """Bytes that changed on the disk do not go out; another upload brings the blob back."""
    async with running_node(tmp_path / "node", GENESIS, interval_s=NEVER_S) as node:
        await node.client.put_blob(CID, file)
        path = node.keeper.blobs.path(CID)
        assert path is not None
        path.write_bytes(WEIGHTS[:-1] + b"!")
        assert await fetched(node, CID, len(WEIGHTS)) is None
        await node.client.put_blob(CID, file)
        assert await fetched(node, CID, len(WEIGHTS)) == WEIGHTS


async def test_the_client_believes_no_size(tmp_path: Path, file: Path) -> None:
    """A body of another length than the chain says is no blob."""
    async with running_node(tmp_path / "node", GENESIS, interval_s=NEVER_S) as node:
        await node.client.put_blob(CID, file)
        for size in (len(WEIGHTS) - 1, len(WEIGHTS) + 1):
            with pytest.raises(NodeAnswerInvalid):
                await fetched(node, CID, size)
    async with NodeClient(f"http://127.0.0.1:{free_port()}") as away:
        with pytest.raises(NodeUnavailable):
            await away.fetch_blob(CID, 1, lambda _: None)
        with pytest.raises(NodeUnavailable):
            await away.put_blob(CID, file)


async def test_followers_fetch_what_blocks_publish(tmp_path: Path, file: Path) -> None:
    """A follower that comes late, and one that is there, get the bytes of every publication and serve them."""
    async with (
        running_node(tmp_path / "a", GENESIS) as first,
        running_node(tmp_path / "b", GENESIS, key=None, peers=(first.url,)) as second,
    ):
        await first.client.put_blob(CID, file)
        await first.client.submit(publish(ALICE, 0, CID, len(WEIGHTS)))
        await until_held(second)
        assert await fetched(second, CID, len(WEIGHTS)) == WEIGHTS
        assert not second.keeper.blobs.wanted()
        async with running_node(tmp_path / "c", GENESIS, key=None, peers=(second.url,)) as third:
            await until_held(third)
            assert await fetched(third, CID, len(WEIGHTS)) == WEIGHTS


async def test_a_follower_takes_a_publication_for_its_proposer(tmp_path: Path, file: Path) -> None:
    """Bytes and publication are handed to a node that proposes nothing: both reach the one that does."""
    async with (
        running_node(tmp_path / "a", GENESIS) as first,
        running_node(tmp_path / "b", GENESIS, key=None, peers=(first.url,)) as second,
    ):
        await second.client.put_blob(CID, file)
        await second.client.submit(publish(BOB, 0, CID, len(WEIGHTS)))
        await until_height(second.client, 1)
        assert dict(second.keeper.state.blobs()) == {CID: len(WEIGHTS)}
        assert await fetched(first, CID, len(WEIGHTS)) == WEIGHTS


async def test_two_proposers_include_what_each_holds(tmp_path: Path, file: Path) -> None:
    """A proposer whose turn comes without the bytes makes its block without the publication; the other includes it."""
    chain = genesis(proposers=(key("second"), key("first")), limits=GENESIS.limits)
    async with (
        running_node(tmp_path / "a", chain, key("first"), interval_s=NEVER_S) as first,
        running_node(tmp_path / "b", chain, key("second"), interval_s=NEVER_S) as second,
    ):
        await first.client.put_blob(CID, file)
        raw = publish(ALICE, 0, CID, len(WEIGHTS))
        await first.client.submit(raw)
        with pytest.raises(Refused):
            await second.client.submit(raw)
        assert await second.node.propose(empty=True) and not await first.node.propose(empty=False)
        await first.node.take(await second.client.blocks(1))
        assert await first.node.propose(empty=False)
        await second.node.take(await first.client.blocks(2))
        assert second.keeper.blobs.wanted() == [(CID, len(WEIGHTS))]
