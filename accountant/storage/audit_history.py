"""The history of audits in Postgres: what each found, in figures, read page by page."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from accountant.chain.block import Position
from accountant.oath.audit_report import Audit
from accountant.storage.audit_tables import audits
from accountant.storage.job_tables import jobs

_a = audits


class PastAudit(NamedTuple):
    """What an audit found. Amounts in base units, right before the position."""

    number: int
    job_id: str
    contract: bytes
    owner: bytes | None
    position: Position
    solvent: bool
    deposited: int
    deposit: int
    """Proved from below."""
    penalties: int
    outstanding: int
    slashed: int
    coverage_per_mille: int
    oaths: int
    lies: int
    finished_at: datetime
    withdrawn: bool
    """Whether it rests on an outcome that was found to be wrong."""


_FIGURES = ("deposited", "deposit", "penalties", "outstanding", "slashed", "coverage_per_mille", "oaths", "lies")
_ALIKE = ("contract", "owner", "previous_hash", "index", "solvent", *_FIGURES[:-2])
"""What a row has as the audit has it."""


class AuditHistory:
    """Past audits, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, job_number: int, audit: Audit) -> None:
        """Keeps what the audit of a job found."""
        row = {name: getattr(audit, name) for name in _ALIKE}
        row |= {"job_number": job_number, "oaths": len(audit.oaths), "lies": len(audit.lies)}
        self._connection.execute(sa.insert(_a).values(**row))

    def page(
        self, key_prefix: str, contract: bytes | None, owner: bytes | None, before: int | None, limit: int
    ) -> list[PastAudit]:
        """Up to `limit` audits that a key asked for, of a contract, an accountant's purses, or all; latest first.

        `before`: only those with a smaller number.
        """
        query = sa.select(_a, jobs.c.id, jobs.c.finished_at, jobs.c.withdrawn_at).join(
            jobs, jobs.c.number == _a.c.job_number
        )
        query = query.where(jobs.c.key_prefix == key_prefix)
        for column, wanted in ((_a.c.contract, contract), (_a.c.owner, owner)):
            if wanted is not None:
                query = query.where(column == wanted)
        if before is not None:
            query = query.where(_a.c.number < before)
        rows = self._connection.execute(query.order_by(_a.c.number.desc()).limit(limit))
        return [_past(row) for row in rows]


def _past(row: sa.Row[tuple[object, ...]]) -> PastAudit:
    raw = row._asdict()
    return PastAudit(
        number=raw["number"],
        job_id=raw["id"],
        contract=raw["contract"],
        owner=raw["owner"],
        position=Position(raw["previous_hash"], raw["index"]),
        solvent=raw["solvent"],
        **{name: int(raw[name]) for name in _FIGURES},
        finished_at=raw["finished_at"],
        withdrawn=raw["withdrawn_at"] is not None,
    )
