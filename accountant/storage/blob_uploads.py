"""Uploads in several requests in Postgres: whose they are, how long, and whether they have ended."""

from typing import NamedTuple

import sqlalchemy as sa

from accountant.primitives.types import Cid
from accountant.storage.blob_tables import blob_uploads
from accountant.storage.job_tables import api_keys

_NOW = sa.func.clock_timestamp()

_u = blob_uploads


class UploadRow(NamedTuple):
    """An upload. `wanted`: the CID that was announced; `cid`: the blob, once all of it is there."""

    number: int
    id: str
    key_prefix: str
    length: int
    wanted: Cid | None
    cid: Cid | None


_COLUMNS = tuple(_u.c[name] for name in UploadRow._fields)


class Uploads:
    """Uploads, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def hold(self, key_prefix: str) -> None:
        """Keeps others from counting this key's room until the transaction ends."""
        row = sa.select(api_keys.c.prefix).where(api_keys.c.prefix == key_prefix)
        self._connection.execute(row.with_for_update(key_share=True))

    def open_bytes(self, key_prefix: str) -> int:
        """How much the key's uploads will take that have not ended."""
        mine = sa.and_(_u.c.key_prefix == key_prefix, _u.c.cid.is_(None))
        query = sa.select(sa.func.coalesce(sa.func.sum(_u.c.length), 0)).where(mine)
        return int(self._connection.execute(query).scalar_one())

    def add(self, upload_id: str, key_prefix: str, length: int, wanted: Cid | None) -> UploadRow:
        """Begins an upload."""
        new = sa.insert(_u).values(id=upload_id, key_prefix=key_prefix, length=length, wanted=wanted)
        return UploadRow(*self._connection.execute(new.returning(*_COLUMNS)).one())

    def find(self, key_prefix: str, upload_id: str) -> UploadRow | None:
        """A key's upload."""
        query = sa.select(*_COLUMNS).where(_u.c.key_prefix == key_prefix, _u.c.id == upload_id)
        found = self._connection.execute(query).one_or_none()
        return None if found is None else UploadRow(*found)

    def touch(self, number: int) -> bool:
        """Notes that somebody goes on with it; whether it is still there."""
        theirs = sa.update(_u).where(_u.c.number == number).values(touched_at=_NOW)
        return self._connection.execute(theirs).rowcount == 1

    def end(self, number: int, cid: Cid) -> None:
        """Notes the blob that it became."""
        self._connection.execute(sa.update(_u).where(_u.c.number == number).values(cid=cid, touched_at=_NOW))

    def delete(self, number: int) -> None:
        """Forgets an upload."""
        self._connection.execute(sa.delete(_u).where(_u.c.number == number))

    def stale(self, older_than_s: float, limit: int) -> list[int]:
        """The numbers of uploads that nobody went on with for so long, locked."""
        old = _u.c.touched_at < _NOW - sa.func.make_interval(0, 0, 0, 0, 0, 0, older_than_s)
        query = sa.select(_u.c.number).where(old).order_by(_u.c.touched_at).limit(limit)
        return list(self._connection.scalars(query.with_for_update(skip_locked=True)))
