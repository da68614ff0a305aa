"""Postgres: one pool of connections, statements written in SQLAlchemy and run by psycopg, migrations.

Statements are SQLAlchemy Core over the typed tables, compiled once; psycopg prepares and runs them, which
keeps a look-up near the price of the round trip.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import ClauseElement

from accountant.primitives.errors import AccountantError

ALEMBIC_INI = Path(__file__).resolve().parents[2] / "alembic.ini"

MIGRATION_LOCK = 0x616E_685F_6D69  # "anh_mi": one process migrates, the others wait for it
CONNECT_TIMEOUT_S = 5

Parameters = Mapping[str, object]

_dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]


def compiled(statement: ClauseElement) -> str:
    """The SQL text of a Core statement, with psycopg's named parameters; integers that it holds are written out."""
    done = statement.compile(dialect=_dialect)
    text = str(done)
    for name, value in done.params.items():
        if value is not None:
            assert type(value) is int, f"{name}: give it when the statement runs"
            text = text.replace(f"%({name})s", str(value))
    return text


def plain_url(url: str) -> str:
    """`url` as libpq reads it: without SQLAlchemy's driver name."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def engine_of(url: str, connections: int = 5, trusted_s: float = 0.0) -> Engine:
    """A SQLAlchemy engine over psycopg 3, which keeps so many connections.

    Before a connection is used it is asked whether it still lives, unless it was used in the last `trusted_s` seconds.
    """
    engine = create_engine(
        "postgresql+psycopg://" + plain_url(url).split("://", 1)[1],
        pool_size=connections,
        pool_pre_ping=not trusted_s,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
    )
    if trusted_s:
        _trust(engine, trusted_s)
    return engine


def reading(engine: Engine) -> Engine:
    """The same pool of connections for single statements: each is a transaction of its own, and none is begun."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _trust(engine: Engine, seconds: float) -> None:
    @sa.event.listens_for(engine, "checkin")
    def used(_connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def ask(connection: Any, record: sa.pool.ConnectionPoolEntry, _proxy: object) -> None:
        now = time.monotonic()
        if now - record.info.get("used", now) > seconds:
            try:
                engine.dialect.do_ping(connection)
            except psycopg.Error as error:  # the pool then makes new ones
                raise sa.exc.InvalidatePoolError(str(error)) from None


class DatabaseUnreachable(AccountantError):
    """DATABASE_URL is no address of a Postgres, or nobody lets us in there."""

    code = "database_unreachable"


class Database:
    """A pool of autocommitting connections. For one process: make a new one after a fork or spawn."""

    def __init__(self, url: str, connections_max: int = 4) -> None:
        """`url`: postgresql://… . Connections are made at first use."""
        self.url = plain_url(url)
        self._pool: ConnectionPool[Connection[TupleRow]] = ConnectionPool(
            self.url,
            min_size=1,
            max_size=connections_max,
            open=False,
            kwargs={"autocommit": True, "connect_timeout": CONNECT_TIMEOUT_S, "prepare_threshold": 2},
        )
        self._opened = False

    @contextmanager
    def connection(self) -> Iterator[Connection[TupleRow]]:
        """One connection of the pool, in autocommit mode."""
        if not self._opened:
            self._pool.open()
            self._opened = True
        with self._pool.connection() as connection:
            yield connection

    def fetch(self, sql: str, parameters: Parameters | None = None) -> list[TupleRow]:
        """All rows of a statement that may be run twice: if the server dropped the connection, it is, on a new one."""
        try:
            return self._fetch(sql, parameters)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self._pool.check()
            return self._fetch(sql, parameters)

    def _fetch(self, sql: str, parameters: Parameters | None) -> list[TupleRow]:
        with self.connection() as connection:
            return connection.execute(sql, parameters, binary=True).fetchall()

    def fetch_one(self, sql: str, parameters: Parameters | None = None) -> TupleRow | None:
        """The first row that `fetch` gives."""
        rows = self.fetch(sql, parameters)
        return rows[0] if rows else None

    def close(self) -> None:
        """Give all connections back to the server."""
        self._pool.close()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _engine_of_a_postgres(url: str) -> Engine:
    if not plain_url(url).startswith(("postgresql://", "postgres://")):
        raise DatabaseUnreachable("DATABASE_URL is not of the form postgresql://user:password@host:port/name")
    try:
        return engine_of(url)
    except (sa.exc.ArgumentError, ValueError):  # it would repeat the URL
        raise DatabaseUnreachable("DATABASE_URL: its parts cannot be told from each other") from None


def _reached(engine: Engine) -> sa.Connection:
    try:
        return engine.connect()
    except sa.exc.OperationalError as error:
        raise DatabaseUnreachable("DATABASE_URL: " + " ".join(str(error.orig).split())) from None


def migrate(url: str) -> None:
    """Bring the schema to the newest revision. Safe to call from several processes at once.

    Raises `DatabaseUnreachable`, which repeats no password.
    """
    engine = _engine_of_a_postgres(url)
    try:
        with _reached(engine) as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
            connection.commit()
            config = Config(ALEMBIC_INI)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
