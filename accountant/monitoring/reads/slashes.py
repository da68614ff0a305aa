"""Oaths of this accountant that were found false: the worst that can happen to it, so they are read by themselves."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from accountant.monitoring.measures.oaths import OATH, OWN_LIES
from accountant.storage.audit_tables import oath_verdicts
from accountant.storage.oath_tables import signed_transactions

_v, _s = oath_verdicts, signed_transactions
_JOINED, _LIED = OWN_LIES


class SlashLine(NamedTuple):
    """One of them; `units`: its penalty, in base units."""

    transaction: bytes
    purse: bytes
    units: int
    found_at: datetime


class Slashes(NamedTuple):
    """All of them together, in base units, and the latest."""

    oaths: int
    units: int
    latest: list[SlashLine]


def own_slashes(connection: sa.Connection, limit: int) -> Slashes:
    """How many of this accountant's oaths were found false, what they cost, and up to `limit` of them."""
    oaths, units = connection.execute(_SUMS).one()
    latest = connection.execute(_LATEST, {"most": limit}).all()
    return Slashes(oaths, int(units), [SlashLine(*row) for row in latest])


def oaths_by_state(connection: sa.Connection) -> dict[str, int]:
    """How many oaths this accountant signed, by how far their transactions came."""
    return {row[0]: row[1] for row in connection.execute(_BY_STATE).all()}


_SUMS = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_s.c.units), 0)).select_from(_JOINED).where(_LIED)
_LATEST = (
    sa.select(_v.c.transaction, _v.c.contract, _s.c.units, _v.c.found_at)
    .select_from(_JOINED)
    .where(_LIED)
    .order_by(_v.c.number.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_BY_STATE = sa.select(_s.c.state, sa.func.count()).where(OATH).group_by(_s.c.state)
