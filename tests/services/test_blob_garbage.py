"""What nothing needs goes, what anything needs stays, and no order of events takes what somebody has begun to need."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from accountant.primitives.cid import cid_of
from accountant.primitives.types import Cid, Seq
from accountant.services.api_keys import ensure_first_key
from accountant.services.blob_garbage import BlobPublished, Collected, collect, take, unneeded, unpin
from accountant.services.blobs import Blobs, BlobTerms, UnknownBlob
from accountant.services.checkpoints import KeptCheckpoints
from accountant.services.uploads import begin_upload, continuing
from accountant.storage.blob_rows import BlobRows, Reference, ReferenceKind, note_saved
from accountant.storage.database import Database
from tests.support.blob_office import blob_office, count, publish

UPLOADED = ReferenceKind.UPLOADED


@pytest.fixture
def blobs(database_url: str, tmp_path: Path) -> Iterator[Blobs]:
    """Without a time of grace: what nothing refers to may go at once."""
    terms = BlobTerms(grace_s=0.0, checkpoint_s=3600.0, upload_s=3600.0)
    with blob_office(database_url, tmp_path / "blobs", terms) as made:
        yield made


def keep(blobs: Blobs, data: bytes, *references: Reference) -> Cid:
    with blobs.store.spool.holding([data]) as incoming:
        blobs.keep(incoming, *references)
    return cid_of(data)


def execute(blobs: Blobs, statement: str) -> None:
    with blobs.engine.begin() as connection:
        connection.execute(sa.text(statement))


def save(blobs: Blobs, seq: int, cid: Cid) -> None:
    with Database(blobs.engine.url.render_as_string(hide_password=False)) as database:
        note_saved(database, Seq(seq), [cid, cid_of(b"something else")])


def test_what_nothing_needs_goes(blobs: Blobs) -> None:
    """Bytes, row and expired references; a dry run says the same and takes nothing; a second round finds nothing."""
    gone = keep(blobs, b"gone", Reference(UPLOADED, b"key", 0.0))
    stays = keep(blobs, b"stays", Reference(UPLOADED, b"key", 60.0))
    assert [row.facts.cid for row in unneeded(blobs)] == [gone]
    assert blobs.has(gone)
    assert collect(blobs) == Collected(1, 4, 1, 0)
    assert not blobs.has(gone) and blobs.get(stays) == b"stays"
    assert count(blobs.engine, "blobs") == 1 and count(blobs.engine, "blob_references") == 1
    assert collect(blobs) == Collected()


def test_the_time_of_grace(database_url: str, tmp_path: Path, blobs: Blobs) -> None:
    """What came in lately stays though nothing refers to it: an executor's bytes, before their outcome is stored."""
    lasting = Blobs(blobs.engine, blobs.store, BlobTerms(grace_s=3600.0))
    cid = lasting.put(b"trained")
    assert collect(lasting) == Collected() and lasting.get(cid) == b"trained"
    execute(blobs, "update accountant.blobs set kept_until = clock_timestamp()")
    assert collect(lasting).blobs == 1


def test_what_the_chain_names_stays(blobs: Blobs) -> None:
    """For ever, whatever else is said of it; it cannot be unpinned."""
    published = keep(blobs, b"published", Reference(UPLOADED, b"key", 0.0))
    publish(blobs.engine, published, 9)
    save(blobs, 1, published)
    assert collect(blobs).blobs == 0
    with pytest.raises(BlobPublished):
        unpin(blobs, published)
    assert not take(blobs, published) and blobs.get(published) == b"published"


def test_what_an_outcome_saved_stays_until_it_is_given_up(blobs: Blobs) -> None:
    """Executing makes it again, so it may be unpinned; withdrawing an outcome takes that outcome's reference."""
    cid = keep(blobs, b"saved")
    save(blobs, 1, cid)
    save(blobs, 2, cid)
    save(blobs, 2, cid)
    assert collect(blobs).blobs == 0
    with blobs.engine.begin() as connection:
        BlobRows(connection).forget_saved([Seq(1)])
    assert collect(blobs).blobs == 0
    assert unpin(blobs, cid) == 1
    assert collect(blobs).blobs == 1
    with pytest.raises(UnknownBlob):
        unpin(blobs, cid)


def test_a_reference_may_come_before_the_bytes(blobs: Blobs) -> None:
    """An outcome names what nobody kept; whoever brings it later keeps it."""
    cid = cid_of(b"later")
    save(blobs, 1, cid)
    assert collect(blobs) == Collected()
    keep(blobs, b"later")
    assert collect(blobs).blobs == 0 and blobs.has(cid)


def test_checkpoints_expire(blobs: Blobs) -> None:
    """A run that does not come back leaves its state for so long and no longer."""
    checkpoints, key = KeptCheckpoints(blobs), bytes(32)
    checkpoints.save(key, b"state")
    assert collect(blobs) == Collected() and checkpoints.load(key) == b"state"
    execute(blobs, "update accountant.blob_references set expires_at = clock_timestamp()")
    assert checkpoints.load(key) is None
    assert collect(blobs) == Collected(1, 5, 1, 0)


def test_uploads_that_rest_go(blobs: Blobs, tmp_path: Path) -> None:
    """Rows and files of uploads that nobody goes on with, and what crashes left in the spool."""
    ensure_first_key(blobs.engine)
    with blobs.engine.connect() as connection:
        key = connection.execute(sa.text("select prefix from accountant.api_keys")).scalar_one()
    rests, goes_on = begin_upload(blobs, key, 10, None), begin_upload(blobs, key, 10, None)
    for row in (rests, goes_on):
        with continuing(blobs, row, 0) as sending:
            sending.write(b"12345")
    left = tmp_path / "blobs" / "left.part"
    left.write_bytes(b"by a crash")
    os.utime(left, (0, 0))
    execute(blobs, f"update accountant.blob_uploads set touched_at = '2001-01-01' where number = {rests.number}")
    assert collect(blobs) == Collected(parts=2)
    assert [path.name for path in left.parent.iterdir()] == [f"upload-{goes_on.number}.part"]
    assert count(blobs.engine, "blob_uploads") == 1


def test_who_sends_what_is_being_taken_waits(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The collector has decided and deletes; an upload of the same blob begins: afterwards the blob is there."""
    cid = keep(blobs, b"same")
    taking, go_on, claimed = threading.Event(), threading.Event(), threading.Event()
    remove = blobs.store.remove

    def slowly(gone: Cid) -> None:
        taking.set()
        assert go_on.wait(60)
        remove(gone)

    monkeypatch.setattr(blobs.store, "remove", slowly)

    def send() -> None:
        keep(blobs, b"same", Reference(UPLOADED, b"key", 60.0))
        claimed.set()

    collector, sender = threading.Thread(target=take, args=(blobs, cid)), threading.Thread(target=send)
    collector.start()
    assert taking.wait(60)
    sender.start()
    assert not claimed.wait(0.3)
    go_on.set()
    for thread in (collector, sender):
        thread.join(60)
    assert claimed.is_set()
    assert blobs.get(cid) == b"same" and blobs.find(cid).missing_since is None


def test_what_is_being_sent_is_not_taken(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other way round: row and reference are there, the bytes are on their way; the collector leaves both alone."""
    coming, go_on = threading.Event(), threading.Event()
    place = blobs.store.place

    def slowly(incoming: object) -> None:
        coming.set()
        assert go_on.wait(60)
        place(incoming)  # type: ignore[arg-type]

    monkeypatch.setattr(blobs.store, "place", slowly)
    sender = threading.Thread(target=keep, args=(blobs, b"sent", Reference(UPLOADED, b"key", 60.0)))
    sender.start()
    assert coming.wait(60)
    assert collect(blobs) == Collected() and not take(blobs, cid_of(b"sent"))
    go_on.set()
    sender.join(60)
    assert blobs.get(cid_of(b"sent")) == b"sent"


def test_senders_and_collectors_at_once(blobs: Blobs) -> None:
    """Three threads send and give up the same few blobs, two collect all the time: whoever holds a reference has the
    bytes; in the end everything goes.
    """
    stop = threading.Event()
    wrong: list[str] = []

    def collecting() -> None:
        while not stop.is_set():
            collect(blobs)

    def sending(number: int) -> None:
        holder = b"key %d" % number
        for turn in range(25):
            data = b"blob %d" % (turn % 3)
            cid = keep(blobs, data, Reference(UPLOADED, holder, 60.0))
            if blobs.get(cid) != data or blobs.find(cid).missing_since is not None:
                wrong.append(f"{number} {turn}")
            with blobs.engine.begin() as connection:
                gone = sa.text("delete from accountant.blob_references where cid = :cid and holder = :holder")
                connection.execute(gone, {"cid": cid, "holder": holder})

    collectors = [threading.Thread(target=collecting) for _ in range(2)]
    senders = [threading.Thread(target=sending, args=(number,)) for number in range(3)]
    for thread in [*collectors, *senders]:
        thread.start()
    for thread in senders:
        thread.join(60)
    stop.set()
    for thread in collectors:
        thread.join(60)
    assert wrong == []
    collect(blobs)
    assert count(blobs.engine, "blobs") == 0
