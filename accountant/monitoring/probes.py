"""What is asked of others than the database: the node, the broker, the disk. No answer is an answer too."""

import shutil
from pathlib import Path
from typing import NamedTuple

import httpx
import redis

from accountant.settings import Settings
from accountant.storage.hot import redis_of

TIMEOUT_S = 2.0


class Probed(NamedTuple):
    """What was found, None where nothing answered."""

    node_height: int | None = None
    mempool: int | None = None
    """Transactions that wait for a block."""
    broker_up: bool = False
    disk_free: int | None = None
    """Bytes, of the disk that holds the data folder."""
    disk_size: int | None = None


class Probes:
    """Asks; for one thread. Each answer takes 2 s at most."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data_dir
        self._node = httpx.Client(base_url=settings.node, timeout=TIMEOUT_S, trust_env=False)
        self._broker: redis.Redis | None = None if settings.redis_url is None else redis_of(settings.redis)

    def ask(self) -> Probed:
        """Everything, once."""
        height, waiting = self._head(), None
        if height is not None:
            waiting = self._number("/mempool", "transactions")
        free, size = _disk(self._folder)
        return Probed(height, waiting, self._ping(), free, size)

    def close(self) -> None:
        """Ends the connections."""
        self._node.close()
        if self._broker is not None:
            self._broker.close()

    def _head(self) -> int | None:
        return self._number("/head", "height")

    def _number(self, path: str, field: str) -> int | None:
        try:
            answer = self._node.get(path)
            found = answer.raise_for_status().json()[field]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None
        return found if type(found) is int else None

    def _ping(self) -> bool:
        try:
            return self._broker is not None and bool(self._broker.ping())
        except redis.RedisError:
            return False


def _disk(folder: Path) -> tuple[int, int] | tuple[None, None]:
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return None, None
    return found.free, found.total
