"""Tables of monitoring: sampled series, who lives, what answers took, and who makes them dear.

All of it is about the service and none of it about the chain: it may be dropped at any time, and nothing that decides
an answer reads it.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from accountant.storage import job_tables
from accountant.storage.tables import metadata

_NOW = sa.text("clock_timestamp()")

metric_points = sa.Table(
    "metric_points",
    metadata,
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("labels", sa.Text, nullable=False, comment="name=value,… in the metric's order; empty for none."),
    sa.Column("resolution_s", sa.Integer, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False, comment="Unix seconds at which the bucket begins."),
    sa.Column("count", sa.BigInteger, nullable=False, comment="Of samples, or of events."),
    sa.Column("sum", sa.Double, nullable=False),
    sa.Column("max", sa.Double, nullable=False),
    sa.PrimaryKeyConstraint("metric", "resolution_s", "labels", "at"),
    sa.CheckConstraint('resolution_s > 0 and mod("at", resolution_s) = 0 and count > 0', name="bucket"),
    sa.Index("ix_metric_points_resolution_s_at", "resolution_s", "at"),
)
"""Series at several resolutions: sums, counts and maxima, so that averages over longer spans are right."""

metric_totals = sa.Table(
    "metric_totals",
    metadata,
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("labels", sa.Text, nullable=False),
    sa.Column("total", sa.Double, nullable=False, comment="Of all events in buckets before `sampling.closed_before`."),
    sa.PrimaryKeyConstraint("metric", "labels"),
)

sampling = sa.Table(
    "sampling",
    metadata,
    sa.Column("only", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("closed_before", sa.BigInteger, nullable=False, comment="Buckets of events before it are in the totals."),
    sa.Column("sampled_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("seconds", sa.Double, nullable=False, comment="What the latest sample took."),
    sa.CheckConstraint('"only" = 1', name="single"),
)
"""One row. Whoever samples holds it."""

dear_hours = sa.Table(
    "dear_hours",
    metadata,
    sa.Column("hour", sa.BigInteger, nullable=False, comment="Unix seconds at which it begins."),
    sa.Column("party", sa.Text, nullable=False),
    sa.Column("key", sa.LargeBinary, nullable=False, comment="A contract, or the account that sent the transactions."),
    sa.Column("gas", sa.Numeric(40, 0), nullable=False, comment="Executed in that hour."),
    sa.Column("runs", sa.BigInteger, nullable=False, comment="Transactions executed, views, simulations."),
    sa.PrimaryKeyConstraint("hour", "party", "key"),
    sa.CheckConstraint("party in ('contract', 'account')", name="party_known"),
    sa.Index("ix_dear_hours_party_hour", "party", "hour"),
)
"""Whose transactions and views were executed: who makes answers dear."""

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("parent_pid", sa.BigInteger, nullable=False, comment="The Celery process that started it."),
    sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("stopped_at", sa.DateTime(timezone=True), comment="Set where it ended in order."),
    sa.Column("consumed_at", sa.DateTime(timezone=True), comment="When it took its latest message from the broker."),
    sa.Column("consumed", sa.BigInteger, nullable=False, server_default="0", comment="Messages it took in all."),
    sa.Column("doing", sa.Text, comment="A job's id, or `execution of N`; null: it waits."),
    sa.Column("memory_bytes", sa.BigInteger, nullable=False, server_default="0", comment="Resident."),
    sa.Column("gpu_share", sa.Double, comment="0 to 1, of the busiest GPU of its machine; null: none."),
    sa.Column("gpu_memory_bytes", sa.BigInteger),
    sa.Column("device", sa.Text, comment="What it computes tensors on."),
    sa.Column("operation", sa.Text, comment="The operation on tensors that it is at; null: none."),
    sa.Column("operation_gas", sa.BigInteger, comment="What that one was priced."),
    sa.Column("operation_at", sa.DateTime(timezone=True), comment="When it began."),
    sa.Index("ix_workers_beat_at", "beat_at"),
    sa.Index("ix_workers_host_parent_pid", "host", "parent_pid"),
)
"""A row for each process of a worker's pool, for a day after its last beat."""

devices = sa.Table(
    "devices",
    metadata,
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("device", sa.Text, nullable=False, comment="cpu, or gpu and its number."),
    sa.Column("name", sa.Text, nullable=False, comment="What its maker calls it."),
    sa.Column("memory_bytes", sa.BigInteger, nullable=False),
    sa.Column("used_bytes", sa.BigInteger, nullable=False),
    sa.Column("share", sa.Double, nullable=False, comment="0 to 1: how busy it is."),
    sa.Column("told_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.PrimaryKeyConstraint("host", "device"),
)
"""Processors and GPUs of machines with workers, for a day after a worker there last told of them."""

measured_gas = sa.Table(
    "measured_gas",
    metadata,
    sa.Column("device", sa.Text, nullable=False, comment="cpu or cuda."),
    sa.Column("kind", sa.Text, nullable=False, comment="Of operation; empty: the plainest host call."),
    sa.Column("operations", sa.BigInteger, nullable=False),
    sa.Column("gas", sa.Numeric(40, 0), nullable=False, comment="What they were priced."),
    sa.Column("seconds", sa.Double, nullable=False, comment="What they took, by the clock on the wall."),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.PrimaryKeyConstraint("device", "kind"),
)
"""What workers priced and what it took them, by kind of operation on tensors: running totals."""

beats = sa.Table(
    "beats",
    metadata,
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("trouble", sa.Text, comment="The code of what keeps it from its work; null: nothing."),
    sa.Column("figures", JSONB, nullable=False, server_default=sa.text("'{}'"), comment="What it says besides."),
)
"""Services of which one runs: when each last said that it does its work."""

tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
"""What processes count in memory and add here with each beat: a crash loses what was counted since the last."""

job_figures = sa.Table(
    "job_figures",
    metadata,
    sa.Column(
        "job_number",
        sa.BigInteger,
        sa.ForeignKey(job_tables.jobs.c.number, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("executed", sa.BigInteger, nullable=False, comment="Transactions executed for the answer."),
    sa.Column("skipped", sa.BigInteger, nullable=False, comment="Transactions of the chain as it stood that were not."),
    sa.Column("gas_executed", sa.Numeric(40, 0), nullable=False),
    sa.Column("gas_everything", sa.Numeric(40, 0), nullable=False, comment="The most that executing all would take."),
    sa.Column("cache_hits", sa.BigInteger, nullable=False, comment="Outcomes that were known before."),
    sa.Column("slice", sa.BigInteger, nullable=False, comment="Transactions whose outcomes were consulted."),
    sa.Column("contract", sa.LargeBinary, comment="Whose function was viewed, or simulated."),
    sa.Column("view_gas", sa.Numeric(40, 0), nullable=False, server_default="0", comment="What that run took."),
    sa.Index("ix_job_figures_finished_at", "finished_at"),
    sa.Index(
        "ix_job_figures_viewed",
        "finished_at",
        postgresql_include=["view_gas"],
        postgresql_where=sa.text("contract is not null"),
    ),
)
"""What a certificate says, in columns: so that nobody decodes certificates to add them up."""

job_parties = sa.Table(
    "job_parties",
    metadata,
    sa.Column(
        "job_number",
        sa.BigInteger,
        sa.ForeignKey(job_tables.jobs.c.number, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("party", sa.Text, primary_key=True),
    sa.Column("key", sa.LargeBinary, primary_key=True, comment="A contract that ran, or an account that signed."),
    sa.Column("gas", sa.Numeric(40, 0), nullable=False, comment="Executed for the job's answer."),
    sa.Column("runs", sa.BigInteger, nullable=False, comment="Transactions executed for it, and views."),
    sa.CheckConstraint("party in ('contract', 'account')", name="party_known"),
    sa.Index("ix_job_parties_party_key_job_number", "party", "key", "job_number"),
)
"""Whom a job's gas was spent for, the dearest of each party: from who is dear to the answers that it made slow."""
