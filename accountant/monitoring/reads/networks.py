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
    query = _lines()
    if below is not None:
        query = query.where(sa.tuple_(_b.c.size, _b.c.number) < sa.tuple_(*(sa.literal(one) for one in below)))
    rows = connection.execute(query.order_by(_b.c.size.desc(), _b.c.number.desc()).limit(limit))
    return [BlobLine(*tuple(row)) for row in rows]


def _lines() -> sa.Select[Any]:
    key = sa.literal(b"b", sa.LargeBinary).concat(_b.c.cid)
    named = sa.select(_p.c.seq).where(_p.c.key == key).limit(NAMES_MOST).correlate(_b).subquery()
    columns = [_b.c.cid, _b.c.number, _b.c.size, _b.c.added_at, _b.c.used_at, _b.c.missing_since.is_not(None)]
    counts = [sa.select(sa.func.count()).select_from(named).scalar_subquery(), *(_referred(kind) for kind in _KINDS)]
    return sa.select(*columns, *counts)


_KINDS = (ReferenceKind.SAVED, ReferenceKind.UPLOADED, ReferenceKind.CHECKPOINT)


def _referred(kind: ReferenceKind) -> sa.ScalarSelect[int]:
    live = sa.or_(_r.c.expires_at.is_(None), _r.c.expires_at > sa.func.statement_timestamp())
    theirs = sa.select(_r.c.holder).where(_r.c.cid == _b.c.cid, _r.c.kind == int(kind), live)
    return sa.select(sa.func.count()).select_from(theirs.limit(NAMES_MOST).correlate(_b).subquery()).scalar_subquery()


def blob_line(connection: sa.Connection, cid: bytes) -> BlobLine | None:
    """One blob."""
    row = connection.execute(_lines().where(_b.c.cid == cid)).one_or_none()
    return None if row is None else BlobLine(*tuple(row))


def references(connection: sa.Connection, cid: bytes, limit: int) -> list[Reference]:
    """Who keeps a blob now, besides transactions that name it: outcomes, uploads and checkpoints that last."""
    live = sa.or_(_r.c.expires_at.is_(None), _r.c.expires_at > sa.func.clock_timestamp())
    query = sa.select(_r.c.kind, _r.c.holder, _r.c.expires_at).where(_r.c.cid == cid, live)
    rows = connection.execute(query.order_by(_r.c.kind, _r.c.holder).limit(limit)).all()
    seqs = {row.holder: int.from_bytes(row.holder, "big") for row in rows if _is_seq(row.kind, row.holder)}
    asked = sa.any_(sa.cast(list(seqs.values()), sa.ARRAY(sa.BigInteger)))
    found = connection.execute(sa.select(_x.c.seq, _x.c.hash).where(_x.c.seq == asked))
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
