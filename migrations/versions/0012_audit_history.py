"""What each audit found, in figures."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audits",
        sa.Column("job_number", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Order of ending."),
        sa.Column("contract", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.LargeBinary(), nullable=True, comment="Who deployed it; null where nobody did."),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False, comment="Of the position, with its index."),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("solvent", sa.Boolean(), nullable=False),
        sa.Column("deposited", sa.Numeric(40, 0), nullable=False),
        sa.Column("deposit", sa.Numeric(40, 0), nullable=False, comment="Proved from below."),
        sa.Column("penalties", sa.Numeric(40, 0), nullable=False, comment="Of all oaths that count."),
        sa.Column("outstanding", sa.Numeric(40, 0), nullable=False, comment="Of those that nobody has checked."),
        sa.Column("slashed", sa.Numeric(40, 0), nullable=False),
        sa.Column("coverage_per_mille", sa.BigInteger(), nullable=False),
        sa.Column("oaths", sa.BigInteger(), nullable=False),
        sa.Column("lies", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_number"], ["accountant.jobs.number"], name=op.f("audits_job_number_fkey")),
        sa.PrimaryKeyConstraint("job_number", name=op.f("audits_pkey")),
        sa.UniqueConstraint("number", name=op.f("audits_number_key")),
        schema="accountant",
    )
    for name in ("contract", "owner"):
        op.create_index(f"ix_audits_{name}_number", "audits", [name, "number"], schema="accountant")


def downgrade() -> None:
    op.drop_table("audits", schema="accountant")
