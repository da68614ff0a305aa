"""Series as charts and tables want them: one time axis, a line for each label, gaps where nobody looked."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from accountant.monitoring.catalogue import metric as metric_of
from accountant.monitoring.metric import BUCKET_S, Events, Kind, Metric
from accountant.monitoring.sampler import EVENTS, RESOLUTIONS
from accountant.primitives.errors import AccountantError
from accountant.storage.metric_tables import metric_points, metric_totals, sampling

FRESH_S = 3 * BUCKET_S
"""A level that was sampled longer ago is not what is now."""

_p = metric_points


class Span(NamedTuple):
    """How far back, and in which buckets."""

    title: str
    seconds: int
    resolution_s: int


SPANS = {
    "hour": Span("1 hour", 3600, RESOLUTIONS[0].seconds),
    "day": Span("24 hours", 86_400, RESOLUTIONS[1].seconds),
    "month": Span("30 days", 30 * 86_400, RESOLUTIONS[2].seconds),
}


class UnknownSpan(AccountantError):
    """No series of this length is kept, or none by this label."""

    code = "unknown_span"


class Line(NamedTuple):
    """A line of a chart."""

    label: str
    values: list[float | None]


class Series(NamedTuple):
    """`at`: Unix seconds at which each bucket begins."""

    at: list[int]
    lines: list[Line]
    unit: str


def series(connection: sa.Connection, name: str, span: str, by: str = "") -> Series:
    """A metric over a span that ends now: levels as averages, counters as what came in a second.

    `by`: the label that makes the lines, others are summed over; none: all labels in one line each.
    Raises `UnknownMetric`, `UnknownSpan`.
    """
    metric = metric_of(name)
    if span not in SPANS or (by and by not in metric.labels):
        raise UnknownSpan(f"A span is one of {', '.join(SPANS)}, and a series is by one of its metric's labels.")
    _, length, step = SPANS[span]
    now = connection.execute(_NOW).scalar_one()
    end = int(now) // step * step
    at = list(range(end - length + step, end + step, step))
    rows = connection.execute(_POINTS, {"metric": name, "resolution": step, "since": at[0] - step}).all()
    known = _known(connection, step)
    found = _by_line(metric, by, step, rows)
    if not found and isinstance(metric.how, Events):
        found[""] = {}
    lines = []
    for label, points in sorted(found.items()):
        absent = 0.0 if isinstance(metric.how, Events) else None
        values = [points.get(one, absent if known and known[0] <= one <= known[1] else None) for one in at]
        lines.append(Line(label or metric.name, values))
    return Series(at, lines, f"{metric.unit}/s" if metric.kind is Kind.COUNTER else metric.unit)


def _known(connection: sa.Connection, step: int) -> tuple[int, int] | None:
    """Between which buckets events would be there if there had been any."""
    first, last = connection.execute(_KNOWN, {"resolution": step}).one()
    return None if first is None or last is None else (int(first), int(last))


def _by_line(metric: Metric, by: str, step: int, rows: Iterable[Any]) -> dict[str, dict[int, float]]:
    """Numbers by line and bucket, summed over the labels that make no line."""
    place = metric.labels.index(by) if by else None
    found: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    before: dict[str, tuple[int, float]] = {}
    line_of = cache(lambda labels: labels if place is None else metric.labels_of(labels)[place])
    for labels, at, count, total, most in rows:
        line = line_of(labels)
        if metric.kind is Kind.GAUGE:
            found[line][at] += total / count
        elif isinstance(metric.how, Events):
            found[line][at] += total / step
        else:
            earlier = before.get(labels)
            before[labels] = (at, most)
            if earlier is not None and most >= earlier[1]:
                found[line][at] += (most - earlier[1]) / (at - earlier[0])
    return {line: dict(points) for line, points in found.items()}


def latest(connection: sa.Connection) -> dict[str, dict[str, float]]:
    """The levels of the newest sample that are fresh, by metric and labels."""
    rows = connection.execute(_LATEST).all()
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for name, labels, value in rows:
        if not isinstance(metric_of(name).how, Events):
            found[name][labels] = value
    return dict(found)


def totals(connection: sa.Connection) -> dict[str, dict[str, float]]:
    """All that was ever counted, by metric and labels: closed buckets, and those that are still open."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for name, text, total in connection.execute(_TOTALS).all():
        found[name][text] = total
    return dict(found)


# Statements are made once: SQLAlchemy takes longer to make one than Postgres takes to answer it.

_NOW = sa.select(sa.extract("epoch", sa.func.statement_timestamp()))
_resolution = _p.c.resolution_s == sa.bindparam("resolution", type_=sa.Integer)
_POINTS = (
    sa.select(_p.c.labels, _p.c.at, _p.c.count, _p.c.sum, _p.c.max)
    .where(
        _p.c.metric == sa.bindparam("metric", type_=sa.Text),
        _resolution,
        _p.c.at >= sa.bindparam("since", type_=sa.BigInteger),
    )
    .order_by(_p.c.labels, _p.c.at)
)
_KNOWN = sa.select(
    sa.select(sa.func.min(_p.c.at)).where(_resolution).scalar_subquery(),
    sa.select(sa.extract("epoch", sampling.c.sampled_at)).scalar_subquery(),
)
_newest = sa.select(sa.func.max(_p.c.at)).where(_p.c.resolution_s == BUCKET_S).scalar_subquery()
_LATEST = sa.select(_p.c.metric, _p.c.labels, _p.c.sum).where(
    _p.c.resolution_s == BUCKET_S,
    _p.c.at == _newest,
    _p.c.at >= sa.extract("epoch", sa.func.statement_timestamp()) - FRESH_S,
)
_counted = sa.union_all(
    sa.select(metric_totals.c.metric, metric_totals.c.labels, metric_totals.c.total),
    sa.select(_p.c.metric, _p.c.labels, _p.c.sum).where(
        _p.c.resolution_s == BUCKET_S,
        _p.c.at >= sa.select(sampling.c.closed_before).scalar_subquery(),
        _p.c.metric.in_(EVENTS),
    ),
).subquery()
_metric, _labels, _value = _counted.c
_TOTALS = sa.select(_metric, _labels, sa.func.sum(_value)).group_by(_metric, _labels)
