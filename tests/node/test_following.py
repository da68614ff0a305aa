"""Nodes that follow nodes, proposers in turn, and heartbeats."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from accountant.chain.state import ChainState
from accountant.primitives.types import Height
from tests.support.chains import ALICE, BOB, CAROL, PROPOSER, block_of, extend, genesis, key, transfer
from tests.support.nodes import NEVER_S, running_node, until, until_height

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_node_follows_another_over_its_restart(tmp_path: Path) -> None:
    """A follower has the same blocks and state, waits while its peer is away, and goes on when it is back."""
    async with running_node(tmp_path / "a", genesis()) as first:
        port = int(first.url.rsplit(":", 1)[1])
        for nonce in range(3):
            await first.client.submit(transfer(ALICE, nonce, BOB.address, zero=1))
        await until_height(first.client, 1)
        async with running_node(tmp_path / "b", genesis(), key=None, peers=(first.url,)) as second:
            await until_height(second.client, (await first.client.head()).height)
    async with (
        running_node(tmp_path / "b", genesis(), key=None, peers=(f"http://127.0.0.1:{port}",)) as second,
        running_node(tmp_path / "a", genesis(), port=port) as first,
    ):
        await first.client.submit(transfer(BOB, 0, CAROL.address, zero=1))

        async def both_have_it() -> bool:
            nonces = [(await node.client.account(BOB.address)).nonce for node in (first, second)]
            return nonces == [1, 1]

        await until(both_have_it)
        assert await second.client.blocks(1) == await first.client.blocks(1)
        assert dict(second.keeper.state.accounts()) == dict(first.keeper.state.accounts())


async def test_two_proposers_take_turns(tmp_path: Path) -> None:
    """Each block is made by whose turn it is, and both nodes end with one chain."""
    chain = genesis(proposers=(PROPOSER, key("second proposer")))
    async with (
        running_node(tmp_path / "a", chain, heartbeat_s=0.01) as first,
        running_node(tmp_path / "b", chain, key("second proposer"), heartbeat_s=0.01, peers=(first.url,)) as second,
    ):
        await until_height(second.client, 1)
        assert not await first.node.propose(empty=True)
        await until_height(second.client, 2)
        raw = await second.client.block(Height(2))
        assert raw is not None
        await first.client.submit_block(raw)
        await until_height(second.client, 3)
        assert (await first.client.blocks(1))[:3] == (await second.client.blocks(1))[:3]


async def test_a_peer_on_another_chain_is_confronted(tmp_path: Path) -> None:
    """A proposer that signs two chains convicts itself: the follower keeps its own and the evidence."""
    ours, theirs = ChainState.at_genesis(genesis()), ChainState.at_genesis(genesis())
    kept = extend(ours, [transfer(ALICE, 0, BOB.address, zero=1)]).raw
    rival = [extend(theirs, [transfer(ALICE, n, BOB.address, zero=2)]).raw for n in range(2)]
    for name, others in (("longer", rival), ("as long", rival[:1])):
        async with running_node(tmp_path / f"a {name}", genesis(), key=None) as peer:
            for raw in others:
                await peer.client.submit_block(raw)
            async with running_node(tmp_path / f"b {name}", genesis(), key=None) as alone:
                await alone.client.submit_block(kept)
            async with running_node(tmp_path / f"b {name}", genesis(), key=None, peers=(peer.url,)) as node:

                async def has_evidence() -> bool:
                    return bool(node.node.store.evidence())

                peer.node.release_waiters()  # the follower need not wait its 20 seconds to compare heads
                await until(has_evidence)
                assert node.node.store.evidence()[0].header in rival[0]
                assert await node.client.blocks(1) == [kept]


async def test_no_block_without_need(tmp_path: Path) -> None:
    """Without transactions there are no blocks, unless a heartbeat is set."""
    async with running_node(tmp_path / "still", genesis()) as still:
        await asyncio.sleep(0.3)
        assert (await still.client.head()).height == 0
    async with running_node(tmp_path / "beating", genesis(), heartbeat_s=0.05) as beating:
        await until_height(beating.client, 2)
        head = await beating.client.head()
        assert head.time >= genesis().time


async def test_time_never_runs_back(tmp_path: Path) -> None:
    """A chain that is ahead of the clock gets blocks with its own last time, not an earlier one."""
    ahead = msgspec.structs.replace(genesis(), time=2**40)
    raw = block_of(ChainState.at_genesis(ahead), [])
    async with running_node(tmp_path, ahead, interval_s=NEVER_S) as node:
        await node.client.submit_block(raw)
        await node.node.propose(empty=True)
        assert (await node.client.head()).time == 2**40 + 1
