"""Alembic's environment: one linear history for every schema of the project.

A part that brings its own tables adds their metadata to `TARGETS` and a revision after the last one.
The connection comes from `accountant.storage.database.migrate`, or from DATABASE_URL on the command line.
"""

import os

from alembic import context
from sqlalchemy import Connection, text

from accountant.storage import (
    admin_tables,
    agreement_tables,
    audit_tables,
    blob_tables,
    job_tables,
    metric_tables,
    oath_tables,
    tables,
)
from accountant.storage.database import engine_of

assert job_tables.jobs.metadata is oath_tables.oaths.metadata is tables.metadata
assert agreement_tables.epoch.metadata is audit_tables.oath_verdicts.metadata is tables.metadata
assert admin_tables.admin_users.metadata is blob_tables.blobs.metadata is tables.metadata
assert metric_tables.metric_points.metadata is tables.metadata
TARGETS = [tables.metadata]
SCHEMAS = {metadata.schema for metadata in TARGETS}


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "schema" or name in SCHEMAS


def _run(connection: Connection) -> None:
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {tables.SCHEMA}"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=TARGETS,
        include_schemas=True,
        include_name=_ours,
        version_table_schema=tables.SCHEMA,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    engine = engine_of(os.environ["DATABASE_URL"])
    with engine.connect() as opened:
        _run(opened)
    engine.dispose()
