"""Executions that workers share, who waits for them, and jobs that wait."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BEFORE = "state in ('queued', 'running', 'done', 'failed', 'cancelled')"
_AFTER = "state in ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled')"
_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "executions",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False, comment="The transaction's number."),
        sa.Column("transaction", sa.LargeBinary(), nullable=False, comment="Its hash."),
        sa.Column("gas_limit", sa.Numeric(precision=40, scale=0), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("gas_executed", sa.Numeric(precision=40, scale=0), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False, comment="Goes up with every lease."),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="Counted before execution."),
        sa.Column("attempts_most", sa.Integer(), nullable=False),
        sa.Column(
            "parks", sa.Integer(), server_default="0", nullable=False, comment="Times that it waited for others."
        ),
        sa.Column("done_so_far", sa.LargeBinary(), nullable=True, comment="What was executed for it, by whomever."),
        sa.Column("publications", sa.Integer(), server_default="0", nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="The first attempt's beginning."),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True, comment="The latest attempt's beginning."),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.CheckConstraint(_AFTER, name=op.f("executions_state_known_check")),
        sa.CheckConstraint(
            "(state = 'running') = (lease_owner is not null)", name=op.f("executions_running_is_leased_check")
        ),
        sa.CheckConstraint(
            "(lease_owner is null) = (lease_until is null)", name=op.f("executions_lease_has_deadline_check")
        ),
        sa.CheckConstraint(
            "(state = 'failed') = (error_code is not null)", name=op.f("executions_failed_has_error_check")
        ),
        sa.CheckConstraint(
            "(state in ('done', 'failed', 'cancelled')) = (finished_at is not null)",
            name=op.f("executions_end_has_time_check"),
        ),
        sa.CheckConstraint("attempts between 0 and attempts_most", name=op.f("executions_attempts_bounded_check")),
        sa.PrimaryKeyConstraint("seq", name=op.f("executions_pkey")),
        schema="accountant",
    )
    for name, column, where in _EXECUTION_INDEXES:
        op.create_index(name, "executions", [column], schema="accountant", postgresql_where=sa.text(where))
    op.create_table(
        "execution_waits",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="What is waited for."),
        sa.Column("job_number", sa.BigInteger(), nullable=True, comment="The job that waits."),
        sa.Column("by_seq", sa.BigInteger(), nullable=True, comment="Or the execution that waits."),
        sa.Column(
            "behind",
            sa.BigInteger(),
            nullable=True,
            comment="The outcome that the waiter itself asked for and that needs this one.",
        ),
        sa.Column("charged", sa.Boolean(), nullable=False, comment="Whether what is executed counts as the waiter's."),
        sa.CheckConstraint("num_nonnulls(job_number, by_seq) = 1", name=op.f("execution_waits_one_waiter_check")),
        sa.CheckConstraint("seq < by_seq", name=op.f("execution_waits_points_backwards_check")),
        sa.ForeignKeyConstraint(["seq"], ["accountant.executions.seq"], name=op.f("execution_waits_seq_fkey")),
        sa.ForeignKeyConstraint(
            ["job_number"], ["accountant.jobs.number"], name=op.f("execution_waits_job_number_fkey")
        ),
        sa.ForeignKeyConstraint(["by_seq"], ["accountant.executions.seq"], name=op.f("execution_waits_by_seq_fkey")),
        sa.PrimaryKeyConstraint("number", name=op.f("execution_waits_pkey")),
        schema="accountant",
    )
    for columns, unique in _WAIT_INDEXES:
        name = "ix_execution_waits_" + "_".join(columns)
        op.create_index(name, "execution_waits", columns, unique=unique, schema="accountant")
    op.add_column(
        "jobs",
        sa.Column(
            "parks", sa.Integer(), server_default="0", nullable=False, comment="Times that it waited for executions."
        ),
        schema="accountant",
    )
    op.add_column(
        "jobs",
        sa.Column("executions", sa.Integer(), server_default="0", nullable=False, comment="Waited for in all."),
        schema="accountant",
    )
    op.add_column(
        "jobs", sa.Column("executions_done", sa.Integer(), server_default="0", nullable=False), schema="accountant"
    )
    op.add_column(
        "jobs",
        sa.Column(
            "done_so_far",
            sa.LargeBinary(),
            nullable=True,
            comment="What was executed for it, by whomever, until it last waited.",
        ),
        schema="accountant",
    )
    for column in ("executions", "executions_done"):
        op.add_column(
            "job_events", sa.Column(column, sa.Integer(), server_default="0", nullable=False), schema="accountant"
        )
    _replace_states("state in ('queued', 'running', 'waiting')", _AFTER)
    op.alter_column("outbox", "job_number", nullable=True, schema="accountant")
    op.add_column(
        "outbox",
        sa.Column("execution_seq", sa.BigInteger(), nullable=True, comment="Or for each execution."),
        schema="accountant",
    )
    op.create_unique_constraint(op.f("outbox_execution_seq_key"), "outbox", ["execution_seq"], schema="accountant")
    op.create_foreign_key(
        op.f("outbox_execution_seq_fkey"),
        "outbox",
        "executions",
        ["execution_seq"],
        ["seq"],
        source_schema="accountant",
        referent_schema="accountant",
        ondelete="CASCADE",
    )
    op.create_check_constraint(
        op.f("outbox_one_task_check"), "outbox", "num_nonnulls(job_number, execution_seq) = 1", schema="accountant"
    )


def downgrade() -> None:
    """A job that waits goes back to the queue: whoever takes it executes everything itself."""
    op.execute("delete from accountant.outbox where job_number is null")
    op.drop_constraint(op.f("outbox_one_task_check"), "outbox", schema="accountant")
    op.drop_column("outbox", "execution_seq", schema="accountant")
    op.alter_column("outbox", "job_number", nullable=False, schema="accountant")
    op.execute(
        "with back as (update accountant.jobs set state = 'queued', published_at = null where state = 'waiting' "
        "returning number) insert into accountant.outbox (job_number) select number from back on conflict do nothing"
    )
    op.execute("delete from accountant.job_events where state = 'waiting'")
    _replace_states("state in ('queued', 'running')", _BEFORE)
    for column in ("executions", "executions_done"):
        op.drop_column("job_events", column, schema="accountant")
    for column in ("parks", "executions", "executions_done", "done_so_far"):
        op.drop_column("jobs", column, schema="accountant")
    op.drop_table("execution_waits", schema="accountant")
    op.drop_table("executions", schema="accountant")


_EXECUTION_INDEXES = (
    ("ix_executions_queued", "published_at", "state = 'queued'"),
    ("ix_executions_leased", "lease_until", "state = 'running'"),
    ("ix_executions_live", "seq", "finished_at is null"),
    ("ix_executions_ended", "finished_at", "finished_at is not null"),
)
_WAIT_INDEXES = ((["seq"], False), (["job_number", "seq"], True), (["by_seq", "seq"], True))


def _replace_states(passing: str, known: str) -> None:
    op.drop_index("ix_job_events_passing_at", table_name="job_events", schema="accountant")
    op.create_index(
        "ix_job_events_passing_at", "job_events", ["at"], schema="accountant", postgresql_where=sa.text(passing)
    )
    op.drop_constraint(op.f("jobs_state_known_check"), "jobs", schema="accountant")
    op.create_check_constraint(op.f("jobs_state_known_check"), "jobs", known, schema="accountant")
