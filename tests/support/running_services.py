"""Whole accountants as services over loopback, each with its processes, a database, and a chain to read beside it."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import httpx
from pydantic import SecretStr

from accountant.client import AccountantClient
from accountant.primitives.types import Hash
from accountant.settings import Settings
from accountant.storage.database import Database
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from accountant.supervisor.process import ProcessSpec
from accountant.supervisor.processes import processes
from accountant.supervisor.stack import Stack
from tests.support.processes import wait_until
from tests.support.small_stack import QUICK

READING = ("node", "indexer", "api", "worker", "dispatcher")
SIGNING = (*READING, "signer", "publisher")
PATIENCE_S = 90.0


class Service(NamedTuple):
    """A running accountant."""

    stack: Stack
    client: AccountantClient
    chain: PostgresIndex
    outcomes: PostgresOutcomes

    def has(self, name: str) -> bool:
        """Whether its index has a transaction."""
        return self.chain.seq_of(hash_of(name)) is not None

    def kill_node(self) -> None:
        """SIGKILL; it is started again by its supervisor, and answers."""
        self.kill("node")
        wait_until(lambda: _answers(self.stack.node_url), PATIENCE_S)

    def kill(self, name: str) -> None:
        """SIGKILL for one of its processes; it is started again by its supervisor."""
        before = self.stack.starts(name)
        pid = self.stack.pid(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.stack.starts(name) > before, PATIENCE_S)


@contextmanager
def running(settings: Settings, parts: Sequence[str]) -> Iterator[Service]:
    """The accountant of these settings, with these of its processes."""

    def some(with_ports: Settings) -> Sequence[ProcessSpec]:
        return tuple(replace(spec, backoff=QUICK) for spec in processes(with_ports) if spec.name in parts)

    with Stack(settings, processes=some) as stack, Database(stack.database_url) as database:
        assert stack.api_key is not None
        with AccountantClient(stack.api_url, stack.api_key) as client:
            outcomes = PostgresOutcomes(database)
            yield Service(stack, client, PostgresIndex(database), outcomes)
            outcomes.close()


def on_servers(settings: Settings, database_url: str, redis_url: str) -> Settings:
    """The settings of an accountant on these servers."""
    urls = {"database_url": SecretStr(database_url), "redis_url": SecretStr(redis_url)}
    return settings.model_copy(update=urls)


def hash_of(text: str) -> Hash:
    """A transaction's hash from its text."""
    return Hash(bytes.fromhex(text[2:]))


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/head", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
