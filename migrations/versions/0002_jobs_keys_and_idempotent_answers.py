"""Jobs, their events and outbox, API keys, and answers by idempotency key."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("prefix", sa.Text(), nullable=False, comment="The public part of the key; names it in logs."),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False, comment="SHA-256 of the whole key."),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("prefix", name=op.f("api_keys_pkey")),
        schema="accountant",
    )
    op.create_table(
        "idempotent_answers",
        sa.Column("key_prefix", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="As it was sent, byte for byte."),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["key_prefix"], ["accountant.api_keys.prefix"], name=op.f("idempotent_answers_key_prefix_fkey")
        ),
        sa.PrimaryKeyConstraint("key_prefix", "idempotency_key", name=op.f("idempotent_answers_pkey")),
        schema="accountant",
    )
    op.create_index(
        "ix_idempotent_answers_created_at", "idempotent_answers", ["created_at"], unique=False, schema="accountant"
    )
    op.create_table(
        "jobs",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Order of creation."),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key_prefix", sa.Text(), nullable=False, comment="Who asked."),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False, comment="The question's canonical encoding."),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("gas_executed", sa.Numeric(precision=40, scale=0), server_default="0", nullable=False),
        sa.Column("why_waiting", sa.Text(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False, comment="Goes up with every lease."),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="Counted before execution."),
        sa.Column("attempts_most", sa.Integer(), nullable=False),
        sa.Column("publications", sa.Integer(), server_default="0", nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="The first attempt's beginning."),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "certificate", sa.LargeBinary(), nullable=True, comment="The answer's canonical encoding; set when done."
        ),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("swear", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("oath", sa.LargeBinary(), nullable=True, comment="Hash of the transaction that swears the answer."),
        sa.CheckConstraint(
            "(state = 'done') = (certificate is not null)", name=op.f("jobs_done_has_certificate_check")
        ),
        sa.CheckConstraint("(state = 'failed') = (error_code is not null)", name=op.f("jobs_failed_has_error_check")),
        sa.CheckConstraint(
            "(state = 'running') = (lease_owner is not null)", name=op.f("jobs_running_is_leased_check")
        ),
        sa.CheckConstraint(
            "(state in ('done', 'failed', 'cancelled')) = (finished_at is not null)",
            name=op.f("jobs_end_has_time_check"),
        ),
        sa.CheckConstraint(
            "state in ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("jobs_state_known_check")
        ),
        sa.CheckConstraint("(lease_owner is null) = (lease_until is null)", name=op.f("jobs_lease_has_deadline_check")),
        sa.CheckConstraint("attempts between 0 and attempts_most", name=op.f("jobs_attempts_bounded_check")),
        sa.ForeignKeyConstraint(["key_prefix"], ["accountant.api_keys.prefix"], name=op.f("jobs_key_prefix_fkey")),
        sa.PrimaryKeyConstraint("number", name=op.f("jobs_pkey")),
        sa.UniqueConstraint("id", name=op.f("jobs_id_key")),
        schema="accountant",
    )
    op.create_index("ix_jobs_key_prefix_number", "jobs", ["key_prefix", "number"], unique=False, schema="accountant")
    op.create_index(
        "ix_jobs_leased",
        "jobs",
        ["lease_until"],
        unique=False,
        schema="accountant",
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_jobs_queued",
        "jobs",
        ["published_at"],
        unique=False,
        schema="accountant",
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_jobs_to_swear",
        "jobs",
        ["number"],
        unique=False,
        schema="accountant",
        postgresql_where=sa.text("state = 'done' and swear and oath is null"),
    )
    op.create_table(
        "job_events",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("gas_executed", sa.Numeric(precision=40, scale=0), nullable=False),
        sa.Column("why_waiting", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_number"], ["accountant.jobs.number"], name=op.f("job_events_job_number_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("job_events_pkey")),
        schema="accountant",
    )
    op.create_index(
        "ix_job_events_job_number_number", "job_events", ["job_number", "number"], unique=False, schema="accountant"
    )
    op.create_table(
        "outbox",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_number", sa.BigInteger(), nullable=False, comment="One unpublished message for each job."),
        sa.Column(
            "not_before", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["job_number"], ["accountant.jobs.number"], name=op.f("outbox_job_number_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("outbox_pkey")),
        sa.UniqueConstraint("job_number", name=op.f("outbox_job_number_key")),
        schema="accountant",
    )
    op.create_index(
        "ix_outbox_not_before_number", "outbox", ["not_before", "number"], unique=False, schema="accountant"
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_not_before_number", table_name="outbox", schema="accountant")
    op.drop_table("outbox", schema="accountant")
    op.drop_index("ix_job_events_job_number_number", table_name="job_events", schema="accountant")
    op.drop_table("job_events", schema="accountant")
    op.drop_index(
        "ix_jobs_to_swear",
        table_name="jobs",
        schema="accountant",
        postgresql_where=sa.text("state = 'done' and swear and oath is null"),
    )
    op.drop_index(
        "ix_jobs_queued", table_name="jobs", schema="accountant", postgresql_where=sa.text("state = 'queued'")
    )
    op.drop_index(
        "ix_jobs_leased", table_name="jobs", schema="accountant", postgresql_where=sa.text("state = 'running'")
    )
    op.drop_index("ix_jobs_key_prefix_number", table_name="jobs", schema="accountant")
    op.drop_table("jobs", schema="accountant")
    op.drop_index("ix_idempotent_answers_created_at", table_name="idempotent_answers", schema="accountant")
    op.drop_table("idempotent_answers", schema="accountant")
    op.drop_table("api_keys", schema="accountant")
