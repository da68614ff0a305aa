"""Checkpoints of general balances."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("lower", sa.Numeric(), nullable=False),
        sa.Column("upper", sa.Numeric(), nullable=False),
        sa.CheckConstraint("lower <= upper", name=op.f("checkpoints_interval_check")),
        sa.PrimaryKeyConstraint("account", "before", name=op.f("checkpoints_pkey")),
        schema="accountant",
    )
    op.create_index(
        "checkpoints_exact_index",
        "checkpoints",
        ["account", "before"],
        unique=False,
        schema="accountant",
        postgresql_where=sa.text("lower = upper"),
    )


def downgrade() -> None:
    op.drop_table("checkpoints", schema="accountant")
