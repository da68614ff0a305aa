"""Indexes that the dashboard's pages read by: what a purse signed, blobs by size, lies."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SCHEMA = "accountant"


def upgrade() -> None:
    op.create_index("ix_signed_transactions_purse_number", "signed_transactions", ["purse", "number"], schema=SCHEMA)
    op.create_index("ix_blobs_size_number", "blobs", ["size", "number"], schema=SCHEMA)
    op.create_index(
        "ix_oath_verdicts_lies", "oath_verdicts", ["number"], schema=SCHEMA, postgresql_where=sa.text("lied")
    )


def downgrade() -> None:
    op.drop_index("ix_oath_verdicts_lies", "oath_verdicts", schema=SCHEMA)
    op.drop_index("ix_blobs_size_number", "blobs", schema=SCHEMA)
    op.drop_index("ix_signed_transactions_purse_number", "signed_transactions", schema=SCHEMA)
