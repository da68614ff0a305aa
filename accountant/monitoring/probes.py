"""What is asked of others than the database: the node, the broker, the disk. No answer is an answer too."""

import shutil
from pathlib import Path
from typing import NamedTuple

import redis

from accountant.monitoring.node_answers import AskNode, Neighbours, Status, Waiting
from accountant.settings import Settings
from accountant.storage.hot import redis_of


class Probed(NamedTuple):
    """What was found, None where nothing answered."""

    node_height: int | None = None
    mempool: int | None = None
    """Transactions that wait for a block."""
    broker_up: bool = False
    disk_free: int | None = None
    """Bytes, of the disk that holds the data folder."""
    disk_size: int | None = None
    node: Status | None = None
    """All that the node says of itself in numbers."""


class NodeSeen(NamedTuple):
    """What the node answered. `waiting` and `neighbours` are None where it told nothing of them."""

    status: Status
    waiting: Waiting | None
    neighbours: Neighbours | None


class Probes:
    """Asks; for one thread. Each answer takes a few seconds at most (`node_answers.TIMEOUT_S`)."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data_dir
        self._node = AskNode(settings.node, settings.node_token_path)
        self._broker: redis.Redis | None = None if settings.redis_url is None else redis_of(settings.redis)

    def ask(self) -> Probed:
        """Everything, once."""
        node = self._node.status()
        height, waiting = (None, None) if node is None else (node.height, node.transactions)
        free, size = _disk(self._folder)
        return Probed(height, waiting, self._ping(), free, size, node)

    def node(self, status: Status) -> NodeSeen:
        """What the node that gave this status tells beyond it."""
        return NodeSeen(status, self._node.waiting(), self._node.neighbours())

    def close(self) -> None:
        """Ends the connections."""
        self._node.close()
        if self._broker is not None:
            self._broker.close()

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
