"""What a worker's process has for tensors. It may make a worker refuse work; it never changes what comes of any."""

from typing import NamedTuple

from accountant.contracts.tensor_means import Checkpoints, NoCheckpoints
from accountant.storage.jobs import ROOM_MOST


class WorkerMeans(NamedTuple):
    """`room_bytes`: tensors that fit, as transactions count them; None: whatever a transaction may hold."""

    room_bytes: int | None = None
    checkpoints: Checkpoints = NoCheckpoints()

    @property
    def room(self) -> int:
        """The room as a number."""
        return ROOM_MOST if self.room_bytes is None else self.room_bytes


ANY_ROOM = WorkerMeans()


def needs_more_than(room_bytes: int) -> str:
    """What work waits for that a worker with so much room handed on, for people."""
    return f"for a worker with room for more than {room_bytes / 2**20:,.0f} MiB of tensors"
