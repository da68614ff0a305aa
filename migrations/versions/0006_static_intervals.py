"""Static intervals: limited postings of general balances, folded from what was imported already."""

import sqlalchemy as sa
from alembic import op

from accountant.storage.folding import fold_again

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intervals",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("expense", sa.BigInteger(), nullable=False),
        sa.Column("debit_most", sa.BigInteger(), nullable=False),
        sa.Column("credit_most", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.Column("lower", sa.BigInteger(), nullable=False),
        sa.Column("upper", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account", "seq", name=op.f("intervals_pkey")),
        schema="accountant",
    )
    fold_again(op.get_bind().connection.driver_connection)


def downgrade() -> None:
    op.drop_table("intervals", schema="accountant")
