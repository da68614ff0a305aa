"""Publications of blobs, read when a follower starts: an index of few rows."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "transactions_publications_index",
        "transactions",
        ["seq"],
        unique=False,
        schema="accountant",
        postgresql_where=sa.text("kind = 3"),
    )


def downgrade() -> None:
    op.drop_index("transactions_publications_index", table_name="transactions", schema="accountant")
