"""The node over HTTP: what it takes, what it gives, what it refuses."""

import asyncio
import json
import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import pytest

from accountant.chain import inclusion
from accountant.chain.block import BLOCK_BYTES_MAX
from accountant.chain.errors import MempoolRefusal, Refusal
from accountant.chain.state import ChainState
from accountant.chain.transaction import TRANSACTION_BYTES_MAX, transaction_hash
from accountant.node import process
from accountant.node.client import NodeUnavailable, Refused
from accountant.node.wire import PROBLEM
from accountant.primitives.addresses import show
from accountant.primitives.encoding import encode
from accountant.primitives.keys import recover_each
from accountant.primitives.types import Address, Hash, Height
from tests.support.chains import ALICE, BOB, RICH, block_of, contract_id, extend, genesis, key, transfer
from tests.support.nodes import NEVER_S, RunningNode, running_node, until_height

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_transaction_comes_into_a_block(tmp_path: Path) -> None:
    """Submitted bytes are in the next block unchanged, and the account view follows."""
    raw = transfer(ALICE, 0, BOB.address, zero=1_000)
    async with running_node(tmp_path, genesis()) as (_, _, keeper, client):
        assert await client.genesis() == encode(genesis())
        assert await client.submit(raw) == transaction_hash(raw)
        await until_height(client, 1)
        block = await client.block(Height(1))
        assert block is not None
        assert raw in block
        assert await client.blocks(1) == [block]
        assert (await client.head()).hash == keeper.state.head.hash.hex()
        view = await client.account(ALICE.address)
        assert (view.nonce, view.pending_nonce, view.pending_transactions) == (1, 1, 0)
        assert view.zero_balance < RICH - 1_000
        assert (await client.account(BOB.address)).zero_balance == RICH + 1_000


async def test_what_waits_is_seen_before_it_is_in_a_block(tmp_path: Path) -> None:
    """Mempool and account views count transactions that wait for a block."""
    async with running_node(tmp_path, genesis(), interval_s=NEVER_S) as (_, _, _, client):
        sizes = 0
        for nonce in range(3):
            raw = transfer(ALICE, nonce, BOB.address, zero=1)
            sizes += len(raw)
            await client.submit(raw)
        view = await client.account(ALICE.address)
        assert (view.nonce, view.pending_nonce, view.pending_transactions) == (0, 3, 3)
        mempool = await client.mempool()
        assert (mempool.transactions, mempool.bytes, mempool.queue) == (3, sizes, 0)


async def test_handing_in_twice_is_handing_in_once(tmp_path: Path) -> None:
    """The same bytes again get the same answer, while they wait and after they are in a block."""
    raw = transfer(ALICE, 0, BOB.address, zero=1)
    async with running_node(tmp_path, genesis(), interval_s=NEVER_S) as (_, node, _, client):
        assert await client.submit(raw) == await client.submit(raw)
        assert await node.propose(empty=False)
        assert await client.submit(raw) == transaction_hash(raw)
        assert not await node.propose(empty=False)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (transfer(ALICE, 0, BOB.address, zero=RICH), MempoolRefusal.UNFUNDED),
        (transfer(ALICE, 0, BOB.address, chain_id=8), Refusal.CHAIN_ID),
        (transfer(ALICE, 0, b"short"), Refusal.RECIPIENT),
        (transfer(ALICE, 0, BOB.address, general=5, gas_limit=1), Refusal.GAS_BELOW_INTRINSIC),
        (transfer(ALICE, 0, BOB.address)[:-65] + bytes(65), Refusal.SIGNATURE),
        (b"", Refusal.ENCODING),
        (b"\x90", Refusal.ENCODING),
    ],
)
async def test_a_refusal_says_why(tmp_path: Path, raw: bytes, reason: str) -> None:
    """An invalid transaction is refused with the admission's own reason, as problem details."""
    async with running_node(tmp_path, genesis()) as (url, _, _, client):
        with pytest.raises(Refused) as refused:
            await client.submit(raw)
        assert refused.value.reason == reason
        assert 400 <= refused.value.status < 500
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{url}/transactions", content=raw)
        assert answer.headers["content-type"] == PROBLEM
        assert answer.json()["status"] == answer.status_code


async def test_a_flood_of_unfunded_transactions_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Algorithm 1: each well-signed transaction of an unfunded key costs one signature check, and none is kept."""
    checks = 0

    def counted(signed: Iterable[tuple[Hash, bytes]]) -> Iterator[Address]:
        nonlocal checks
        pairs = list(signed)
        checks += len(pairs)
        return recover_each(pairs)

    count = 200
    flood = [transfer(key(f"poor {number}"), 0, BOB.address, general=number % 2) for number in range(count)]
    async with running_node(tmp_path, genesis()) as (_, node, keeper, client):
        state = dict(keeper.state.accounts())
        size = size_of(tmp_path)
        monkeypatch.setattr(inclusion, "recover_each", counted)
        for start in range(0, count, 20):
            answers = await asyncio.gather(*map(client.submit, flood[start : start + 20]), return_exceptions=True)
            assert all(isinstance(answer, Refused) for answer in answers)
        assert checks == count
        assert (await client.mempool()).transactions == 0
        assert not await node.propose(empty=False)
        assert (await client.head()).height == 0
        assert dict(keeper.state.accounts()) == state
        assert size_of(tmp_path) == size


def size_of(folder: Path) -> int:
    """Bytes in a folder's files."""
    return sum(file.stat().st_size for file in folder.iterdir())


async def test_bodies_that_are_too_long_are_not_read(tmp_path: Path) -> None:
    """A length that is too large is refused before the body; a body without a length while it comes."""
    async with running_node(tmp_path, genesis()) as (url, _, _, client):
        host, port = url.removeprefix("http://").split(":")
        for path, most in (("/transactions", TRANSACTION_BYTES_MAX), ("/blocks", BLOCK_BYTES_MAX)):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {most + 1}\r\n\r\n".encode())
            assert b"413" in await asyncio.wait_for(reader.readline(), 5)
            writer.close()
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /transactions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 64 * TRANSACTION_BYTES_MAX:
                writer.write(b"10000\r\n" + bytes(65_536) + b"\r\n")
                await writer.drain()
                sent += 65_536
        except ConnectionError:
            pass
        else:
            pytest.fail("the node read on")
        assert (await client.head()).height == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/blocks/0", 422),
        ("/blocks/-1", 422),
        ("/blocks/x", 422),
        (f"/blocks/{2**63}", 422),
        ("/blocks/" + "9" * 5_000, 422),
        ("/blocks/7", 404),
        ("/blocks", 422),
        ("/blocks?from=0", 422),
        ("/blocks?from=1&limit=0", 422),
        ("/blocks?from=1&limit=100000", 422),
        ("/blocks?from=1&wait=31", 422),
        ("/blocks?from=1&wait=nan", 422),
        ("/accounts/0x12", 400),
        ("/accounts/" + show(contract_id("c")), 400),
        ("/accounts/" + show(ALICE.address).replace("0x", "0X"), 400),
        ("/nothing", 404),
    ],
)
async def test_bad_questions_get_problem_details(tmp_path: Path, path: str, status: int) -> None:
    """Every malformed or unanswerable question has its status, and says why in one form."""
    async with running_node(tmp_path, genesis()) as (url, _, _, _), httpx.AsyncClient() as http:
        answer = await http.get(url + path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert set(answer.json()) >= {"type", "title", "status", "detail", "code"}


async def test_a_reader_waits_for_the_next_block(tmp_path: Path) -> None:
    """A request with `wait` is answered when the block comes, empty when none came, and at once when there is one."""
    async with running_node(tmp_path, genesis(), interval_s=NEVER_S) as (_, node, _, client):
        assert await client.blocks(1, wait_s=0.05) == []
        waiting = asyncio.create_task(client.blocks(1, wait_s=20))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await node.propose(empty=True)
        assert len(await asyncio.wait_for(waiting, 10)) == 1
        assert len(await asyncio.wait_for(client.blocks(1, wait_s=20), 10)) == 1


async def test_a_node_stops_although_readers_wait(tmp_path: Path) -> None:
    """Readers that wait for a block are answered when the node stops, and do not hold it up."""
    waiting = []
    async with running_node(tmp_path, genesis()) as (url, _, _, _):
        http = httpx.AsyncClient(timeout=30)
        waiting = [asyncio.create_task(http.get(f"{url}/blocks?from=1&wait=30")) for _ in range(5)]
        await asyncio.sleep(0.2)
        started = time.monotonic()
    assert time.monotonic() - started < 20
    assert [answer.content for answer in await asyncio.gather(*waiting)] == [b""] * 5
    await http.aclose()


async def test_blocks_are_taken_from_bytes(tmp_path: Path) -> None:
    """A node imports blocks made elsewhere, takes one twice without harm, and refuses what does not follow."""
    state = ChainState.at_genesis(genesis())
    raws = [extend(state, [transfer(ALICE, n, BOB.address, zero=n)]).raw for n in range(3)]
    async with running_node(tmp_path, genesis(), key=None) as (_, _, keeper, client):
        with pytest.raises(Refused) as refused:
            await client.submit_block(raws[1])
        assert refused.value.reason == "height"
        for raw in raws:
            await client.submit_block(raw)
        assert (await client.submit_block(raws[0])).height == 3
        assert await client.blocks(1) == raws
        assert await client.blocks(2, limit=1) == raws[1:2]
        assert dict(keeper.state.accounts()) == dict(state.accounts())


async def test_a_conflicting_block_is_refused_and_kept(tmp_path: Path) -> None:
    """A second signed block at a final height gets 409, changes nothing, and stays as evidence over a restart."""
    ours, other = ChainState.at_genesis(genesis()), ChainState.at_genesis(genesis())
    raw = extend(ours, [transfer(ALICE, 0, BOB.address, zero=1)]).raw
    extend(ours, [])
    rival = block_of(other, [transfer(ALICE, 0, BOB.address, zero=2)])
    async with running_node(tmp_path, genesis(), key=None) as (_, _, _, client):
        await client.submit_block(raw)
        with pytest.raises(Refused) as refused:
            await client.submit_block(rival)
        assert (refused.value.reason, refused.value.status) == ("conflicting_block", 409)
        assert await client.block(Height(1)) == raw
    async with running_node(tmp_path, genesis(), key=None) as (_, node, _, client):
        (evidence,) = node.store.evidence()
        assert evidence.height == 1
        assert evidence.header in rival
        assert await client.block(Height(1)) == raw


async def test_a_full_queue_turns_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what may wait for the writer, requests get 503 at once and the proposer goes on."""
    async with running_node(tmp_path, genesis(), interval_s=NEVER_S) as (url, node, _, client):
        monkeypatch.setattr(process, "QUEUE_MAX", 0)
        with pytest.raises(NodeUnavailable):
            await client.submit(transfer(ALICE, 0, BOB.address))
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{url}/transactions", content=b"x")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert await node.propose(empty=True)


async def test_mutated_bytes_are_refused_or_valid(tmp_path: Path) -> None:
    """Whatever is done to valid bytes, the node answers with a typed refusal, and neither chain nor mempool moves."""
    random_ = random.Random(7)
    valid = transfer(ALICE, 0, BOB.address, zero=5)
    block = block_of(ChainState.at_genesis(genesis()), [valid])
    async with running_node(tmp_path, genesis(), interval_s=NEVER_S) as running, httpx.AsyncClient() as http:
        for path, whole in (("/transactions", valid), ("/blocks", block)):
            for _ in range(150):
                answer = await http.post(running.url + path, content=_mutated(whole, random_))
                assert answer.status_code in (400, 409, 422), answer.text
                assert json.loads(answer.content)["code"]
        await _assert_untouched(running)
        await running.client.submit_block(block)


def _mutated(raw: bytes, random_: random.Random) -> bytes:
    """Other bytes than `raw`: flipped, cut, repeated, or replaced."""
    data = bytearray(raw)
    start = random_.randrange(len(data))
    match random_.randrange(5):
        case 0:
            data[start] ^= 1 << random_.randrange(8)
        case 1:
            del data[start:]
        case 2:
            data[start:start] = random_.randbytes(random_.randrange(1, 9))
        case 3:
            data += data[start:]
        case _:
            data = bytearray(random_.randbytes(random_.randrange(300)))
    return bytes(data)


async def _assert_untouched(running: RunningNode) -> None:
    assert (await running.client.head()).height == 0
    assert (await running.client.mempool()).transactions == 0
