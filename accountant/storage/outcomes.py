"""The store of outcomes: Postgres is the truth, Redis makes it fast.

An outcome is kept for ever with its block's hash and index. A second outcome of the same transaction must be
the same; what it was computed from may differ, and the first is kept.

Should an outcome turn out to be wrong, it is withdrawn with everything computed from it (`storage.withdrawals`),
and a new epoch begins: nothing that was computed in an earlier one is kept any more, and what Redis has of it is
not believed.
"""

import copy
import hmac
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from accountant.execution.memory import MemoryBlobs
from accountant.execution.outcome import Observed, Outcome, decode_observed, outcome_digest
from accountant.execution.port import Blobs, ConflictingOutcome, OutcomesWithdrawn
from accountant.execution.timeline import Checkpoint
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.hashes import sha256
from accountant.primitives.types import AccountId, Cid, Seq
from accountant.storage import tables
from accountant.storage.agreement_tables import epoch
from accountant.storage.audit_tables import oath_verdicts
from accountant.storage.blob_rows import note_saved
from accountant.storage.counts import LOOKUPS, TALLY
from accountant.storage.database import Database, compiled
from accountant.storage.hot import HotLayer, Redis
from accountant.storage.index import NoChain
from accountant.storage.single_flight import LEASE_S, SingleFlight
from accountant.storage.verdicts import NewVerdict

_o, _t, _b, _c = tables.outcomes, tables.transactions, tables.blocks, tables.checkpoints
_v = oath_verdicts

CACHE_KEY = compiled(
    select(tables.genesis.c.cache_key, select(epoch.c.number).scalar_subquery()).select_from(tables.genesis)
)
EPOCH = compiled(select(epoch.c.number))
_our_epoch = epoch.c.number == bindparam("epoch", type_=BigInteger)
GET = compiled(select(_o.c.seq, _o.c.observed).where(_o.c.seq == any_(bindparam("seqs", type_=ARRAY(BigInteger)))))
EXECUTIONS = compiled(select(_o.c.executions).where(_o.c.seq == bindparam("seq", type_=BigInteger)))

_new = insert(_o).from_select(
    ["seq", "gas_used", "index", "executions", "block_hash", "digest", "observed"],
    select(
        _t.c.seq,
        bindparam("gas_used", type_=BigInteger),
        _t.c.index,
        literal(1),
        _b.c.hash,
        bindparam("digest", type_=_o.c.digest.type),
        bindparam("observed", type_=_o.c.observed.type),
    )
    .join(_b, _b.c.height == _t.c.height)
    .join(epoch, _our_epoch)
    .where(_t.c.seq == bindparam("seq", type_=BigInteger))
    .with_for_update(read=True, of=epoch),
)
_put = _new.on_conflict_do_update(
    index_elements=[_o.c.seq],
    set_={"executions": _o.c.executions + 1},
    where=_o.c.digest == _new.excluded.digest,
).returning(_o.c.executions)
PUT = compiled(_put)

_kept_outcome = _put.cte("kept")
_judged = (
    insert(_v)
    .from_select(
        list(NewVerdict._fields),
        select(*(bindparam(f"v_{name}", type_=_v.c[name].type).label(name) for name in NewVerdict._fields)).select_from(
            _kept_outcome
        ),
    )
    .on_conflict_do_nothing(index_elements=[_v.c.seq])
    .cte("judged")
)
PUT_JUDGED = compiled(select(_kept_outcome.c.executions).add_cte(_judged))
"""The outcome of an oath with its verdict: both, or neither."""

Judge = Callable[[Seq, Outcome], NewVerdict | None]
"""Says what an outcome shows of an oath; None where the transaction swears nothing, or the outcome shows nothing."""


_AT_OR_BEFORE = (
    select(_c.c.before, _c.c.lower, _c.c.upper)
    .where(_c.c.account == bindparam("account", type_=_c.c.account.type))
    .where(_c.c.before <= bindparam("before", type_=BigInteger))
    .order_by(_c.c.before.desc())
    .limit(1)
)
CHECKPOINT = compiled(_AT_OR_BEFORE)
EXACT_CHECKPOINT = compiled(_AT_OR_BEFORE.where(_c.c.lower == _c.c.upper))
_names = list(_c.c.keys())
_kept = insert(_c).from_select(
    _names,
    select(*(bindparam(name, type_=_c.c[name].type) for name in _names))
    .select_from(epoch)
    .where(_our_epoch)
    .with_for_update(read=True, of=epoch),
)
KEEP_CHECKPOINT = compiled(
    _kept.on_conflict_do_update(
        index_elements=[_c.c.account, _c.c.before],
        set_={
            "lower": func.greatest(_c.c.lower, _kept.excluded.lower),
            "upper": func.least(_c.c.upper, _kept.excluded.upper),
        },
    ).returning(_c.c.before)
)


FILES_BYTES_MOST = 64 * 1024 * 1024
"""Files of tensors that a process keeps in memory where nobody said where else."""


class PostgresOutcomes:
    """An `OutcomeStore` shared by all workers of a database; one for each process, safe for threads.

    It is of the epoch in which it was made: each piece of work begins with `current`.
    """

    def __init__(
        self,
        database: Database,
        client: Redis | None = None,
        lease_s: float = LEASE_S,
        blobs: Blobs | None = None,
        judge: Judge | None = None,
    ) -> None:
        """`client`: None to do without Redis. `lease_s`: how long a dead worker keeps others waiting. `judge`: whose
        verdicts on oaths are kept with the outcomes that show them; None: nobody's.

        `blobs`: where files of tensors are kept; a few of them in memory by default.

        Raises `NoChain` where no genesis is installed.
        """
        row = database.fetch_one(CACHE_KEY)
        if row is None:
            raise NoChain("the database holds no chain: import its genesis first")
        self._database = database
        self._client = client
        self._judge = judge
        self._cache_key: bytes = row[0]
        self._epoch: int = row[1]
        self._hot = self._hot_layer()
        space = "anh:" + sha256(b"anh/flight\x00" + self._cache_key).hex()[:16]
        self.blobs: Blobs = blobs or MemoryBlobs(FILES_BYTES_MOST)
        self._flights = SingleFlight(client, database.url, space, lease_s)

    def current(self) -> "PostgresOutcomes":
        """This store in the epoch as it is now, for one piece of work."""
        row = self._database.fetch_one(EPOCH)
        assert row is not None
        if row[0] == self._epoch:
            return self
        store = copy.copy(self)
        store._epoch = row[0]
        store._hot = store._hot_layer()
        return store

    @property
    def epoch(self) -> int:
        """What this store holds nothing older than: the number of withdrawals before."""
        return self._epoch

    def _hot_layer(self) -> HotLayer:
        """Under a secret of the epoch: what Redis has from an earlier one is a miss."""
        secret = hmac.digest(self._cache_key, b"anh/epoch\x00" + self._epoch.to_bytes(8, "big"), "sha256")
        return HotLayer(self._client, secret)

    def get(self, seq: Seq) -> Observed | None:
        return self.get_many([seq]).get(seq)

    def get_many(self, seqs: Iterable[Seq]) -> dict[Seq, Observed]:
        asked = list(dict.fromkeys(seqs))
        found: dict[Seq, Observed] = {}
        for seq, raw in zip(asked, self._hot.get_many([_name(seq) for seq in asked]), strict=True):
            observed = _hot_observed(raw)
            if observed is not None:
                found[seq] = observed
        missing = [seq for seq in asked if seq not in found]
        TALLY.add(LOOKUPS["hot"], len(found))
        if missing:
            rows = self._database.fetch(GET, {"seqs": missing})
            TALLY.add(LOOKUPS["database"], len(rows))
            TALLY.add(LOOKUPS["missing"], len(missing) - len(rows))
            found.update((Seq(seq), decode_observed(raw)) for seq, raw in rows)
            self._hot.put_many({_name(seq): raw for seq, raw in rows})
        return found

    def put(self, seq: Seq, observed: Observed) -> bool:
        raw = encode(observed)
        if observed.outcome.saved:  # before the outcome: a file that an outcome names is never without its reference
            note_saved(self._database, seq, [Cid(saved.cid) for saved in observed.outcome.saved])
        verdict = self._judge(seq, observed.outcome) if self._judge is not None else None
        judged = {} if verdict is None else {f"v_{name}": value for name, value in verdict.columns().items()}
        row = self._database.fetch_one(
            PUT_JUDGED if judged else PUT,
            {
                "seq": seq,
                "gas_used": observed.outcome.gas_used,
                "digest": outcome_digest(observed.outcome),
                "observed": raw,
                "epoch": self._epoch,
                **judged,
            },
        )
        if row is None:
            self._check_epoch()
            assert self.executions(seq), f"no transaction {seq}"
            raise ConflictingOutcome(seq)
        first = bool(row[0] == 1)
        if first:
            self._hot.put_many({_name(seq): raw})
        return first

    def executions(self, seq: Seq) -> int:
        """How many times an outcome of this transaction was put: 1 unless work was repeated."""
        row = self._database.fetch_one(EXECUTIONS, {"seq": seq})
        return row[0] if row else 0

    def checkpoint(self, account: AccountId, before: Seq, exact: bool) -> Checkpoint | None:
        sql = EXACT_CHECKPOINT if exact else CHECKPOINT
        row = self._database.fetch_one(sql, {"account": account, "before": before})
        return Checkpoint(Seq(row[0]), int(row[1]), int(row[2])) if row else None

    def keep_checkpoint(self, account: AccountId, checkpoint: Checkpoint) -> None:
        with self._database.connection() as connection:
            kept = connection.execute(
                KEEP_CHECKPOINT, {"account": account, **checkpoint._asdict(), "epoch": self._epoch}
            ).fetchone()
        if kept is None:
            raise OutcomesWithdrawn

    def _check_epoch(self) -> None:
        row = self._database.fetch_one(EPOCH)
        if row is None or row[0] != self._epoch:
            raise OutcomesWithdrawn

    @contextmanager
    def single_flight(self, seq: Seq) -> Iterator[None]:
        with self._flights.hold(str(seq)):
            yield

    def close(self) -> None:
        """Ends the thread that renews locks. The database and the client are their makers' to close."""
        self._flights.close()


def _name(seq: int) -> bytes:
    return b"outcome:%d" % seq


def _hot_observed(raw: bytes | None) -> Observed | None:
    """What Redis had; None also where an older version of the program wrote it."""
    if raw is None:
        return None
    try:
        return decode_observed(raw)
    except InvalidEncoding:
        return None
