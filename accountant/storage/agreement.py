"""What this accountant says of its outcomes to others: digests of ranges, and the running hash of each block."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from accountant.accounting.agreement import first_running_hash, next_running_hash
from accountant.chain.transaction import TransactionKind
from accountant.execution.outcome import Observed, decode_observed
from accountant.primitives.types import HASH_BYTES, Hash, Height, Seq
from accountant.storage import tables
from accountant.storage.agreement_tables import epoch, running_hashes

PAGE = 4_096
"""Transactions or outcomes read at once."""
_ENTRY_BYTES = 8 + HASH_BYTES
EXTENSION_MOST = 100_000
"""Transactions by which one request extends the running hash: well below a second."""

_o, _t, _b, _r = tables.outcomes, tables.transactions, tables.blocks, running_hashes

_USES_GAS = (int(TransactionKind.CALL), int(TransactionKind.DEPLOY))
_NEEDS_EXECUTION = sa.or_(_t.c.kind.in_(_USES_GAS), _t.c.general_value > 0)
"""Whose outcome is stored once somebody observed it: all but transfers of zero-cost money and publications
(`Session.found`)."""


class StoredAgreement:
    """The digests of stored outcomes, within one database transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def digests(self, first: Seq, end: int) -> Iterator[tuple[int, bytes]]:
        """(number, digest) of the stored outcomes with first ≤ number < end, ascending."""
        while True:
            page = sa.select(_o.c.seq, _o.c.digest).where(_o.c.seq >= first, _o.c.seq < end).order_by(_o.c.seq)
            rows = page.limit(PAGE).subquery()
            entry = sa.func.int8send(rows.c.seq).op("||")(rows.c.digest)
            joined = sa.func.string_agg(entry, aggregate_order_by(sa.literal_column("''::bytea"), rows.c.seq))
            raw = self._connection.scalar(sa.select(joined)) or b""  # a row for each would take five times as long
            for place in range(0, len(raw), _ENTRY_BYTES):
                seq = int.from_bytes(raw[place : place + 8], "big")
                yield seq, raw[place + 8 : place + _ENTRY_BYTES]
            if len(raw) < PAGE * _ENTRY_BYTES:
                return
            first = Seq(seq + 1)

    def stored(self, seq: Seq) -> tuple[bytes, Observed] | None:
        """A stored outcome with its digest."""
        row = self._connection.execute(sa.select(_o.c.digest, _o.c.observed).where(_o.c.seq == seq)).one_or_none()
        return None if row is None else (row.digest, decode_observed(row.observed))

    def observed(self, end: int) -> int:
        """How many outcomes are stored of the transactions below a number."""
        count = sa.select(sa.func.count()).select_from(_o).where(_o.c.seq < end)
        return int(self._connection.execute(count).scalar_one())

    def covered(self) -> Height:
        """The highest block that the running hash covers, as far as it was extended. Genesis is always covered."""
        return Height(self._connection.scalar(sa.select(sa.func.max(_r.c.height))) or 0)

    def running_hash(self, height: Height, genesis_hash: Hash) -> Hash | None:
        """R right after a block; None where it is not covered."""
        if height == 0:
            return first_running_hash(genesis_hash)
        return self._connection.scalar(sa.select(_r.c.hash).where(_r.c.height == height))

    def extend(self, genesis_hash: Hash, most: int = EXTENSION_MOST) -> None:
        """Carries the running hash on over what was observed since, by about `most` transactions."""
        self._connection.execute(sa.select(epoch.c.number).with_for_update(read=True))  # no withdrawal meanwhile
        height = self.covered()
        running = self.running_hash(height, genesis_hash)
        assert running is not None
        while most > 0:
            blocks = self._blocks(height)
            if not blocks:
                return
            first, end = blocks[0][1], blocks[-1][2]
            most -= end - first + len(blocks)
            needed = self._needed(first, end)
            made: list[dict[str, object]] = []
            for block, _, block_end in blocks:
                while needed and needed[-1][0] < block_end:
                    seq, digest = needed.pop()
                    if digest is None:
                        self._keep(made)
                        return
                    running = next_running_hash(running, Seq(seq), digest)
                made.append({"height": block, "hash": running})
            self._keep(made)
            height = blocks[-1][0]

    def _blocks(self, after: Height) -> list[tuple[Height, int, int]]:
        """The next blocks of at most a page of transactions together, but one at least: height, first number, end."""
        query = sa.select(_b.c.height, _b.c.first_seq, _b.c.first_seq + _b.c.count).where(_b.c.height > after)
        rows = [tuple(row) for row in self._connection.execute(query.order_by(_b.c.height).limit(PAGE))]
        return [row for row in rows if row[2] - rows[0][1] <= PAGE] or rows[:1]

    def _needed(self, first: int, end: int) -> list[tuple[int, bytes | None]]:
        """The transactions that need execution with the digests of their outcomes, descending; up to the first gap."""
        joined = sa.select(_t.c.seq, _o.c.digest).select_from(_t.outerjoin(_o, _o.c.seq == _t.c.seq))
        query = joined.where(_t.c.seq >= first, _t.c.seq < end, _NEEDS_EXECUTION).order_by(_t.c.seq.desc())
        return [(row.seq, row.digest) for row in self._connection.execute(query)]

    def _keep(self, made: list[dict[str, object]]) -> None:
        if made:
            self._connection.execute(insert(_r).on_conflict_do_nothing(), made)
