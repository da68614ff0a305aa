"""Networks: blobs by size with who names them, and what operations on tensors cost by the chain's own table."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from accountant.chain.tensor_prices import RATE_UNIT, TensorSchedule
from accountant.storage import tables
from accountant.storage.blob_rows import ReferenceKind
from accountant.storage.blob_tables import blob_references, blobs

NAMES_MOST = 1_000
"""References of one blob that are counted, of each kind."""

_SEQ_BYTES = 8
_b, _r, _p, _x = blobs, blob_references, tables.postings, tables.transactions


class BlobLine(NamedTuple):
    """A blob and how many name it: blocks, outcomes that saved it, uploads and checkpoints that have not expired."""

    cid: bytes
    number: int
    size: int
    added_at: datetime
    used_at: datetime
    missing: bool
    named: int
    saved: int
    uploaded: int
    checkpoints: int


class Reference(NamedTuple):
    """Who keeps a blob. `holder`: an API key, a transaction's number, or a run, as `kind` (`ReferenceKind`) says."""

    kind: int
    holder: bytes
    expires_at: datetime | None
    transaction: bytes | None
    """Whose outcome saved it."""


class PriceLine(NamedTuple):
    """What an operation on tensors costs: gas for launching it, and for a million flops and bytes."""

    kind: str
    launch: int
    per_million_flops: float
    per_million_bytes: float


def blob_lines(connection: sa.Connection, below: tuple[int, int] | None, limit: int) -> list[BlobLine]:
    """Up to `limit` blobs, the largest first, then by number; `below`: only those after this (size, number)."""
    size, number = (_ALL, _ALL) if below is None else below
    rows = connection.execute(_LARGEST, {"size": size, "number": number, "most": limit}).all()
    return [BlobLine(*tuple(row)) for row in rows]


def blob_line(connection: sa.Connection, cid: bytes) -> BlobLine | None:
    """One blob."""
    row = connection.execute(_BLOB, {"cid": cid}).one_or_none()
    return None if row is None else BlobLine(*tuple(row))


def references(connection: sa.Connection, cid: bytes, limit: int) -> list[Reference]:
    """Who keeps a blob now, besides transactions that name it: outcomes, uploads and checkpoints that last."""
    rows = connection.execute(_REFERENCES, {"cid": cid, "most": limit}).all()
    seqs = {row.holder: int.from_bytes(row.holder, "big") for row in rows if _is_seq(row.kind, row.holder)}
    found = connection.execute(_HASHES, {"seqs": list(seqs.values())}).all()
    hashes = {row.seq: row.hash for row in found}
    return [
        Reference(*row, hashes.get(seqs.get(row.holder, -1)) if row.kind == ReferenceKind.SAVED else None)
        for row in rows
    ]


def _is_seq(kind: int, holder: bytes) -> bool:
    return kind == ReferenceKind.SAVED and len(holder) == _SEQ_BYTES and holder < b"\x80"


def price_lines(schedule: TensorSchedule) -> list[PriceLine]:
    """The chain's prices, the default first (its kind is empty)."""
    return [
        PriceLine(one.kind, one.launch, 1e6 * one.flop_rate / RATE_UNIT, 1e6 * one.byte_rate / RATE_UNIT)
        for one in (schedule.default, *schedule.prices)
    ]


# Statements are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_ALL = 2**63 - 1
_KINDS = (ReferenceKind.SAVED, ReferenceKind.UPLOADED, ReferenceKind.CHECKPOINT)
_MOST = sa.bindparam("most", type_=sa.Integer)
_CID = sa.bindparam("cid", type_=sa.LargeBinary)

_live = sa.or_(_r.c.expires_at.is_(None), _r.c.expires_at > sa.func.statement_timestamp())


def _counted(found: sa.Select[Any]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(found.limit(NAMES_MOST).correlate(_b).subquery()).scalar_subquery()


def _referred(kind: ReferenceKind) -> sa.ScalarSelect[int]:
    return _counted(sa.select(_r.c.holder).where(_r.c.cid == _b.c.cid, _r.c.kind == int(kind), _live))


_key = sa.literal(b"b", sa.LargeBinary).concat(_b.c.cid)
_LINES: sa.Select[Any] = sa.select(
    *(_b.c.cid, _b.c.number, _b.c.size, _b.c.added_at, _b.c.used_at, _b.c.missing_since.is_not(None)),
    _counted(sa.select(_p.c.seq).where(_p.c.key == _key)),
    *(_referred(kind) for kind in _KINDS),
)
_below = sa.tuple_(*(sa.bindparam(name, type_=sa.BigInteger) for name in ("size", "number")))
_LARGEST = (
    _LINES.where(sa.tuple_(_b.c.size, _b.c.number) < _below).order_by(_b.c.size.desc(), _b.c.number.desc()).limit(_MOST)
)
_BLOB = _LINES.where(_b.c.cid == _CID)
_REFERENCES = (
    sa.select(_r.c.kind, _r.c.holder, _r.c.expires_at)
    .where(_r.c.cid == _CID, _live)
    .order_by(_r.c.kind, _r.c.holder)
    .limit(_MOST)
)
_HASHES = sa.select(_x.c.seq, _x.c.hash).where(_x.c.seq == sa.any_(sa.bindparam("seqs", type_=sa.ARRAY(sa.BigInteger))))
