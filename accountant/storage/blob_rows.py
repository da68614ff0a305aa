"""Blobs in Postgres: what is known of them, what refers to them, and which of them nothing needs any more.

A row comes before its bytes and goes after them, and whoever adds a reference holds the row while doing so. So a
collector that holds the row and finds no reference may take the bytes: nobody can begin to need them meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.blobs.pieces import Facts
from accountant.primitives.types import Cid, Seq
from accountant.storage import tables
from accountant.storage.blob_tables import CHECKPOINT_KIND, blob_references, blobs
from accountant.storage.database import Database, compiled

_NOW = sa.func.clock_timestamp()
_USED_S = 3_600.0
"""A blob's last use is written no more often: reading writes nothing most of the time."""
_SEQ_BYTES = 8

_b, _r, _p = blobs, blob_references, tables.postings


class ReferenceKind(IntEnum):
    """Why a blob stays."""

    UPLOADED = 1
    SAVED = 2
    CHECKPOINT = CHECKPOINT_KIND


class Reference(NamedTuple):
    """Something that needs a blob. `kept_s`: for so long from now; None: for ever."""

    kind: ReferenceKind
    holder: bytes
    kept_s: float | None


class BlobRow(NamedTuple):
    """A blob as it is known. `missing_since`: its bytes are not in the store since then."""

    facts: Facts
    number: int
    added_at: datetime
    used_at: datetime
    missing_since: datetime | None


class ListedBlob(NamedTuple):
    """A blob and what refers to it. `uploaded_until`: until when the key's own upload keeps it."""

    row: BlobRow
    published: bool
    saved: int
    uploaded_until: datetime | None


def _live() -> sa.ColumnElement[bool]:
    return sa.or_(_r.c.expires_at.is_(None), _r.c.expires_at > _NOW)


def _on_the_chain(cid: sa.ColumnElement[bytes]) -> sa.ColumnElement[bool]:
    """Whether a block names it: publishes it, or declares that it may load it."""
    return sa.exists().where(_p.c.key == sa.literal(b"b", sa.LargeBinary).concat(cid))


def _of_seq(seq: Seq) -> bytes:
    return seq.to_bytes(_SEQ_BYTES, "big")


_COLUMNS = (_b.c.cid, _b.c.size, _b.c.pieces, _b.c.number, _b.c.added_at, _b.c.used_at, _b.c.missing_since)


_NOTE_SAVED = compiled(
    insert(_r)
    .from_select(
        ["cid", "kind", "holder"],
        sa.select(
            sa.func.unnest(sa.bindparam("cids", type_=sa.ARRAY(sa.LargeBinary))),
            sa.literal(int(ReferenceKind.SAVED)),
            sa.bindparam("holder", type_=sa.LargeBinary),
        ),
    )
    .on_conflict_do_nothing()
)


def note_saved(database: Database, seq: Seq, cids: Sequence[Cid]) -> None:
    """Notes what an outcome saved, before the outcome is stored. Needs no row held: the blobs were put just now, by
    the execution that saved them, and so are in their time of grace.
    """
    with database.connection() as connection:
        connection.execute(_NOTE_SAVED, {"cids": list(cids), "holder": _of_seq(seq)})


class BlobRows:
    """Blobs and their references, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def claim(self, facts: Facts, kept_s: float) -> bool:
        """Notes that these bytes come, and are kept for so long whatever refers to them; whether they are there.

        Holds the row until the transaction ends. Waits for a collector that takes the same blob away.
        """
        until = _after(kept_s)
        new = insert(_b).values(**facts._asdict(), kept_until=until)
        changed = {"used_at": _NOW, "kept_until": sa.func.greatest(_b.c.kept_until, new.excluded.kept_until)}
        put = new.on_conflict_do_update(index_elements=[_b.c.cid], set_=changed).returning(_b.c.missing_since)
        return self._connection.execute(put).scalar_one() is None

    def refer(self, cid: Cid, reference: Reference) -> None:
        """Adds a reference, or makes it last longer. After `claim`, or for a blob that nobody has sent yet."""
        expires = sa.null() if reference.kept_s is None else _after(reference.kept_s)
        new = insert(_r).values(cid=cid, kind=reference.kind, holder=reference.holder, expires_at=expires)
        put = new.on_conflict_do_update(
            index_elements=[_r.c.cid, _r.c.kind, _r.c.holder], set_={"expires_at": new.excluded.expires_at}
        )
        self._connection.execute(put)

    def refer_latest(self, cid: Cid, holder: bytes, kept_s: float) -> Cid | None:
        """Makes this blob the holder's one checkpoint; the blob that it was before, if it was another."""
        theirs = sa.and_(_r.c.kind == ReferenceKind.CHECKPOINT, _r.c.holder == holder)
        before = self._connection.scalar(sa.select(_r.c.cid).where(theirs).with_for_update())
        new = insert(_r).values(cid=cid, kind=ReferenceKind.CHECKPOINT, holder=holder, expires_at=_after(kept_s))
        put = new.on_conflict_do_update(
            index_elements=[_r.c.holder],
            index_where=_r.c.kind == sa.literal_column(str(CHECKPOINT_KIND)),
            set_={"cid": new.excluded.cid, "expires_at": new.excluded.expires_at},
        )
        self._connection.execute(put)
        return None if before in (None, cid) else Cid(before)

    def checkpoint(self, holder: bytes) -> Cid | None:
        """The holder's checkpoint that has not expired."""
        query = sa.select(_r.c.cid).where(_r.c.kind == ReferenceKind.CHECKPOINT, _r.c.holder == holder, _live())
        found = self._connection.scalar(query)
        return None if found is None else Cid(found)

    def arrived(self, cid: Cid) -> None:
        """Notes that the bytes are in the store."""
        self._connection.execute(sa.update(_b).where(_b.c.cid == cid).values(missing_since=None))

    def missing(self, cid: Cid) -> None:
        """Notes that the bytes are not in the store."""
        there = sa.and_(_b.c.cid == cid, _b.c.missing_since.is_(None))
        self._connection.execute(sa.update(_b).where(there).values(missing_since=_NOW))

    def hold(self, cid: Cid) -> bool:
        """Holds a blob's row until the transaction ends; whether there is one."""
        return self._connection.scalar(sa.select(_b.c.number).where(_b.c.cid == cid).with_for_update()) is not None

    def used(self, cid: Cid) -> None:
        """Notes that somebody read the blob."""
        stale = sa.and_(_b.c.cid == cid, _b.c.used_at < _NOW - _seconds(_USED_S))
        self._connection.execute(sa.update(_b).where(stale).values(used_at=_NOW))

    def find(self, cid: Cid) -> BlobRow | None:
        """What is known of a blob."""
        found = self._connection.execute(sa.select(*_COLUMNS).where(_b.c.cid == cid)).one_or_none()
        return None if found is None else _row(found)

    def page(self, key_prefix: str, before: int | None, limit: int) -> list[ListedBlob]:
        """Blobs that this key uploaded, the chain names, or an outcome saved; the latest first."""
        mine = sa.and_(_r.c.cid == _b.c.cid, _r.c.kind == ReferenceKind.UPLOADED, _r.c.holder == key_prefix.encode())
        until = sa.select(_r.c.expires_at).where(mine, _live()).scalar_subquery()
        saving = sa.and_(_r.c.cid == _b.c.cid, _r.c.kind == ReferenceKind.SAVED)
        saved = sa.select(sa.func.count()).select_from(_r).where(saving).scalar_subquery()
        published = _on_the_chain(_b.c.cid)
        seen = sa.or_(sa.exists().where(mine, _live()), published, sa.exists().where(saving))
        query = sa.select(*_COLUMNS, published, saved, until).where(seen)
        if before is not None:
            query = query.where(_b.c.number < before)
        rows = self._connection.execute(query.order_by(_b.c.number.desc()).limit(limit))
        return [ListedBlob(_row(row), row[-3], row[-2], row[-1]) for row in rows]

    def uploaded_bytes(self, key_prefix: str, besides: Cid | None) -> int:
        """How much the key's uploads keep, one of them left out."""
        mine = sa.and_(_r.c.kind == ReferenceKind.UPLOADED, _r.c.holder == key_prefix.encode(), _live())
        if besides is not None:
            mine = sa.and_(mine, _r.c.cid != besides)
        query = sa.select(sa.func.coalesce(sa.func.sum(_b.c.size), 0)).join(_r, _r.c.cid == _b.c.cid).where(mine)
        return int(self._connection.execute(query).scalar_one())

    def unneeded(self, after: int, limit: int) -> list[BlobRow]:
        """Blobs that nothing seems to need, by number, above a number. Whoever takes one asks `take` again."""
        query = sa.select(*_COLUMNS).where(_b.c.number > after, _unneeded()).order_by(_b.c.number).limit(limit)
        return [_row(row) for row in self._connection.execute(query)]

    def take(self, cid: Cid) -> bool:
        """Whether nothing needs the blob. Then it is held until the transaction ends, in which it is to be deleted.

        Two statements: the second sees every reference that somebody added who held the row before us.
        """
        lock = sa.select(_b.c.number).where(_b.c.cid == cid).with_for_update(skip_locked=True)
        if self._connection.scalar(lock) is None:
            return False
        return self._connection.scalar(sa.select(_b.c.number).where(_b.c.cid == cid, _unneeded())) is not None

    def delete(self, cid: Cid) -> None:
        """Forgets a blob."""
        self._connection.execute(sa.delete(_b).where(_b.c.cid == cid))

    def forget_expired(self) -> int:
        """Deletes references that have expired; how many."""
        return self._connection.execute(sa.delete(_r).where(_r.c.expires_at <= _NOW)).rowcount

    def forget_saved(self, seqs: Sequence[Seq]) -> None:
        """Forgets what these outcomes saved: they were withdrawn."""
        holders = sa.literal([_of_seq(seq) for seq in seqs], sa.ARRAY(sa.LargeBinary))
        self._connection.execute(sa.delete(_r).where(_r.c.kind == ReferenceKind.SAVED, _r.c.holder == sa.any_(holders)))

    def on_the_chain(self, cid: Cid) -> bool:
        """Whether a block names the blob."""
        query = sa.select(_on_the_chain(sa.literal(cid, sa.LargeBinary)))
        return self._connection.execute(query).scalar_one() is True

    def declared_size(self, cid: Cid) -> int | None:
        """The size that a block published the blob with; None if none did."""
        named = _p.c.key == sa.literal(b"b" + cid, sa.LargeBinary)
        found = self._connection.scalar(sa.select(sa.func.max(_p.c.cap)).where(named))
        return None if found is None else int(found)

    def unpin(self, cid: Cid) -> int:
        """Gives up what outcomes saved: whoever needs it executes again; how many outcomes there were."""
        saving = sa.and_(_r.c.cid == cid, _r.c.kind == ReferenceKind.SAVED)
        gone = self._connection.execute(sa.delete(_r).where(saving)).rowcount
        if gone:
            self._connection.execute(sa.update(_b).where(_b.c.cid == cid).values(kept_until=_NOW))
        return gone


def _unneeded() -> sa.ColumnElement[bool]:
    """That time is up, nothing refers to it, and no block names it."""
    referred = sa.exists().where(_r.c.cid == _b.c.cid, _live())
    return sa.and_(_b.c.kept_until <= _NOW, ~referred, ~_on_the_chain(_b.c.cid))


def _row(row: Sequence[Any]) -> BlobRow:
    cid, size, pieces, *rest = row[: len(_COLUMNS)]
    return BlobRow(Facts(Cid(cid), size, pieces), *rest)


def _after(seconds: float) -> sa.ColumnElement[datetime]:
    return _NOW + _seconds(seconds)


def _seconds(value: float) -> sa.Function[object]:
    return sa.func.make_interval(0, 0, 0, 0, 0, 0, value)
