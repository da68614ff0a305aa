"""The node as a process of its own: killed at any instant, it goes on where its last complete block is."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from accountant.chain.state import ChainState
from accountant.chain.validator import import_block
from accountant.node.client import NodeClient, NodeUnavailable
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from tests.support.chains import ALICE, BOB, PROPOSER, accept_any_module, genesis, publish, transfer
from tests.support.nodes import keeper_in, until, until_height

_NODE = """
import asyncio, sys
from pathlib import Path
from accountant.contracts.module import check_module
from accountant.node.devnet import read_genesis
from accountant.node.keeper import Keeper
from accountant.node.keystore import read_key
from accountant.node.server import NodeOptions, run_node
from accountant.node.store import BlockStore
folder = Path(sys.argv[1])
store = BlockStore(folder / "node")
keeper = Keeper(store, read_genesis(folder / "genesis.bin")[1], check_module, read_key(folder / "key.pem", b""))
asyncio.run(run_node(keeper, NodeOptions(interval_s=0.01), lambda url: print(url, flush=True)))
"""


@contextmanager
def node_process(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A node in a process of its own; killed at the end if it still runs."""
    with subprocess.Popen([sys.executable, "-c", _NODE, str(folder)], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            yield child.stdout.readline().decode().strip(), child
        finally:
            child.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "genesis.bin").write_bytes(encode(genesis()))
    (tmp_path / "key.pem").write_bytes(PROPOSER.to_pem())
    return tmp_path


async def _submit_until_killed(url: str, child: "subprocess.Popen[bytes]", first: int, count: int) -> int:
    """Submits transactions one after the other and kills the node amid them; the height that it last told."""
    height = 0
    async with NodeClient(url, backoff_s=0.01) as client:
        for nonce in range(first, first + count):
            await client.submit(transfer(ALICE, nonce, BOB.address, zero=1))
            if nonce % 10 == 9:
                await until_height(client, height + 1)
                height = (await client.head()).height
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(NodeUnavailable):
            await client.head()
    return height


def test_a_killed_node_goes_on_where_it_was(folder: Path) -> None:
    """After SIGKILL no block that the node told of is missing, and its state is what its blocks say."""
    nonce = 0
    for count in (25, 40):
        with node_process(folder) as (url, child):
            told = asyncio.run(_submit_until_killed(url, child, nonce, count))
        keeper = keeper_in(folder / "node", genesis())
        replayed = ChainState.at_genesis(genesis())
        for raw in keeper.store.blocks(1, 10_000, 2**40):
            import_block(raw, replayed, accept_any_module)
        keeper.store.close()
        assert replayed.head == keeper.state.head
        assert replayed.head.height >= told > 0
        assert dict(replayed.accounts()) == dict(keeper.state.accounts())
        nonce = replayed.account(ALICE.address).nonce
        assert nonce > 0


async def _publish_until_killed(url: str, child: "subprocess.Popen[bytes]", folder: Path, first: int) -> None:
    """Uploads and publishes blobs one after the other, and kills the node in the middle of an upload."""
    file = folder / "upload"
    async with NodeClient(url, backoff_s=0.01) as client:
        for nonce in range(first, first + 12):
            data = nonce.to_bytes(2, "big") * 50_000
            file.write_bytes(data)
            await client.put_blob(cid_of(data), file)
            await client.submit(publish(ALICE, nonce, cid_of(data), len(data)))
        large = bytes(100 * 1024 * 1024)
        file.write_bytes(large)
        upload = asyncio.create_task(client.put_blob(cid_of(large), file))

        async def under_way() -> bool:
            return any((folder / "node" / "blobs" / ".arriving").iterdir())

        await until(under_way)
        assert not upload.done()
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(NodeUnavailable):
            await upload


def test_a_killed_node_has_the_bytes_of_all_that_it_published(folder: Path) -> None:
    """After SIGKILL every blob that a block publishes is there and whole, and of a broken upload nothing is."""
    nonce = 0
    for _ in range(2):
        with node_process(folder) as (url, child):
            asyncio.run(_publish_until_killed(url, child, folder, nonce))
        keeper = keeper_in(folder / "node", genesis())
        published = keeper.state.blobs()
        assert not keeper.blobs.wanted()
        for cid in published:
            assert keeper.blobs.checked_path(cid) is not None
        assert not list((folder / "node" / "blobs" / ".arriving").iterdir())
        nonce = keeper.state.account(ALICE.address).nonce
        keeper.store.close()
        assert len(published) == nonce > 0


def test_a_node_ends_well_on_sigterm(folder: Path) -> None:
    """SIGTERM is exit status 0, soon, and another node may have the folder at once."""
    with node_process(folder) as (_, child):
        child.terminate()
        assert child.wait(60) == 0
    keeper_in(folder / "node", genesis()).store.close()
