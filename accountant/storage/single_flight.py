"""Single flight: one execution of a transaction at a time, over all processes and machines.

A Redis key with an expiry is the lock, renewed by a thread while it is held; a Postgres advisory lock stands in
where Redis is away. Neither is needed for correctness: an outcome is a pure function of the chain and is stored
idempotently, so a lock that is lost costs a repeated execution.
"""

import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256

import psycopg

from accountant.storage.counts import FLIGHT_WAIT_MS, FLIGHT_WAITS, TALLY
from accountant.storage.database import CONNECT_TIMEOUT_S, plain_url
from accountant.storage.hot import Redis, RedisError

LEASE_S = 10.0
POLL_FIRST_S = 0.005
POLL_MOST_S = 0.2

_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
_RENEW = """
local holder = redis.call('get', KEYS[1])
if holder == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
if not holder then redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1 end
return 0
"""


class SingleFlight:
    """Locks by name. One for each process; safe for threads."""

    def __init__(self, client: Redis | None, database_url: str, space: str, lease_s: float = LEASE_S) -> None:
        """`space`: prefix of all names. `lease_s`: how long a dead holder's lock outlives it."""
        self._client = client
        self._database_url = plain_url(database_url)
        self._space = space
        self._lease_ms = int(lease_s * 1000)
        self._renewal = _Renewal(client, self._lease_ms) if client is not None else None

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Waits until the lock is free, and holds it. An exception in the block frees it as well."""
        key = f"{self._space}:flight:{name}"
        token = secrets.token_hex(16)
        if self._renewal is not None and self._take(key, token):
            self._renewal.begin(key, token)
            try:
                yield
            finally:
                self._renewal.end(key, token)
        else:
            with self._in_postgres(key):
                yield

    def _take(self, key: str, token: str) -> bool:
        """Waits for the key; false once Redis does not answer."""
        assert self._client is not None
        pause_s = POLL_FIRST_S
        began = time.monotonic()
        try:
            while not self._client.set(key, token, nx=True, px=self._lease_ms):
                time.sleep(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(2 * pause_s, POLL_MOST_S)
        except RedisError:
            return False
        if pause_s > POLL_FIRST_S:
            TALLY.add(FLIGHT_WAITS)
            TALLY.add(FLIGHT_WAIT_MS, round(1000 * (time.monotonic() - began)))
        return True

    @contextmanager
    def _in_postgres(self, key: str) -> Iterator[None]:
        """On a connection of its own, whose end frees the lock however this process ends."""
        number = int.from_bytes(sha256(key.encode()).digest()[:8], "big", signed=True)
        with psycopg.connect(self._database_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (number,))
            yield

    def close(self) -> None:
        """Ends the renewing thread."""
        if self._renewal is not None:
            self._renewal.close()


class _Renewal:
    """One thread that renews every lock this process holds, started with the first one."""

    def __init__(self, client: Redis, lease_ms: int) -> None:
        self._client = client
        self._lease_ms = lease_ms
        self._renew = client.register_script(_RENEW)
        self._release = client.register_script(_RELEASE)
        self._held: dict[str, str] = {}
        self._guard = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, key: str, token: str) -> None:
        """Renew this lock from now on."""
        with self._guard:
            self._held[key] = token
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="single flight renewal", daemon=True)
                self._thread.start()

    def end(self, key: str, token: str) -> None:
        """Free the lock if it is still ours. What Redis does not hear expires."""
        with self._guard:  # no renewal may bring the key back after this
            self._held.pop(key, None)
        with suppress(RedisError):
            self._release(keys=[key], args=[token])

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(self._lease_ms / 3000):
            with self._guard:
                names = list(self._held)
            for key in names:
                self._renew_one(key)

    def _renew_one(self, key: str) -> None:
        with self._guard, suppress(RedisError):
            token = self._held.get(key)
            if token is not None:
                self._renew(keys=[key], args=[token, self._lease_ms])
