"""What a node tells of itself: what waits, who follows, and whether those that it follows have the same blocks."""

import time
from pathlib import Path

import httpx
import pytest

from accountant.chain.fees import fee_of
from accountant.chain.state import ChainState
from accountant.chain.transaction import decode_transaction
from accountant.node.client import NodeAnswerInvalid
from accountant.node.followers import AGENTS_MOST, FOLLOWERS_MOST, LATELY_S, TEXT_MOST, Followers
from accountant.node.peers import Compared, Peers, compared
from accountant.node.process import FIGURES_S
from accountant.node.wire import FIRST_MOST, HeadView, NeighboursView, StatusView, WaitingView
from accountant.primitives.addresses import show
from accountant.primitives.types import Height
from accountant.processes.tokens import bears, keep_token
from tests.support.chains import ALICE, BOB, CAROL, extend, genesis, transfer
from tests.support.nodes import NEVER_S, running_node, until, until_height

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def ask(url: str, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(url + path, headers=headers)


async def test_what_waits_is_told_in_figures(tmp_path: Path) -> None:
    """Count, bytes, fees, tips and age are those of the transactions themselves, and the best paid stands first."""
    tips = {ALICE: 5, BOB: 9, CAROL: 7}
    raws = [transfer(who, 0, BOB.address, zero=1, tip=tip) for who, tip in tips.items()]
    raws.append(transfer(ALICE, 2, BOB.address, zero=1, tip=100))
    async with running_node(tmp_path, genesis(), interval_s=NEVER_S) as running:
        empty = await running.node.waiting()
        assert (empty.transactions, empty.bytes, empty.fees, empty.oldest, empty.first) == (0, 0, 0, None, ())
        began = int(time.time())
        for raw in raws:
            await running.client.submit(raw)

        async def renewed() -> bool:
            return (await running.node.waiting()).transactions == len(raws)

        await until(renewed, FIGURES_S + 5)
        view = WaitingView(**(await ask(running.url, "/mempool/transactions")).json())
        status = StatusView(**(await ask(running.url, "/status")).json())
    fees = [fee_of(decode_transaction(raw), len(raw), genesis().fees) for raw in raws]
    assert (view.bytes, view.fees) == (sum(map(len, raws)), sum(fees))
    assert (view.tip_least, view.tip_middle, view.tip_most) == (5, 7, 100)
    assert view.oldest is not None and began <= view.oldest <= view.at
    first = [(one["sender"], one["tip"], one["fee"], one["bytes"]) for one in view.first]  # type: ignore[index]
    assert first == [
        (show(who.address), tips[who], fees[n], len(raws[n])) for n, who in ((1, BOB), (2, CAROL), (0, ALICE))
    ]
    assert (status.transactions, status.bytes, status.oldest) == (len(raws), view.bytes, view.oldest)
    assert (status.height, status.followers, status.peers) == (0, 0, 0)


async def test_figures_are_made_once_a_second_however_many_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of questions costs the writer thread one pass, and a writer that is busy keeps nobody waiting."""
    async with running_node(tmp_path, genesis(), interval_s=NEVER_S) as running:
        made = 0
        ours = running.keeper.waiting

        def slow(now: float) -> WaitingView:
            nonlocal made
            made += 1
            time.sleep(1.5)
            return ours(now)

        monkeypatch.setattr(running.keeper, "waiting", slow)
        began = time.monotonic()
        for _ in range(3):
            assert (await ask(running.url, "/status")).status_code == 200
        assert made == 1
        assert time.monotonic() - began < 3 * 1.5
        for raw in (transfer(ALICE, nonce, BOB.address, zero=1) for nonce in range(FIRST_MOST + 5)):
            running.keeper.submit(raw, 0.0)
        assert len(ours(1.0).first) == FIRST_MOST


async def test_who_asks_for_blocks_is_a_follower(tmp_path: Path) -> None:
    """Address, name, height and time of whoever asks for blocks, for the holder of the token and nobody else."""
    token = tmp_path / "node-token"
    keep_token(token)
    secret = token.read_text()
    keep_token(token)
    assert token.read_text() == secret and token.stat().st_mode & 0o777 == 0o600
    async with running_node(tmp_path / "a", genesis(), token=token) as first:
        await first.client.submit(transfer(ALICE, 0, BOB.address, zero=1))
        await until_height(first.client, 1)
        began = int(time.time())
        async with running_node(tmp_path / "b", genesis(), key=None, peers=(first.url,)) as second:
            await until_height(second.client, 1)

            async def asks_for_the_next() -> bool:
                return any(one.height == 2 for one in first.node.followers.latest())

            await until(asks_for_the_next)
            bearer = {"authorization": f"Bearer {secret.strip()}"}
            answer = (await ask(first.url, "/neighbours", **bearer)).json()
            (follower,) = answer["followers"]
            assert (follower["address"], follower["agent"], follower["height"]) == ("127.0.0.1", "anh-node", 2)
            assert began <= follower["at"] <= time.time() and follower["requests"] >= 2
            assert (await ask(first.url, "/status")).json()["followers"] == 1
            for wrong in ({}, {"authorization": "Bearer x"}, {"authorization": "Bearer"}, {"authorization": secret}):
                refused = await ask(first.url, "/neighbours", **{k: v.strip() for k, v in wrong.items()})
                assert refused.status_code == 401 and refused.json()["code"] == "not_the_operator"
            assert (await ask(second.url, "/neighbours", **bearer)).status_code == 401
            assert not bears("Bearer ", tmp_path / "nothing")


def test_followers_are_bounded() -> None:
    """Strangers with any number of addresses and names take no more place than there is, and names stay plain."""
    followers = Followers()
    for number in range(10 * FOLLOWERS_MOST):
        followers.asked(f"10.0.{number // 256}.{number % 256}", f"agent {number}", number, number)
    assert len(followers.latest()) == FOLLOWERS_MOST
    assert followers.latest()[0].height == 10 * FOLLOWERS_MOST - 1
    others = len([one for one in followers.latest() if one.address != "::1"])
    for number in range(1_000):
        followers.asked("::1", f"name {number}", 1, 10**6 + number)
    same = [one for one in followers.latest() if one.address == "::1"]
    assert len(same) == AGENTS_MOST and len(followers.latest()) - len(same) >= others - AGENTS_MOST
    followers.asked("::1", "é\n\x00" + "x" * 10_000, 2**62, 10**7)
    latest = followers.latest()[0]
    assert latest.agent == "???" + "x" * (TEXT_MOST - 3) and latest.height == 2**62
    assert followers.lately(10**7 + LATELY_S) == 1 and followers.lately(10**7 + LATELY_S + 1) == 0
    followers.asked("::1", latest.agent, 3, 10**7)
    assert followers.latest()[0].requests == 2


async def test_peers_on_one_chain_agree(tmp_path: Path) -> None:
    """A peer that has the same blocks is shown with its height; one that goes away with why."""
    async with running_node(tmp_path / "a", genesis()) as first:
        await first.client.submit(transfer(ALICE, 0, BOB.address, zero=1))
        await until_height(first.client, 1)
        with_password = first.url.replace("http://", "http://somebody:secret@")
        async with running_node(tmp_path / "b", genesis(), key=None, peers=(with_password,)) as second:
            await until_height(second.client, 1)
            peers = Peers([first.url])
            found = await compared(first.client, second.node)
            name = first.keeper.state.head.hash.hex()
            assert found == Compared(1, 1, name, name)
            assert await first.client.block_hash(Height(1)) == name
            assert await first.client.block_hash(Height(2)) is None
            peers.answered(first.url, found, 5)
            assert not peers.views()[0].disagrees and peers.views()[0].answered == 5
            (shown,) = second.node.neighbours().peers
            assert "secret" not in shown.url and shown.url == first.url
    peers.away(first.url, "node_unavailable")
    assert peers.views()[0].away == "node_unavailable" and peers.views()[0].height == 1


@pytest.mark.parametrize("fork", [1, 2, 5])
async def test_the_height_where_two_chains_part_is_found(tmp_path: Path, fork: int) -> None:
    """Two signed chains: the least height with another hash, both hashes, and the status say so."""
    ours, theirs = ChainState.at_genesis(genesis()), ChainState.at_genesis(genesis())
    kept, rival = [], []
    for height in range(1, 7):
        zero = 1 if height < fork else 2
        kept.append(extend(ours, [transfer(ALICE, height - 1, BOB.address, zero=1)]))
        rival.append(extend(theirs, [transfer(ALICE, height - 1, BOB.address, zero=zero)]))
    async with running_node(tmp_path / "a", genesis(), key=None) as peer:
        for block in rival[:5]:
            await peer.client.submit_block(block.raw)
        async with running_node(tmp_path / "b", genesis(), key=None) as alone:
            for block in kept:
                await alone.client.submit_block(block.raw)
            there = await compared(peer.client, alone.node)
            assert there == Compared(5, fork, kept[fork - 1].hash.hex(), rival[fork - 1].hash.hex())
            back = await compared(alone.client, peer.node)
            assert back == Compared(6, fork, rival[fork - 1].hash.hex(), kept[fork - 1].hash.hex())
        async with running_node(tmp_path / "b", genesis(), key=None, peers=(peer.url,)) as node:

            async def was_compared() -> bool:
                return node.node.neighbours().peers[0].compared is not None

            await until(was_compared)
            view = node.node.neighbours().peers[0]
            assert view.compared == fork and view.ours == kept[fork - 1].hash.hex()
            assert (await node.node.status()).peers_disagree == 1


class Liar:
    """A node that says what it likes."""

    def __init__(self, height: int, name: str | None) -> None:
        self.height, self.name, self.asked = height, name, 0

    async def head(self) -> HeadView:
        return HeadView(1, "00" * 32, self.height, str(self.name), 0)

    async def block_hash(self, height: Height) -> str | None:
        self.asked += 1
        return self.name


async def test_a_peer_that_lies_costs_little(tmp_path: Path) -> None:
    """Heights below genesis and hashes that are none are no answers; any other lie ends after a few questions."""
    async with running_node(tmp_path, genesis(), heartbeat_s=0.01) as running:
        await until_height(running.client, 3)
        for height, name in ((-1, "00" * 32), (2, None), (2, "x"), (2**70, None), (2, "00" * 10**5)):
            with pytest.raises(NodeAnswerInvalid):
                await compared(Liar(height, name), running.node)
        liar = Liar(2**70, "00" * 32)
        found = await compared(liar, running.node)
        assert found.compared == 0 and liar.asked <= 8


async def test_a_peer_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    """Nobody listens there: the comparing goes on, and the status counts it."""
    gone = "http://127.0.0.1:9"
    async with running_node(tmp_path, genesis(), peers=(gone,)) as running:

        async def away() -> bool:
            return (await running.node.status()).peers_away == 1

        await until(away)
        assert running.node.neighbours() == NeighboursView((), running.node.peers.views())
        assert running.node.peers.views()[0].away == "node_unavailable"
        assert (await running.node.status()).peers_disagree == 0
