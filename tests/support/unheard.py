"""Makes a database such as a later version, or a broken hand, may leave: words and numbers that are in no list of ours,
and nothing where something usually is."""

import sqlalchemy as sa

from accountant.storage.tables import SCHEMA

WORD, NUMBER = "unheard_of", 99
_ENTRY = frozenset({"admin_users", "admin_sessions", "admin_links", "admin_logins", "api_keys", "genesis", "sampling"})
"""Who enters, what the chain is, and when it was sampled."""
_OPEN = frozenset({"jobs.kind", "job_events.state", "jobs.queue", "executions.queue", "metric_points.labels"})
"""Words of ours that no constraint holds."""


def _tables(connection: sa.Connection) -> list[sa.Table]:
    found = sa.MetaData(schema=SCHEMA)
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name not in _ENTRY]


def unheard_words(connection: sa.Connection) -> None:
    """Every text that a constraint bounds, and every small number, becomes one that nobody knows."""
    inspector = sa.inspect(connection)
    for table in _tables(connection):
        checks = inspector.get_check_constraints(table.name, SCHEMA)
        for one in checks:
            connection.exec_driver_sql(f'alter table {SCHEMA}.{table.name} drop constraint "{one["name"]}"')
        text = " ".join(one["sqltext"] for one in checks)
        values: dict[str, object] = {}
        for column in table.columns:
            if column.primary_key or column.foreign_keys or column.unique:
                continue
            if isinstance(column.type, sa.Text) and (column.name in text or f"{table.name}.{column.name}" in _OPEN):
                values[column.name] = WORD
            if isinstance(column.type, sa.SmallInteger):
                values[column.name] = NUMBER
        if values:
            connection.execute(sa.update(table).values(values))


def nothing_anywhere(connection: sa.Connection) -> None:
    """Everything that may be missing is."""
    inspector = sa.inspect(connection)
    for table in _tables(connection):
        for one in inspector.get_check_constraints(table.name, SCHEMA):
            connection.exec_driver_sql(f'alter table {SCHEMA}.{table.name} drop constraint "{one["name"]}"')
        nullable = [column.name for column in table.columns if column.nullable and not column.primary_key]
        if nullable:
            connection.execute(sa.update(table).values(dict.fromkeys(nullable, sa.null())))
