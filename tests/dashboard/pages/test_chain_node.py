"""The node on the chain's page: each number is the node's own answer or bare SQL's; one that is away is said to be."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import NamedTuple

import httpx
import msgspec
import pytest

from accountant.chain.state import ChainState
from accountant.dashboard.text import share, short, span, units, unix, whole
from accountant.monitoring.node_answers import AskNode
from accountant.monitoring.reads import block_times as reads
from accountant.monitoring.reads.chain import latest_blocks
from accountant.monitoring.reads.node import beside_index
from accountant.node.process import FIGURES_S
from accountant.node.wire import OCTETS
from accountant.primitives.addresses import show
from accountant.processes.tokens import keep_token
from accountant.settings import Settings
from tests.support.chain_pages import MARKUP, NOWHERE, ChainPages, chain_pages, text_of
from tests.support.chains import ALICE, BOB, CAROL, PROPOSER, extend, transfer
from tests.support.dashboard import Visitor
from tests.support.nodes import NEVER_S, NodeBeside, node_beside
from tests.support.pages import figures, table
from tests.support.processes import wait_until
from tests.support.service import service_genesis, small_chain

CHAIN = small_chain()


class Beside(NamedTuple):
    """The pages, the node that they ask, and a peer of its with other blocks from height 2 on."""

    pages: ChainPages
    node: NodeBeside
    peer: NodeBeside
    ask: AskNode


@pytest.fixture(scope="module")
def beside(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    """A node with a block more than the index, three waiting transactions, one peer on another chain and one away."""
    folder: Path = tmp_path_factory.mktemp("node")
    settings = {"data_dir": folder}
    keep_token(Settings(**settings).node_token_path)  # type: ignore[arg-type]
    theirs = ChainState.at_genesis(service_genesis())
    rival = [CHAIN.blocks[0], extend(theirs, [t.raw for t in CHAIN.blocks[0].transactions])]
    rival[1] = extend(theirs, [transfer(BOB, 1, CAROL.address, zero=7)])
    ours = ChainState.at_genesis(service_genesis())
    for block in CHAIN.blocks:
        extend(ours, [transaction.raw for transaction in block.transactions])
    more = extend(ours, [transfer(BOB, 1, CAROL.address, zero=8)])
    with (
        node_beside(folder / "peer", service_genesis(), key=None) as peer,
        node_beside(
            folder / "ours",
            service_genesis(),
            key=None,
            interval_s=NEVER_S,
            peers=(NOWHERE, peer.url),
            token=Settings(**settings).node_token_path,  # type: ignore[arg-type]
        ) as node,
        chain_pages(module_database_url, Settings(node_url=node.url, **settings)) as pages,  # type: ignore[arg-type]
    ):
        for block in (*CHAIN.blocks, more):
            node.do(node.node.import_block(block.raw))
        for block in rival:
            peer.do(peer.node.import_block(block.raw))
        for who, nonce, tip in ((ALICE, 3, 5), (CAROL, 4, 9), (CAROL, 6, 2)):
            node.do(node.node.submit(transfer(who, nonce, BOB.address, zero=1, tip=tip)))
        asked = httpx.get(
            f"{node.url}/blocks?from=3", headers={"user-agent": MARKUP[:64], "accept": OCTETS}, trust_env=False
        )
        assert asked.status_code == 200
        wait_until(lambda: node.do(node.node.status()).peers_disagree == 1, 30)
        wait_until(lambda: node.node.peers.views()[1].compared == 2, 30)
        wait_until(lambda: node.node.peers.views()[0].away is not None, 30)
        time.sleep(FIGURES_S)
        yield Beside(pages, node, peer, AskNode(node.url, Settings(**settings).node_token_path))  # type: ignore[arg-type]


def test_the_node_stands_beside_the_index(beside: Beside) -> None:
    """Both heights and the lag, as the node and SQL have them; a block that both have is the same one."""
    shown = figures(beside.pages.viewer.get("/chain").text)
    status = beside.ask.status()
    ((height,),) = beside.pages.sql("select max(height) from accountant.blocks")
    assert status is not None and status.height == 4 and height == 3
    with beside.pages.resources.engine.connect() as connection:
        found = beside_index(connection, status)
    assert (found.node_height, found.index_height, found.index_hash, found.differs, found.lag) == (4, 3, None, False, 1)
    assert (shown["Height"], shown["Node's height"], shown["Lag"]) == ("3", "4", "1")


def test_an_index_on_another_chain_is_said(beside: Beside) -> None:
    """The same height with another hash is a difference; without the index's own block there is none."""
    status = beside.ask.status()
    assert status is not None
    with beside.pages.resources.engine.connect() as connection:
        for height, name, differs in (
            (2, CHAIN.blocks[1].hash.hex(), False),
            (2, "cd" * 32, True),
            (9, "cd" * 32, False),
        ):
            found = beside_index(connection, msgspec.structs.replace(status, height=height, hash=name))
            assert found.differs is differs
            assert found.lag == height - 3


def test_what_waits_is_what_the_node_says(beside: Beside) -> None:
    """Count, bytes, fees, tips and each line equal the node's answer, and that the transactions themselves."""
    text = beside.pages.operator.get("/chain").text
    shown, waiting = figures(text), beside.ask.waiting()
    assert waiting is not None and waiting.transactions == 3
    pending = list(beside.node.keeper.mempool.all())
    assert (waiting.bytes, waiting.fees) == (sum(len(p.raw) for p in pending), sum(p.fee for p in pending))
    assert waiting.tip_middle == median_low([p.tip for p in pending]) == 5
    assert shown["Waiting"] == whole(3) and shown["Size"] == whole(waiting.bytes)
    assert shown["Fees offered"] == units(waiting.fees) and shown["Tips offered"] == units(5)
    assert waiting.oldest is not None and shown["Oldest"].split()[-1] in ("s", "min")
    lines = table(text, "What a block takes first")
    assert [line[:6] for line in lines] == [
        [short(bytes.fromhex(p.hash)), short(p.sender), whole(p.nonce), whole(p.bytes), units(p.fee), units(p.tip)]
        for p in waiting.first
    ]
    assert [p.sender for p in waiting.first] == [show(CAROL.address), show(ALICE.address)], "a gap is no candidate"


def test_other_nodes_are_shown_with_where_they_part(beside: Beside) -> None:
    """The peer with another block at height 2 disagrees there, with both hashes; the other one is away."""
    text = beside.pages.viewer.get("/chain").text
    neighbours = beside.ask.neighbours()
    assert neighbours is not None
    assert "1 of 2 nodes that ours follows have other blocks than ours" in text_of(text)
    lines = table(text, "Nodes that ours follows")
    away, other = neighbours.peers
    assert (other.compared, other.ours) == (2, CHAIN.blocks[1].hash.hex()) and other.disagrees
    assert other.theirs == beside.peer.node.store.hash_of(2).hex()  # type: ignore[union-attr]
    assert lines[1][0] == beside.peer.url and lines[1][1].startswith("disagrees")
    assert lines[1][2:] == [
        whole(other.height),
        "2",
        *(short(bytes.fromhex(name or "")) for name in (other.ours, other.theirs)),
        unix(other.answered),
    ]
    assert lines[0][0] == NOWHERE and lines[0][1].startswith("away") and away.height is None


def test_followers_are_shown_and_their_names_stay_text(beside: Beside) -> None:
    """Address, name, height, requests and time of whoever asked, as the node has them; markup is no element."""
    text = beside.pages.viewer.get("/chain").text
    neighbours = beside.ask.neighbours()
    assert neighbours is not None
    (one,) = neighbours.followers
    assert (one.address, one.height, one.requests) == ("127.0.0.1", 3, 1)
    assert MARKUP[:40] not in text and "&lt;script&gt;alert(1)" in text
    ((address, _, height, requests, at),) = table(text, "Who asks ours for blocks")
    assert [address, height, requests, at] == [one.address, whole(3), whole(1), unix(one.at)]


def test_the_verdict_degrades_with_its_cause(beside: Beside) -> None:
    """A peer with other blocks is a cause that leads to the chain's page."""
    text = beside.pages.viewer.get("/").text
    assert 'data-cause="nodes_disagree"' in text
    assert "1 of 2 node(s) that ours follows have other blocks than ours." in text


def test_without_the_token_numbers_are_left(beside: Beside, tmp_path: Path) -> None:
    """A dashboard that may not read the token shows how many follow and disagree, and no address."""
    settings = Settings(node_url=beside.node.url, data_dir=tmp_path)
    other = Visitor(replace(beside.pages.resources, settings=settings))
    other.sign_in("viewer")
    text = text_of(other.get("/chain").text)
    assert "node-token" in text and "2 nodes are followed, of which 1 have other blocks and 1 do not answer" in text
    assert beside.peer.url not in text and "Waiting 3" in text


def test_a_node_that_is_away_is_said_and_costs_little(beside: Beside) -> None:
    """The page comes at once, says that the node does not answer, and shows what SQL has."""
    settings = Settings(node_url=NOWHERE)
    other = Visitor(replace(beside.pages.resources, settings=settings))
    other.sign_in("viewer")
    began = time.monotonic()
    text = other.get("/chain").text
    assert time.monotonic() - began < 2
    assert "The node does not answer" in text
    shown = figures(text)
    assert (shown["Height"], shown["Node's height"], shown["Lag"]) == ("3", "–", "–")


def test_a_node_that_hangs_keeps_the_page_for_a_moment_only(beside: Beside) -> None:
    """Somebody takes the connection and says nothing: after two seconds the page comes without the node."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Settings(node_url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        other = Visitor(replace(beside.pages.resources, settings=settings))
        other.sign_in("viewer")
        began = time.monotonic()
        text = other.get("/chain").text
        assert time.monotonic() - began < 5
        assert "The node does not answer" in text


def test_times_and_fees_are_bare_sqls(beside: Beside) -> None:
    """The distribution holds each time between blocks once; tips, gas money and bytes are those of the transactions."""
    text = beside.pages.viewer.get("/chain").text
    times = [
        int(str(row[0])) for row in beside.pages.sql("select time from accountant.blocks where height > 0 order by 1")
    ]
    gaps = sorted(b - a for a, b in pairwise(times))
    with beside.pages.resources.engine.connect() as connection:
        found = reads.block_times(connection)
        paid = reads.fees_of(connection, latest_blocks(connection, None, 20))
        few = reads.fees_of(connection, [])
    assert found.counted == sum(bar.blocks for bar in found.bars) == len(gaps)
    for bar in found.bars:
        assert bar.blocks == sum(bar.from_s <= gap and (bar.below_s is None or gap < bar.below_s) for gap in gaps)
    assert found.bars[0].blocks and found.bars[-1].blocks
    assert found.middle_s == median_low(gaps) and figures(text)["Middle time"] == span(median_low(gaps))
    bare = beside.pages.sql(
        "select height, sum(tip), sum(gas_limit::numeric * gas_price), sum(length(raw)) from accountant.transactions "
        "group by 1"
    )
    assert few == {}
    assert {row[0]: tuple(map(int, row[1:])) for row in bare} == {  # type: ignore[arg-type]
        height: (fee.tips, fee.gas_money, fee.bytes) for height, fee in paid.items() if height
    }
    assert paid[0] == (0, 0, 0)
    lines = {line[0]: line[5:8] for line in table(text, "Blocks, the latest first")}
    for height, fee in paid.items():
        assert lines[str(height)] == [whole(fee.bytes), units(fee.tips), units(fee.gas_money)]
    ((proposer, blocks),) = beside.pages.sql(
        "select proposer, count(*) from accountant.blocks where height > 0 group by 1"
    )
    assert proposer == PROPOSER.address
    assert table(text, "Who proposed")[0][1:] == [whole(int(str(blocks))), share(1, 1)]


def test_fees_are_summed_over_a_bounded_number(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks beyond the bound are shown without fees, and the page says so."""
    monkeypatch.setattr(reads, "COUNTED_MOST", 6)
    with beside.pages.resources.engine.connect() as connection:
        assert set(reads.fees_of(connection, latest_blocks(connection, None, 20))) == {3, 2}
    text = beside.pages.viewer.get("/chain").text
    assert "fees are summed over" in text
    assert {line[0]: line[6] for line in table(text, "Blocks, the latest first")}["1"] == "–"
