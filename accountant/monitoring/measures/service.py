"""The service itself: workers, database, broker, disk, and the sampling of all this."""

import sqlalchemy as sa

from accountant.monitoring.metric import Kind, Metric, Now, Probe
from accountant.storage.metric_tables import beats, sampling, workers

SILENT_S = 6.0
"""A worker's process beats every two seconds; after three that did not come it counts as gone."""

_NOW = sa.func.statement_timestamp()
"""Not the clock itself, which may differ from row to row: no index by time serves a condition on that."""


def seconds_ago(seconds: float | sa.ColumnElement[float]) -> sa.ColumnElement[object]:
    """A moment, by the database's clock."""
    return _NOW - sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)


LIVES = sa.and_(workers.c.stopped_at.is_(None), workers.c.beat_at >= seconds_ago(SILENT_S))

METRICS = (
    Metric(
        "anh_workers",
        "processes",
        "Worker processes that live, by queue.",
        Kind.GAUGE,
        Now(sa.select(workers.c.queue, sa.func.count().filter(LIVES)).group_by(workers.c.queue)),
        ("queue",),
    ),
    Metric(
        "anh_workers_busy",
        "processes",
        "Worker processes that are at a job or an execution, by queue.",
        Kind.GAUGE,
        Now(
            sa.select(workers.c.queue, sa.func.count().filter(LIVES, workers.c.doing.is_not(None))).group_by(
                workers.c.queue
            )
        ),
        ("queue",),
    ),
    Metric(
        "anh_worker_memory_bytes",
        "bytes",
        "Resident memory of live worker processes, by queue.",
        Kind.GAUGE,
        Now(
            sa.select(workers.c.queue, sa.func.coalesce(sa.func.sum(workers.c.memory_bytes).filter(LIVES), 0)).group_by(
                workers.c.queue
            )
        ),
        ("queue",),
    ),
    Metric(
        "anh_worker_deaths",
        "processes",
        "Worker processes of the last day that ended without saying so, by queue.",
        Kind.GAUGE,
        Now(
            sa.select(
                workers.c.queue,
                sa.func.count().filter(workers.c.stopped_at.is_(None), workers.c.beat_at < seconds_ago(SILENT_S)),
            ).group_by(workers.c.queue)
        ),
        ("queue",),
    ),
    Metric(
        "anh_worker_gpu_share",
        "share",
        "Use of the busiest GPU of a worker's machine, 0 to 1.",
        Kind.GAUGE,
        Now(sa.select(sa.func.max(workers.c.gpu_share)).where(LIVES)),
    ),
    Metric(
        "anh_beat_seconds",
        "seconds",
        "How long ago each service said that it does its work.",
        Kind.GAUGE,
        Now(sa.select(beats.c.service, sa.extract("epoch", _NOW - beats.c.beat_at))),
        ("service",),
    ),
    Metric(
        "anh_database_bytes",
        "bytes",
        "Size of the database.",
        Kind.GAUGE,
        Now(sa.select(sa.func.pg_database_size(sa.func.current_database()))),
    ),
    Metric(
        "anh_broker_up",
        "bool",
        "Whether the broker answers.",
        Kind.GAUGE,
        Probe(lambda found: {(): float(found.broker_up)}),
    ),
    Metric(
        "anh_disk_free_bytes",
        "bytes",
        "Free on the disk of the dispatcher's data folder.",
        Kind.GAUGE,
        Probe(lambda found: {(): found.disk_free}),
    ),
    Metric(
        "anh_disk_bytes",
        "bytes",
        "Size of the disk of the dispatcher's data folder.",
        Kind.GAUGE,
        Probe(lambda found: {(): found.disk_size}),
    ),
    Metric(
        "anh_sample_seconds",
        "seconds",
        "What the sample before took.",
        Kind.GAUGE,
        Now(sa.select(sampling.c.seconds)),
    ),
)
