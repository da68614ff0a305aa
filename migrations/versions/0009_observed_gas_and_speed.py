"""Running totals of observed gas, kept by triggers whoever adds or withdraws outcomes, and what workers measured."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0005"
branch_labels = None
depends_on = None

_ADD = """
    INSERT INTO accountant.observed_gas AS kept (level, bucket, shard, transactions, gas_used, gas_limits)
    SELECT levels.level, changed.seq >> levels.bits, {shard}, {sign} * count(*), {sign} * sum(changed.gas_used),
           {sign} * sum(named.gas_limit)
    FROM {changed} AS changed
    JOIN accountant.transactions AS named USING (seq)
    CROSS JOIN (VALUES (1, 10), (2, 20)) AS levels (level, bits)
    GROUP BY 1, 2
    ORDER BY 1, 2
"""

_COUNT = f"""
CREATE FUNCTION accountant.count_observed_gas() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign CONSTANT integer := CASE WHEN TG_OP = 'DELETE' THEN -1 ELSE 1 END;
BEGIN
    {_ADD.format(shard="pg_backend_pid() % 4", sign="sign", changed="changed")}
    ON CONFLICT (level, bucket, shard) DO UPDATE SET
        transactions = kept.transactions + excluded.transactions,
        gas_used = kept.gas_used + excluded.gas_used,
        gas_limits = kept.gas_limits + excluded.gas_limits;
    RETURN NULL;
END $$
"""

_FORGET = """
CREATE FUNCTION accountant.forget_observed_gas() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM accountant.observed_gas;
    RETURN NULL;
END $$
"""

_TRIGGERS = {
    "outcomes_counted": "AFTER INSERT ON accountant.outcomes REFERENCING NEW TABLE AS changed",
    "outcomes_uncounted": "AFTER DELETE ON accountant.outcomes REFERENCING OLD TABLE AS changed",
}


def upgrade() -> None:
    op.create_table(
        "observed_gas",
        sa.Column("bucket", sa.BigInteger(), nullable=False),
        sa.Column("transactions", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("gas_used", sa.Numeric(), nullable=False),
        sa.Column("gas_limits", sa.Numeric(), nullable=False),
        sa.PrimaryKeyConstraint("level", "bucket", "shard", name=op.f("observed_gas_pkey")),
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
    op.execute(_ADD.format(shard="0", sign="1", changed="accountant.outcomes"))
    op.execute(_COUNT)
    op.execute(_FORGET)
    for name, when in _TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {when} FOR EACH STATEMENT EXECUTE FUNCTION accountant.count_observed_gas()")
    op.execute(
        "CREATE TRIGGER outcomes_forgotten AFTER TRUNCATE ON accountant.outcomes "
        "FOR EACH STATEMENT EXECUTE FUNCTION accountant.forget_observed_gas()"
    )


def downgrade() -> None:
    for name in (*_TRIGGERS, "outcomes_forgotten"):
        op.execute(f"DROP TRIGGER {name} ON accountant.outcomes")
    op.execute("DROP FUNCTION accountant.forget_observed_gas()")
    op.execute("DROP FUNCTION accountant.count_observed_gas()")
    op.drop_table("speed", schema="accountant")
    op.drop_table("observed_gas", schema="accountant")
