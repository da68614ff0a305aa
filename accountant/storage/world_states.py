"""Observed world states in Postgres: a row for each, its leaves in pages. The latest few are kept."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import sqlalchemy as sa
from psycopg import Connection
from psycopg.rows import TupleRow
from sqlalchemy import BigInteger, bindparam
from sqlalchemy.dialects.postgresql import insert

from accountant.execution.port import OutcomesWithdrawn
from accountant.index.port import BlockInfo
from accountant.primitives.types import Hash, Height
from accountant.storage.agreement_tables import epoch, world_pages, world_states
from accountant.storage.database import Database, compiled
from accountant.storage.outcomes import PostgresOutcomes

KEPT_MOST = 8
"""States that are kept: each may be as large as memory."""

_s, _p = world_states, world_pages
_columns = ("height", "block_hash", "root", "leaves")

_EPOCH = compiled(sa.select(epoch.c.number).with_for_update(read=True))
_FORGET = compiled(sa.delete(_s).where(_s.c.height == bindparam("height", type_=BigInteger)))
_PUT = compiled(insert(_s).values({name: bindparam(name, type_=_s.c[name].type) for name in _columns}))
_PUT_PAGE = compiled(insert(_p).values({name: bindparam(name, type_=_p.c[name].type) for name in _p.c.keys()}))  # noqa: SIM118
_newest = sa.select(_s.c.number).order_by(_s.c.number.desc()).limit(bindparam("most", type_=BigInteger))
_FORGET_OLD = compiled(sa.delete(_s).where(_s.c.number.not_in(_newest)))


class KeptState(NamedTuple):
    """An observed state that can be read."""

    height: Height
    block_hash: Hash
    root: Hash
    leaves: int
    pages: int


class PostgresStates:
    """A `StateStore` of one epoch."""

    def __init__(self, database: Database, number: int) -> None:
        """`number`: the epoch in which the states that will be kept began to be observed."""
        self._database = database
        self._epoch = number

    def keep(self, block: BlockInfo, root: Hash, leaves: int, pages: Iterable[bytes]) -> None:
        """Whole or not at all; in place of what was kept of that height, and of the oldest ones."""
        with self._database.connection() as connection, connection.transaction():
            found = connection.execute(_EPOCH).fetchone()
            if found is None or found[0] != self._epoch:
                raise OutcomesWithdrawn
            connection.execute(_FORGET, {"height": block.height})
            state = {"height": block.height, "block_hash": block.hash, "root": root, "leaves": leaves}
            connection.execute(_PUT, state)
            _put_pages(connection, block.height, pages)
            connection.execute(_FORGET_OLD, {"most": KEPT_MOST})


def _put_pages(connection: Connection[TupleRow], height: Height, pages: Iterable[bytes]) -> None:
    for number, raw in enumerate(pages):
        connection.execute(_PUT_PAGE, {"height": height, "page": number, "raw": raw})


def current_stores(
    database: Database, outcomes: PostgresOutcomes
) -> Callable[[], tuple[PostgresOutcomes, PostgresStates]]:
    """Outcomes and states of the same epoch, as they stand when a piece of work begins."""

    def current() -> tuple[PostgresOutcomes, PostgresStates]:
        now = outcomes.current()
        return now, PostgresStates(database, now.epoch)

    return current


def kept_state(connection: sa.Connection, height: Height) -> KeptState | None:
    """The state that is kept of a height."""
    pages = sa.select(sa.func.count()).where(_p.c.height == _s.c.height).scalar_subquery()
    query = sa.select(_s.c.height, _s.c.block_hash, _s.c.root, _s.c.leaves, pages).where(_s.c.height == height)
    row = connection.execute(query).one_or_none()
    return None if row is None else KeptState(*row)


def kept_page(connection: sa.Connection, height: Height, page: int) -> bytes | None:
    """One page of a kept state."""
    found: bytes | None = connection.scalar(sa.select(_p.c.raw).where(_p.c.height == height, _p.c.page == page))
    return found
