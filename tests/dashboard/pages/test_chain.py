"""The chain's pages: every number is bare SQL's or the index's, nothing stored becomes markup, nothing is executed."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from accountant.chain.fees import fee_of
from accountant.dashboard.text import units, unix, whole
from accountant.monitoring.reads import chain as reads
from accountant.monitoring.reads.provenance import provenance
from accountant.monitoring.reads.search import FoundKind, NotFound, find
from accountant.primitives.addresses import show
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.encoding import encode
from accountant.primitives.types import Seq
from tests.support.chain_pages import MARKUP, ChainPages, chain_pages, text_of
from tests.support.chains import ALICE, BOB
from tests.support.service import BURNER, small_chain

CHAIN = small_chain()
SETTLED = "0x" + CHAIN.settled.hex()


@pytest.fixture(scope="module")
def pages(module_database_url: str) -> Iterator[ChainPages]:
    with chain_pages(module_database_url) as made:
        yield made


def test_the_head_and_its_figures_are_those_of_bare_sql(pages: ChainPages) -> None:
    """Height, transactions, pace, fees and every line of the blocks."""
    answer = pages.viewer.get("/chain")
    assert answer.status_code == 200
    text = text_of(answer.text)
    ((height, following),) = pages.sql(
        'select height, first_seq + "count" from accountant.blocks order by height desc limit 1'
    )
    assert f"Height {height}" in text and f"Transactions {following}" in text
    times = [row[0] for row in pages.sql("select time from accountant.blocks where height > 0 order by height")]
    gaps = [int(str(b)) - int(str(a)) for a, b in pairwise(times)]
    with pages.resources.engine.connect() as connection:
        assert reads.pace(connection) == (sum(gaps) / len(gaps), min(gaps), max(gaps))
        fees = reads.fees_lately(connection)
        blocks = reads.latest_blocks(connection, None, 20)
        proposers = reads.proposers(connection)
    rows = pages.sql("select tip, gas_price, gas_limit, kind from accountant.transactions")
    middle = [sorted(int(str(row[at])) for row in rows)[(len(rows) - 1) // 2] for at in range(3)]
    assert [fees.transactions, fees.tip, fees.gas_price, fees.gas_limit] == [len(rows), *middle]
    assert [fees.transfers, fees.calls, fees.deployments] == [sum(row[3] == kind for row in rows) for kind in range(3)]
    bare = pages.sql(
        'select height, hash, time, first_seq, "count", proposer from accountant.blocks order by height desc'
    )
    assert [(b.height, b.hash, b.time, b.first_seq, b.transactions, b.proposer) for b in blocks] == bare
    assert all(f"{one.height} 0x{one.hash.hex()[:8]}" in text and unix(one.time) in text for one in blocks)
    assert proposers == pages.sql(
        "select proposer, count(*) from accountant.blocks where height > 0 group by proposer order by 2 desc, 1"
    )


def test_blocks_are_paged_by_height(pages: ChainPages) -> None:
    """`before` shows the blocks below it and no other."""
    with pages.resources.engine.connect() as connection:
        assert [one.height for one in reads.latest_blocks(connection, 2, 1)] == [1]
    text = pages.viewer.get("/chain?before=2").text
    assert "/chain/blocks/1" in text and 'scope="row"><a href="/chain/blocks/2"' not in text
    assert pages.viewer.get("/chain?before=x").status_code == 404


def test_a_block_shows_its_transactions_and_sums(pages: ChainPages) -> None:
    """By height or by hash, the sums are bare SQL's."""
    answer = pages.viewer.get("/chain/blocks/1")
    assert answer.status_code == 200
    by_hash = pages.viewer.get(f"/chain/blocks/0x{CHAIN.blocks[0].hash.hex()}")
    assert text_of(by_hash.text).split("Block 1", 1)[1] == text_of(answer.text).split("Block 1", 1)[1]
    ((tips, money, limits, zero, general),) = pages.sql(
        "select sum(tip), sum(gas_limit::numeric * gas_price), sum(gas_limit), sum(zero_value), sum(general_value)"
        " from accountant.transactions where height = 1"
    )
    text = text_of(answer.text)
    assert f"Tips {units(int(str(tips)))}" in text and f"Gas money {units(int(str(money)))}" in text
    assert f"Gas limits {whole(int(str(limits)))}" in text
    assert f"Zero-cost value {units(int(str(zero)))}" in text and f"General value {units(int(str(general)))}" in text
    assert text.count("transfer") >= 3
    assert all(f"/chain/transactions/0x{t.hash.hex()}" in answer.text for t in CHAIN.blocks[0].transactions)
    for nowhere in ("99", "x", "0x" + "ab" * 32, "-1"):
        assert pages.viewer.get(f"/chain/blocks/{nowhere}").status_code == 404


def test_a_transaction_shows_what_it_says_and_what_it_rests_on(pages: ChainPages) -> None:
    """Its fee is the rules' own; nobody observed it, so its declarations tell where its money may come from."""
    seq = pages.index.seq_of(CHAIN.settled)
    assert seq is not None
    located = pages.index.transaction(seq)
    answer = pages.viewer.get(f"/chain/transactions/{SETTLED}")
    text = text_of(answer.text)
    size = len(encode(located.transaction))
    assert f"Paid at inclusion {units(fee_of(located.transaction, size, pages.index.genesis.fees))}" in text
    assert f"General value {units(10_000)}" in text and show(ALICE.address) in answer.text
    assert "Nobody observed it here yet" in text
    sources = provenance(pages.index, pages.outcomes, seq)
    assert sources.declared and [one.hash for one in sources.sources if one.hash] == [CHAIN.refund]
    assert f"/chain/transactions/0x{CHAIN.refund.hex()}" in answer.text
    assert pages.viewer.get("/chain/transactions/0x" + "ab" * 32).status_code == 404


def test_markup_in_an_outcome_staystext_of(pages: ChainPages) -> None:
    """Logs, slots and returned values that are markup are shown as text, to viewers and operators alike."""
    seq = pages.index.seq_of(CHAIN.burns[3])
    assert seq is not None
    pages.observe(seq)
    for visitor in (pages.viewer, pages.operator):
        answer = visitor.get(f"/chain/transactions/0x{CHAIN.burns[3].hex()}")
        assert answer.status_code == 200 and MARKUP not in answer.text and "<script>alert" not in answer.text
        assert answer.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5
    text = text_of(answer.text)
    assert f"Gas used {whole(1_234)}" in text and "Executions 1 " in text and "burn" in text
    assert f"int {3 * 300_000_000 + 3}" in text
    search = pages.viewer.get(
        "/chain/search",
    )
    assert search.status_code == 404


def test_the_search_box_finds_and_says_exactly_what_is_wrong(pages: ChainPages) -> None:
    """Heights, hashes, addresses, contracts and CIDs lead to their pages; anything else to one exact sentence."""
    block = "0x" + CHAIN.blocks[1].hash.hex()
    cid = show_cid(cid_of(b"nobody sent this"))
    for text, to in (
        ("2", "/chain/blocks/2"),
        (f" {SETTLED} ", f"/chain/transactions/{SETTLED}"),
        (SETTLED[2:].upper(), f"/chain/transactions/{SETTLED}"),
        (block, "/chain/blocks/2"),
        (show(BOB.address), f"/accounts/{show(BOB.address)}"),
        (show(BOB.address).lower(), f"/accounts/{show(BOB.address)}"),
        ("0x" + BURNER.hex(), f"/accounts/0x{BURNER.hex()}"),
        (cid, f"/chain/blobs/{cid}"),
    ):
        answer = pages.viewer.http.get("/chain/search", params={"q": text})
        assert (answer.status_code, answer.headers["location"]) == (303, to)
    mixed = show(BOB.address)
    for text, why in (
        ("", "Type a height"),
        ("99", "ends at height 3"),
        ("0x1234", "4 hex digits"),
        ("0x" + "ab" * 32, "No block, transaction or contract"),
        (mixed[:2] + mixed[2:].swapcase(), "wrong checksum"),
        ("bafy", "looks like a CID"),
        ("x" * 500, "500 characters"),
        ("hello", "neither a height"),
    ):
        with pytest.raises(NotFound, match=re.escape(why).replace("wrong", "[wW]rong")):
            find(pages.index, text)
        answer = pages.viewer.http.get("/chain/search", params={"q": text})
        assert answer.status_code == 404 and 'role="alert"' in answer.text
    answer = pages.viewer.http.get("/chain/search", params={"q": MARKUP})
    assert MARKUP not in answer.text and "&lt;script&gt;" in answer.text
    assert find(pages.index, "0").kind is FoundKind.BLOCK


def test_a_provenance_opens_step_by_step_without_executing(pages: ChainPages) -> None:
    """The list has what the graph has; opening shows the next step; outcomes stay as they were."""
    before = pages.sql("select count(*) from accountant.outcomes")
    closed = pages.viewer.get(f"/chain/transactions/{SETTLED}/provenance")
    assert closed.status_code == 200 and closed.text.count('<g class="node') == 3
    opened = pages.viewer.get(f"/chain/transactions/{SETTLED}/provenance?open={CHAIN.refund.hex()}")
    assert 'aria-expanded="true"' in opened.text
    odd = pages.viewer.get(f"/chain/transactions/{SETTLED}/provenance?open={'ab' * 32},x,<script>")
    assert odd.text.count('<g class="node') == 3 and "<script>x" not in odd.text
    assert pages.sql("select count(*) from accountant.outcomes") == before


def test_a_blob_that_nobody_names_is_told_so(pages: ChainPages) -> None:
    """Its page exists, since its name is valid; what is no CID has none."""
    assert "No transaction" in pages.viewer.get(f"/chain/blobs/{show_cid(cid_of(b'x'))}").text
    assert pages.viewer.get("/chain/blobs/b123").status_code == 404


def test_strangers_see_none_of_it(pages: ChainPages) -> None:
    """Without a session every page of the chain asks to sign in."""
    pages.viewer.http.cookies.clear()
    assert pages.viewer.get("/chain").headers["location"] == "/login?next=/chain"
    assert pages.viewer.sign_in("viewer").status_code == 303


def test_refused_blocks_and_withdrawals_are_shown(pages: ChainPages) -> None:
    """Evidence and repairs stand on the page as the tables have them."""
    with pages.resources.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into accountant.refused_blocks (hash, height, header, signature) values (%s, 2, '', '')",
            (b"\xcd" * 32,),
        )
        connection.exec_driver_sql(
            "insert into accountant.withdrawals (epoch, seq, digest, outcomes, checkpoints, jobs)"
            " values (1, %s, '', 17, 3, 2)",
            (int(Seq(0)),),
        )
    text = text_of(pages.operator.get("/chain").text)
    assert "0xcdcdcdcd…cdcdcd" in text and f"0x{CHAIN.blocks[1].hash.hex()[:8]}" in text
    assert re.search(r"1 0x[0-9a-f]{8}…[0-9a-f]{6} 17 3 2", text)
