"""The accountant's tables. Everything of the accountant lives in the schema `accountant`.

Rows below the head never change and only the importer writes them, so the hot tables carry no foreign
keys: the importer checks a block as a whole, and a trigger per posting would cost more than the row.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    func,
    literal_column,
)

from accountant.chain.transaction import TransactionKind

SCHEMA = "accountant"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_index",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    },
)

genesis = Table(
    "genesis",
    metadata,
    Column("only", SmallInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("cache_key", LargeBinary, nullable=False),
    CheckConstraint('"only" = 1', name="single"),
)
"""One row. `cache_key`: 32 random bytes that authenticate what this accountant puts into Redis."""

blocks = Table(
    "blocks",
    metadata,
    Column("height", BigInteger, primary_key=True, autoincrement=False),
    Column("time", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("proposer", LargeBinary, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    UniqueConstraint("hash"),
)
"""Genesis is block 0. `header`: canonical bytes, as signed. The transactions are in `transactions`."""

refused_blocks = Table(
    "refused_blocks",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("height", BigInteger, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("refused_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""Evidence: validly signed blocks that contradict the chain. Two headers of one height convict their proposer."""

transactions = Table(
    "transactions",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("height", BigInteger, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("zero_value", BigInteger, nullable=False),
    Column("general_value", BigInteger, nullable=False),
    Column("gas_limit", BigInteger, nullable=False),
    Column("gas_price", BigInteger, nullable=False),
    Column("tip", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("gas_total", Numeric(asdecimal=False), nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("sender", LargeBinary, nullable=False),
    Column("to", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    UniqueConstraint("hash"),
)
"""`gas_total`: the sum of the gas limits of all transactions up to and including this one."""

Index(
    "transactions_deployments_index",
    transactions.c.seq,
    postgresql_where=transactions.c.kind == literal_column(str(int(TransactionKind.DEPLOY))),
)

Index(
    "transactions_publications_index",
    transactions.c.seq,
    postgresql_where=transactions.c.kind == literal_column(str(int(TransactionKind.PUBLISH))),
)

postings = Table(
    "postings",
    metadata,
    Column("seq", BigInteger, nullable=False),
    Column("cap", BigInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("key", LargeBinary, nullable=False),
    PrimaryKeyConstraint("key", "kind", "seq"),
)
"""The inverted file (paper, section II-B): key → (kind, seq, cap), see `RowKind`.

One index answers all: the writers of a slot latest first and the events of an account are ranges of it,
and what others file under the same key with another kind is never walked over.
"""

expenses = Table(
    "expenses",
    metadata,
    Column("seq", BigInteger, nullable=False),
    Column("account", LargeBinary, nullable=False),
    Column("total", Numeric(asdecimal=False), nullable=False),
    PrimaryKeyConstraint("account", "seq"),
)
"""Running totals (paper, section III-A): the sum of the account's general values up to and including `seq`."""

intervals = Table(
    "intervals",
    metadata,
    Column("seq", BigInteger, nullable=False),
    Column("expense", BigInteger, nullable=False),
    Column("debit_most", BigInteger, nullable=False),
    Column("credit_most", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("lower", BigInteger, nullable=False),
    Column("upper", BigInteger, nullable=False),
    Column("account", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account", "seq"),
)
"""What `seq` can have done to the account's general balance, and the static interval right after it (`index.static`).

Under the account without a name stands the supply of general money, once a block, as `upper`.
"""

zero_balances = Table(
    "zero_balances",
    metadata,
    Column("moment", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("account", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account", "moment"),
)
"""The account's zero-cost balance right after `moment`."""

outcomes = Table(
    "outcomes",
    metadata,
    Column("seq", BigInteger, ForeignKey(transactions.c.seq), primary_key=True, autoincrement=False),
    Column("gas_used", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    Column("executions", Integer, nullable=False),
    Column("block_hash", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("observed", LargeBinary, nullable=False),
    Column("observed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""Outcomes for ever. `digest`: SHA-256 of the outcome alone; `observed`: the outcome and what it was computed from."""

Index("ix_outcomes_observed_at", outcomes.c.observed_at)
Index(
    "ix_outcomes_executions",
    outcomes.c.executions,
    outcomes.c.seq,
    postgresql_where=outcomes.c.executions > literal_column("1"),
)
Index("ix_outcomes_repeated", outcomes.c.seq, postgresql_where=outcomes.c.executions > literal_column("1"))

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("before", BigInteger, nullable=False),
    Column("account", LargeBinary, nullable=False),
    Column("lower", Numeric(asdecimal=False), nullable=False),
    Column("upper", Numeric(asdecimal=False), nullable=False),
    PrimaryKeyConstraint("account", "before"),
    CheckConstraint("lower <= upper", name="interval"),
)
"""Intervals of general balances right before transaction `before`. Derived: may be dropped at any time."""

Index(
    "checkpoints_exact_index",
    checkpoints.c.account,
    checkpoints.c.before,
    postgresql_where=checkpoints.c.lower == checkpoints.c.upper,
)

observed_gas = Table(
    "observed_gas",
    metadata,
    Column("bucket", BigInteger, nullable=False),
    Column("transactions", BigInteger, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("gas_used", Numeric(asdecimal=False), nullable=False),
    Column("gas_limits", Numeric(asdecimal=False), nullable=False),
    PrimaryKeyConstraint("bucket", "shard"),
)
"""Totals over the outcomes of 2^10 transactions each, written by triggers on `outcomes`."""

speed = Table(
    "speed",
    metadata,
    Column("only", SmallInteger, primary_key=True, autoincrement=False),
    Column("gas", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("small_jobs", Double, nullable=False),
    Column("small_seconds", Double, nullable=False),
    CheckConstraint('"only" = 1', name="single"),
)
"""One row: what workers executed lately, and how long it took; and jobs that executed too little to tell. For estimates
alone.
"""

CHAIN_TABLES = (blocks, transactions, postings, expenses, intervals, zero_balances)
"""What an import fills, in this order."""

Index("refused_blocks_height_index", refused_blocks.c.height)
