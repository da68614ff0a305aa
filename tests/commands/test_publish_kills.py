"""`accountant publish`, `accountant sign` and `accountant node run` as processes, killed right between two steps.

The steps are held from outside: a lock in Postgres keeps the publisher before a statement, and a node that is stopped
keeps it before a submission. So each kill comes where it should, however fast the machine is.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psycopg
import pytest
import sqlalchemy as sa

from accountant.accounting.certificate import Verdict
from accountant.chain.block import Position
from accountant.chain.query import BalanceAtLeast, decode_query
from accountant.contracts.module import check_module
from accountant.node.client import NodeClient
from accountant.node.devnet import devnet_in
from accountant.oath.counts import counts
from accountant.oath.oath import NotAnOath, oath_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import UNITS_PER_TOKEN, Seq
from accountant.processes.ports import free_port
from accountant.services.api_keys import ensure_first_key
from accountant.services.follow_chain import follow_forever
from accountant.storage.database import Database, engine_of, migrate, plain_url
from accountant.storage.index import PostgresIndex
from accountant.storage.oaths import Oaths
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, PROPOSER, oath_genesis
from tests.support.oath_office import finish_job
from tests.support.processes import wait_until

TOKEN = UNITS_PER_TOKEN
GENESIS = oath_genesis()
PATIENCE_S = 120.0
PUBLISHER, SIGNER, NODE = ("publish",), ("sign",), ("node", "run")
SIGNED = "accountant.signed_transactions"


class Street:
    """Signer, publisher and node as processes on one database; the index follows the node in a thread."""

    def __init__(self, folder: Path, database_url: str, stack: ExitStack) -> None:
        migrate(database_url)
        places = devnet_in(folder / "chain")
        places.genesis.parent.mkdir(parents=True)
        places.genesis.write_bytes(encode(GENESIS))
        places.proposer_key.write_bytes(PROPOSER.to_pem())
        key = folder / "accountant.pem"
        key.write_bytes(ACCOUNTANT.to_pem())
        port = free_port()
        self.node_url = f"http://127.0.0.1:{port}"
        self._folder, self._database_url = folder, database_url
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANH_")},
            "DATABASE_URL": database_url,
            "REDIS_URL": "redis://127.0.0.1:1",
            "ANH_NODE_URL": self.node_url,
            "ANH_NODE_PORT": str(port),
            "ANH_DATA_DIR": str(folder),
            "ANH_ACCOUNTANT_KEY": str(key),
            "ANH_BLOCK_INTERVAL_S": "0.3",
            "ANH_OATH_DEPOSIT": str(100 * TOKEN),
        }
        self._running: dict[tuple[str, ...], subprocess.Popen[bytes]] = {}
        self._log = stack.enter_context((folder / "log").open("ab"))
        stack.callback(self._end)
        self.engine = engine_of(database_url)
        stack.callback(self.engine.dispose)
        text = ensure_first_key(self.engine)
        assert text is not None
        self._prefix = text.split("_")[1]
        self._database = stack.enter_context(Database(database_url))
        self.asked = 0

    def start(self, *commands: tuple[str, ...]) -> None:
        """Starts processes of ours."""
        for command in commands:
            argv = [sys.executable, "-m", "accountant.cli", *command]
            self._running[command] = subprocess.Popen(
                argv, env=self._environment, stdout=self._log, stderr=self._log, cwd=self._folder
            )

    def kill(self, command: tuple[str, ...]) -> None:
        """SIGKILL, and it is gone."""
        process = self._running.pop(command)
        process.kill()
        process.wait()

    def stop_node(self, stopped: bool) -> None:
        """Stops the node in the midst of whatever it does, or lets it go on."""
        self._running[NODE].send_signal(signal.SIGSTOP if stopped else signal.SIGCONT)

    def ask(self) -> None:
        """A finished job whose question nobody else asks."""
        self.asked += 1
        query = BalanceAtLeast(CUSTOMER.address, self.asked, Position(GENESIS.hash, 0))
        finish_job(self.engine, self._prefix, Verdict.ACCEPTED, query, True)

    def node_answers(self) -> bool:
        """Whether the node is there."""
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.node_url}/head", trust_env=False, timeout=5).status_code == 200
        return False

    def has_chain(self) -> bool:
        """Whether the index has seen the chain's genesis."""
        with self.engine.connect() as connection:
            return bool(connection.scalar(sa.text("select count(*) from accountant.blocks")))

    def sworn(self) -> Counter[int]:
        """How many oaths on the chain answer each question; all of them count."""
        index = PostgresIndex(self._database)
        found: Counter[int] = Counter()
        for seq in range(index.head().next_seq):
            with suppress(NotAnOath):
                oath = oath_of(index, Seq(seq))
                query = decode_query(oath.terms.query)
                assert isinstance(query, BalanceAtLeast) and counts(index, oath).counts
                found[query.amount] += 1
        return found

    def open(self) -> int:
        """What is signed and not known to be in a block."""
        with self.engine.connect() as connection:
            return len(Oaths(connection).open(ACCOUNTANT.address))

    def pending(self) -> int:
        """What is stored and was not submitted."""
        with self.engine.connect() as connection:
            return int(connection.scalar(sa.text(f"select count(*) from {SIGNED} where state = 'pending'")) or 0)

    def signatures(self) -> int:
        """Lines of the signer's log."""
        path = self._folder / "signer" / "signatures.jsonl"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def settled(self) -> None:
        """Returns when every question asked so far has its oath, and the publisher knows where."""
        everything = dict.fromkeys(range(1, self.asked + 1), 1)
        wait_until(lambda: not self.open() and self.sworn() == everything, PATIENCE_S)

    @contextmanager
    def held(self, lock: str) -> Iterator["Hold"]:
        """Whoever needs what this statement locks waits."""
        with psycopg.connect(plain_url(self._database_url)) as connection:
            connection.execute(lock)
            yield Hold(connection)
            connection.rollback()

    @contextmanager
    def following(self) -> Iterator[None]:
        """The index follows the node."""
        loop = asyncio.new_event_loop()

        async def follow() -> None:
            async with NodeClient(self.node_url, backoff_s=0.05) as client:
                with suppress(asyncio.CancelledError):
                    await follow_forever(client, self._database, check_module)

        task = loop.create_task(follow())
        thread = threading.Thread(target=loop.run_until_complete, args=(task,))
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(task.cancel)
            thread.join(60)
            assert not thread.is_alive()

    def _end(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()


class Hold:
    """A lock that is held, and who waits for it."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._connection = connection
        self._before = self._waiting()

    def _waiting(self) -> set[object]:
        self._connection.execute("select pg_stat_clear_snapshot()")  # or a transaction sees the same for ever
        query = (
            "select pid from pg_locks join pg_stat_activity using (pid) "
            "where not granted and datname = current_database() and backend_type = 'client backend'"
        )
        return {pid for (pid,) in self._connection.execute(query)}

    def reached(self) -> bool:
        """Whether somebody waits who did not when the lock was taken."""
        return bool(self._waiting() - self._before)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory, module_database_url: str) -> Iterator[Street]:
    with ExitStack() as stack:
        street = Street(tmp_path_factory.mktemp("street"), module_database_url, stack)
        street.start(NODE, SIGNER, PUBLISHER)
        wait_until(street.node_answers, PATIENCE_S)
        stack.enter_context(street.following())
        wait_until(street.has_chain, PATIENCE_S)
        street.ask()
        street.settled()
        yield street


def advisory(street: Street) -> str:
    """The lock under which the publisher chooses a nonce."""
    key = int.from_bytes(ACCOUNTANT.address[:4], "big", signed=True)
    return f"select pg_advisory_xact_lock({0x6F617468}, {key})"


def test_the_publisher_killed_between_its_steps(street: Street) -> None:
    """Before it reserves a nonce; signed, not stored; stored in part; stored, not submitted; submitted, not noted; in a
    block, not settled: each time the next one goes on, and every answer has exactly one oath, which counts."""
    signed = street.signatures()
    for lock in (advisory(street), f"lock table {SIGNED} in share mode", "lock table accountant.oaths in share mode"):
        with street.held(lock) as hold:
            street.ask()
            wait_until(hold.reached, PATIENCE_S)
            street.kill(PUBLISHER)
        assert street.sworn()[street.asked] == 0
        street.start(PUBLISHER)
        street.settled()
    assert street.signatures() == signed + 1 + 2 + 2, "twice what was signed and not stored"
    with street.held(f"lock table {SIGNED} in share mode") as hold:
        street.ask()
        wait_until(hold.reached, PATIENCE_S)
        street.stop_node(True)
    wait_until(lambda: street.pending() == 1, PATIENCE_S)  # stored; the node does not take it
    street.kill(PUBLISHER)
    street.stop_node(False)
    with street.held(f"lock table {SIGNED} in share mode") as hold:
        street.start(PUBLISHER)
        wait_until(hold.reached, PATIENCE_S)  # the node took it, and that is not noted
        street.kill(PUBLISHER)
        wait_until(lambda: street.sworn()[street.asked] == 1, PATIENCE_S)
        assert street.pending() == 1
    with street.held(f"lock table {SIGNED} in share mode") as hold:
        street.start(PUBLISHER)
        wait_until(hold.reached, PATIENCE_S)  # in a block, and that is not noted
        street.kill(PUBLISHER)
    street.start(PUBLISHER)
    street.settled()


def test_the_signer_and_the_node_killed_between_steps(street: Street) -> None:
    """The signer after its signature, before anything is stored; the node when it should take an oath, and when it has
    taken it and made no block: a mempool is not kept, and the oath comes again, byte for byte."""
    signed, asked = street.signatures(), street.asked
    with street.held(f"lock table {SIGNED} in share mode") as hold:
        street.ask()
        wait_until(hold.reached, PATIENCE_S)
        street.kill(SIGNER)
    street.settled()  # what was signed before needs no signer
    street.ask()
    street.start(SIGNER)
    street.settled()
    with street.held(f"lock table {SIGNED} in share mode") as hold:
        street.ask()
        wait_until(hold.reached, PATIENCE_S)
        street.kill(NODE)
    wait_until(lambda: street.pending() == 1, PATIENCE_S)
    street.start(NODE)
    street.settled()
    before = street.signatures()
    street.ask()
    wait_until(lambda: street.signatures() == before + 1, PATIENCE_S)
    street.kill(NODE)  # it may have taken it, and even have made the block
    street.start(NODE)
    street.settled()
    assert street.signatures() - signed == street.asked - asked, "each answer was signed once"
