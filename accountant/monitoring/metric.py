"""What a metric is, and the three ways in which one is read."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from accountant.monitoring.probes import Probed

Labels = tuple[str, ...]
"""A label's value for each of the metric's labels, in their order."""

BUCKET_S = 10
"""Seconds of the finest buckets: how often everything is sampled."""


class Kind(StrEnum):
    """What a metric's numbers mean to whoever draws them."""

    GAUGE = "gauge"
    """A level: averages and maxima over time mean something."""
    COUNTER = "counter"
    """It only grows: what matters is by how much."""


class Now(NamedTuple):
    """Read as it is now: rows of label values and, last, the number; null for none."""

    statement: sa.Select[Any]


class Events(NamedTuple):
    """Rows that tell when something happened. Each bucket is a pure function of them, however often it is read."""

    moment: sa.ColumnElement[Any]
    labels: tuple[sa.ColumnElement[Any], ...] = ()
    value: sa.ColumnElement[Any] | None = None
    """What each event adds; None: 1."""
    joined: sa.FromClause | None = None
    """What to select from, where it is more than the moment's own table."""
    where: tuple[sa.ColumnElement[bool], ...] = ()

    def between(self) -> sa.Select[Any]:
        """Rows of (bucket, labels…, count, sum, maximum) over `since` ≤ moment < `until`, in Unix seconds."""
        seconds = sa.extract("epoch", self.moment)
        bucket = sa.cast(sa.func.floor(seconds / BUCKET_S) * BUCKET_S, sa.BigInteger).label("bucket")
        value = sa.literal(1) if self.value is None else self.value
        since, until = (sa.func.to_timestamp(sa.bindparam(name, type_=sa.Double)) for name in ("since", "until"))
        labels = [one.label(f"label_{at}") for at, one in enumerate(self.labels)]
        chosen = sa.select(bucket, *labels, sa.func.count(), sa.func.sum(value), sa.func.max(value))
        if self.joined is not None:
            chosen = chosen.select_from(self.joined)
        by: list[sa.ColumnElement[Any]] = [sa.literal_column(str(at + 1)) for at in range(1 + len(labels))]
        return chosen.where(self.moment >= since, self.moment < until, *self.where).group_by(*by)


class Probe(NamedTuple):
    """Read from what lies outside the database."""

    read: Callable[[Probed], Mapping[Labels, float | None]]


class Metric(NamedTuple):
    """A number that is sampled, with everything that is said of it anywhere."""

    name: str
    unit: str
    help: str
    kind: Kind
    how: Now | Events | Probe
    labels: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What people call it: the beginning of its help."""
        return re.split("[,;:.]", self.help, maxsplit=1)[0]

    def text_of(self, labels: Labels) -> str:
        """Label values as they are stored."""
        assert len(labels) == len(self.labels), f"{self.name} has the labels {self.labels}"
        return ",".join(f"{name}={value}" for name, value in zip(self.labels, labels, strict=True))

    def labels_of(self, text: str) -> Labels:
        """The reverse of `text_of`."""
        return tuple(part.partition("=")[2] for part in text.split(",")) if text else ()
