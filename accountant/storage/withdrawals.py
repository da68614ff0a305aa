"""Withdrawal in Postgres: the statements of one repair, within one database transaction that others wait for."""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from accountant.execution.outcome import Observed, decode_observed
from accountant.primitives.types import AccountId, Height, Seq
from accountant.storage import tables
from accountant.storage.agreement_tables import epoch, running_hashes, withdrawals, world_states

PAGE = 1_000
"""Stored outcomes read at once."""
BATCH = 10_000
"""Outcomes deleted by one statement."""

_o, _c = tables.outcomes, tables.checkpoints


class Withdrawals:
    """Takes outcomes out of the store, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def begin(self) -> int:
        """Waits until nobody keeps an outcome or an answer, keeps everybody from it, and begins the next epoch."""
        first = insert(epoch).values(only=1, number=0).on_conflict_do_nothing()
        self._connection.execute(first)
        self._connection.execute(sa.select(epoch.c.number).with_for_update())
        changed = sa.update(epoch).values(number=epoch.c.number + 1).returning(epoch.c.number)
        return int(self._connection.execute(changed).scalar_one())

    def digest(self, seq: Seq) -> bytes | None:
        """The digest of a stored outcome."""
        found: bytes | None = self._connection.scalar(sa.select(_o.c.digest).where(_o.c.seq == seq))
        return found

    def stored_after(self, seq: Seq) -> Iterator[tuple[Seq, Observed]]:
        """The stored outcomes of all later transactions, ascending."""
        after: int = seq
        while True:
            page = sa.select(_o.c.seq, _o.c.observed).where(_o.c.seq > after).order_by(_o.c.seq).limit(PAGE)
            rows = self._connection.execute(page).all()
            for later, raw in rows:
                yield Seq(later), decode_observed(raw)
            if len(rows) < PAGE:
                return
            after = rows[-1].seq

    def delete(self, seqs: Sequence[Seq]) -> int:
        """Takes outcomes away; how many there were."""
        deleted = 0
        for start in range(0, len(seqs), BATCH):
            gone = sa.delete(_o).where(_o.c.seq == sa.any_(sa.literal(seqs[start : start + BATCH], _BIGINTS)))
            deleted += self._connection.execute(gone).rowcount
        return deleted

    def delete_checkpoints(self, since: Mapping[AccountId, Seq]) -> int:
        """Takes away what is known of accounts' balances after a transaction of each; how many there were."""
        deleted = 0
        for account, seq in since.items():
            gone = sa.delete(_c).where(_c.c.account == account, _c.c.before > seq)
            deleted += self._connection.execute(gone).rowcount
        return deleted

    def forget_from(self, height: Height) -> None:
        """Takes away running hashes and world states of this height and later ones."""
        for table in (running_hashes, world_states):
            self._connection.execute(sa.delete(table).where(table.c.height >= height))

    def record(self, number: int, seq: Seq, digest: bytes, outcomes: int, checkpoints: int, jobs: int) -> None:
        """Keeps on record what was withdrawn."""
        counts = {"outcomes": outcomes, "checkpoints": checkpoints, "jobs": jobs}
        self._connection.execute(sa.insert(withdrawals).values(epoch=number, seq=seq, digest=digest, **counts))


_BIGINTS = sa.ARRAY(sa.BigInteger)
