"""Tables of the publisher: transactions that the accountant's key signed, and the oaths among them.

A signature is stored before anything leaves the process, so whatever a crash interrupts is sent again
byte for byte: the chain takes a nonce once, so an answer is sworn once.
"""

import sqlalchemy as sa

from accountant.storage import job_tables
from accountant.storage.tables import metadata

_NOW = sa.text("clock_timestamp()")

signed_transactions = sa.Table(
    "signed_transactions",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("signer", sa.LargeBinary, nullable=False),
    sa.Column("nonce", sa.BigInteger, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column(
        "purse",
        sa.LargeBinary,
        nullable=False,
        comment="A purse; or the bounty of a claim, and a commitment's units are its bond.",
    ),
    sa.Column(
        "units",
        sa.BigInteger,
        nullable=False,
        comment="A deposit's or a withdrawal's value, an oath's penalty, else 0.",
    ),
    sa.Column("cost", sa.Numeric(40, 0), nullable=False, comment="Zero-cost units that inclusion takes."),
    sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("raw", sa.LargeBinary, nullable=False, comment="The signed canonical bytes."),
    sa.Column("state", sa.Text, nullable=False, server_default="pending"),
    sa.Column("seq", sa.BigInteger),
    sa.Column("submissions", sa.Integer, nullable=False, server_default="0"),
    sa.Column("refusal", sa.Text, comment="Why the node did not take it the last time."),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("traceparent", sa.Text, comment=job_tables.TRACE),
    sa.CheckConstraint(
        "purpose in ('deploy', 'deposit', 'oath', 'withdraw', 'commit', 'reveal', 'collect')", name="purpose_known"
    ),
    sa.CheckConstraint("state in ('pending', 'submitted', 'included', 'displaced')", name="state_known"),
    sa.CheckConstraint("(state = 'included') = (seq is not null)", name="included_has_seq"),
    sa.CheckConstraint("nonce >= 0 and units >= 0", name="not_negative"),
    sa.Index(
        "ix_signed_transactions_signer_nonce",
        "signer",
        "nonce",
        unique=True,
        postgresql_where=sa.text("state <> 'displaced'"),
    ),
    sa.Index("ix_signed_transactions_created_at", "created_at"),
    sa.Index("ix_signed_transactions_state_purpose", "state", "purpose"),
    sa.Index("ix_signed_transactions_purse_number", "purse", "number"),
)
"""`displaced`: another transaction of the signer took the nonce, so this one can never be included."""

oaths = sa.Table(
    "oaths",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("job_number", sa.BigInteger, sa.ForeignKey(job_tables.jobs.c.number), nullable=False, unique=True),
    sa.Column("signed_number", sa.BigInteger, sa.ForeignKey(signed_transactions.c.number), comment="Its oath."),
    sa.Column("part", sa.SmallInteger, comment="Where several answers are sworn together: which one it is."),
    sa.Column("declined", sa.Text, comment="Why the answer is not sworn."),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.CheckConstraint("(signed_number is null) = (declined is not null)", name="signed_or_declined"),
    sa.Index("ix_oaths_signed_number", "signed_number"),
)
"""One row for each job whose answer was to be sworn. Query, answer and penalty are in the signed bytes."""

publishing = sa.Table(
    "publishing",
    metadata,
    sa.Column("signer", sa.LargeBinary, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW, comment="Its latest round."),
    sa.Column("stopped", sa.Text, comment="The code of what keeps answers from being sworn."),
    sa.Column("detail", sa.Text, comment="The same for people."),
    sa.Column("low", sa.Boolean, nullable=False, comment="Whether less is left than the alarm."),
    sa.Column("left", sa.Numeric(40, 0), nullable=False, comment="Zero-cost units that nothing on its way takes."),
    sa.Column("alarm", sa.BigInteger, nullable=False),
)
"""One row for each signer: what its publisher's latest round came to."""
