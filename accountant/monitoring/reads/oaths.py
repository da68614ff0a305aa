"""Oaths in figures: this accountant's own purses and what it swore, and what audits found of anybody's."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from accountant.execution.port import OutcomeStore
from accountant.index.port import ChainIndex
from accountant.monitoring.reads.account import known_interval, static_interval
from accountant.oath.signing import Purpose
from accountant.primitives.types import Address, ContractId
from accountant.storage.audit_tables import audits, oath_verdicts
from accountant.storage.job_tables import jobs
from accountant.storage.oath_tables import signed_transactions
from accountant.storage.oaths import Oaths, PublishingRow, SignedState

COUNTED_MOST = 1_000
"""Oaths of a purse, the latest, that sums are taken over."""
PURSES_MOST = 16
"""Purses that are shown: the latest."""

_s, _v, _a = signed_transactions, oath_verdicts, audits
_OATH = _s.c.purpose == sa.literal_column(f"'{Purpose.OATH.value}'")
_STANDS = _s.c.state != sa.literal_column(f"'{SignedState.DISPLACED.value}'")
_INCLUDED = _s.c.state == sa.literal_column(f"'{SignedState.INCLUDED.value}'")


class PurseSums(NamedTuple):
    """Penalties of a purse's latest oaths, and money that went in and out, in base units."""

    oaths: int
    outstanding: int
    """Of oaths that nobody here has checked: what lying in each would cost."""
    matured: int
    """Of oaths that were checked and are true: they are at stake no more."""
    slashed: int
    """Of oaths that were found false."""
    published: int
    pending: int
    """Oaths that are signed and in no block yet."""
    deposited: int
    withdrawn: int


class PurseLine(NamedTuple):
    """A purse of this accountant's."""

    contract: ContractId
    funded: bool
    static: int
    """What it surely holds by the chain's bytes: every penalty counts as lost."""
    known: int
    """The same with what was observed of its latest transactions."""
    sums: PurseSums

    @property
    def at_stake(self) -> int:
        """What the chain's bytes cannot rule out to be gone though it was deposited."""
        return max(0, self.sums.deposited - self.static)


class SignedLine(NamedTuple):
    """A transaction that the accountant's key signed. `lied`: what was found of an oath; None: nobody checked."""

    number: int
    purpose: str
    purse: bytes
    units: int
    hash: bytes
    state: str
    submissions: int
    refusal: str | None
    created_at: datetime
    lied: bool | None


class VerdictLine(NamedTuple):
    """What executing somebody's oath showed."""

    number: int
    transaction: bytes
    contract: bytes
    swearer: bytes
    lied: bool
    gas: int
    found_at: datetime


class AuditLine(NamedTuple):
    """What an audit found, whoever asked for it."""

    number: int
    job_id: str
    contract: bytes
    owner: bytes | None
    solvent: bool
    deposit: int
    penalties: int
    outstanding: int
    slashed: int
    coverage_per_mille: int
    oaths: int
    lies: int
    finished_at: datetime
    withdrawn: bool


class OwnOaths(NamedTuple):
    """How publishing goes, and the purses of the key that it signs with."""

    publishing: PublishingRow
    purses: list[PurseLine]
    purses_in_all: int


def own_oaths(connection: sa.Connection, index: ChainIndex, outcomes: OutcomeStore) -> OwnOaths | None:
    """This accountant's own; None if it never published anything."""
    publishing = Oaths(connection).publishing()
    if publishing is None:
        return None
    purses = Oaths(connection).purses(Address(publishing.signer))
    lines = [
        PurseLine(
            purse.contract,
            purse.funded,
            static_interval(index, purse.contract).lower,
            known_interval(index, outcomes, purse.contract).lower,
            purse_sums(connection, purse.contract),
        )
        for purse in reversed(purses[-PURSES_MOST:])
    ]
    return OwnOaths(publishing, lines, len(purses))


def purse_sums(connection: sa.Connection, purse: bytes) -> PurseSums:
    """Sums over the latest oaths of a purse, and over its deposits and withdrawals."""
    given = {"purse": purse}
    sworn, moved = (connection.execute(query, given).one() for query in (_SWORN, _MOVED))
    return PurseSums(*map(int, sworn), *map(int, moved))


def signed_lines(connection: sa.Connection, before: int | None, limit: int) -> list[SignedLine]:
    """Up to `limit` of what the accountant's key signed, latest first, with number < `before`."""
    return [SignedLine(*tuple(row)) for row in connection.execute(_SIGNED, _page(before, limit)).all()]


def verdict_lines(connection: sa.Connection, before: int | None, limit: int, lies: bool) -> list[VerdictLine]:
    """Up to `limit` verdicts on anybody's oaths, latest first, with number < `before`; lies alone or all."""
    rows = connection.execute(_LIES if lies else _VERDICTS, _page(before, limit)).all()
    return [VerdictLine(*row) for row in rows]


def verdict_on(connection: sa.Connection, seq: int) -> VerdictLine | None:
    """The verdict on one oath, where somebody executed it."""
    row = connection.execute(_VERDICT, {"seq": seq}).one_or_none()
    return None if row is None else VerdictLine(*row)


def audit_lines(connection: sa.Connection, before: int | None, limit: int) -> list[AuditLine]:
    """Up to `limit` audits, latest first, with number < `before`."""
    return [AuditLine(*tuple(row)) for row in connection.execute(_AUDITS, _page(before, limit)).all()]


def _page(before: int | None, limit: int) -> dict[str, int]:
    return {"before": _ALL if before is None else before, "most": limit}


# Statements are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_ALL = 2**63 - 1
_BEFORE = sa.bindparam("before", type_=sa.BigInteger)
_MOST = sa.bindparam("most", type_=sa.Integer)
_PURSE = _s.c.purse == sa.bindparam("purse", type_=sa.LargeBinary)


def _sum(units: sa.ColumnElement[int], *where: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(units).filter(*where), 0)


_latest = (
    sa.select(_s.c.seq, _s.c.units, _s.c.state)
    .where(_PURSE, _OATH, _STANDS)
    .order_by(_s.c.number.desc())
    .limit(COUNTED_MOST)
    .subquery()
)
_published = _latest.c.state == sa.literal_column(f"'{SignedState.INCLUDED.value}'")
_SWORN = sa.select(
    sa.func.count(),
    *(_sum(_latest.c.units, _v.c.lied.is_(lied)) for lied in (None, False, True)),
    sa.func.count().filter(_published),
    sa.func.count().filter(~_published),
).select_from(_latest.outerjoin(_v, _v.c.seq == _latest.c.seq))
_MOVED = sa.select(
    *(
        _sum(_s.c.units, _s.c.purpose == sa.literal_column(f"'{purpose.value}'"))
        for purpose in (Purpose.DEPOSIT, Purpose.WITHDRAW)
    )
).where(_PURSE, ~_OATH, _INCLUDED)

_SIGNED = (
    sa.select(*(_s.c[name] for name in SignedLine._fields if name != "lied"), _v.c.lied)
    .outerjoin(_v, _v.c.seq == _s.c.seq)
    .where(_s.c.number < _BEFORE)
    .order_by(_s.c.number.desc())
    .limit(_MOST)
)

_verdicts = sa.select(*(_v.c[name] for name in VerdictLine._fields))
_VERDICT = _verdicts.where(_v.c.seq == sa.bindparam("seq", type_=sa.BigInteger))
_VERDICTS = _verdicts.where(_v.c.number < _BEFORE).order_by(_v.c.number.desc()).limit(_MOST)
_LIES = _VERDICTS.where(_v.c.lied)

_AUDITS = (
    sa.select(
        *(_a.c.number, jobs.c.id, _a.c.contract, _a.c.owner, _a.c.solvent),
        *(sa.cast(_a.c[name], sa.BigInteger) for name in ("deposit", "penalties", "outstanding", "slashed")),
        *(_a.c.coverage_per_mille, _a.c.oaths, _a.c.lies, jobs.c.finished_at, jobs.c.withdrawn_at.is_not(None)),
    )
    .join(jobs, jobs.c.number == _a.c.job_number)
    .where(_a.c.number < _BEFORE)
    .order_by(_a.c.number.desc())
    .limit(_MOST)
)
