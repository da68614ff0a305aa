"""The accountant's follower: real nodes over HTTP, a real Postgres."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from accountant.chain.envelope import FunctionEnvelope
from accountant.chain.errors import ConflictingBlock, InvalidBlock
from accountant.chain.genesis import Genesis
from accountant.chain.state import ChainState
from accountant.chain.sync import SourceMismatch, SourceUnavailable
from accountant.node.client import NodeClient
from accountant.primitives.types import Height
from accountant.services.follow_chain import Follower, follow_forever, follow_once
from accountant.storage.chain_state import restored_state, stored_hash
from accountant.storage.database import Database, migrate
from accountant.storage.importer import DifferentGenesis
from tests.support.chains import (
    ALICE,
    BOB,
    CAROL,
    accept_any_module,
    call,
    contract_id,
    deploy,
    extend,
    genesis,
    genesis_contract,
    key,
    open_envelope,
    transfer,
)
from tests.support.nodes import running_node, until

pytestmark = pytest.mark.anyio

POKE = FunctionEnvelope("poke", (), (), complete=False)
CHAIN = genesis(contracts=[genesis_contract("there", open_envelope(POKE), 5)], block_reward=7)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def database_at(database_url: str) -> str:
    """The URL of a migrated, empty database."""
    migrate(database_url)
    return database_url


def chain_of(rounds: int, chain: Genesis = CHAIN, amount: int = 1) -> tuple[ChainState, list[bytes]]:
    """A chain with every kind of transaction, and its blocks: two a round."""
    state = ChainState.at_genesis(chain)
    raws = []
    for round_ in range(rounds):
        nonce = 3 * round_
        first = [
            transfer(ALICE, nonce, BOB.address, zero=amount, tip=3),
            transfer(ALICE, nonce + 1, key(f"new {round_}").address, general=2**62),
            deploy(BOB, round_, b"code", open_envelope(POKE)),
        ]
        second = [
            call(ALICE, nonce + 2, contract_id("there"), "poke", zero_value=2),
            transfer(CAROL, round_, contract_id("there"), zero=9),
        ]
        raws += [extend(state, transactions).raw for transactions in (first, second)]
    return state, raws


def assert_same(state: ChainState, expected: ChainState) -> None:
    """Two states are one in all that a validator keeps."""
    assert state.head == expected.head
    assert dict(state.accounts()) == dict(expected.accounts())
    assert dict(state.contracts()) == dict(expected.contracts())


async def until_imported(database: Database, height: int) -> None:
    """Returns when the index has a block at `height`."""

    async def there() -> bool:
        return stored_hash(database, Height(height)) is not None

    await until(there, 20)


def evidence_count(url: str) -> int:
    """How many refused blocks the accountant has kept."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT count(*) FROM accountant.refused_blocks").fetchone()
    assert row is not None
    return int(row[0])


async def test_the_state_comes_back_from_the_index(tmp_path: Path, database_at: str) -> None:
    """The state read from the index is that of validating every block, and it validates what comes next."""
    expected, raws = chain_of(4)
    async with running_node(tmp_path, CHAIN, key=None) as node:
        with Database(database_at) as database:
            for raw in raws[:5]:
                await node.client.submit_block(raw)
            assert (await follow_once(node.client, database, accept_any_module)).height == 5
            for raw in raws[5:]:
                await node.client.submit_block(raw)
            # A new follower: nothing but the database is left of the first.
            assert await follow_once(node.client, database, accept_any_module) == expected.head
            assert_same(restored_state(database, CHAIN), expected)


async def test_a_start_checks_no_signature_again(
    tmp_path: Path, database_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With everything imported, starting again validates no block."""
    _, raws = chain_of(2)
    async with running_node(tmp_path, CHAIN, key=None) as node:
        with Database(database_at) as database:
            for raw in raws:
                await node.client.submit_block(raw)
            await follow_once(node.client, database, accept_any_module)

            def never(*_: object) -> None:
                pytest.fail("a block was validated again")

            monkeypatch.setattr("accountant.services.follow_chain.import_block", never)
            assert (await follow_once(node.client, database, accept_any_module)).height == len(raws)


async def test_it_follows_over_restarts_of_its_node(tmp_path: Path, database_at: str) -> None:
    """The follower waits while its node is away and goes on when it is back."""
    expected, raws = chain_of(2)
    with Database(database_at) as database:
        async with running_node(tmp_path, CHAIN, key=None) as node:
            port = int(node.url.rsplit(":", 1)[1])
            await node.client.submit_block(raws[0])
            client = NodeClient(node.url, backoff_s=0.01)
            following = asyncio.create_task(follow_forever(client, database, accept_any_module, CHAIN))
            await until_imported(database, 1)
        async with running_node(tmp_path, CHAIN, key=None, port=port) as node:
            for raw in raws[1:]:
                await node.client.submit_block(raw)
            await until_imported(database, len(raws))
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        await client.close()
        assert_same(restored_state(database, CHAIN), expected)


async def test_a_conflicting_chain_is_refused_loudly(tmp_path: Path, database_at: str) -> None:
    """A node that was exchanged for one on another chain ends the follower, which keeps the evidence."""
    expected, raws = chain_of(2)
    _, rival = chain_of(3, amount=2)
    with Database(database_at) as database:
        async with running_node(tmp_path / "ours", CHAIN, key=None) as node:
            for raw in raws:
                await node.client.submit_block(raw)
            await follow_once(node.client, database, accept_any_module)
        for name, blocks in (("longer", rival), ("as long", rival[: len(raws)])):
            async with running_node(tmp_path / name, CHAIN, key=None) as node:
                for raw in blocks:
                    await node.client.submit_block(raw)
                with pytest.raises(ConflictingBlock):
                    await asyncio.wait_for(follow_forever(node.client, database, accept_any_module), 10)
        assert evidence_count(database_at) == 1
        assert_same(restored_state(database, CHAIN), expected)


async def test_another_genesis_is_refused(tmp_path: Path, database_at: str) -> None:
    """Neither a node nor a configured genesis of another chain is taken for ours."""
    other = genesis(block_reward=8)
    with Database(database_at) as database:
        async with running_node(tmp_path / "ours", CHAIN, key=None) as node:
            await follow_once(node.client, database, accept_any_module)
            with pytest.raises(DifferentGenesis):
                await follow_once(node.client, database, accept_any_module, expected=other)
        async with running_node(tmp_path / "other", other, key=None) as node:
            with pytest.raises(SourceMismatch):
                await follow_once(node.client, database, accept_any_module)
        async with NodeClient("http://127.0.0.1:9", backoff_s=0.001) as nobody:
            with pytest.raises(SourceUnavailable):
                await follow_once(nobody, database, accept_any_module)


async def test_an_invalid_block_stops_it_before_the_index(database_at: str) -> None:
    """Of a batch with a bad block the valid ones before it are imported, and state and index agree after it."""
    expected, raws = chain_of(2)
    with Database(database_at) as database:
        follower = await asyncio.to_thread(Follower, database, CHAIN, accept_any_module)
        bad = raws[2][:-1] + bytes([raws[2][-1] ^ 1])
        with pytest.raises(InvalidBlock):
            await follower.take([raws[0], raws[1], bad, raws[3]])
        assert await follower.height() == 2
        await follower.take(raws)
        assert_same(follower.state, expected)
        assert_same(restored_state(database, CHAIN), expected)


_FOLLOWER = """
import asyncio, sys
from accountant.node.client import NodeClient
from accountant.services import follow_chain
from accountant.storage.database import Database
follow_chain.BATCH_BLOCKS = 1
async def main():
    async with NodeClient(sys.argv[1]) as node:
        with Database(sys.argv[2]) as database:
            await follow_chain.follow_forever(node, database, lambda *_: None)
asyncio.run(main())
"""


async def test_a_killed_follower_resumes(tmp_path: Path, database_at: str) -> None:
    """After SIGKILL amid an import the index ends with a whole block, and the next follower completes it."""
    expected, raws = chain_of(40)
    async with running_node(tmp_path, CHAIN, key=None) as node:
        for raw in raws:
            await node.client.submit_block(raw)
        with Database(database_at) as database:
            for target in (3, 30):
                child = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time
                    [sys.executable, "-c", _FOLLOWER, node.url, database_at]
                )
                try:
                    await until_imported(database, target)
                finally:
                    os.kill(child.pid, signal.SIGKILL)
                    child.wait()
            assert await follow_once(node.client, database, accept_any_module) == expected.head
            assert_same(restored_state(database, CHAIN), expected)
