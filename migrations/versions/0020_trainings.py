"""How far trainings have come, and the room that work needs of a worker."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")
_ROOM = "Bytes of tensors that a worker must have room for."


def upgrade() -> None:
    for table in ("jobs", "executions"):
        room = sa.Column("room_least", sa.BigInteger(), server_default="0", nullable=False, comment=_ROOM)
        op.add_column(table, room, schema="accountant")
    op.create_table(
        "trainings",
        sa.Column(
            "seq", sa.BigInteger(), autoincrement=False, nullable=False, comment="Of the transaction that trains."
        ),
        sa.Column("job_number", sa.BigInteger(), nullable=True, comment="Whose work it is."),
        sa.Column("by_seq", sa.BigInteger(), nullable=True, comment="Or which one's."),
        sa.Column(
            "first_step", sa.BigInteger(), nullable=False, comment="The first step of the latest attempt, from 1."
        ),
        sa.Column("step", sa.BigInteger(), nullable=False, comment="The last one that was done."),
        sa.Column("steps", sa.BigInteger(), nullable=False),
        sa.Column("loss", sa.Double(), nullable=False, comment="After that step."),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.CheckConstraint("num_nonnulls(job_number, by_seq) = 1", name=op.f("trainings_one_worker_check")),
        sa.CheckConstraint("first_step <= step and step <= steps", name=op.f("trainings_steps_in_order_check")),
        sa.ForeignKeyConstraint(
            ["job_number"], ["accountant.jobs.number"], name=op.f("trainings_job_number_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["by_seq"], ["accountant.executions.seq"], name=op.f("trainings_by_seq_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("trainings_pkey")),
        schema="accountant",
    )
    for column in ("job_number", "by_seq", "updated_at"):
        op.create_index(f"ix_trainings_{column}", "trainings", [column], unique=False, schema="accountant")


def downgrade() -> None:
    op.drop_table("trainings", schema="accountant")
    for table in ("executions", "jobs"):
        op.drop_column(table, "room_least", schema="accountant")
