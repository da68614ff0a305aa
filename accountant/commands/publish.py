"""`accountant publish`: swears finished answers until SIGTERM, with what `accountant sign` signs for it."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any, TypeVar

import psycopg
import structlog
import typer
from sqlalchemy.exc import OperationalError

from accountant.logs import configure_logs
from accountant.monitoring.presence import BALANCE, LOW, PUBLISHER, ServiceBeat
from accountant.node import client as node
from accountant.primitives.types import Address, Amount, Height
from accountant.services.publish import Publisher, PublisherPolicy, SignerAccount
from accountant.services.signer_socket import SocketSigner
from accountant.services.submit import NodeDown, Refused
from accountant.settings import Settings, load_settings
from accountant.storage.database import Database, engine_of
from accountant.storage.index import NoChain, PostgresIndex

app = typer.Typer()

INTERVAL_S = 1.0
_CONNECTIONS_MAX = 2

_log = structlog.get_logger(__name__)

T = TypeVar("T")


@app.command()
def publish() -> None:
    """Swear finished answers on chain, until SIGTERM."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "publisher")
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    signer = SocketSigner(settings.signer_folder)
    engine = engine_of(settings.database)
    with Database(settings.database, _CONNECTIONS_MAX) as database, BlockingNode(settings.node) as chain:
        _log.info("publisher_started")
        publisher = Publisher(engine, PostgresIndex(database), chain, signer, policy_of(settings))
        run_publisher(publisher, stop, beat=ServiceBeat(engine, PUBLISHER).beat)
    signer.close()
    engine.dispose()


def run_publisher(
    publisher: Publisher,
    stop: threading.Event,
    interval_s: float = INTERVAL_S,
    beat: Callable[..., None] = lambda *_, **__: None,
) -> None:
    """Rounds until `stop`. What is down now is asked again in the next round; nothing signed is lost.

    `beat`: told after each round what keeps answers from being sworn.
    """
    while not stop.is_set():
        try:
            done = publisher.round()
            beat(done.stopped, **{LOW: done.low, BALANCE: done.left})
        except (NodeDown, NoChain) as error:
            _log.warning("publisher_waits", code=error.code, detail=error.detail)
            with suppress(OperationalError):
                publisher.waits(error)
            _beat_anyway(beat, error.code)
        except (OperationalError, psycopg.OperationalError) as error:
            _log.warning("publisher_waits", code="database_unavailable", detail=type(error).__name__)
        stop.wait(interval_s)


def _beat_anyway(beat: Callable[..., None], code: str) -> None:
    with suppress(OperationalError):
        beat(code)


def policy_of(settings: Settings) -> PublisherPolicy:
    """The publisher's policy of these settings."""
    return PublisherPolicy(
        penalty=Amount(settings.oath_penalty),
        deposit=Amount(settings.oath_deposit),
        deposited_most=Amount(settings.oath_deposited_most),
        alarm=Amount(settings.oath_alarm),
    )


class BlockingNode:
    """A `PublisherNode` over the asynchronous client, for a process that does one thing at a time."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._client = self._runner.run(_connected(url))

    def __enter__(self) -> "BlockingNode":
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    def account(self, address: Address) -> SignerAccount:
        """Nonces and zero-cost balance of the signer. Raises `NodeDown`."""
        view = self._run(self._client.account(address))
        return SignerAccount(view.nonce, view.pending_nonce, view.zero_balance)

    def height(self) -> Height:
        """The height of the node's last block. Raises `NodeDown`."""
        return Height(self._run(self._client.head()).height)

    def submit(self, raw: bytes) -> None:
        """Hands in a transaction. Raises `Refused`, `NodeDown`."""
        self._run(self._client.submit(raw))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._runner.run(work)
        except node.Refused as error:
            raise Refused(error.reason, error.status, error.detail) from None
        except (node.NodeUnavailable, node.NodeAnswerInvalid) as error:
            raise NodeDown(error.detail) from None


async def _connected(url: str) -> node.NodeClient:
    return node.NodeClient(url)
