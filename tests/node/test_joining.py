"""Joining a chain: its genesis from a node, a key of one's own, and nothing that could propose."""

from pathlib import Path

import msgspec
import pytest

from accountant.chain.errors import InvalidGenesis
from accountant.node.client import NodeClient
from accountant.node.devnet import devnet_in, read_genesis
from accountant.node.joining import NoGenesis, join_chain
from accountant.node.keystore import read_key, read_password
from accountant.primitives.encoding import encode
from tests.support.chains import genesis
from tests.support.nodes import running_node

pytestmark = pytest.mark.anyio

WORK = 2**4
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_genesis_comes_from_the_first_peer_that_answers(tmp_path: Path) -> None:
    """Genesis and key are there afterwards, no proposer's key; the next time nobody is asked and nothing changes."""
    places = devnet_in(tmp_path / "b")
    async with running_node(tmp_path / "a", genesis()) as first:
        assert await join_chain(places, (NOBODY, first.url), WORK) == genesis()
    key = read_key(places.accountant_key, read_password(places.password)).address
    assert places.genesis.read_bytes() == encode(genesis())
    assert not places.proposer_key.exists() and not places.faucet_key.exists()
    assert await join_chain(places, (NOBODY,), WORK) == genesis()
    assert read_key(places.accountant_key, read_password(places.password)).address == key


async def test_a_genesis_that_is_here_is_not_replaced(tmp_path: Path) -> None:
    """A folder with a genesis insists on it, whatever a peer has."""
    ours = msgspec.structs.replace(genesis(), time=genesis().time + 1)
    places = devnet_in(tmp_path / "b")
    places.genesis.parent.mkdir()
    places.genesis.write_bytes(encode(ours))
    async with running_node(tmp_path / "a", genesis()) as first:
        assert await join_chain(places, (first.url,), WORK) == ours
    assert read_genesis(places.genesis)[1] == ours


async def test_without_a_genesis_nothing_is_made(tmp_path: Path) -> None:
    """Nobody is named, or nobody answers: an error, and no folder."""
    places = devnet_in(tmp_path / "b")
    with pytest.raises(NoGenesis, match="none named"):
        await join_chain(places, (), WORK)
    with pytest.raises(NoGenesis, match=NOBODY):
        await join_chain(places, (NOBODY,), WORK)
    assert not places.genesis.parent.exists()


@pytest.mark.parametrize("raw", [b"", b"no genesis", encode(msgspec.structs.replace(genesis(), proposers=()))])
async def test_a_peer_that_lies_about_genesis(raw: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are no valid genesis are never written."""

    async def lie(_client: NodeClient) -> bytes:
        return raw

    monkeypatch.setattr(NodeClient, "genesis", lie)
    places = devnet_in(tmp_path / "b")
    with pytest.raises((NoGenesis, InvalidGenesis)):
        await join_chain(places, (NOBODY,), WORK)
    assert not places.genesis.exists()
