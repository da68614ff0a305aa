"""Tables of agreement and repair: the epoch of what is known, withdrawals, running hashes, observed world states."""

import sqlalchemy as sa

from accountant.storage.tables import metadata

_NOW = sa.text("clock_timestamp()")

epoch = sa.Table(
    "epoch",
    metadata,
    sa.Column("only", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False, comment="Goes up with every withdrawal."),
    sa.CheckConstraint('"only" = 1', name="single"),
)
"""One row. Who keeps something that was computed from outcomes holds it (FOR SHARE) and compares the number with the
one that the work began under; a withdrawal holds it alone."""

withdrawals = sa.Table(
    "withdrawals",
    metadata,
    sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False, comment="The one that it began."),
    sa.Column("seq", sa.BigInteger, nullable=False, comment="The transaction that it was asked for."),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="Of the outcome that was wrong."),
    sa.Column("outcomes", sa.BigInteger, nullable=False),
    sa.Column("checkpoints", sa.BigInteger, nullable=False),
    sa.Column("jobs", sa.BigInteger, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
)
"""What was withdrawn, and how much went with it."""

running_hashes = sa.Table(
    "running_hashes",
    metadata,
    sa.Column("height", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
"""R after each block of the observed prefix (`accounting.agreement`). Derived: may be dropped at any time."""

world_states = sa.Table(
    "world_states",
    metadata,
    sa.Column("height", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False, comment="Order of observation."),
    sa.Column("block_hash", sa.LargeBinary, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("leaves", sa.BigInteger, nullable=False),
    sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
)
"""World states that somebody observed, each at the end of a block. Derived: may be dropped at any time."""

world_pages = sa.Table(
    "world_pages",
    metadata,
    sa.Column("height", sa.BigInteger, sa.ForeignKey("world_states.height", ondelete="CASCADE"), nullable=False),
    sa.Column("page", sa.Integer, nullable=False),
    sa.Column("raw", sa.LargeBinary, nullable=False, comment="The canonical encoding of a list of leaves."),
    sa.PrimaryKeyConstraint("height", "page"),
)
