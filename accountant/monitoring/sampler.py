"""The sampler: every ten seconds everything in the catalogue becomes a point, and points become coarser ones.

A sample is one database transaction under a lock, so two samplers, or one that is killed at any moment, leave what one
would have left. What happened (`Events`) is read anew for the buckets that are still open, so a row that is committed
late, or while nobody sampled, is counted all the same, once; after `SETTLE_S` a bucket is closed and added to the
totals. Levels that nobody looked at are missing, and shown as gaps.
"""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert

from accountant.monitoring.catalogue import METRICS
from accountant.monitoring.metric import BUCKET_S, Events, Labels, Metric, Now
from accountant.monitoring.probes import Probed
from accountant.storage.metric_tables import (
    dear_hours,
    devices,
    job_figures,
    metric_points,
    metric_totals,
    sampling,
    workers,
)
from accountant.storage.tables import outcomes, transactions

SETTLE_S = 60
"""How late a transaction may commit what it dated: after this a bucket of events is closed."""
BACK_S = 2 * 86_400
"""How long nobody may sample without events being lost to the series."""
HOUR_S = 3600

_LOCK = 0x616E_685F_7361  # "anh_sa"
_DAY_S = 86_400


class Resolution(NamedTuple):
    """Buckets of `seconds`, kept for `keep_s`."""

    seconds: int
    keep_s: int


RESOLUTIONS = (Resolution(BUCKET_S, 2 * HOUR_S), Resolution(300, 2 * _DAY_S), Resolution(7200, 60 * _DAY_S))

_p, _t = metric_points, metric_totals
EVENTS = [one.name for one in METRICS if isinstance(one.how, Events)]

_log = structlog.get_logger(__name__)


def sample(engine: sa.Engine, probed: Probed, now: float | None = None) -> bool:
    """One sample. False where another process is at it. `now`: Unix seconds; None: the database's clock."""
    began = time.monotonic()
    with engine.begin() as connection:
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))):
            return False
        if now is None:
            now = float(connection.execute(sa.select(sa.extract("epoch", sa.func.clock_timestamp()))).scalar_one())
        bucket = int(now) // BUCKET_S * BUCKET_S
        closed = _closed_before(connection, bucket)
        since = max(closed, bucket - BACK_S)
        _levels(connection, bucket, probed)
        _events(connection, since, bucket + BUCKET_S)
        closes = max(closed, bucket - SETTLE_S)
        _close(connection, since, closes)
        roll_up(connection, min(since, bucket))
        _forget(connection, bucket)
        kept = insert(sampling).values(
            only=1, closed_before=closes, sampled_at=sa.func.to_timestamp(now), seconds=time.monotonic() - began
        )
        changed = {name: kept.excluded[name] for name in ("closed_before", "sampled_at", "seconds")}
        connection.execute(kept.on_conflict_do_update(index_elements=[sampling.c.only], set_=changed))
    return True


def run_sampler(
    engine: sa.Engine, probe: Callable[[], Probed], stop: threading.Event, interval_s: float = BUCKET_S
) -> None:
    """Samples until `stop` is set, once a bucket. What fails is tried again in the next one."""
    while not stop.wait(interval_s - time.time() % interval_s):
        try:
            sample(engine, probe())
        except sa.exc.DBAPIError as error:
            _log.warning("not_sampled", error=type(error).__name__, detail=str(error)[:200])


def _closed_before(connection: sa.Connection, bucket: int) -> int:
    """Where the totals end; at the first sample they begin with what the finest series can still show."""
    found = connection.scalar(sa.select(sampling.c.closed_before))
    return bucket - RESOLUTIONS[0].keep_s if found is None else int(found)


def _levels(connection: sa.Connection, bucket: int, probed: Probed) -> None:
    """What is so now; the first who looks within a bucket fills it."""
    points = []
    for metric in METRICS:
        if isinstance(metric.how, Events):
            continue
        for labels, value in levels_of(connection, metric, probed):
            points.append(_point(metric, labels, bucket, 1, value, value))
    connection.execute(insert(_p).on_conflict_do_nothing(), points)


def levels_of(connection: sa.Connection, metric: Metric, probed: Probed) -> Iterator[tuple[Labels, float]]:
    """A level as it is now, by its labels; without those that have no number."""
    if isinstance(metric.how, Now):
        found = ((tuple(map(str, row[:-1])), row[-1]) for row in connection.execute(metric.how.statement))
    else:
        assert not isinstance(metric.how, Events)
        found = ((labels, value) for labels, value in metric.how.read(probed).items())
    for labels, value in found:
        if value is not None:
            yield labels, float(value)


def _events(connection: sa.Connection, since: int, until: int) -> None:
    """What happened in the open buckets, whatever was found there before."""
    open_ones = (_p.c.metric.in_(EVENTS), _p.c.resolution_s == BUCKET_S, _p.c.at >= since)
    connection.execute(sa.delete(_p).where(*open_ones))
    points = []
    for metric in METRICS:
        if isinstance(metric.how, Events):
            for at, *labels, count, total, most in connection.execute(
                metric.how.between(), {"since": since, "until": until}
            ):
                points.append(_point(metric, tuple(map(str, labels)), at, count, float(total), float(most)))
    if points:
        connection.execute(sa.insert(_p), points)


def _point(metric: Metric, labels: Labels, at: int, count: int, total: float, most: float) -> dict[str, Any]:
    text = metric.text_of(labels)
    return {
        "metric": metric.name,
        "labels": text,
        "resolution_s": BUCKET_S,
        "at": at,
        "count": count,
        "sum": total,
        "max": most,
    }


def _close(connection: sa.Connection, since: int, until: int) -> None:
    """Adds buckets that nothing will change any more to the totals, and to what each party's hours took."""
    if until <= since:
        return
    closing = (_p.c.metric.in_(EVENTS), _p.c.resolution_s == BUCKET_S, _p.c.at >= since, _p.c.at < until)
    sums = sa.select(_p.c.metric, _p.c.labels, sa.func.sum(_p.c.sum)).where(*closing).group_by(_p.c.metric, _p.c.labels)
    new = insert(_t).from_select(["metric", "labels", "total"], sums)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[_t.c.metric, _t.c.labels], set_={"total": _t.c.total + new.excluded.total}
        )
    )
    for party in (_ran_contracts(), _sent(), _viewed()):
        _add_dear(connection, party, since, until)


def _hour_of(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.floor(sa.extract("epoch", moment) / HOUR_S) * HOUR_S, sa.BigInteger).label("hour")


def _within(moment: sa.ColumnElement[Any]) -> tuple[sa.ColumnElement[bool], ...]:
    since, until = (sa.func.to_timestamp(sa.bindparam(name, type_=sa.Double)) for name in ("since", "until"))
    return moment >= since, moment < until


def _of_outcomes(party: str, key: sa.ColumnElement[bytes]) -> sa.Select[Any]:
    gas, runs = sa.func.sum(outcomes.c.gas_used), sa.func.count()
    columns: list[Any] = [_hour_of(outcomes.c.observed_at), sa.literal(party), key, gas, runs]
    joined = sa.select(*columns).join_from(outcomes, transactions, transactions.c.seq == outcomes.c.seq)
    return joined.where(*_within(outcomes.c.observed_at)).group_by(sa.literal_column("1"), key)


def _ran_contracts() -> sa.Select[Any]:
    """Contracts that transactions call or make: their addresses are 32 bytes long."""
    to = transactions.c.to
    return _of_outcomes("contract", to).where(sa.func.octet_length(to) == 32)


def _sent() -> sa.Select[Any]:
    return _of_outcomes("account", transactions.c.sender)


def _viewed() -> sa.Select[Any]:
    figures = job_figures.c
    gas, runs = sa.func.sum(figures.view_gas), sa.func.count()
    columns: list[Any] = [_hour_of(figures.finished_at), sa.literal("contract"), figures.contract, gas, runs]
    viewed = sa.select(*columns).where(*_within(figures.finished_at), figures.contract.is_not(None))
    return viewed.group_by(sa.literal_column("1"), figures.contract)


def _add_dear(connection: sa.Connection, party: sa.Select[Any], since: int, until: int) -> None:
    new = insert(dear_hours).from_select(["hour", "party", "key", "gas", "runs"], party)
    more = {name: dear_hours.c[name] + new.excluded[name] for name in ("gas", "runs")}
    keys = [dear_hours.c.hour, dear_hours.c.party, dear_hours.c.key]
    connection.execute(new.on_conflict_do_update(index_elements=keys, set_=more), {"since": since, "until": until})


def roll_up(connection: sa.Connection, since: int) -> None:
    """Computes all coarser buckets anew in which something from `since` (Unix seconds) on may have changed."""
    for fine, coarse in pairwise(RESOLUTIONS):
        since = since // coarse.seconds * coarse.seconds
        connection.execute(sa.delete(_p).where(_p.c.resolution_s == coarse.seconds, _p.c.at >= since))
        at = (_p.c.at - sa.func.mod(_p.c.at, coarse.seconds)).label("begins")
        totals = sa.func.sum(_p.c.count), sa.func.sum(_p.c.sum), sa.func.max(_p.c.max)
        chosen = sa.select(_p.c.metric, _p.c.labels, sa.literal(coarse.seconds), at, *totals)
        found = chosen.where(_p.c.resolution_s == fine.seconds, _p.c.at >= since)
        grouped = found.group_by(_p.c.metric, _p.c.labels, at)
        names = ["metric", "labels", "resolution_s", "at", "count", "sum", "max"]
        connection.execute(sa.insert(_p).from_select(names, grouped))


def _forget(connection: sa.Connection, bucket: int) -> None:
    for one in RESOLUTIONS:
        old = _p.c.at < bucket - one.keep_s
        connection.execute(sa.delete(_p).where(_p.c.resolution_s == one.seconds, old))
    connection.execute(sa.delete(dear_hours).where(dear_hours.c.hour < bucket - RESOLUTIONS[-1].keep_s))
    a_day_ago = sa.func.statement_timestamp() - sa.func.make_interval(0, 0, 0, 1)
    connection.execute(sa.delete(workers).where(workers.c.beat_at < a_day_ago))
    connection.execute(sa.delete(devices).where(devices.c.told_at < a_day_ago))
