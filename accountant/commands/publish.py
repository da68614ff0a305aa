"""`accountant publish`: swears answers and claims bounties until SIGTERM, with what `accountant sign` signs for it."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from types import FrameType
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
import structlog
import typer
from sqlalchemy.exc import OperationalError

from accountant.index.port import ChainIndex
from accountant.logs import configure_logs
from accountant.monitoring.presence import BALANCE, LOW, PUBLISHER, ServiceBeat
from accountant.node import client as node
from accountant.primitives.types import Address, Amount, ContractId, Gas, Height
from accountant.services.bounty_policy import BountyPolicy
from accountant.services.claims import Claims
from accountant.services.policy import JobPolicy
from accountant.services.publish import Publisher, PublisherNode, PublisherPolicy, SignerAccount
from accountant.services.signer_socket import SocketSigner
from accountant.services.signing import Signer
from accountant.services.submit import NodeDown, Refused
from accountant.settings import BOUNTIES_ALL, BOUNTIES_OFF, Settings, load_settings
from accountant.storage.database import Database, engine_of
from accountant.storage.index import NoChain, PostgresIndex
from accountant.storage.observed_gas import PostgresObservedGas
from accountant.storage.outcomes import PostgresOutcomes
from accountant.tracing import spans

app = typer.Typer()

INTERVAL_S = 1.0
_CONNECTIONS_MAX = 2

_log = structlog.get_logger(__name__)

T = TypeVar("T")


@app.command()
def publish() -> None:
    """Swear finished answers on chain, and answer bounties if `ANH_BOUNTIES` says so, until SIGTERM."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "publisher")
    spans.begin(settings.traces_url, "publisher")
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    signer = SocketSigner(settings.signer_folder)
    engine = engine_of(settings.database)
    with Database(settings.database, _CONNECTIONS_MAX) as database, BlockingNode(settings.node) as chain:
        _log.info("publisher_started", bounties=settings.bounties)
        index = PostgresIndex(database)
        publisher = Publisher(engine, index, chain, signer, policy_of(settings))
        with _claims(settings, engine, database, index, chain, signer) as claims:
            run_publisher(publisher, stop, claims=claims, beat=ServiceBeat(engine, PUBLISHER).beat)
    signer.close()
    engine.dispose()
    spans.end()


def run_publisher(
    publisher: Publisher,
    stop: threading.Event,
    interval_s: float = INTERVAL_S,
    claims: Claims | None = None,
    beat: Callable[..., None] = lambda *_, **__: None,
) -> None:
    """Rounds until `stop`. What is down now is asked again in the next round; nothing signed is lost.

    What `claims` sign is submitted by the publisher. `beat`: told after each round what keeps answers from being sworn.
    """
    while not stop.is_set():
        try:
            if claims is not None:
                claims.round()
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


@contextmanager
def _claims(
    settings: Settings, engine: sa.Engine, database: Database, index: ChainIndex, chain: PublisherNode, signer: Signer
) -> Iterator[Claims | None]:
    """What answers bounties, if any are to be. Outcomes are opened at first use: the chain may not be there yet."""
    policy = bounty_policy_of(settings)
    if policy is None:
        yield None
        return
    outcomes = cache(partial(PostgresOutcomes, database))
    observed = PostgresObservedGas(database).before
    jobs = JobPolicy(attempts_most=settings.job_attempts)
    yield Claims(engine, index, lambda: outcomes().current(), observed, chain, signer, policy, jobs)
    if outcomes.cache_info().currsize:
        outcomes().close()


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


def bounty_policy_of(settings: Settings) -> BountyPolicy | None:
    """Which bounties are answered by these settings; None: none is."""
    if settings.bounties == BOUNTIES_OFF:
        return None
    listed = (ContractId(bytes.fromhex(name[2:])) for name in settings.bounties.split() if name != BOUNTIES_ALL)
    return BountyPolicy(
        contracts=None if settings.bounties == BOUNTIES_ALL else frozenset(listed),
        bond=Amount(settings.bounty_bond),
        bonded_most=Amount(settings.bounty_bonded_most),
        fee=Amount(settings.bounty_fee),
        gas=Gas(settings.bounty_gas),
        gain=Amount(settings.bounty_gain),
        blocks=settings.bounty_blocks,
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
