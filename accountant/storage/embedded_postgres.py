"""Postgres from its wheel, under a folder of ours: scram passwords, loopback only, a plain role to hand out.

The wheel's programs are driven directly. Its Python wrapper would trust every local user, put the socket into an
open temporary folder, hand out a superuser and open all folders above the data.
"""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql

from accountant.processes import child
from accountant.processes.ledger import Ledger
from accountant.processes.ports import free_port, is_free
from accountant.storage.place import Place, ServersUnavailable, give_to, private_log

_SUPERUSER = "postgres"
ROLE = "anh"
DATABASE = "anh"
_START_S = 120.0  # recovery after a crash reads the log since the last checkpoint
_START_ATTEMPTS = 5
_POLL_S = 0.03
# fast shutdown, then immediate shutdown (recovery at the next start)
STOP = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))


def url_of(password: str, port: int, database: str = DATABASE) -> str:
    """SQLAlchemy's URL of the plain role and one of its databases."""
    return f"postgresql+psycopg://{ROLE}:{password}@127.0.0.1:{port}/{database}"


class EmbeddedPostgres:
    """One Postgres. `durable=False` gives up safety against a power cut for speed: for tests only."""

    def __init__(self, place: Place, ledger: Ledger, secrets_: dict[str, str], *, durable: bool) -> None:
        self._place = place
        self._ledger = ledger
        self._secrets = secrets_
        self._durable = durable
        self._data = place.folder / "postgres"
        self._log = place.folder / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self, port: int) -> None:
        """Starts it, on `port` if that is free, and returns when it answers. Makes cluster and role at first."""
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        for attempt in range(_START_ATTEMPTS):
            self.port = port if port and is_free(port) else free_port()
            self._spawn()
            if self._answers_in_time():
                self._ensure_role()
                return
            time.sleep(0.2 * attempt)  # a dying predecessor may hold the shared memory for a moment
        raise ServersUnavailable(f"Postgres did not start; the end of its log:\n{tail(self._log)}")

    def stop(self) -> None:
        """Stops it: open transactions are rolled back. Nothing happens if it does not run."""
        if self._process is not None:
            child.end(self._process, STOP)
            self._process = None
            self._ledger.remove("postgres")

    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of the plain role and its database."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """SQLAlchemy's URL of the plain role and any database that it owns."""
        return url_of(self._secrets["role"], self.port, database)

    def create_database(self, name: str, template: str = "template1") -> str:
        """A new database, owned by the plain role, copied from `template`; returns its URL."""
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        with self._administration() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(ROLE), sql.Identifier(template)))
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Drops a database and whatever is connected to it."""
        with self._administration() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _initialise(self) -> None:
        """Makes the cluster. A torn earlier attempt (a crash in initdb) is done away with by making a new folder."""
        draft = self._place.folder / f"postgres-{secrets.token_hex(4)}.draft"
        draft.mkdir()
        give_to(self._place.user, draft, 0o700)
        password = draft.with_suffix(".password")
        password.touch(mode=0o600)
        give_to(self._place.user, password, 0o600)
        password.write_text(self._secrets["superuser"])
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-instructions"]
        options += [f"--username={_SUPERUSER}", f"--pwfile={password}"]
        if not self._durable:
            options.append("--no-sync")
        with private_log(self._log) as log:
            process = child.start(
                [str(self._place.programs.postgres / "initdb"), "-D", str(draft), *options],
                environment=_environment(),
                log=log,
                parent_death_signal=signal.SIGKILL,
                user=self._place.user,
                folder=self._place.folder,
            )
            status = process.wait()
        password.unlink()
        if status != 0:
            raise ServersUnavailable(f"initdb failed; the end of its log:\n{tail(self._log)}")
        draft.rename(self._data)

    def _spawn(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "shared_buffers": "256MB" if self._durable else "64MB",
            "max_wal_size": "2GB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with private_log(self._log) as log:
            self._process = child.start(
                [str(self._place.programs.postgres / "postgres"), "-D", str(self._data), *arguments],
                environment=_environment(),
                log=log,
                parent_death_signal=signal.SIGINT,
                user=self._place.user,
                folder=self._place.folder,
            )
        self._ledger.add("postgres", self._process.pid)

    def _answers_in_time(self) -> bool:
        deadline = time.monotonic() + _START_S
        while self.is_running() and time.monotonic() < deadline:
            with suppress(psycopg.OperationalError), self._administration():
                return True
            time.sleep(_POLL_S)
        self.stop()
        return False

    def _ensure_role(self) -> None:
        """Makes the plain role and its database. Only a hash of the password travels, so no log can hold it."""
        with self._administration() as connection:
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone()
            if known is None:
                hashed = connection.pgconn.encrypt_password(
                    self._secrets["role"].encode(), ROLE.encode(), b"scram-sha-256"
                ).decode()
                statement = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(ROLE), sql.Literal(hashed)))
            made = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if made is None:
            self.create_database(DATABASE)

    @contextmanager
    def _administration(self) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
        """A superuser's connection, which nothing outside this class ever gets."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=_SUPERUSER,
            password=self._secrets["superuser"],
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        ) as connection:
            yield connection


def _environment() -> dict[str, str]:
    """Postgres gets nothing of our environment but the search path: PG* variables would change its behaviour."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def tail(log: Path, size: int = 2000) -> str:
    """The last `size` bytes of a log file, for an error that says why a server did not start."""
    try:
        return log.read_bytes()[-size:].decode(errors="replace")
    except OSError:
        return "(no log)"
