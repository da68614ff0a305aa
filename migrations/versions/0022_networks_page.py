"""What the page of networks shows: curves of losses, what gas took, devices, what each worker computes now.

And an index by which old jobs go: whoever drops one looks for what repeats it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

SCHEMA = "accountant"
_NOW = sa.text("clock_timestamp()")


def _doing() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("device", sa.Text(), nullable=True, comment="What it computes tensors on."),
        sa.Column("operation", sa.Text(), nullable=True, comment="The operation on tensors that it is at; null: none."),
        sa.Column("operation_gas", sa.BigInteger(), nullable=True, comment="What that one was priced."),
        sa.Column("operation_at", sa.DateTime(timezone=True), nullable=True, comment="When it began."),
    )


def upgrade() -> None:
    paid = sa.Column("gas", sa.BigInteger(), nullable=True, comment="What all its steps were priced.")
    op.add_column("trainings", paid, schema=SCHEMA)
    op.create_table(
        "training_losses",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False, comment="Of the training's steps, which are cut evenly."),
        sa.Column("steps", sa.BigInteger(), nullable=False, comment="Of the training: another has other parts."),
        sa.Column("step", sa.BigInteger(), nullable=False, comment="The last one that was done in this part."),
        sa.Column("loss", sa.Double(), nullable=False),
        sa.CheckConstraint("part between 0 and 255", name=op.f("training_losses_part_bounded_check")),
        sa.ForeignKeyConstraint(
            ["seq"], ["accountant.trainings.seq"], name=op.f("training_losses_seq_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("seq", "part", name=op.f("training_losses_pkey")),
        schema=SCHEMA,
    )
    op.create_table(
        "measured_gas",
        sa.Column("device", sa.Text(), nullable=False, comment="cpu or cuda."),
        sa.Column("kind", sa.Text(), nullable=False, comment="Of operation; empty: the plainest host call."),
        sa.Column("operations", sa.BigInteger(), nullable=False),
        sa.Column("gas", sa.Numeric(40, 0), nullable=False, comment="What they were priced."),
        sa.Column("seconds", sa.Double(), nullable=False, comment="What they took, by the clock on the wall."),
        sa.Column("since", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("device", "kind", name=op.f("measured_gas_pkey")),
        schema=SCHEMA,
    )
    op.create_table(
        "devices",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False, comment="cpu, or gpu and its number."),
        sa.Column("name", sa.Text(), nullable=False, comment="What its maker calls it."),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("used_bytes", sa.BigInteger(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False, comment="0 to 1: how busy it is."),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("host", "device", name=op.f("devices_pkey")),
        schema=SCHEMA,
    )
    for column in _doing():
        op.add_column("workers", column, schema=SCHEMA)
    op.create_index(
        "ix_jobs_repeats", "jobs", ["repeats"], schema=SCHEMA, postgresql_where=sa.text("repeats is not null")
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_repeats", "jobs", schema=SCHEMA)
    for column in _doing():
        op.drop_column("workers", column.name, schema=SCHEMA)
    for table in ("devices", "measured_gas", "training_losses"):
        op.drop_table(table, schema=SCHEMA)
    op.drop_column("trainings", "gas", schema=SCHEMA)
