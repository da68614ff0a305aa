"""Oaths that answer several jobs, what clients wish of them, withdrawals of deposits, and how publishing goes on."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")
_PURPOSES = "signed_transactions_purpose_known_check"
_UNIQUE = "oaths_signed_number_key"
_UNITS = "A deposit's value, an oath's penalty, else 0."
_UNITS_WITHDRAWN = "A deposit's or a withdrawal's value, an oath's penalty, else 0."


def upgrade() -> None:
    op.add_column(
        "jobs",
        sa.Column(
            "oath_batch",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="Its answer may be sworn together with others.",
        ),
        schema="accountant",
    )
    op.add_column(
        "jobs",
        sa.Column("oath_beneficiary", sa.LargeBinary(), comment="Who gets what of the penalty is not burnt."),
        schema="accountant",
    )
    op.add_column(
        "oaths",
        sa.Column("part", sa.SmallInteger(), comment="Where several answers are sworn together: which one it is."),
        schema="accountant",
    )
    op.drop_constraint(op.f(_UNIQUE), "oaths", schema="accountant")
    op.create_index("ix_oaths_signed_number", "oaths", ["signed_number"], schema="accountant")
    op.drop_constraint(op.f(_PURPOSES), "signed_transactions", schema="accountant")
    op.create_check_constraint(
        op.f(_PURPOSES),
        "signed_transactions",
        "purpose in ('deploy', 'deposit', 'oath', 'withdraw')",
        schema="accountant",
    )
    op.alter_column(
        "signed_transactions", "units", comment=_UNITS_WITHDRAWN, existing_comment=_UNITS, schema="accountant"
    )
    op.create_table(
        "publishing",
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False, comment="Its latest round."),
        sa.Column("stopped", sa.Text(), comment="The code of what keeps answers from being sworn."),
        sa.Column("detail", sa.Text(), comment="The same for people."),
        sa.Column("low", sa.Boolean(), nullable=False, comment="Whether less is left than the alarm."),
        sa.Column("left", sa.Numeric(40, 0), nullable=False, comment="Zero-cost units that nothing on its way takes."),
        sa.Column("alarm", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("signer", name=op.f("publishing_pkey")),
        schema="accountant",
    )
    op.alter_column(
        "purses",
        "seq",
        comment="The transaction that deploys it; -1: genesis.",
        existing_comment="The transaction that deploys it.",
        schema="accountant",
    )
    op.alter_column(
        "purse_search",
        "before",
        comment="Deployments below this number were looked at; -1: not even genesis.",
        existing_comment="Deployments below this number were looked at.",
        schema="accountant",
    )
    op.execute("UPDATE accountant.purse_search SET before = -1")  # genesis was not looked at


def downgrade() -> None:
    op.execute("UPDATE accountant.purse_search SET before = 0")
    op.alter_column("purses", "seq", comment="The transaction that deploys it.", schema="accountant")
    op.alter_column(
        "purse_search", "before", comment="Deployments below this number were looked at.", schema="accountant"
    )
    op.execute("DELETE FROM accountant.purses WHERE seq < 0")
    op.drop_table("publishing", schema="accountant")
    op.drop_constraint(op.f(_PURPOSES), "signed_transactions", schema="accountant")
    op.create_check_constraint(
        op.f(_PURPOSES), "signed_transactions", "purpose in ('deploy', 'deposit', 'oath')", schema="accountant"
    )
    op.alter_column("signed_transactions", "units", comment=_UNITS, schema="accountant")
    op.drop_index("ix_oaths_signed_number", "oaths", schema="accountant")
    op.create_unique_constraint(op.f(_UNIQUE), "oaths", ["signed_number"], schema="accountant")
    op.drop_column("oaths", "part", schema="accountant")
    op.drop_column("jobs", "oath_beneficiary", schema="accountant")
    op.drop_column("jobs", "oath_batch", schema="accountant")
