"""Verdicts on oaths, the purses on the chain, and the list of contracts that are audited again and again."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "oath_verdicts",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False, comment="The oath's transaction."),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Order found."),
        sa.Column("transaction", sa.LargeBinary(), nullable=False, comment="Its hash."),
        sa.Column("contract", sa.LargeBinary(), nullable=False),
        sa.Column("swearer", sa.LargeBinary(), nullable=False),
        sa.Column(
            "features",
            sa.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="Thousandths, as the oath looked before it was checked.",
        ),
        sa.Column("lied", sa.Boolean(), nullable=False),
        sa.Column("gas", sa.BigInteger(), nullable=False, comment="That finding it took; 0: it was known."),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.CheckConstraint("gas >= 0", name=op.f("oath_verdicts_gas_not_negative_check")),
        sa.PrimaryKeyConstraint("seq", name=op.f("oath_verdicts_pkey")),
        sa.UniqueConstraint("number", name=op.f("oath_verdicts_number_key")),
        schema="accountant",
    )
    op.create_index("ix_oath_verdicts_swearer_number", "oath_verdicts", ["swearer", "number"], schema="accountant")
    op.create_table(
        "purses",
        sa.Column("contract", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Order seen."),
        sa.Column("owner", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="The transaction that deploys it."),
        sa.PrimaryKeyConstraint("contract", name=op.f("purses_pkey")),
        sa.UniqueConstraint("number", name=op.f("purses_number_key")),
        schema="accountant",
    )
    op.create_index("ix_purses_owner_seq", "purses", ["owner", "seq"], schema="accountant")
    op.create_table(
        "purse_search",
        sa.Column("only", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False, comment="Deployments below this number were looked at."),
        sa.CheckConstraint('"only" = 1', name=op.f("purse_search_single_check")),
        sa.PrimaryKeyConstraint("only", name=op.f("purse_search_pkey")),
        schema="accountant",
    )
    op.create_table(
        "watch_list",
        sa.Column("key_prefix", sa.Text(), nullable=False, comment="Whose."),
        sa.Column("contract", sa.LargeBinary(), nullable=False),
        sa.Column("interval_s", sa.BigInteger(), nullable=False),
        sa.Column("gas_budget", sa.BigInteger(), nullable=False),
        sa.Column("swear", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("last_job", sa.Text(), nullable=True, comment="The latest audit."),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.CheckConstraint("interval_s > 0 and gas_budget >= 0", name=op.f("watch_list_positive_check")),
        sa.ForeignKeyConstraint(
            ["key_prefix"], ["accountant.api_keys.prefix"], name=op.f("watch_list_key_prefix_fkey")
        ),
        sa.ForeignKeyConstraint(["last_job"], ["accountant.jobs.id"], name=op.f("watch_list_last_job_fkey")),
        sa.PrimaryKeyConstraint("key_prefix", "contract", name=op.f("watch_list_pkey")),
        schema="accountant",
    )
    op.create_index("ix_watch_list_due_at", "watch_list", ["due_at"], schema="accountant")


def downgrade() -> None:
    for table in ("watch_list", "purse_search", "purses", "oath_verdicts"):
        op.drop_table(table, schema="accountant")
