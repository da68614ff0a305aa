"""Bounties seen on the chain, and the claims on them among the signed transactions."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")
_SIGNED = "accountant.signed_transactions"
_PURPOSE = "signed_transactions_purpose_known_check"
_BEFORE = "'deploy', 'deposit', 'oath', 'withdraw'"
_CLAIMS = "'commit', 'reveal', 'collect'"
_PURSE = "A purse; or the bounty of a claim, and a commitment's units are its bond."


def upgrade() -> None:
    _know_purposes(f"{_BEFORE}, {_CLAIMS}")
    _say_what_purse_is(None, _PURSE)
    op.create_table(
        "bounties",
        sa.Column("contract", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Order seen."),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="The transaction that deploys it."),
        sa.Column("reward", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it is not further, or how it ended: a stable name."),
        sa.Column("detail", sa.Text(), nullable=True, comment="The same in a sentence."),
        sa.Column("looked_height", sa.BigInteger(), nullable=True, comment="The head when it was last judged."),
        sa.Column("job", sa.Text(), nullable=True, comment="The job that answers its question."),
        sa.Column("answer", sa.LargeBinary(), nullable=True, comment="What was committed to."),
        sa.Column("salt", sa.LargeBinary(), nullable=True, comment="What hides it until it is revealed."),
        sa.Column("commit_number", sa.BigInteger(), nullable=True, comment="Its commitment."),
        sa.Column("reveal_number", sa.BigInteger(), nullable=True, comment="Its revelation."),
        sa.Column("due_job", sa.Text(), nullable=True, comment="The job that finds what is due."),
        sa.Column("due", sa.BigInteger(), nullable=True, comment="Base units that the contract owes this accountant."),
        sa.Column("collect_number", sa.BigInteger(), nullable=True, comment="The call that takes what is due."),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.CheckConstraint(
            "state in ('open', 'asked', 'claimed', 'revealed', 'collecting', 'won', 'lost', 'expired', 'declined')",
            name=op.f("bounties_state_known_check"),
        ),
        sa.CheckConstraint(
            "(answer is null) = (salt is null) and (commit_number is null or salt is not null)",
            name=op.f("bounties_commitment_can_be_revealed_check"),
        ),
        *(
            sa.ForeignKeyConstraint([name], [f"{_SIGNED}.number"], name=op.f(f"bounties_{name}_fkey"))
            for name in ("commit_number", "reveal_number", "collect_number")
        ),
        *(
            sa.ForeignKeyConstraint([name], ["accountant.jobs.id"], name=op.f(f"bounties_{name}_fkey"))
            for name in ("job", "due_job")
        ),
        sa.PrimaryKeyConstraint("contract", name=op.f("bounties_pkey")),
        *(
            sa.UniqueConstraint(name, name=op.f(f"bounties_{name}_key"))
            for name in ("number", "commit_number", "reveal_number", "collect_number")
        ),
        schema="accountant",
    )
    op.create_index("ix_bounties_state_number", "bounties", ["state", "number"], schema="accountant")
    op.create_table(
        "bounty_search",
        sa.Column("only", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False, comment="Deployments below this number were looked at."),
        sa.CheckConstraint('"only" = 1', name=op.f("bounty_search_single_check")),
        sa.PrimaryKeyConstraint("only", name=op.f("bounty_search_pkey")),
        schema="accountant",
    )


def downgrade() -> None:
    op.drop_table("bounty_search", schema="accountant")
    op.drop_table("bounties", schema="accountant")
    op.execute(f"DELETE FROM {_SIGNED} WHERE purpose IN ({_CLAIMS})")  # nothing else refers to them
    _say_what_purse_is(_PURSE, None)
    _know_purposes(_BEFORE)


def _know_purposes(names: str) -> None:
    op.drop_constraint(op.f(_PURPOSE), "signed_transactions", schema="accountant", type_="check")
    op.create_check_constraint(op.f(_PURPOSE), "signed_transactions", f"purpose in ({names})", schema="accountant")


def _say_what_purse_is(before: str | None, after: str | None) -> None:
    op.alter_column("signed_transactions", "purse", existing_comment=before, comment=after, schema="accountant")
