"""Whom a job's gas was spent for, and the indexes by which pages find jobs and outcomes without a scan."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_parties",
        sa.Column("job_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="A contract that ran, or an account that signed."),
        sa.Column("gas", sa.Numeric(precision=40, scale=0), nullable=False, comment="Executed for the job's answer."),
        sa.Column("runs", sa.BigInteger(), nullable=False, comment="Transactions executed for it, and views."),
        sa.CheckConstraint("party in ('contract', 'account')", name=op.f("job_parties_party_known_check")),
        sa.ForeignKeyConstraint(
            ["job_number"], ["accountant.jobs.number"], name=op.f("job_parties_job_number_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_number", "party", "key", name=op.f("job_parties_pkey")),
        schema="accountant",
    )
    op.create_index(
        "ix_job_parties_party_key_job_number", "job_parties", ["party", "key", "job_number"], schema="accountant"
    )
    op.create_index(
        "ix_job_figures_viewed",
        "job_figures",
        ["finished_at"],
        schema="accountant",
        postgresql_include=["view_gas"],
        postgresql_where=sa.text("contract is not null"),
    )
    op.create_index("ix_jobs_kind_state_number", "jobs", ["kind", "state", "number"], schema="accountant")
    op.create_index(
        "ix_outcomes_executions",
        "outcomes",
        ["executions", "seq"],
        schema="accountant",
        postgresql_where=sa.text("executions > 1"),
    )


def downgrade() -> None:
    op.drop_index("ix_outcomes_executions", table_name="outcomes", schema="accountant")
    op.drop_index("ix_job_figures_viewed", table_name="job_figures", schema="accountant")
    op.drop_index("ix_jobs_kind_state_number", table_name="jobs", schema="accountant")
    op.drop_table("job_parties", schema="accountant")
