"""Sampled series, who lives, what answers took, who makes them dear; and the indexes that reading them needs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "beats",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("trouble", sa.Text(), comment="The code of what keeps it from its work; null: nothing."),
        sa.Column(
            "figures",
            postgresql.JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="What it says besides.",
        ),
        sa.PrimaryKeyConstraint("service", name=op.f("beats_pkey")),
        schema="accountant",
    )
    op.create_table(
        "dear_hours",
        sa.Column("hour", sa.BigInteger(), nullable=False, comment="Unix seconds at which it begins."),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column(
            "key", sa.LargeBinary(), nullable=False, comment="A contract, or the account that sent the transactions."
        ),
        sa.Column("gas", sa.Numeric(precision=40, scale=0), nullable=False, comment="Executed in that hour."),
        sa.Column("runs", sa.BigInteger(), nullable=False, comment="Transactions executed, and views."),
        sa.CheckConstraint("party in ('contract', 'account')", name=op.f("dear_hours_party_known_check")),
        sa.PrimaryKeyConstraint("hour", "party", "key", name=op.f("dear_hours_pkey")),
        schema="accountant",
    )
    op.create_index("ix_dear_hours_party_hour", "dear_hours", ["party", "hour"], schema="accountant")
    op.create_table(
        "metric_points",
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False, comment="name=value,… in the metric's order; empty for none."),
        sa.Column("resolution_s", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="Unix seconds at which the bucket begins."),
        sa.Column("count", sa.BigInteger(), nullable=False, comment="Of samples, or of events."),
        sa.Column("sum", sa.Double(), nullable=False),
        sa.Column("max", sa.Double(), nullable=False),
        sa.CheckConstraint(
            'resolution_s > 0 and mod("at", resolution_s) = 0 and count > 0', name=op.f("metric_points_bucket_check")
        ),
        sa.PrimaryKeyConstraint("metric", "resolution_s", "labels", "at", name=op.f("metric_points_pkey")),
        schema="accountant",
    )
    op.create_index("ix_metric_points_resolution_s_at", "metric_points", ["resolution_s", "at"], schema="accountant")
    op.create_table(
        "metric_totals",
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column(
            "total", sa.Double(), nullable=False, comment="Of all events in buckets before `sampling.closed_before`."
        ),
        sa.PrimaryKeyConstraint("metric", "labels", name=op.f("metric_totals_pkey")),
        schema="accountant",
    )
    op.create_table(
        "sampling",
        sa.Column("only", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "closed_before", sa.BigInteger(), nullable=False, comment="Buckets of events before it are in the totals."
        ),
        sa.Column("sampled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False, comment="What the latest sample took."),
        sa.CheckConstraint('"only" = 1', name=op.f("sampling_single_check")),
        sa.PrimaryKeyConstraint("only", name=op.f("sampling_pkey")),
        schema="accountant",
    )
    op.create_table(
        "tallies",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("tallies_pkey")),
        schema="accountant",
    )
    op.create_table(
        "workers",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("parent_pid", sa.BigInteger(), nullable=False, comment="The Celery process that started it."),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("beat_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), comment="Set where it ended in order."),
        sa.Column(
            "consumed_at", sa.DateTime(timezone=True), comment="When it took its latest message from the broker."
        ),
        sa.Column("consumed", sa.BigInteger(), server_default="0", nullable=False, comment="Messages it took in all."),
        sa.Column("doing", sa.Text(), comment="A job's id, or `execution of N`; null: it waits."),
        sa.Column("memory_bytes", sa.BigInteger(), server_default="0", nullable=False, comment="Resident."),
        sa.Column("gpu_share", sa.Double(), comment="0 to 1, of the busiest GPU of its machine; null: none."),
        sa.Column("gpu_memory_bytes", sa.BigInteger()),
        sa.PrimaryKeyConstraint("number", name=op.f("workers_pkey")),
        schema="accountant",
    )
    op.create_index("ix_workers_beat_at", "workers", ["beat_at"], schema="accountant")
    op.create_index("ix_workers_host_parent_pid", "workers", ["host", "parent_pid"], schema="accountant")
    op.create_table(
        "job_figures",
        sa.Column("job_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "finished_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("executed", sa.BigInteger(), nullable=False, comment="Transactions executed for the answer."),
        sa.Column(
            "skipped", sa.BigInteger(), nullable=False, comment="Transactions of the chain as it stood that were not."
        ),
        sa.Column("gas_executed", sa.Numeric(precision=40, scale=0), nullable=False),
        sa.Column(
            "gas_everything",
            sa.Numeric(precision=40, scale=0),
            nullable=False,
            comment="The most that executing all would take.",
        ),
        sa.Column("cache_hits", sa.BigInteger(), nullable=False, comment="Outcomes that were known before."),
        sa.Column("slice", sa.BigInteger(), nullable=False, comment="Transactions whose outcomes were consulted."),
        sa.Column("contract", sa.LargeBinary(), comment="Whose function was viewed."),
        sa.Column(
            "view_gas",
            sa.Numeric(precision=40, scale=0),
            server_default="0",
            nullable=False,
            comment="What the view itself took.",
        ),
        sa.ForeignKeyConstraint(
            ["job_number"], ["accountant.jobs.number"], name=op.f("job_figures_job_number_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_number", name=op.f("job_figures_pkey")),
        schema="accountant",
    )
    op.create_index("ix_job_figures_finished_at", "job_figures", ["finished_at"], schema="accountant")
    op.create_index("ix_jobs_created_at", "jobs", ["created_at"], schema="accountant")
    op.create_index(
        "ix_jobs_ended",
        "jobs",
        ["finished_at"],
        schema="accountant",
        postgresql_where=sa.text("finished_at is not null"),
    )
    op.create_index(
        "ix_jobs_live",
        "jobs",
        ["number", "kind", "state"],
        schema="accountant",
        postgresql_where=sa.text("finished_at is null"),
    )
    op.create_index("ix_outcomes_observed_at", "outcomes", ["observed_at"], schema="accountant")
    op.create_index(
        "ix_outcomes_repeated", "outcomes", ["seq"], schema="accountant", postgresql_where=sa.text("executions > 1")
    )
    op.create_index("ix_signed_transactions_created_at", "signed_transactions", ["created_at"], schema="accountant")
    op.create_index(
        "ix_signed_transactions_state_purpose", "signed_transactions", ["state", "purpose"], schema="accountant"
    )


def downgrade() -> None:
    for index, table in (
        ("ix_signed_transactions_state_purpose", "signed_transactions"),
        ("ix_signed_transactions_created_at", "signed_transactions"),
        ("ix_outcomes_repeated", "outcomes"),
        ("ix_outcomes_observed_at", "outcomes"),
        ("ix_jobs_live", "jobs"),
        ("ix_jobs_ended", "jobs"),
        ("ix_jobs_created_at", "jobs"),
    ):
        op.drop_index(index, table_name=table, schema="accountant")
    for table in (
        "job_figures",
        "workers",
        "tallies",
        "sampling",
        "metric_totals",
        "metric_points",
        "dear_hours",
        "beats",
    ):
        op.drop_table(table, schema="accountant")
