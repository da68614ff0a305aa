"""Execution: what was executed and what was not, what was known already, who waited for whom."""

import sqlalchemy as sa

from accountant.monitoring.metric import Events, Kind, Metric, Now
from accountant.storage.counts import FLIGHT_WAIT_MS, FLIGHT_WAITS, LOOKUPS
from accountant.storage.metric_tables import tallies
from accountant.storage.tables import observed_gas, outcomes, transactions

METRICS = (
    Metric(
        "anh_transactions_executed_total",
        "transactions",
        "Transactions whose outcome was found by executing them.",
        Kind.COUNTER,
        Events(outcomes.c.observed_at),
    ),
    Metric(
        "anh_gas_executed_total",
        "gas",
        "Gas of transactions whose outcome was found by executing them.",
        Kind.COUNTER,
        Events(outcomes.c.observed_at, value=outcomes.c.gas_used),
    ),
    Metric(
        "anh_transactions_observed",
        "transactions",
        "Transactions of the chain whose outcome is known.",
        Kind.GAUGE,
        Now(sa.select(sa.func.coalesce(sa.func.sum(observed_gas.c.transactions), 0))),
    ),
    Metric(
        "anh_gas_observed",
        "gas",
        "Gas of all transactions whose outcome is known.",
        Kind.GAUGE,
        Now(sa.select(sa.func.coalesce(sa.func.sum(observed_gas.c.gas_used), 0))),
    ),
    Metric(
        "anh_gas_everything",
        "gas",
        "Gas limits of all transactions of the chain: the most that executing everything takes.",
        Kind.GAUGE,
        Now(sa.select(transactions.c.gas_total).order_by(transactions.c.seq.desc()).limit(1)),
    ),
    Metric(
        "anh_transactions_repeated",
        "transactions",
        "Transactions that were executed more than once.",
        Kind.GAUGE,
        Now(sa.select(sa.func.count()).select_from(outcomes).where(outcomes.c.executions > sa.literal_column("1"))),
    ),
    Metric(
        "anh_outcome_lookups_total",
        "outcomes",
        "Outcomes that were looked up, by the layer that had them.",
        Kind.COUNTER,
        Now(
            sa.select(
                sa.case({name: layer for layer, name in LOOKUPS.items()}, value=tallies.c.name), tallies.c.value
            ).where(tallies.c.name.in_(LOOKUPS.values()))
        ),
        ("layer",),
    ),
    Metric(
        "anh_flight_waits_total",
        "waits",
        "Times that a worker waited because another one was executing the same transaction.",
        Kind.COUNTER,
        Now(sa.select(tallies.c.value).where(tallies.c.name == FLIGHT_WAITS)),
    ),
    Metric(
        "anh_flight_wait_seconds_total",
        "seconds",
        "Time that workers waited because another one was executing the same transaction.",
        Kind.COUNTER,
        Now(sa.select(tallies.c.value / sa.literal(1000.0)).where(tallies.c.name == FLIGHT_WAIT_MS)),
    ),
)
