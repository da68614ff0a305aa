"""Tables of bounties: those that were seen on the chain, and how far this accountant's claim on each came.

Salt and answer are stored with the signed commitment, in one database transaction: whatever a crash interrupts, what
was committed to can be revealed.
"""

import sqlalchemy as sa

from accountant.storage import job_tables, oath_tables
from accountant.storage.tables import metadata

_NOW = sa.text("clock_timestamp()")
_STATES = "'open', 'asked', 'claimed', 'revealed', 'collecting', 'won', 'lost', 'expired', 'declined'"


def _signed(name: str, comment: str) -> sa.Column[int]:
    return sa.Column(name, sa.ForeignKey(oath_tables.signed_transactions.c.number), unique=True, comment=comment)


bounties = sa.Table(
    "bounties",
    metadata,
    sa.Column("contract", sa.LargeBinary, primary_key=True),
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False, unique=True, comment="Order seen."),
    sa.Column("seq", sa.BigInteger, nullable=False, comment="The transaction that deploys it."),
    sa.Column("reward", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="open"),
    sa.Column("reason", sa.Text, comment="Why it is not further, or how it ended: a stable name."),
    sa.Column("detail", sa.Text, comment="The same in a sentence."),
    sa.Column("looked_height", sa.BigInteger, comment="The head when it was last judged."),
    sa.Column("job", sa.Text, sa.ForeignKey(job_tables.jobs.c.id), comment="The job that answers its question."),
    sa.Column("answer", sa.LargeBinary, comment="What was committed to."),
    sa.Column("salt", sa.LargeBinary, comment="What hides it until it is revealed."),
    _signed("commit_number", "Its commitment."),
    _signed("reveal_number", "Its revelation."),
    sa.Column("due_job", sa.Text, sa.ForeignKey(job_tables.jobs.c.id), comment="The job that finds what is due."),
    sa.Column("due", sa.BigInteger, comment="Base units that the contract owes this accountant."),
    _signed("collect_number", "The call that takes what is due."),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.CheckConstraint(f"state in ({_STATES})", name="state_known"),
    sa.CheckConstraint(
        "(answer is null) = (salt is null) and (commit_number is null or salt is not null)",
        name="commitment_can_be_revealed",
    ),
    sa.Index("ix_bounties_state_number", "state", "number"),
)

bounty_search = sa.Table(
    "bounty_search",
    metadata,
    sa.Column("only", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("before", sa.BigInteger, nullable=False, comment="Deployments below this number were looked at."),
    sa.CheckConstraint('"only" = 1', name="single"),
)
