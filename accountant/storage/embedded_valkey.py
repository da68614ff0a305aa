"""Valkey from its wheel: broker and hot cache, on loopback, with a password, keeping nothing on disk.

Nothing is lost when it forgets: jobs, outcomes and the outbox are rows in Postgres, and what was only here is
published or computed again. Memory is bounded by evicting keys that have a time to live, which are the cache's and
never the broker's.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress

import redis

from accountant.processes import child
from accountant.processes.ledger import Ledger
from accountant.processes.ports import free_port, is_free
from accountant.storage.embedded_postgres import tail
from accountant.storage.place import Place, ServersUnavailable, give_to, private_log

_START_S = 30.0
_START_ATTEMPTS = 5
_POLL_S = 0.02
_STOP = ((signal.SIGTERM, 5.0),)


class EmbeddedValkey:
    """One Valkey."""

    def __init__(self, place: Place, ledger: Ledger, password: str) -> None:
        self._place = place
        self._ledger = ledger
        self._password = password
        self._folder = place.folder / "valkey"
        self._log = place.folder / "valkey.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self, port: int) -> None:
        """Starts it, on `port` if that is free, and returns when it answers."""
        self._folder.mkdir(exist_ok=True)
        give_to(self._place.user, self._folder, 0o700)
        for _ in range(_START_ATTEMPTS):
            self.port = port if port and is_free(port) else free_port()
            self._spawn()
            if self._answers_in_time():
                return
        raise ServersUnavailable(f"Valkey did not start; the end of its log:\n{tail(self._log)}")

    def stop(self) -> None:
        """Stops it. Nothing happens if it does not run."""
        if self._process is not None:
            child.end(self._process, _STOP)
            self._process = None
            self._ledger.remove("valkey")

    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def url(self) -> str:
        """The URL of database 0, for redis-py and Celery alike."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def _spawn(self) -> None:
        """The password goes into a file for the server alone: arguments can be read by every local user."""
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self._password,
            "save": '""',
            "appendonly": "no",
            "maxmemory": "512mb",
            "maxmemory-policy": "volatile-lru",
            "daemonize": "no",
        }
        configuration = self._folder / "valkey.conf"
        configuration.touch(mode=0o600)
        give_to(self._place.user, configuration, 0o600)
        configuration.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        with private_log(self._log) as log:
            self._process = child.start(
                [str(self._place.programs.valkey), str(configuration)],
                environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
                log=log,
                parent_death_signal=signal.SIGTERM,
                user=self._place.user,
                folder=self._folder,
            )
        self._ledger.add("valkey", self._process.pid)

    def _answers_in_time(self) -> bool:
        deadline = time.monotonic() + _START_S
        with redis.Redis.from_url(self.url, socket_timeout=5) as client:
            while self.is_running() and time.monotonic() < deadline:
                with suppress(redis.ConnectionError, redis.TimeoutError):
                    client.ping()
                    return True
                time.sleep(_POLL_S)
        self.stop()
        return False
