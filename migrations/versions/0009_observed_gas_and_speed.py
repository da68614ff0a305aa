"""Running totals of observed gas, kept by triggers whoever adds or withdraws outcomes, and what workers measured."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_COUNT = """
CREATE FUNCTION accountant.count_observed_gas() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed accountant.outcomes%ROWTYPE;
    sign integer := 1;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := OLD;
        sign := -1;
    ELSE
        changed := NEW;
    END IF;
    INSERT INTO accountant.observed_gas AS kept (bucket, transactions, shard, gas_used, gas_limits)
    VALUES (
        changed.seq >> 10, sign, pg_backend_pid() % 4, sign * changed.gas_used,
        sign * (SELECT gas_limit FROM accountant.transactions WHERE seq = changed.seq)
    )
    ON CONFLICT (bucket, shard) DO UPDATE SET
        transactions = kept.transactions + excluded.transactions,
        gas_used = kept.gas_used + excluded.gas_used,
        gas_limits = kept.gas_limits + excluded.gas_limits;
    RETURN NULL;
END $$
"""

_COUNT_WHAT_IS_THERE = """
    INSERT INTO accountant.observed_gas (bucket, transactions, shard, gas_used, gas_limits)
    SELECT there.seq >> 10, count(*), 0, sum(there.gas_used), sum(named.gas_limit)
    FROM accountant.outcomes AS there JOIN accountant.transactions AS named USING (seq)
    GROUP BY 1
"""

_FORGET = """
CREATE FUNCTION accountant.forget_observed_gas() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM accountant.observed_gas;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "observed_gas",
        sa.Column("bucket", sa.BigInteger(), nullable=False),
        sa.Column("transactions", sa.BigInteger(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("gas_used", sa.Numeric(), nullable=False),
        sa.Column("gas_limits", sa.Numeric(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "shard", name=op.f("observed_gas_pkey")),
        schema="accountant",
    )
    op.create_table(
        "speed",
        sa.Column("only", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("gas", sa.Float(precision=53), nullable=False),
        sa.Column("seconds", sa.Float(precision=53), nullable=False),
        sa.Column("small_jobs", sa.Float(precision=53), nullable=False),
        sa.Column("small_seconds", sa.Float(precision=53), nullable=False),
        sa.CheckConstraint('"only" = 1', name=op.f("speed_single_check")),
        sa.PrimaryKeyConstraint("only", name=op.f("speed_pkey")),
        schema="accountant",
    )
    op.execute(_COUNT_WHAT_IS_THERE)
    op.execute(_COUNT)
    op.execute(_FORGET)
    op.execute(
        "CREATE TRIGGER outcomes_counted AFTER INSERT OR DELETE ON accountant.outcomes "
        "FOR EACH ROW EXECUTE FUNCTION accountant.count_observed_gas()"
    )
    op.execute(
        "CREATE TRIGGER outcomes_forgotten AFTER TRUNCATE ON accountant.outcomes "
        "FOR EACH STATEMENT EXECUTE FUNCTION accountant.forget_observed_gas()"
    )


def downgrade() -> None:
    for name in ("outcomes_counted", "outcomes_forgotten"):
        op.execute(f"DROP TRIGGER {name} ON accountant.outcomes")
    op.execute("DROP FUNCTION accountant.forget_observed_gas()")
    op.execute("DROP FUNCTION accountant.count_observed_gas()")
    op.drop_table("speed", schema="accountant")
    op.drop_table("observed_gas", schema="accountant")
