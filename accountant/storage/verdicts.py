"""Verdicts on oaths in Postgres: kept as audits find them, and read to learn from."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.primitives.types import Address, ContractId, Hash, Seq
from accountant.storage.audit_tables import oath_verdicts
from accountant.trust.features import History
from accountant.trust.knowledge import Knowledge, Learned, features_from

LEARNED_MOST = 5_000
"""Verdicts that a model is fitted to: the latest."""

_v = oath_verdicts


class NewVerdict(NamedTuple):
    """What executing an oath showed. `features`: thousandths, as it looked before; `gas`: 0 if it was known."""

    seq: Seq
    transaction: Hash
    contract: ContractId
    swearer: Address
    features: Sequence[int]
    lied: bool
    gas: int

    def columns(self) -> dict[str, object]:
        """As the table holds it."""
        return {**self._asdict(), "features": list(self.features)}


class Verdicts:
    """The verdicts, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, verdicts: Iterable[NewVerdict]) -> None:
        """Keeps them: a verdict is a fact of the chain, whoever finds it again.

        Whoever executed the oath (`gas` above 0) says how it looked before; who knew already changes nothing.
        """
        rows = [verdict.columns() for verdict in verdicts]
        if rows:
            new = insert(_v)
            seen = {"features": new.excluded.features, "gas": new.excluded.gas}
            kept = new.on_conflict_do_update(index_elements=[_v.c.seq], set_=seen, where=new.excluded.gas > 0)
            self._connection.execute(kept, rows)

    def forget(self, seqs: Sequence[Seq]) -> int:
        """Takes away the verdicts on these oaths; how many there were."""
        wanted = sa.any_(sa.literal(list(seqs), sa.ARRAY(sa.BigInteger)))
        return self._connection.execute(sa.delete(_v).where(_v.c.seq == wanted)).rowcount

    def knowledge(self, swearers: Iterable[Address]) -> Knowledge:
        """The latest verdicts on anybody, and these swearers' histories."""
        rows = self._connection.execute(_LATEST).all()
        learned = [Learned(features_from(row.features), row.lied) for row in reversed(rows)]
        return Knowledge(learned, {swearer: self.history(swearer) for swearer in set(swearers)})

    def history(self, swearer: Address) -> History:
        """What verdicts said of a swearer: how many there are, how many lies, and how many since the last one.

        Since, on the chain: in which order oaths were checked is chance.
        """
        checked, lies, since_lie = self._connection.execute(_HISTORY, {"swearer": swearer}).one()
        return History(checked=checked, lies=lies, since_lie=since_lie)


# Statements of pages are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_LATEST = sa.select(_v.c.features, _v.c.lied).order_by(_v.c.number.desc()).limit(LEARNED_MOST)
_theirs = _v.c.swearer == sa.bindparam("swearer", type_=sa.LargeBinary)
_last_lie = sa.select(sa.func.max(_v.c.seq)).where(_theirs, _v.c.lied).scalar_subquery()
_since = sa.func.count().filter(_v.c.seq > sa.func.coalesce(_last_lie, -1))
_HISTORY = sa.select(sa.func.count(), sa.func.count().filter(_v.c.lied), _since).where(_theirs)
