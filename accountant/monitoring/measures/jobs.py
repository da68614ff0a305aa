"""Jobs: how many, how fast, what waits, what answers took."""

from typing import Any

import sqlalchemy as sa

from accountant.monitoring.metric import Events, Kind, Metric, Now
from accountant.storage.job_tables import executions, jobs, outbox
from accountant.storage.metric_tables import job_figures

LATELY_S = 300
"""Percentiles are over the jobs that ended in the last five minutes."""
QUANTILES = (0.5, 0.95, 0.99)
GONE_WRONG = "attempts_exhausted"
"""The error of work that no worker brought to an end; other errors are the question's own."""

_NOW = sa.func.statement_timestamp()
_ENDED = jobs.c.finished_at.is_not(None)


def _seconds(length: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.extract("epoch", length)


def _quantiles(length: sa.ColumnElement[Any]) -> Now:
    names = sa.cast([str(quantile) for quantile in QUANTILES], sa.ARRAY(sa.Text))
    shares = sa.cast(list(QUANTILES), sa.ARRAY(sa.Double))
    found = sa.func.percentile_cont(shares).within_group(_seconds(length))
    lately = jobs.c.finished_at >= _NOW - sa.func.make_interval(0, 0, 0, 0, 0, 0, LATELY_S)
    return Now(sa.select(sa.func.unnest(names), sa.func.unnest(found)).where(_ENDED, lately, length.is_not(None)))


HOLDS_NO_WORKER = sa.and_(
    jobs.c.finished_at.is_(None), jobs.c.state.in_([sa.literal_column("'queued'"), sa.literal_column("'waiting'")])
)

METRICS = (
    Metric(
        "anh_jobs",
        "jobs",
        "Jobs that have not ended, by kind and state.",
        Kind.GAUGE,
        Now(
            sa.select(jobs.c.kind, jobs.c.state, sa.func.count())
            .where(jobs.c.finished_at.is_(None))
            .group_by(jobs.c.kind, jobs.c.state)
        ),
        ("kind", "state"),
    ),
    Metric(
        "anh_jobs_asked_total",
        "jobs",
        "Jobs that were asked for.",
        Kind.COUNTER,
        Events(jobs.c.created_at, (jobs.c.kind,)),
        ("kind",),
    ),
    Metric(
        "anh_jobs_ended_total",
        "jobs",
        "Jobs that ended, by kind and how.",
        Kind.COUNTER,
        Events(jobs.c.finished_at, (jobs.c.kind, jobs.c.state), where=(_ENDED,)),
        ("kind", "state"),
    ),
    Metric(
        "anh_jobs_parked_total",
        "jobs",
        "Jobs that no worker brought to an end within their attempts.",
        Kind.COUNTER,
        Events(jobs.c.finished_at, where=(_ENDED, jobs.c.error_code == GONE_WRONG)),
    ),
    Metric(
        "anh_job_waiting_seconds",
        "seconds",
        "From question to first attempt, of jobs that ended in the last five minutes.",
        Kind.GAUGE,
        _quantiles(jobs.c.started_at - jobs.c.created_at),
        ("quantile",),
    ),
    Metric(
        "anh_job_running_seconds",
        "seconds",
        "From first attempt to the end, of jobs that ended in the last five minutes.",
        Kind.GAUGE,
        _quantiles(jobs.c.finished_at - jobs.c.started_at),
        ("quantile",),
    ),
    Metric(
        "anh_job_oldest_waiting_seconds",
        "seconds",
        "Age of the oldest job that holds no worker; 0 without one.",
        Kind.GAUGE,
        Now(sa.select(sa.func.coalesce(sa.func.max(_seconds(_NOW - jobs.c.created_at)), 0)).where(HOLDS_NO_WORKER)),
    ),
    Metric(
        "anh_answers_gas_total",
        "gas",
        "Gas executed for answers, by whomever; what several answers share counts for each.",
        Kind.COUNTER,
        Events(job_figures.c.finished_at, value=job_figures.c.gas_executed),
    ),
    Metric(
        "anh_answers_everything_gas_total",
        "gas",
        "The most gas that executing everything would have taken for the same answers.",
        Kind.COUNTER,
        Events(job_figures.c.finished_at, value=job_figures.c.gas_everything),
    ),
    Metric(
        "anh_answers_executed_total",
        "transactions",
        "Transactions executed for answers.",
        Kind.COUNTER,
        Events(job_figures.c.finished_at, value=job_figures.c.executed),
    ),
    Metric(
        "anh_answers_skipped_total",
        "transactions",
        "Transactions on the chain that answers did without.",
        Kind.COUNTER,
        Events(job_figures.c.finished_at, value=job_figures.c.skipped),
    ),
    Metric(
        "anh_answers_known_total",
        "transactions",
        "Outcomes that answers needed and that were known before.",
        Kind.COUNTER,
        Events(job_figures.c.finished_at, value=job_figures.c.cache_hits),
    ),
    Metric(
        "anh_executions",
        "executions",
        "Shared executions that have not ended, by state.",
        Kind.GAUGE,
        Now(
            sa.select(executions.c.state, sa.func.count())
            .where(executions.c.finished_at.is_(None))
            .group_by(executions.c.state)
        ),
        ("state",),
    ),
    Metric(
        "anh_outbox_messages",
        "messages",
        "Messages that the dispatcher has not handed to the broker.",
        Kind.GAUGE,
        Now(sa.select(sa.func.count()).select_from(outbox)),
    ),
    Metric(
        "anh_outbox_lag_seconds",
        "seconds",
        "How long the oldest message that is due has been waiting.",
        Kind.GAUGE,
        Now(
            sa.select(
                sa.func.greatest(0, sa.func.coalesce(_seconds(_NOW - sa.func.min(outbox.c.not_before)), 0))
            ).select_from(outbox)
        ),
    ),
    Metric(
        "anh_messages_published_again_total",
        "messages",
        "Messages of ended jobs that were handed to the broker more than once.",
        Kind.COUNTER,
        Events(
            jobs.c.finished_at,
            value=jobs.c.publications - 1,
            where=(_ENDED, jobs.c.publications > 1),
        ),
    ),
)
