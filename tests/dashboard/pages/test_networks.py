"""The page of networks: blobs with who names them, as SQL has them, and the chain's own prices."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from accountant.dashboard.text import share, whole
from accountant.monitoring.reads import networks as reads
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.types import Cid, Seq
from accountant.storage.blob_rows import ReferenceKind
from tests.support.chain_pages import ChainPages, chain_pages, text_of

BLOBS = {cid_of(b"%d" % size): size for size in (5, 70_000, 70_001, 3_000_000)}


@pytest.fixture(scope="module")
def pages(module_database_url: str) -> Iterator[ChainPages]:
    with chain_pages(module_database_url) as made:
        with made.resources.engine.begin() as connection:
            for cid, size in BLOBS.items():
                _insert(connection, "blobs (cid, size, pieces, kept_until)", [cid, size, b"", "2020-01-01"])
            large = max(BLOBS, key=lambda cid: BLOBS[cid])
            for number, expires in enumerate((None, None, "2020-01-01", "2999-01-01")):
                for kind in ReferenceKind:
                    values = [large, int(kind), b"%d%d" % (number, kind), expires]
                    _insert(connection, "blob_references (cid, kind, holder, expires_at)", values)
            _insert(connection, "postings (seq, cap, kind, key)", [1, 0, 7, b"b" + large])
            _insert(connection, "postings (seq, cap, kind, key)", [2, 0, 7, b"b" + large])
            into = "executions (seq, transaction, gas_limit, queue, attempts_most)"
            _insert(connection, into, [1, bytes(32), 10**9, "gpu", 5])
            _insert(
                connection, "trainings (seq, by_seq, first_step, step, steps, loss)", [1, 1, 101, 250, 1_000, 0.125]
            )
        yield made


def _insert(connection: sa.Connection, into: str, values: list[object]) -> None:
    places = ", ".join(["%s"] * len(values))
    connection.exec_driver_sql(f"insert into accountant.{into} values ({places})", tuple(values))


def test_blobs_are_listed_by_size_with_who_names_them(pages: ChainPages) -> None:
    """The largest first; what has expired does not count; the chain's transactions do."""
    with pages.resources.engine.connect() as connection:
        lines = reads.blob_lines(connection, None, 50)
        assert reads.blob_lines(connection, (lines[1].size, lines[1].number), 1) == [lines[2]]
    bare = pages.sql("select cid, size from accountant.blobs order by size desc, number desc")
    assert [(one.cid, one.size) for one in lines] == bare
    assert [(one.named, one.saved, one.uploaded, one.checkpoints) for one in lines] == [
        (2, 3, 3, 3),
        *[(0, 0, 0, 0)] * 3,
    ]
    for visitor in (pages.viewer, pages.operator):
        text = text_of(visitor.get("/networks").text)
        assert f"{whole(3_000_000)} 2 3 3 3" in text and "missing" in text
    named = pages.viewer.get(f"/chain/blobs/{show_cid(Cid(lines[0].cid))}")
    assert named.text.count('scope="row"') == 2


def test_trainings_are_shown_as_they_stand(pages: ChainPages) -> None:
    """Step, share and loss of each training, as the table has them, with the transaction that trains."""
    ((first, step, steps, loss),) = pages.sql("select first_step, step, steps, loss from accountant.trainings")
    assert isinstance(first, int) and isinstance(step, int) and isinstance(steps, int) and isinstance(loss, float)
    text = text_of(pages.viewer.get("/networks").text)
    assert f"{whole(step)} {whole(steps)} {share(step, steps)} {loss:.4g} {whole(first)}" in text
    assert pages.index.transaction(Seq(1)).hash.hex() in pages.viewer.get("/networks").text


def test_pages_go_on_below_a_size(pages: ChainPages) -> None:
    """The link leads to smaller ones; what is no size is nowhere."""
    assert "None further down" in text_of(pages.viewer.get("/networks?below=5-1").text)
    for odd in ("x", "1", "1-", "-1-1"):
        assert pages.viewer.get(f"/networks?below={odd}").status_code == 404
    pages.viewer.http.cookies.clear()
    assert pages.viewer.get("/networks").status_code == 303


def test_prices_are_those_of_genesis(pages: ChainPages) -> None:
    """Each operation of the schedule, and the default for every other."""
    schedule = pages.index.genesis.gas.tensors
    lines = reads.price_lines(schedule)
    assert [one.launch for one in lines] == [schedule.default.launch, *(one.launch for one in schedule.prices)]
    text = text_of(pages.operator.get("/networks").text)
    assert schedule.version in text and f"every other {whole(schedule.default.launch)}" in text
