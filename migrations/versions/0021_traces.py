"""What the spans of a job, an execution and a signed transaction belong to."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TABLES = ("jobs", "executions", "signed_transactions")
_TRACE = "W3C Trace Context: what its spans belong to; null where nobody traces."


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("traceparent", sa.Text(), nullable=True, comment=_TRACE), schema="accountant")


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_column(table, "traceparent", schema="accountant")
