"""The embedded default: a real Postgres and a real Valkey under one folder, so that there is no second code path.

    with EmbeddedServers(Path("data/servers")) as servers:
        engine = create_engine(servers.database_url)

The folder belongs to one living process at a time. Servers that a killed owner left behind are ended at the next
start (on Linux the kernel ends them at once). Passwords are made at first start and kept in a file for the owner.
"""

import json
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from accountant.processes.ledger import Ledger
from accountant.processes.lock import FolderLock
from accountant.storage.embedded_postgres import STOP, EmbeddedPostgres, url_of
from accountant.storage.embedded_valkey import EmbeddedValkey
from accountant.storage.place import prepare

_SECRET_BYTES = 24


def last_database_url(folder: Path) -> str | None:
    """Where the servers of this folder have, or last had, their database; None if they never ran.

    For whoever looks after an accountant that somebody else started. Whether it answers is another question.
    """
    port = _ports(folder / "ports.json").get("postgres")
    if port is None or not (folder / "secrets.json").exists():
        return None
    return url_of(_secrets(folder / "secrets.json")["role"], port)


class EmbeddedServers:
    """A Postgres and a Valkey under `folder`, which is made if missing; as many pairs as there are folders.

    Start it from a thread that lives as long as the servers should: they are tied to its life.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._folder = folder
        self._durable = durable
        self._lock: FolderLock | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._valkey: EmbeddedValkey | None = None

    def start(self) -> Self:
        """Ends orphans, starts both servers, and returns when both answer.

        Raises `FolderInUse` if a living process owns the folder, `ServersUnavailable` if a server cannot run here.
        """
        place = prepare(self._folder)
        self._lock = FolderLock(place.folder / "owner.lock")
        self._lock.acquire()
        try:
            ledger = Ledger(place.folder / "ledger.json")
            ledger.end_orphans(STOP)
            words = _secrets(place.folder / "secrets.json")
            ports = _ports(place.folder / "ports.json")
            self._postgres = EmbeddedPostgres(place, ledger, words, durable=self._durable)
            self._valkey = EmbeddedValkey(place, ledger, words["valkey"])
            self._valkey.start(ports.get("valkey", 0))
            self._postgres.start(ports.get("postgres", 0))
            _write(
                place.folder / "ports.json",
                json.dumps({"postgres": self._postgres.port, "valkey": self._valkey.port}),
            )
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stops both and gives the folder free; nothing happens if they do not run."""
        for server in (self._postgres, self._valkey):
            if server is not None:
                server.stop()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def revive(self) -> tuple[str, ...]:
        """Starts again, on the same port, whichever server has died; returns the names of those that had."""
        revived = []
        for name, server in (("valkey", self._valkey), ("postgres", self._postgres)):
            if server is not None and not server.is_running():
                server.start(server.port)
                revived.append(name)
        return tuple(revived)

    @property
    def database_url(self) -> str:
        """`postgresql+psycopg://…` of a role that is no superuser and owns its one database."""
        assert self._postgres is not None, "not started"
        return self._postgres.url

    @property
    def redis_url(self) -> str:
        """`redis://…` with its password."""
        assert self._valkey is not None, "not started"
        return self._valkey.url

    def create_database(self, name: str, template: str = "template1") -> str:
        """A new database of the same role, copied from the database `template`; returns its URL."""
        assert self._postgres is not None, "not started"
        return self._postgres.create_database(name, template)

    def drop_database(self, name: str) -> None:
        """Drops a database and whatever is connected to it."""
        assert self._postgres is not None, "not started"
        self._postgres.drop_database(name)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _secrets(path: Path) -> dict[str, str]:
    """The passwords, made at first start. Hexadecimal, so that no URL or configuration file needs quoting."""
    if not path.exists():
        words = {name: secrets.token_hex(_SECRET_BYTES) for name in ("superuser", "role", "valkey")}
        _write(path, json.dumps(words))
    loaded: dict[str, str] = json.loads(path.read_text())
    return loaded


def _ports(path: Path) -> dict[str, int]:
    """The ports of the last run, tried first so that URLs stay the same; none if the file is missing or torn."""
    try:
        return {str(name): int(port) for name, port in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _write(path: Path, text: str) -> None:
    """Writes a file for its owner alone, atomically."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
