"""`accountant dispatch`: hands jobs to the workers until SIGTERM."""

import signal
import threading
from types import FrameType

import redis
import typer

from accountant.logs import configure_logs
from accountant.monitoring.presence import DISPATCHER, ServiceBeat
from accountant.monitoring.probes import Probes
from accountant.monitoring.sampler import run_sampler
from accountant.services.blob_garbage import collect
from accountant.settings import load_settings
from accountant.storage.database import engine_of
from accountant.tracing import spans
from workers.broker import BrokerMemory, make_app, publishing
from workers.collector import collecting
from workers.dispatcher import run_dispatcher
from workers.lifecycle import blobs_of, policy_of

app = typer.Typer()


@app.command()
def dispatch() -> None:
    """Publish waiting jobs to the broker, pick up what crashes left lying, and sample the metrics."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "dispatcher")
    spans.begin(settings.traces_url, "dispatcher")
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    engine = engine_of(settings.database)
    blobs = blobs_of(settings, engine)
    probes = Probes(settings)
    sampler = threading.Thread(target=run_sampler, args=(engine, probes.ask, stop), name="sampler")
    sampler.start()
    with (
        collecting(lambda: collect(blobs), stop),
        make_app(settings) as celery,
        redis.Redis.from_url(settings.redis, socket_timeout=5.0) as client,
    ):
        beat = ServiceBeat(engine, DISPATCHER).beat
        run_dispatcher(engine, publishing(celery), BrokerMemory(client), policy_of(settings), stop, beat=beat)
    sampler.join()
    probes.close()
    engine.dispose()
    spans.end()
