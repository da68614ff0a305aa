"""The service on a small chain: real database, node and API on loopback, in a thread of the test's process."""

import asyncio
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec
import redis
import sqlalchemy as sa
import uvicorn
import wasmtime
from starlette.types import ASGIApp

from accountant.api.app import create_app
from accountant.api.resources import Resources
from accountant.blobs.location import open_location
from accountant.blobs.store import Store
from accountant.chain.envelope import ArgumentKind, FunctionEnvelope
from accountant.chain.genesis import Genesis, GenesisContract
from accountant.chain.state import ChainState
from accountant.chain.validator import ValidatedBlock
from accountant.client.client import AccountantClient, Json
from accountant.commands.api import forwarding
from accountant.contracts.engine import ENGINE
from accountant.execution.memory import MemoryOutcomes
from accountant.explorer.app import create_explorer
from accountant.explorer.resources import ExplorerResources
from accountant.node.app import make_app
from accountant.node.client import NodeClient
from accountant.node.keeper import Keeper
from accountant.node.process import Node
from accountant.node.store import BlockStore
from accountant.primitives.types import UNITS_PER_TOKEN, Hash
from accountant.services.api_keys import ensure_first_key
from accountant.services.attempt import Attempt
from accountant.services.blobs import Blobs, BlobTerms
from accountant.services.policy import JobPolicy
from accountant.services.questions import answering
from accountant.services.work import work
from accountant.storage.database import Database, engine_of
from accountant.storage.importer import Importer
from accountant.storage.index import PostgresIndex
from accountant.storage.observed_gas import PostgresObservedGas
from accountant.storage.outcomes import PostgresOutcomes
from tests.support.chains import (
    ALICE,
    BOB,
    CAROL,
    accept_any_module,
    call,
    contract_id,
    extend,
    genesis,
    genesis_contract,
    open_envelope,
    transfer,
)

BURNER = contract_id("burner")
TELLER = contract_id("teller")
RATE = 350
GAS_PER_SECOND = 50_000_000
PUBLIC_GAS = 1_000_000
LOOPS_PER_SECOND = 300_000_000
"""Roughly: the slow jobs of these tests take seconds, not minutes, on any machine."""

BURNER_WAT = """
(module
  (import "anh" "arg_int" (func $arg_int (param i64) (result i64)))
  (func (export "burn") (local $n i64)
    (local.set $n (call $arg_int (i64.const 0)))
    (block $end (loop $more
      (br_if $end (i64.eqz (local.get $n)))
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br $more)))))
"""

TELLER_WAT = """
(module
  (import "anh" "arg_int" (func $arg_int (param i64) (result i64)))
  (import "anh" "arg_bytes" (func $arg_bytes (param i64) (result i64)))
  (import "anh" "return_int" (func $return_int (param i64)))
  (import "anh" "return_bytes" (func $return_bytes (param i64)))
  (import "anh" "bytes_new" (func $bytes_new (param i32 i32) (result i64)))
  (import "anh" "storage_read_int" (func $storage_read_int (param i64) (result i64)))
  (import "anh" "storage_write_int" (func $storage_write_int (param i64 i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "rate")
  (func $rate (result i64) (call $bytes_new (i32.const 0) (i32.const 4)))
  (func (export "rate") (call $return_int (call $storage_read_int (call $rate))))
  (func (export "set_rate") (call $storage_write_int (call $rate) (call $arg_int (i64.const 0))))
  (func (export "pick")
    (if (i64.eqz (call $arg_int (i64.const 0)))
      (then (call $return_bytes (call $arg_bytes (i64.const 2))))
      (else (call $return_bytes (call $arg_bytes (i64.const 1)))))))
"""

BLOB_TERMS = BlobTerms(bytes_most=4 << 20, uploads_bytes_most=12 << 20)
"""Little room: tests pass it."""

JOB_TABLES = ("jobs", "outbox", "job_events", "idempotent_answers", "outcomes", "blobs", "blob_uploads")
"""Where a request or a job could leave something."""


@cache
def service_genesis() -> Genesis:
    """Alice, Bob and Carol are rich in zero-cost money; one contract burns gas as it is told, one has views."""
    envelope = open_envelope(FunctionEnvelope("burn", (ArgumentKind.INT,), (), complete=False))
    burner = genesis_contract("burner", envelope, code=bytes(wasmtime.wat2wasm(BURNER_WAT)))
    return msgspec.structs.replace(genesis(contracts=(burner, _teller())), engine=ENGINE)


def _teller() -> GenesisContract:
    """A contract that knows a rate and says what it is told."""
    envelope = open_envelope(
        FunctionEnvelope("pick", (ArgumentKind.BOOL, ArgumentKind.ACCOUNT, ArgumentKind.BYTES), (), complete=False),
        FunctionEnvelope("rate", (), (), complete=False),
        FunctionEnvelope("set_rate", (ArgumentKind.INT,), (), complete=False),
    )
    bare = genesis_contract("teller", envelope, code=bytes(wasmtime.wat2wasm(TELLER_WAT)))
    return msgspec.structs.replace(bare, slots=((b"rate", RATE.to_bytes(8, "big")),))


class SmallChain(NamedTuple):
    """The blocks after genesis, and the transactions that tests speak of."""

    blocks: list[ValidatedBlock]
    settled: Hash
    """Alice pays Bob 10,000 of the gas that `refund` gave back to her."""
    unsettled: Hash
    """Bob pays Carol 99,000 that he never had."""
    refund: Hash
    """Alice's zero-cost transfer to Carol, with 50,000 gas too much."""
    burns: list[Hash]
    """Calls that take about three seconds each."""


@cache
def small_chain() -> SmallChain:
    """Three signed blocks on `service_genesis`."""
    state = ChainState.at_genesis(service_genesis())
    refund = transfer(ALICE, 0, CAROL.address, zero=5 * UNITS_PER_TOKEN, gas_limit=50_000)
    settled = transfer(ALICE, 1, BOB.address, general=10_000)
    unsettled = transfer(BOB, 0, CAROL.address, general=99_000)
    burns = [
        call(CAROL, nonce, BURNER, "burn", (3 * LOOPS_PER_SECOND + nonce,), gas_limit=30 * LOOPS_PER_SECOND)
        for nonce in range(4)
    ]
    last = [transfer(ALICE, 2, BOB.address, zero=1)]
    blocks = [extend(state, part) for part in ([refund, settled, unsettled], burns, last)]
    first, second = blocks[0].transactions, blocks[1].transactions
    return SmallChain(blocks, first[1].hash, first[2].hash, first[0].hash, [t.hash for t in second])


def install_chain(database_url: str, begin: Genesis | None = None, blocks: Sequence[ValidatedBlock] = ()) -> None:
    """Imports a chain into a migrated database: the small one, unless another one is given."""
    with Database(database_url) as database:
        importer = Importer(database)
        importer.install(begin or service_genesis(), secrets.token_bytes(32))
        importer.import_blocks(small_chain().blocks if begin is None else blocks)


class Service(NamedTuple):
    """A running API and how to reach it."""

    url: str
    key: str
    engine: sa.Engine
    node_url: str
    keeper: Keeper
    blobs: Blobs

    def client(self, key: str | None = None) -> httpx.Client:
        """A client that sends the API key, or another one."""
        headers = {"Authorization": f"Bearer {self.key if key is None else key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    def rows(self) -> dict[str, int]:
        """How many rows each table has that a request or a job could have added to."""
        with self.engine.connect() as connection:
            return {
                name: connection.execute(sa.text(f"select count(*) from accountant.{name}")).scalar_one()
                for name in JOB_TABLES
            }


@contextmanager
def running_service(
    database_url: str,
    redis_url: str,
    folder: Path,
    begin: Genesis | None = None,
    blocks: Sequence[ValidatedBlock] = (),
) -> Iterator[Service]:
    """API and node over a database with the small chain, or another one, until the block ends. Of the other one the
    node has the blocks too.
    """
    install_chain(database_url, begin, blocks)
    engine = engine_of(database_url)
    key = ensure_first_key(engine)
    assert key is not None
    with (
        Database(database_url) as database,
        redis.Redis.from_url(redis_url) as broker,
        BlockStore(folder) as store,
        ExitStack() as stack,
    ):
        keeper = Keeper(store, begin or service_genesis(), accept_any_module, None)
        for block in blocks:
            keeper.take(block.raw)
        node_url = stack.enter_context(served(lambda: make_app(Node(keeper))))
        index, outcomes = PostgresIndex(database), PostgresOutcomes(database)
        stack.callback(outcomes.close)
        blobs = Blobs(engine, Store(open_location(None, folder / "blobs")), BLOB_TERMS)

        def api() -> ASGIApp:
            return create_app(
                Resources(
                    engine=engine,
                    index=lambda: index,
                    outcomes=lambda: outcomes,
                    observed=PostgresObservedGas(database).before,
                    forward=forwarding(NodeClient(node_url)),
                    policy=JobPolicy(),
                    gas_per_second=GAS_PER_SECOND,
                    probes={"database": lambda: engine.connect().close(), "broker": broker.ping, "chain": index.head},
                    blobs=blobs,
                ),
                create_explorer(
                    ExplorerResources(engine, lambda: index, lambda: outcomes, JobPolicy(), PUBLIC_GAS, redis_url)
                ),
            )

        url = stack.enter_context(served(api))
        yield Service(url, key, engine, node_url, keeper, blobs)
    engine.dispose()


def answered(service: Service, database: Database, client: AccountantClient, job_id: str) -> Json:
    """The job after a worker, here, has answered it from the service's own index and nothing else."""
    answer = answering(PostgresIndex(database), MemoryOutcomes())
    assert work(service.engine, answer, job_id, "test", JobPolicy()) is Attempt.DONE
    return client.job(job_id)


@contextmanager
def served(make: Callable[[], ASGIApp]) -> Iterator[str]:
    """The URL of an application, made and served in an event loop of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does so for sockets that it makes
    server: list[uvicorn.Server] = []
    ready = threading.Event()

    async def serve() -> None:
        config = uvicorn.Config(make(), log_config=None, timeout_graceful_shutdown=1)
        server.append(uvicorn.Server(config))
        ready.set()
        await server[0].serve(sockets=[listening])

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(60)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server[0].should_exit = True
        thread.join(60)
        listening.close()
        assert not thread.is_alive()
