"""Nothing is executed twice: `python -m benchmarks.cache`.

A hundred clients ask whether a payment settled; their payments share ancestors (`benchmarks.cache_chain`). One
after the other and from several worker processes at once, each time over an embedded Postgres and Valkey that know
nothing yet, and once more when they know everything. The gas executed in all is compared with the gas of the union of
the clients' slices, which follows from how the chain was made and from an eager execution. Unshared is what every
client alone would have executed.

CLIENTS=20 and WORKERS=2 make it smaller.
"""

import json
import multiprocessing
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import NamedTuple

from accountant.accounting.certificate import Verdict
from accountant.accounting.pay import verify_payment
from accountant.accounting.questions import PaymentQuestion
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.index.memory import MemoryIndex
from accountant.primitives.types import Hash, Seq
from accountant.storage.database import Database, migrate
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.hot import redis_of
from accountant.storage.importer import Importer
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.place import temporary_folder
from benchmarks.cache_chain import Tree, tree_of

CLIENTS, WORKERS = 100, 4


class Answered(NamedTuple):
    """One client's answer."""

    gas: int
    seconds: float


class Asking:
    """One process that answers over the shared stores."""

    def __init__(self, url: str, redis_url: str) -> None:
        self.database = Database(url)
        self.index = PostgresIndex(self.database)
        self.outcomes = PostgresOutcomes(self.database, redis_of(redis_url))

    def ask(self, payment: Hash) -> Answered:
        """Did the payment settle?"""
        begin = time.perf_counter()
        certificate = verify_payment(self.index, self.outcomes, PaymentQuestion(payment))
        assert certificate.verdict is Verdict.ACCEPTED
        return Answered(certificate.gas_executed, time.perf_counter() - begin)

    def close(self) -> None:
        """Give the connections back."""
        self.outcomes.close()
        self.database.close()


_here: Asking | None = None
"""A worker process's own."""


def _start(url: str, redis_url: str) -> None:
    global _here
    _here = Asking(url, redis_url)


def _ask(payment: Hash) -> Answered:
    assert _here is not None
    return _here.ask(payment)


def one_by_one(url: str, redis_url: str, payments: list[Hash]) -> tuple[list[Answered], list[Answered]]:
    """Everybody's answers in one process: cold, and again by a process that begins when all is known."""
    answers = []
    for _ in range(2):
        asking = Asking(url, redis_url)
        try:
            answers.append([asking.ask(payment) for payment in payments])
        finally:
            asking.close()
    return answers[0], answers[1]


def together(url: str, redis_url: str, payments: list[Hash], workers: int) -> tuple[list[Answered], float]:
    """Everybody's answers from several processes at once, and the seconds from first question to last answer."""
    with multiprocessing.get_context("spawn").Pool(workers, _start, (url, redis_url)) as pool:
        pool.map(len, [b""] * workers, 1)  # the processes are there
        begin = time.perf_counter()
        answers = pool.map(_ask, payments, 1)
        return answers, time.perf_counter() - begin


def repeated(url: str, seqs: set[Seq]) -> int:
    """Outcomes of these transactions that were found and stored more than once, counted as often."""
    with Database(url) as database:
        outcomes = PostgresOutcomes(database)
        try:
            return sum(max(0, outcomes.executions(seq) - 1) for seq in seqs)
        finally:
            outcomes.close()


class Union(NamedTuple):
    """What there is to execute, in gas."""

    gas: int
    """Of the union of all slices."""
    unshared: int
    """Of all slices, each counted for itself."""
    chosen: int
    """What a client that shares nothing executed for each of them, together, in memory."""


def union_of(tree: Tree) -> Union:
    """Independently of the selective executor, but for `chosen`."""
    index = MemoryIndex(tree.genesis)
    for block in tree.blocks:
        index.append(block)
    gas = [outcome.gas_used for outcome in execute_everything(index).outcomes]
    cold = (verify_payment(index, MemoryOutcomes(), PaymentQuestion(one)).gas_executed for one in tree.hashes())
    return Union(
        sum(gas[seq] for seq in tree.union()),
        sum(gas[seq] for payment in tree.payments for seq in tree.slice_of(payment.seq)),
        sum(cold),
    )


@contextmanager
def schema(servers: EmbeddedServers) -> Iterator[str]:
    """The name of a database with the schema and nothing else, dropped at the end."""
    name = f"bench_{secrets.token_hex(6)}"
    migrate(servers.create_database(name))
    yield name
    servers.drop_database(name)


@contextmanager
def chain_of(tree: Tree, servers: EmbeddedServers, template: str) -> Iterator[str]:
    """The URL of a database that holds the chain and knows no outcome, dropped at the end."""
    name = f"bench_{secrets.token_hex(6)}"
    url = servers.create_database(name, template)
    with Database(url) as database:
        importer = Importer(database)
        importer.install(tree.genesis, secrets.token_bytes(32))
        importer.import_blocks(tree.blocks)
    yield url
    servers.drop_database(name)


def measure(tree: Tree, servers: EmbeddedServers, workers: int) -> dict[str, object]:
    """The figures."""
    union, payments = union_of(tree), tree.hashes()
    with schema(servers) as template:
        with chain_of(tree, servers, template) as url:
            cold, warm = one_by_one(url, servers.redis_url, payments)
        with chain_of(tree, servers, template) as url:
            at_once, all_s = together(url, servers.redis_url, payments, workers)
            again = repeated(url, tree.union())
    cold_gas, at_once_gas = sum(answer.gas for answer in cold), sum(answer.gas for answer in at_once)
    return {
        "clients": len(payments),
        "workers": workers,
        "union_gas": union.gas,
        "unshared_gas": union.unshared,
        "unshared_gas_executed": union.chosen,
        "one_by_one_gas": cold_gas,
        "together_gas": at_once_gas,
        "warm_gas": sum(answer.gas for answer in warm),
        "one_by_one_over_union": round(cold_gas / union.gas, 6),
        "together_over_union": round(at_once_gas / union.gas, 6),
        "together_repeated_outcomes": again,
        "one_by_one_s": round(sum(answer.seconds for answer in cold), 3),
        "together_s": round(all_s, 3),
        "cold_p50_ms": round(median(answer.seconds for answer in cold) * 1e3, 2),
        "warm_p50_ms": round(median(answer.seconds for answer in warm) * 1e3, 2),
    }


def main() -> None:
    """Measures, prints a table and, as the last line, JSON."""
    clients = int(os.environ.get("CLIENTS", str(CLIENTS)))
    workers = int(os.environ.get("WORKERS", str(WORKERS)))
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder("anh-bench-"))
        servers = stack.enter_context(EmbeddedServers(folder / "servers"))
        figures = measure(tree_of(clients), servers, workers)
    for name, value in figures.items():
        print(f"{name:<28} {value:>16}")
    print(json.dumps({"benchmark": "cache", **figures}))


if __name__ == "__main__":
    main()
