"""The epoch of what is known, withdrawals, running hashes and observed world states; jobs that were withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "epoch",
        sa.Column("only", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="Goes up with every withdrawal."),
        sa.CheckConstraint('"only" = 1', name=op.f("epoch_single_check")),
        sa.PrimaryKeyConstraint("only", name=op.f("epoch_pkey")),
        schema="accountant",
    )
    op.execute('INSERT INTO accountant.epoch ("only", number) VALUES (1, 0)')
    op.create_table(
        "withdrawals",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False, comment="The one that it began."),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="The transaction that it was asked for."),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="Of the outcome that was wrong."),
        sa.Column("outcomes", sa.BigInteger(), nullable=False),
        sa.Column("checkpoints", sa.BigInteger(), nullable=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("withdrawals_pkey")),
        schema="accountant",
    )
    op.create_table(
        "running_hashes",
        sa.Column("height", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("height", name=op.f("running_hashes_pkey")),
        schema="accountant",
    )
    op.create_table(
        "world_states",
        sa.Column("height", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Order of observation."),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("leaves", sa.BigInteger(), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("height", name=op.f("world_states_pkey")),
        schema="accountant",
    )
    op.create_table(
        "world_pages",
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="The canonical encoding of a list of leaves."),
        sa.ForeignKeyConstraint(
            ["height"],
            ["accountant.world_states.height"],
            name=op.f("world_pages_height_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("height", "page", name=op.f("world_pages_pkey")),
        schema="accountant",
    )
    op.add_column(
        "jobs",
        sa.Column(
            "epoch",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="Of what was known when its lease began.",
        ),
        schema="accountant",
    )
    op.add_column(
        "jobs",
        sa.Column(
            "withdrawn_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When an outcome that its answer rests on was found to be wrong.",
        ),
        schema="accountant",
    )
    op.add_column(
        "jobs",
        sa.Column("repeated_by", sa.Text(), nullable=True, comment="The job that asks again what was withdrawn."),
        schema="accountant",
    )
    op.add_column(
        "jobs",
        sa.Column("repeats", sa.Text(), nullable=True, comment="The job with a withdrawn answer that it asks again."),
        schema="accountant",
    )
    op.create_foreign_key(
        op.f("jobs_repeats_fkey"),
        "jobs",
        "jobs",
        ["repeats"],
        ["id"],
        source_schema="accountant",
        referent_schema="accountant",
    )
    op.create_check_constraint(
        op.f("jobs_withdrawn_was_done_check"), "jobs", "withdrawn_at is null or state = 'done'", schema="accountant"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("jobs_withdrawn_was_done_check"), "jobs", schema="accountant")
    op.drop_constraint(op.f("jobs_repeats_fkey"), "jobs", schema="accountant")
    for column in ("repeats", "repeated_by", "withdrawn_at", "epoch"):
        op.drop_column("jobs", column, schema="accountant")
    for table in ("world_pages", "world_states", "running_hashes", "withdrawals", "epoch"):
        op.drop_table(table, schema="accountant")
