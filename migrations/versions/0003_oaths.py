"""Signed transactions of the publisher, and the oaths among them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signed_transactions",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("purse", sa.LargeBinary(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False, comment="A deposit's value, an oath's penalty, else 0."),
        sa.Column(
            "cost", sa.Numeric(precision=40, scale=0), nullable=False, comment="Zero-cost units that inclusion takes."
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="The signed canonical bytes."),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("submissions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True, comment="Why the node did not take it the last time."),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "(state = 'included') = (seq is not null)", name=op.f("signed_transactions_included_has_seq_check")
        ),
        sa.CheckConstraint(
            "purpose in ('deploy', 'deposit', 'oath')", name=op.f("signed_transactions_purpose_known_check")
        ),
        sa.CheckConstraint(
            "state in ('pending', 'submitted', 'included', 'displaced')",
            name=op.f("signed_transactions_state_known_check"),
        ),
        sa.CheckConstraint("nonce >= 0 and units >= 0", name=op.f("signed_transactions_not_negative_check")),
        sa.PrimaryKeyConstraint("number", name=op.f("signed_transactions_pkey")),
        sa.UniqueConstraint("hash", name=op.f("signed_transactions_hash_key")),
        schema="accountant",
    )
    op.create_index(
        "ix_signed_transactions_signer_nonce",
        "signed_transactions",
        ["signer", "nonce"],
        unique=True,
        schema="accountant",
        postgresql_where=sa.text("state <> 'displaced'"),
    )
    op.create_table(
        "oaths",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("job_number", sa.BigInteger(), nullable=False),
        sa.Column("signed_number", sa.BigInteger(), nullable=True, comment="Its oath."),
        sa.Column("declined", sa.Text(), nullable=True, comment="Why the answer is not sworn."),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "(signed_number is null) = (declined is not null)", name=op.f("oaths_signed_or_declined_check")
        ),
        sa.ForeignKeyConstraint(["job_number"], ["accountant.jobs.number"], name=op.f("oaths_job_number_fkey")),
        sa.ForeignKeyConstraint(
            ["signed_number"], ["accountant.signed_transactions.number"], name=op.f("oaths_signed_number_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("oaths_pkey")),
        sa.UniqueConstraint("job_number", name=op.f("oaths_job_number_key")),
        sa.UniqueConstraint("signed_number", name=op.f("oaths_signed_number_key")),
        schema="accountant",
    )


def downgrade() -> None:
    op.drop_table("oaths", schema="accountant")
    op.drop_index(
        "ix_signed_transactions_signer_nonce",
        table_name="signed_transactions",
        schema="accountant",
        postgresql_where=sa.text("state <> 'displaced'"),
    )
    op.drop_table("signed_transactions", schema="accountant")
