"""The collector's loop, in a thread beside the dispatcher's: it may wait for a store that is far away."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from accountant.services.blob_garbage import Collected

EVERY_S = 600.0
_STOP_S = 10.0

_log = structlog.get_logger(__name__)


@contextmanager
def collecting(collect: Callable[[], Collected], stop: threading.Event, every_s: float = EVERY_S) -> Iterator[None]:
    """Collects at once and then again and again until `stop` is set. Several processes may do so at once."""

    def run() -> None:
        while True:
            try:
                collected = collect()
            except Exception as error:  # the next round may go better, and the dispatcher must go on
                _log.warning("collection_failed", error=type(error).__name__, detail=str(error)[:200])
            else:
                if any(collected):
                    _log.info("collected", **collected._asdict())
            if stop.wait(every_s):
                return

    thread = threading.Thread(target=run, name="collecting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_STOP_S)
