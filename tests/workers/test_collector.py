"""The collector's thread: it collects again and again, failures or not, and ends when it is asked to."""

import threading

from accountant.services.blob_garbage import Collected
from tests.support.processes import wait_until
from workers.collector import collecting


def test_it_goes_on_after_a_failure_and_ends_in_time() -> None:
    """A round that fails is one of many; after the block no further round begins."""
    rounds: list[int] = []
    stop = threading.Event()

    def collect() -> Collected:
        rounds.append(1)
        if len(rounds) == 2:
            raise OSError("the store is away")
        return Collected(blobs=1)

    with collecting(collect, stop, every_s=0.01):
        wait_until(lambda: len(rounds) >= 4)
    assert stop.is_set()
    assert not any("collecting" in thread.name for thread in threading.enumerate())
