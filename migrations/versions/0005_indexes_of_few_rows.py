"""Indexes of few rows: deployments, read when a follower starts, and passing events of jobs, which are pruned."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "transactions_deployments_index",
        "transactions",
        ["seq"],
        unique=False,
        schema="accountant",
        postgresql_where=sa.text("kind = 2"),
    )
    op.create_index(
        "ix_job_events_passing_at",
        "job_events",
        ["at"],
        unique=False,
        schema="accountant",
        postgresql_where=sa.text("state in ('queued', 'running')"),
    )


def downgrade() -> None:
    op.drop_index("ix_job_events_passing_at", table_name="job_events", schema="accountant")
    op.drop_index("transactions_deployments_index", table_name="transactions", schema="accountant")
