"""Transactions that a follower passes on to its peers, whatever happens to either of them."""

from pathlib import Path

import pytest

from accountant.chain.mempool import Pending
from accountant.chain.sync import SourceUnavailable
from accountant.chain.transaction import transaction_hash
from accountant.node.client import NodeClient, Refused
from accountant.node.passing import ROUND_MOST, Passing
from accountant.primitives.cid import cid_of
from accountant.primitives.types import Cid, Hash
from accountant.processes.ports import free_port
from tests.support.chains import ALICE, BOB, CAROL, PROPOSER, genesis, key, transfer
from tests.support.nodes import NEVER_S, RunningNode, running_node, until, until_height

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def no_blob(cid: Cid) -> Path | None:
    """For transactions that publish nothing."""
    return None


class Peer:
    """Takes transactions, or does not; publications after their bytes alone."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.away = False
        self.refuses: set[bytes] = set()
        self.lacks: set[bytes] = set()
        self.blobs: list[tuple[Cid, Path]] = []

    async def submit(self, raw: bytes) -> Hash:
        if self.away:
            raise SourceUnavailable("away")
        self.taken.append(raw)
        if raw in self.refuses:
            raise Refused("no", "unfunded", 409)
        if raw in self.lacks:
            raise Refused("no", "blob_absent", 409)
        return transaction_hash(raw)

    async def put_blob(self, cid: Cid, path: Path) -> int:
        self.blobs.append((cid, path))
        self.lacks.clear()
        return 7


def _pending(*raws: bytes) -> list[Pending]:
    return [Pending(raw, transaction_hash(raw), ALICE.address, nonce, 0, 1) for nonce, raw in enumerate(raws)]


async def test_each_is_handed_over_once_until_it_is_due_again() -> None:
    """What waits goes once, in order; after a while without a block again; what no longer waits never."""
    peer = Peer()
    passing = Passing(peer, 5.0, no_blob)
    assert await passing.round(_pending(b"one", b"two"), 0.0) == 2
    assert await passing.round(_pending(b"one", b"two", b"three"), 4.0) == 1
    assert peer.taken == [b"one", b"two", b"three"]
    assert await passing.round(_pending(b"two", b"three"), 5.0) == 1
    assert peer.taken[3:] == [b"two"]
    assert await passing.round([], 100.0) == 0


async def test_a_refusal_holds_nothing_up_and_a_lost_peer_forgets_nothing() -> None:
    """After a refusal the next goes on; what was not handed over when the peer went away is due at once."""
    peer = Peer()
    peer.refuses.add(b"one")
    passing = Passing(peer, 5.0, no_blob)
    assert await passing.round(_pending(b"one", b"two"), 0.0) == 2
    peer.away = True
    with pytest.raises(SourceUnavailable):
        await passing.round(_pending(b"one", b"two", b"three"), 1.0)
    peer.away = False
    assert await passing.round(_pending(b"one", b"two", b"three"), 1.1) == 1
    assert peer.taken == [b"one", b"two", b"three"]


async def test_a_publication_goes_after_its_bytes(tmp_path: Path) -> None:
    """To a peer without the bytes they go first, once; where they are not here either, the refusal is all there is."""
    peer, cid, file = Peer(), cid_of(b"weights"), tmp_path / "blob"
    publication = _pending(b"one")[0]._replace(publishes=(cid, 7))
    peer.lacks.add(b"one")
    assert await Passing(peer, 5.0, no_blob).round([publication], 0.0) == 1
    assert peer.taken == [b"one"] and not peer.blobs
    assert await Passing(peer, 5.0, {cid: file}.get).round([publication, *_pending(b"two")], 0.0) == 2
    assert peer.taken == [b"one", b"one", b"one", b"two"]
    assert peer.blobs == [(cid, file)]


async def test_a_round_is_bounded() -> None:
    """However much waits, a round hands over so many, and the next round the next ones."""
    peer = Peer()
    passing = Passing(peer, 5.0, no_blob)
    raws = [b"%d" % number for number in range(ROUND_MOST + 3)]
    assert await passing.round(_pending(*raws), 0.0) == ROUND_MOST
    assert await passing.round(_pending(*raws), 0.0) == 3
    assert peer.taken == raws


async def test_a_transaction_reaches_the_proposer_through_a_follower(tmp_path: Path) -> None:
    """Two hops from the proposer it is taken, passed on, put into a block, and forgotten everywhere."""
    async with (
        running_node(tmp_path / "a", genesis()) as first,
        running_node(tmp_path / "b", genesis(), key=None, peers=(first.url,)) as second,
        running_node(tmp_path / "c", genesis(), key=None, peers=(second.url,)) as third,
    ):
        for nonce in range(5):
            await third.client.submit(transfer(ALICE, nonce, BOB.address, zero=1))

        async def all_have_it() -> bool:
            return [await _nonce(node) for node in (first, second, third)] == [5, 5, 5]

        await until(all_have_it)
        assert [(await node.client.mempool()).transactions for node in (first, second, third)] == [0, 0, 0]


async def test_two_that_name_each_other_make_no_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that both have is handed over once in each direction, not again and again."""
    sent = []
    submit = NodeClient.submit

    async def counted(client: NodeClient, raw: bytes) -> Hash:
        sent.append(raw)
        return await submit(client, raw)

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with (
        running_node(tmp_path / "b", genesis(), key=None, peers=(url,)) as second,
        running_node(tmp_path / "a", genesis(), interval_s=NEVER_S, port=port, peers=(second.url,)) as first,
    ):
        monkeypatch.setattr(NodeClient, "submit", counted)
        raw = transfer(ALICE, 0, BOB.address, zero=1)
        await second.client.submit(raw)

        async def both_wait() -> bool:
            return [(await node.client.mempool()).transactions for node in (first, second)] == [1, 1]

        await until(both_wait)
        before = len(sent)
        other = transfer(CAROL, 0, BOB.address, zero=1)
        await first.client.submit(other)

        async def both_wait_for_two() -> bool:
            return [(await node.client.mempool()).transactions for node in (first, second)] == [2, 2]

        await until(both_wait_for_two)
        assert before <= 3
        assert len(sent) <= 6  # each by its sender, and once in each direction
        assert await first.node.propose(empty=False)
        await until_height(second.client, 1)


async def test_a_lost_peer_gets_it_when_it_is_back(tmp_path: Path) -> None:
    """While the proposer is away a transaction waits at the follower; after its restart a block has it, once."""
    async with running_node(tmp_path / "a", genesis()) as first:
        port = int(first.url.rsplit(":", 1)[1])
        async with running_node(tmp_path / "b", genesis(), key=None, peers=(first.url,)) as second:
            await first.client.submit(transfer(ALICE, 0, BOB.address, zero=1))
            await until_height(second.client, 1)
    peers = (f"http://127.0.0.1:{port}",)
    async with running_node(tmp_path / "b", genesis(), key=None, peers=peers) as second:
        await second.client.submit(transfer(ALICE, 1, BOB.address, zero=1))
        async with running_node(tmp_path / "a", genesis(), PROPOSER, port=port) as first:

            async def both_have_it() -> bool:
                return [await _nonce(node) for node in (first, second)] == [2, 2]

            await until(both_have_it)
            assert (await first.client.head()).height == 2


async def test_a_peer_that_forgot_is_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proposer that lost its mempool in a restart gets what the follower handed over before."""
    monkeypatch.setattr("accountant.node.server.AGAIN_S", 0.3)
    raw = transfer(ALICE, 0, BOB.address, zero=1)
    async with (
        running_node(tmp_path / "a", genesis(), interval_s=NEVER_S) as first,
        running_node(tmp_path / "b", genesis(), key=None, peers=(first.url,)) as second,
    ):
        await second.client.submit(raw)

        async def handed_over() -> bool:
            return (await first.client.mempool()).transactions == 1

        await until(handed_over)
        first.keeper.mempool.drop(transaction_hash(raw))
        await until(handed_over)


async def test_a_poor_key_floods_nobody(tmp_path: Path) -> None:
    """What the follower itself refuses never reaches its peer."""
    async with (
        running_node(tmp_path / "a", genesis()) as first,
        running_node(tmp_path / "b", genesis(), key=None, peers=(first.url,)) as second,
    ):
        with pytest.raises(Refused, match="Z is 0"):
            await second.client.submit(transfer(key("poor"), 0, BOB.address, zero=1))
        assert await second.node.pending() == []
        assert (await first.client.mempool()).transactions == 0


async def _nonce(node: RunningNode) -> int:
    return (await node.client.account(ALICE.address)).nonce
