"""The dispatcher's loop: publish what is due, and sweep now and then. Several may run at once."""

import threading
import time
from collections.abc import Callable

import redis
import sqlalchemy as sa
import structlog
from kombu.exceptions import OperationalError

from accountant.services.dispatch import BATCH, Publish, dispatch
from accountant.services.policy import JobPolicy
from accountant.services.sweep import sweep
from workers.broker import BrokerMemory

IDLE_S = 0.1
PAUSE_S = 1.0
"""After a failure of the database or the broker."""

_log = structlog.get_logger(__name__)


def run_dispatcher(
    engine: sa.Engine,
    publish: Publish,
    memory: BrokerMemory,
    policy: JobPolicy,
    stop: threading.Event,
    sweep_every_s: float = 2.0,
    beat: Callable[[], None] = lambda: None,
) -> None:
    """Runs until `stop` is set. Failures of the database or the broker are waited out. `beat`: after each round."""
    sweep_at = time.monotonic()
    while not stop.is_set():
        try:
            if time.monotonic() >= sweep_at:
                sweep_at = time.monotonic() + sweep_every_s
                _sweep(engine, memory, policy)
            taken = dispatch(engine, publish)
            beat()
        except (sa.exc.DBAPIError, redis.RedisError, OperationalError) as error:
            _log.warning("dispatch_failed", error=type(error).__name__, detail=str(error)[:200])
            stop.wait(PAUSE_S)
            continue
        if taken < BATCH:
            stop.wait(IDLE_S)


def _sweep(engine: sa.Engine, memory: BrokerMemory, policy: JobPolicy) -> None:
    forgot = memory.forgot()
    swept = sweep(engine, policy, forgot)
    if forgot:
        memory.remember()
    if any(swept):
        _log.info("swept", broker_forgot=forgot, **swept._asdict())
