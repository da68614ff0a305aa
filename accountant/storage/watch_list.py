"""The watch list in Postgres: contracts that are audited again and again, each key's own."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.primitives.types import ContractId, Hash
from accountant.storage import tables
from accountant.storage.audit_tables import watch_list
from accountant.storage.job_tables import api_keys, jobs

_NOW = sa.func.clock_timestamp()

_w, _b = watch_list, tables.blocks


class Watch(NamedTuple):
    """How often a contract is audited, and with how much gas."""

    contract: ContractId
    interval_s: int
    gas_budget: int
    swear: bool


class WatchRow(NamedTuple):
    """A contract on the list. `due_at`: when the next audit is asked for."""

    key_prefix: str
    contract: ContractId
    interval_s: int
    gas_budget: int
    swear: bool
    due_at: datetime
    last_job: str | None


_COLUMNS = tuple(_w.c[name] for name in WatchRow._fields)


class WatchList:
    """The watch list, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def put(self, key_prefix: str, watch: Watch) -> WatchRow:
        """Puts a contract on a key's list, due at once, or changes how it is watched from then on."""
        new = insert(_w).values(key_prefix=key_prefix, **watch._asdict())
        due = sa.func.least(_w.c.due_at, _NOW + _seconds(new.excluded.interval_s))
        changed = {"interval_s": watch.interval_s, "gas_budget": watch.gas_budget, "swear": watch.swear, "due_at": due}
        put = new.on_conflict_do_update(index_elements=[_w.c.key_prefix, _w.c.contract], set_=changed)
        return WatchRow(*self._connection.execute(put.returning(*_COLUMNS)).one())

    def remove(self, key_prefix: str, contract: ContractId) -> bool:
        """Takes a contract off a key's list; whether it was there. Audits that were asked for go on."""
        theirs = sa.delete(_w).where(_w.c.key_prefix == key_prefix, _w.c.contract == contract)
        return self._connection.execute(theirs).rowcount == 1

    def get(self, key_prefix: str, contract: ContractId) -> WatchRow | None:
        """A contract on a key's list."""
        query = sa.select(*_COLUMNS).where(_w.c.key_prefix == key_prefix, _w.c.contract == contract)
        found = self._connection.execute(query).one_or_none()
        return None if found is None else WatchRow(*found)

    def count(self, key_prefix: str) -> int:
        """How many contracts are on a key's list."""
        query = sa.select(sa.func.count()).select_from(_w).where(_w.c.key_prefix == key_prefix)
        return int(self._connection.execute(query).scalar_one())

    def all(self, key_prefix: str) -> list[WatchRow]:
        """A key's list, by contract."""
        query = sa.select(*_COLUMNS).where(_w.c.key_prefix == key_prefix).order_by(_w.c.contract)
        return [WatchRow(*row) for row in self._connection.execute(query)]

    def due(self, limit: int) -> list[WatchRow]:
        """Up to `limit` contracts whose audit is due, locked: not those whose last one has not ended."""
        ended = sa.or_(
            _w.c.last_job.is_(None), sa.exists().where(jobs.c.id == _w.c.last_job, jobs.c.finished_at.is_not(None))
        )
        valid = sa.exists().where(api_keys.c.prefix == _w.c.key_prefix, api_keys.c.revoked_at.is_(None))
        query = sa.select(*_COLUMNS).where(_w.c.due_at <= _NOW, ended, valid).order_by(_w.c.due_at).limit(limit)
        rows = self._connection.execute(query.with_for_update(of=_w, skip_locked=True))
        return [WatchRow(*row) for row in rows]

    def asked(self, row: WatchRow, job_id: str) -> None:
        """Notes the audit that was asked for, and when the next one is due: what was missed is not made up for."""
        changes = {"last_job": job_id, "due_at": _NOW + _seconds(_w.c.interval_s)}
        theirs = sa.update(_w).where(_w.c.key_prefix == row.key_prefix, _w.c.contract == row.contract)
        self._connection.execute(theirs.values(**changes))

    def head(self) -> Hash | None:
        """The hash of the last block that was imported; None before genesis."""
        found = self._connection.scalar(sa.select(_b.c.hash).order_by(_b.c.height.desc()).limit(1))
        return None if found is None else Hash(found)


def _seconds(value: sa.ColumnElement[int]) -> sa.Function[object]:
    return sa.func.make_interval(0, 0, 0, 0, 0, 0, value)
