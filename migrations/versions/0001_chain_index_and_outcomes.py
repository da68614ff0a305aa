"""Chain, index and outcomes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blocks",
        sa.Column("height", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("proposer", sa.LargeBinary(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("height", name=op.f("blocks_pkey")),
        sa.UniqueConstraint("hash", name=op.f("blocks_hash_key")),
        schema="accountant",
    )
    op.create_table(
        "expenses",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("total", sa.Numeric(asdecimal=False), nullable=False),
        sa.PrimaryKeyConstraint("account", "seq", name=op.f("expenses_pkey")),
        schema="accountant",
    )
    op.create_table(
        "genesis",
        sa.Column("only", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("cache_key", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint('"only" = 1', name=op.f("genesis_single_check")),
        sa.PrimaryKeyConstraint("only", name=op.f("genesis_pkey")),
        schema="accountant",
    )
    op.create_table(
        "postings",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "kind", "seq", name=op.f("postings_pkey")),
        schema="accountant",
    )
    op.create_table(
        "refused_blocks",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("refused_blocks_pkey")),
        schema="accountant",
    )
    op.create_index("refused_blocks_height_index", "refused_blocks", ["height"], unique=False, schema="accountant")
    op.create_table(
        "transactions",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("zero_value", sa.BigInteger(), nullable=False),
        sa.Column("general_value", sa.BigInteger(), nullable=False),
        sa.Column("gas_limit", sa.BigInteger(), nullable=False),
        sa.Column("gas_price", sa.BigInteger(), nullable=False),
        sa.Column("tip", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("gas_total", sa.Numeric(asdecimal=False), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.LargeBinary(), nullable=False),
        sa.Column("to", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("transactions_pkey")),
        sa.UniqueConstraint("hash", name=op.f("transactions_hash_key")),
        schema="accountant",
    )
    op.create_table(
        "zero_balances",
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account", "moment", name=op.f("zero_balances_pkey")),
        schema="accountant",
    )
    op.create_table(
        "outcomes",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gas_used", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("executions", sa.Integer(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("observed", sa.LargeBinary(), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["accountant.transactions.seq"], name=op.f("outcomes_seq_fkey")),
        sa.PrimaryKeyConstraint("seq", name=op.f("outcomes_pkey")),
        schema="accountant",
    )


def downgrade() -> None:
    op.drop_table("outcomes", schema="accountant")
    op.drop_table("zero_balances", schema="accountant")
    op.drop_table("transactions", schema="accountant")
    op.drop_index("refused_blocks_height_index", table_name="refused_blocks", schema="accountant")
    op.drop_table("refused_blocks", schema="accountant")
    op.drop_table("postings", schema="accountant")
    op.drop_table("genesis", schema="accountant")
    op.drop_table("expenses", schema="accountant")
    op.drop_table("blocks", schema="accountant")
