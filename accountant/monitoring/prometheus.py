"""The catalogue as Prometheus reads it: the newest sample, and all that was ever counted.

A scrape reads what the sampler stored, so what it costs does not depend on what is measured; a sample older than
`series.FRESH_S` is left out, and `anh_sample_age_seconds` tells why.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from accountant.monitoring.catalogue import METRICS
from accountant.monitoring.metric import Kind
from accountant.monitoring.series import latest, totals
from accountant.monitoring.verdict import Verdict
from accountant.storage.metric_tables import sampling

AGE = "anh_sample_age_seconds"
HEALTH = "anh_health"
OWN = {
    AGE: "Seconds since everything was sampled; -1: never.",
    HEALTH: "0: healthy, 1: degraded, 2: down.",
}
"""Metrics that are not sampled: what a scrape itself finds."""


class Catalogue(Collector):
    """Collects every metric for one scrape."""

    def __init__(self, connection: sa.Connection, verdict: Verdict) -> None:
        self._connection, self._verdict = connection, verdict

    def collect(self) -> Iterable[Metric]:
        """Every metric of the catalogue, with or without a number, and our own."""
        levels, sums = latest(self._connection), totals(self._connection)
        for one in METRICS:
            found = sums.get(one.name) or levels.get(one.name) or {}
            make = CounterMetricFamily if one.kind is Kind.COUNTER else GaugeMetricFamily
            family = make(one.name, one.help, labels=one.labels)
            for text, value in sorted(found.items()):
                family.add_metric(one.labels_of(text), value)
            if one.kind is Kind.COUNTER and not one.labels and not found:
                family.add_metric((), 0)  # else the first event would be no increase, and no alert would see it
            yield family
        age = self._connection.scalar(sa.select(sa.extract("epoch", sa.func.clock_timestamp() - sampling.c.sampled_at)))
        for name, value in ((AGE, -1.0 if age is None else float(age)), (HEALTH, float(self._verdict.health))):
            yield GaugeMetricFamily(name, OWN[name], value=value)


def exposed(connection: sa.Connection, verdict: Verdict) -> tuple[bytes, str]:
    """What a scrape gets, and its media type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Catalogue(connection, verdict))
    return generate_latest(registry), CONTENT_TYPE_LATEST
