"""The page of networks: blobs with who names them, as SQL has them, and the chain's own prices."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from accountant.dashboard.pages.curve_picture import curve
from accountant.dashboard.text import share, whole
from accountant.monitoring.reads import networks as reads
from accountant.monitoring.reads import trainings as reads_of_trainings
from accountant.monitoring.reads.devices import device_lines
from accountant.monitoring.reads.measured_gas import measured_kinds, rates
from accountant.monitoring.reads.trainings import CurvePoint
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.types import Cid, Seq
from accountant.storage.blob_rows import ReferenceKind
from tests.support.chain_pages import MARKUP, ChainPages, chain_pages, text_of
from tests.support.pages import assert_inert, figures, table

MEASURED = (
    ("cpu", "", 4, 8_000_000, 0.08),
    ("cpu", "add", 100, 1_000_000, 0.005),
    ("cpu", "conv2d8", 3, 1_000_000, 0.02),
    ("cpu", "relu", 3, 0, 0.0),
    ("cuda", "fit", 1, 10**12, 1.0),
)
"""By hand: a gas is worth 10 ns; an addition takes 5 for each, a convolution 20."""

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
            into = "blob_references (cid, kind, holder, expires_at)"
            _insert(connection, into, [large, int(ReferenceKind.SAVED), (2).to_bytes(8, "big"), None])
            _insert(connection, into, [large, 9, b"01", None])
            _insert(connection, "postings (seq, cap, kind, key)", [1, 0, 7, b"b" + large])
            _insert(connection, "postings (seq, cap, kind, key)", [2, 0, 7, b"b" + large])
            into = "executions (seq, transaction, gas_limit, queue, attempts_most)"
            _insert(connection, into, [1, bytes(32), 10**9, "gpu", 5])
            into = "trainings (seq, by_seq, first_step, step, steps, loss, gas)"
            _insert(connection, into, [1, 1, 101, 250, 1_000, 0.125, 8_001])
            for part, (step, loss) in enumerate(((90, 2.5), (170, 0.5), (250, 0.125))):
                _insert(connection, "training_losses (seq, part, steps, step, loss)", [1, part, 1_000, step, loss])
            worker = "workers (host, queue, pid, parent_pid, doing, device, operation, operation_gas, operation_at)"
            for pid, operation in ((11, "fit"), (12, "predict"), (13, None), (14, MARKUP)):
                at = None if operation is None else "2026-01-01 00:00:00+00"
                values = [MARKUP, "gpu", pid, 1, "execution of 1", "cuda", operation, 77 if operation else None, at]
                _insert(connection, worker, values)
            into = "devices (host, device, name, memory_bytes, used_bytes, share)"
            _insert(connection, into, ["one", "cpu", MARKUP, 2**34, 2**33, 0.25])
            _insert(connection, into, ["one", "gpu 0", "H200", 2**37, 2**30, 0.875])
            into = "measured_gas (device, kind, operations, gas, seconds)"
            for row in MEASURED:
                _insert(connection, into, list(row))
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
        (2, 4, 3, 3),
        *[(0, 0, 0, 0)] * 3,
    ]
    for visitor in (pages.viewer, pages.operator):
        text = text_of(visitor.get("/networks").text)
        assert f"{whole(3_000_000)} 2 4 3 3" in text and "missing" in text
    named = pages.viewer.get(f"/chain/blobs/{show_cid(Cid(lines[0].cid))}")
    assert named.text.count('scope="row"') == 2


def test_trainings_are_shown_as_they_stand(pages: ChainPages) -> None:
    """Step, share, loss and gas of each training, as the table has them, with the work's state and a curve."""
    with pages.resources.engine.connect() as connection:
        (line,) = reads_of_trainings.training_lines(connection)
        assert reads_of_trainings.training(connection, line.transaction) == line
        assert reads_of_trainings.training(connection, bytes(32)) is None
    bare = pages.sql(
        "select t.seq, x.hash, t.first_step, t.step, t.steps, t.loss, t.gas, e.state, t.gas * t.step / t.steps "
        "from accountant.trainings t join accountant.transactions x using (seq) "
        "join accountant.executions e using (seq)"
    )
    mine = (line.seq, line.transaction, line.first_step, line.step, line.steps, line.loss, line.gas, line.word)
    assert bare == [(*mine, line.gas_so_far)]
    text = pages.viewer.get("/networks").text
    ((_, *shown),) = table(text, "Told of last")
    assert shown[:5] == [line.word, whole(line.step), whole(line.steps), share(line.step, line.steps), "0.125"]
    assert shown[6:9] == [whole(line.gas_so_far), whole(line.gas), whole(line.first_step)]
    assert 'aria-label="Loss from 2.5 to 0.125, 0.125 at least"' in text


def test_a_training_has_a_page_with_its_curve(pages: ChainPages) -> None:
    """All points that SQL has, drawn and as a table; what is no training is nowhere."""
    with pages.resources.engine.connect() as connection:
        (line,) = reads_of_trainings.training_lines(connection)
        points = reads_of_trainings.curves(connection, [1, 2])[1]
    assert [tuple(one) for one in points] == pages.sql(
        "select step, loss from accountant.training_losses where seq = 1 order by step"
    )
    path = f"/networks/trainings/0x{line.transaction.hex()}"
    text = pages.viewer.get(path).text
    assert table(text, "3 of 250 steps") == [[whole(one.step), f"{one.loss:.6g}"] for one in points]
    assert 'd="M89.09 6.00L169.17 198.00L249.25 234.00h2"' in text
    found = figures(text)
    assert (found["Step"], found["Gas so far"]) == (whole(line.step), whole(line.gas_so_far))
    for odd in ("0x" + "00" * 32, "x", "0x1", "%00"):
        assert pages.viewer.get(f"/networks/trainings/{odd}").status_code == 404


def test_a_curve_without_height_or_length_is_drawn() -> None:
    """One point, or equal losses, in the middle."""
    assert curve([], 5) is None
    one = curve([CurvePoint(1, 0.5)], 1)
    assert one is not None and one.path == "M0.00 120.00h2"
    flat = curve([CurvePoint(1, 0.5), CurvePoint(3, 0.5)], 3)
    assert flat is not None and flat.path == "M0.00 120.00L1000.00 120.00h2"


def test_what_is_computed_now_is_what_live_workers_say(pages: ChainPages) -> None:
    """Training and inference by their names, with price and transaction; who computes nothing is not there."""
    with pages.resources.engine.begin() as connection:  # they beat again: time passes in a test as well
        connection.exec_driver_sql("update accountant.workers set beat_at = now()")
    with pages.resources.engine.connect() as connection:
        found = reads_of_trainings.running_operations(connection)
    bare = pages.sql(
        "select pid, operation, operation_gas, device from accountant.workers where operation is not null "
        "and stopped_at is null order by operation_at, number"
    )
    assert [(one.pid, one.operation, one.operation_gas, one.device) for one in found] == bare
    text = pages.viewer.get("/networks").text
    shown = table(text, "Operations on tensors")
    assert [(row[0], row[2], row[3], row[6]) for row in shown] == [
        ("training", "77", "cuda", "11"),
        ("inference", "77", "cuda", "12"),
        (MARKUP, "77", "cuda", "14"),
    ]
    assert_inert(text)


def test_devices_are_those_that_workers_told_of(pages: ChainPages) -> None:
    """Use and memory as SQL has them."""
    with pages.resources.engine.connect() as connection:
        found = device_lines(connection)
    bare = pages.sql(
        "select host, device, name, memory_bytes, used_bytes, share from accountant.devices order by host, device"
    )
    assert [tuple(one)[:6] for one in found] == bare and all(one.fresh for one in found)
    shown = table(pages.viewer.get("/networks").text, "Processors and GPUs")
    assert [row[:6] for row in shown] == [
        [
            one.host,
            one.device,
            one.name,
            share(one.share, 1),
            whole(one.used_bytes >> 20),
            whole(one.memory_bytes >> 20),
        ]
        for one in found
    ]


def test_what_gas_takes_is_compared_with_what_it_was_priced(pages: ChainPages) -> None:
    """The underpriced first, by seconds for a gas; paid for by the rate of the host call on the same device."""
    with pages.resources.engine.connect() as connection:
        known = rates(connection)
        found = measured_kinds(connection, known)
    bare = pages.sql(
        "select kind, gas, seconds, 1e9 * seconds / gas::float8 from accountant.measured_gas "
        "where kind <> '' and gas > 0 order by 4 desc"
    )
    assert [(one.kind, one.gas, one.seconds, one.ns_per_gas) for one in found] == bare
    assert [(one.kind, one.paid) for one in found] == [
        ("conv2d8", pytest.approx(0.5)),
        ("add", pytest.approx(2.0)),
        ("fit", None),
    ]
    assert [(one.device, one.rounds) for one in known] == [("cpu", 4)] and known[0].ns_per_gas == pytest.approx(10.0)
    text = pages.viewer.get("/networks").text
    shown = table(text, "By kind of operation")
    assert [(row[0], row[5], row[6]) for row in shown] == [
        ("conv2d8", "20", "50.0 %"),
        ("add", "5", "200.0 %"),
        ("fit", "0.001", "–"),
    ]
    assert "took 10 ns where workers compute on cpu" in text_of(text)


def test_a_blob_has_a_page_with_who_keeps_it(pages: ChainPages) -> None:
    """Those whose references last, as SQL has them, and the transactions that name it."""
    cid = max(BLOBS, key=lambda one: BLOBS[one])
    with pages.resources.engine.connect() as connection:
        found = reads.references(connection, cid, 50)
        assert reads.blob_line(connection, cid) == reads.blob_lines(connection, None, 1)[0]
        assert reads.blob_line(connection, b"none") is None
    bare = pages.sql(
        "select kind, holder from accountant.blob_references where cid = :cid "
        "and (expires_at is null or expires_at > now()) order by kind, holder",
        cid=cid,
    )
    assert [(one.kind, one.holder) for one in found] == bare
    saved = [one for one in found if len(one.holder) == 8]
    assert [one.transaction for one in saved] == [pages.index.transaction(Seq(2)).hash]
    text = pages.viewer.get(f"/networks/blobs/{show_cid(cid)}").text
    shown = table(text, "Outcomes, uploads")
    assert len(shown) == len(found) and ["kind 9", "01", "for ever"] in shown
    assert len(table(text, "Transactions that publish it")) == 2
    assert pages.viewer.get("/networks/blobs/x").status_code == 404
    assert pages.viewer.get(f"/networks/blobs/{show_cid(cid_of(b'unknown'))}").status_code == 404


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
