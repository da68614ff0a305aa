"""`accountant api`: the REST API until SIGTERM."""

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

import redis
import structlog
import typer
import uvicorn
from anyio import from_thread

from accountant.api.app import create_app
from accountant.api.protocol import ProblemProtocol
from accountant.api.resources import Resources
from accountant.explorer.app import create_explorer
from accountant.explorer.resources import ExplorerResources
from accountant.logs import configure_logs
from accountant.node import client as node
from accountant.primitives.types import Hash
from accountant.services.executor_blobs import ExecutorBlobs
from accountant.services.submit import Forward, NodeDown, Refused
from accountant.settings import Settings, load_settings
from accountant.storage.database import Database, engine_of
from accountant.storage.index import PostgresIndex
from accountant.storage.observed_gas import PostgresObservedGas
from accountant.storage.outcomes import PostgresOutcomes
from accountant.tracing import spans
from workers.lifecycle import blobs_of, policy_of

app = typer.Typer()

T = TypeVar("T")

_log = structlog.get_logger(__name__)

_CONNECTIONS_MAX = 8
_REDIS_TIMEOUT_S = 2.0
_KEEP_ALIVE_S = 60
"""Longer than clients keep an idle connection (httpx: 5 s), lest they send into one that is being closed."""
_STOP_S = 5
"""What is still open then, event streams above all, is cut."""


@app.command()
def api() -> None:
    """Serve the REST API."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "api")
    spans.begin(settings.traces_url, "api")
    asyncio.run(_serve(settings))
    spans.end()


async def _serve(settings: Settings) -> None:
    engine = engine_of(settings.database)
    broker = redis.Redis.from_url(settings.redis, socket_timeout=_REDIS_TIMEOUT_S)
    with Database(settings.database, _CONNECTIONS_MAX) as database, broker:
        index = once_there(lambda: PostgresIndex(database), lambda made: made.genesis)
        blobs = blobs_of(settings, engine)
        outcomes = once_there(lambda: PostgresOutcomes(database, broker, blobs=ExecutorBlobs(blobs)), lambda made: made)
        async with node.NodeClient(settings.node) as client:
            resources = Resources(
                engine=engine,
                index=index,
                outcomes=lambda: outcomes().current(),
                observed=PostgresObservedGas(database).before,
                forward=forwarding(client),
                policy=policy_of(settings),
                gas_per_second=settings.gas_per_second,
                probes={"database": lambda: engine.connect().close(), "broker": broker.ping, "chain": index},
                blobs=blobs,
            )
            public = ExplorerResources(
                engine, index, resources.outcomes, resources.policy, settings.public_gas, settings.redis
            )
            config = uvicorn.Config(
                create_app(resources, create_explorer(public)),
                host=settings.api_host,
                port=settings.api_port,
                log_config=None,
                access_log=False,
                http=ProblemProtocol,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_STOP_S,
            )
            await EndingServer(config).serve()
    engine.dispose()


class EndingServer(uvicorn.Server):
    """Ends as a success when it is asked to stop: uvicorn itself would raise the signal again and cut the clean-up."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield
        for number in numbers:
            loop.remove_signal_handler(number)


def forwarding(client: node.NodeClient) -> Forward:
    """Forwards from a route's thread to the asynchronous client, and speaks of its errors in our words."""

    def forward(raw: bytes) -> Hash:
        try:
            return from_thread.run(client.submit, raw)
        except node.Refused as error:
            raise Refused(error.reason, error.status, error.detail) from None
        except (node.NodeUnavailable, node.NodeAnswerInvalid) as error:
            _log.warning("node_unavailable", error=error.detail)  # it names our node's address: not for clients
            raise NodeDown("the node cannot take transactions now: send the same one again later") from None

    return forward


def once_there(make: Callable[[], T], check: Callable[[T], object]) -> Callable[[], T]:
    """What `make` makes, when it is first asked for and the chain is there. Raises `NoChain` until then."""
    made: list[T] = []

    def get() -> T:
        if not made:
            made.append(make())
        check(made[0])
        return made[0]

    return get
