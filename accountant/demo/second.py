"""The demo's second accountant: on a node that follows the first one's, with index, API and workers of its own."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from accountant.accounting.compare import Agreed, compare
from accountant.client import AccountantClient
from accountant.client.client import Json
from accountant.client.peer import HttpPeer
from accountant.demo.setting import SCRYPT_WORK
from accountant.node.devnet import devnet_in
from accountant.node.keystore import ensure_password, write_key
from accountant.primitives.keys import PrivateKey
from accountant.settings import Settings
from accountant.supervisor.process import ProcessSpec
from accountant.supervisor.processes import processes
from accountant.supervisor.stack import Stack

_PARTS = ("node", "indexer", "api", "worker", "dispatcher")
"""What runs of it: here it swears nothing."""
_DATABASE, _BROKER = "second", "/1"
_THREADS = 2
"""Its workers compute tensors with more threads than the first one's, and must find the same."""
_GAS_BUDGET = 10**12
"""Enough for all that the demo swears."""


class Second:
    """A running second accountant."""

    def __init__(self, first: Stack, own: Stack) -> None:
        assert first.api_key is not None and own.api_key is not None
        self._first, self._own = first, own
        self.client = AccountantClient(own.api_url, own.api_key)

    def audit(self, purse: str) -> Json:
        """Its audit of a purse right after the last block that it has, by its own workers."""
        return self.client.result(self.client.audit(purse, gas_budget=str(_GAS_BUDGET)))

    def agreed_outcomes(self) -> int | None:
        """How many outcomes both accountants found, if they are the same; None if the two disagree on anything."""
        with _peer("the first", self._first) as ours, _peer("the second", self._own) as theirs:
            found = compare(ours, theirs)
        return found.outcomes if isinstance(found, Agreed) else None


@contextmanager
def starting_second(folder: Path, first: Stack, settings: Settings) -> Iterator[Future[Second]]:
    """The second accountant while it starts beside the first, in a folder and a database of its own.

    It shares the first one's servers, so that the demo starts one pair of them. `settings`: free ports, nothing else.
    """
    peer = first.settings
    own = settings.model_copy(
        update={
            "data_dir": folder,
            "database_url": SecretStr(first.create_database(_DATABASE)),
            "redis_url": SecretStr(first.redis_url.removesuffix("/0") + _BROKER),
            "node_peers": peer.node,
            "worker_concurrency": 1,
            "worker_threads": _THREADS,
        }
    )
    places = devnet_in(own.chain_folder)  # the rest of what a follower needs, its node fetches from the first one's
    write_key(places.accountant_key, PrivateKey.generate(), ensure_password(places.password), SCRYPT_WORK)
    stack = Stack(own, processes=_parts)
    with ThreadPoolExecutor(1) as starter:
        begun = starter.submit(lambda: Second(first, stack.start()))
        try:
            yield begun
        finally:
            stack.stop()


def _parts(settings: Settings) -> Sequence[ProcessSpec]:
    return tuple(spec for spec in processes(settings) if spec.name in _PARTS)


def _peer(name: str, stack: Stack) -> HttpPeer:
    assert stack.api_key is not None
    return HttpPeer(name, stack.api_url, stack.api_key)
