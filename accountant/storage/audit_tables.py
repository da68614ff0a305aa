"""Tables of audits: what each found, verdicts on oaths, the purses on the chain, and the watch list."""

import sqlalchemy as sa

from accountant.storage import job_tables
from accountant.storage.tables import metadata

_NOW = sa.text("clock_timestamp()")

audits = sa.Table(
    "audits",
    metadata,
    sa.Column("job_number", sa.BigInteger, sa.ForeignKey(job_tables.jobs.c.number), primary_key=True),
    sa.Column(
        "number", sa.BigInteger, sa.Identity(always=True), nullable=False, unique=True, comment="Order of ending."
    ),
    sa.Column("contract", sa.LargeBinary, nullable=False),
    sa.Column("owner", sa.LargeBinary, comment="Who deployed it; null where nobody did."),
    sa.Column("previous_hash", sa.LargeBinary, nullable=False, comment="Of the position, with its index."),
    sa.Column("index", sa.BigInteger, nullable=False),
    sa.Column("solvent", sa.Boolean, nullable=False),
    sa.Column("deposited", sa.Numeric(40, 0), nullable=False),
    sa.Column("deposit", sa.Numeric(40, 0), nullable=False, comment="Proved from below."),
    sa.Column("penalties", sa.Numeric(40, 0), nullable=False, comment="Of all oaths that count."),
    sa.Column("outstanding", sa.Numeric(40, 0), nullable=False, comment="Of those that nobody has checked."),
    sa.Column("slashed", sa.Numeric(40, 0), nullable=False),
    sa.Column("coverage_per_mille", sa.BigInteger, nullable=False),
    sa.Column("oaths", sa.BigInteger, nullable=False),
    sa.Column("lies", sa.BigInteger, nullable=False),
    sa.Index("ix_audits_contract_number", "contract", "number"),
    sa.Index("ix_audits_owner_number", "owner", "number"),
)
"""What each audit found, in figures: a line of its contract's and its accountant's history."""

oath_verdicts = sa.Table(
    "oath_verdicts",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False, comment="The oath's transaction."),
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False, unique=True, comment="Order found."),
    sa.Column("transaction", sa.LargeBinary, nullable=False, comment="Its hash."),
    sa.Column("contract", sa.LargeBinary, nullable=False),
    sa.Column("swearer", sa.LargeBinary, nullable=False),
    sa.Column(
        "features",
        sa.ARRAY(sa.BigInteger),
        nullable=False,
        comment="Thousandths, as the oath looked before it was checked.",
    ),
    sa.Column("lied", sa.Boolean, nullable=False),
    sa.Column("gas", sa.BigInteger, nullable=False, comment="That finding it took; 0: it was known."),
    sa.Column("found_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.CheckConstraint("gas >= 0", name="gas_not_negative"),
    sa.Index("ix_oath_verdicts_swearer_number", "swearer", "number"),
    sa.Index("ix_oath_verdicts_lies", "number", postgresql_where=sa.text("lied")),
)
"""What executing an oath of an audited purse showed. A withdrawn outcome takes its verdict away."""

purses = sa.Table(
    "purses",
    metadata,
    sa.Column("contract", sa.LargeBinary, primary_key=True),
    sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False, unique=True, comment="Order seen."),
    sa.Column("owner", sa.LargeBinary, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False, comment="The transaction that deploys it; -1: genesis."),
    sa.Index("ix_purses_owner_seq", "owner", "seq"),
)
"""Contracts with the audited code that genesis sets or a transaction deploys. It may be dropped at any time."""

purse_search = sa.Table(
    "purse_search",
    metadata,
    sa.Column("only", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column(
        "before",
        sa.BigInteger,
        nullable=False,
        comment="Deployments below this number were looked at; -1: not even genesis.",
    ),
    sa.CheckConstraint('"only" = 1', name="single"),
)
"""One row: how far purses were looked for."""

watch_list = sa.Table(
    "watch_list",
    metadata,
    sa.Column("key_prefix", sa.Text, sa.ForeignKey(job_tables.api_keys.c.prefix), nullable=False, comment="Whose."),
    sa.Column("contract", sa.LargeBinary, nullable=False),
    sa.Column("interval_s", sa.BigInteger, nullable=False),
    sa.Column("gas_budget", sa.BigInteger, nullable=False),
    sa.Column("swear", sa.Boolean, nullable=False),
    sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("last_job", sa.Text, sa.ForeignKey(job_tables.jobs.c.id), comment="The latest audit."),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.PrimaryKeyConstraint("key_prefix", "contract"),
    sa.CheckConstraint("interval_s > 0 and gas_budget >= 0", name="positive"),
    sa.Index("ix_watch_list_due_at", "due_at"),
)
"""Contracts that are audited again and again."""
