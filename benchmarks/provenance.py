"""How fast slices are walked when all outcomes are known: `python -m benchmarks.provenance`.

An edge is an outcome consulted by another: the latest writer of a slot that a transaction read, or a writer that turned
out not to have written. Ours is the executor's own bookkeeping: a session over warm outcomes, and in it, for each
transaction of a slice, the world that its code would run in, asked for the code and for every slot that it read. Only
the code itself does not run. Bare is the same walk, from the same first transactions over the same edges, through a
dictionary of lists. Records are the inputs that are stored with each outcome, followed through the store alone.

The chain is a crowd that moves a token; every walk begins with an empty session. Memory, and an embedded Postgres with
Valkey, hold index and outcomes. TRANSFERS=500 makes it smaller; PROFILE=1 prints where our time goes.
"""

import cProfile
import json
import os
import pstats
import random
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import NamedTuple

from accountant.chain.footprint import Read
from accountant.chain.genesis import Genesis
from accountant.chain.validator import ValidatedBlock
from accountant.execution.estimate import likely_reads
from accountant.execution.lazy_world import LazyWorld
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.port import OutcomeStore
from accountant.execution.selective import Selective
from accountant.execution.session import Inputs, Session
from accountant.index.memory import MemoryIndex
from accountant.index.port import ChainIndex
from accountant.index.position import place_of
from accountant.primitives.types import ContractId, Seq
from accountant.storage.database import Database, migrate
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.hot import redis_of
from accountant.storage.importer import Importer
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes
from accountant.storage.place import temporary_folder
from benchmarks.admitted import AdmittedChain, at_genesis, contract, genesis_of, user

TRANSFERS, CROWD = 2_000, 40
ROUNDS = 5
TOKEN = contract("token")

Edges = dict[Seq, list[Seq]]


class Crowd(NamedTuple):
    """A chain of token transfers between random pairs."""

    genesis: Genesis
    blocks: list[ValidatedBlock]
    roots: list[Seq]
    """Where walks begin: the last transaction, and four others."""


class Backend(NamedTuple):
    """Where index and outcomes are; every walk has new objects over them."""

    new_index: Callable[[], ChainIndex]
    outcomes: Callable[[], OutcomeStore]


def crowd(transfers: int) -> Crowd:
    """Everybody pays everybody: each slice is nearly all that came before."""
    people = [user(f"crowd/{number}") for number in range(CROWD)]
    slots = [(b"balances:" + person, (10**12).to_bytes(8, "big")) for person in people]
    genesis = genesis_of([(person, 10**12) for person in people], [at_genesis("token", "token", people[0], slots)])
    blocks: list[ValidatedBlock] = []
    chain, draw = AdmittedChain(genesis, blocks.append), random.Random(5)
    for _ in range(transfers):
        sender, to = draw.sample(people, 2)
        chain.call(sender, TOKEN, "transfer", to, 1)
    chain.end_block()
    return Crowd(genesis, blocks, [Seq(transfers * part // 5 - 1) for part in range(1, 6)])


def observe(index: ChainIndex, outcomes: OutcomeStore) -> None:
    """Make everything known."""
    selective = Selective(Session(index, outcomes))
    for seq in range(index.head().next_seq):
        assert selective.outcome(Seq(seq)).succeeded


def ours(backend: Backend, root: Seq) -> Edges:
    """The executor's look-ups, from one transaction to all that it rests on."""
    session = Session(backend.new_index(), backend.outcomes())
    edges: Edges = {}
    waiting = [root]
    while waiting:
        seq = waiting.pop()
        if seq in edges:
            continue
        located = session.index.transaction(seq)
        inputs = Inputs()
        world = LazyWorld(session, place_of(located), {}, inputs, reads=likely_reads(located))
        world.code(ContractId(located.transaction.to))
        for entry in located.transaction.footprint:
            if isinstance(entry, Read):
                world.slot(ContractId(entry.contract), entry.slot)
        edges[seq] = list(inputs.seqs)
        waiting += edges[seq]
    return edges


def records(backend: Backend, root: Seq) -> Edges:
    """The stored inputs of each outcome, a generation at a time."""
    outcomes = backend.outcomes()
    edges: Edges = {}
    generation = [root]
    while generation:
        found = outcomes.get_many(generation)
        edges |= {seq: [Seq(one) for one in observed.inputs] for seq, observed in found.items()}
        generation = list({one for seq in generation for one in edges[seq] if one not in edges})
    return edges


def bare(graph: Edges, root: Seq) -> Edges:
    """The same walk over plain dictionaries."""
    edges: Edges = {}
    waiting = [root]
    while waiting:
        seq = waiting.pop()
        if seq in edges:
            continue
        edges[seq] = list(graph[seq])
        waiting += edges[seq]
    return edges


Walk = Callable[[Seq], Edges]


def rates(walks: dict[str, Walk], roots: list[Seq], rounds: int) -> dict[str, float]:
    """Edges walked per second: the walks in turns, medians over the rounds."""
    seconds: dict[str, list[float]] = {name: [] for name in walks}
    counts: dict[str, int] = {}
    for _ in range(rounds):
        for name, walk in walks.items():
            begin = time.perf_counter()
            found = [walk(root) for root in roots]
            seconds[name].append(time.perf_counter() - begin)
            counts[name] = sum(len(consulted) for edges in found for consulted in edges.values())
    assert len(set(counts.values())) == 1, counts
    return {name: counts[name] / median(seconds[name]) for name in walks}


@contextmanager
def stored(made: Crowd, servers: EmbeddedServers) -> Iterator[Backend]:
    """The chain in a database of its own, dropped at the end; outcomes in Valkey as well."""
    name = f"bench_{secrets.token_hex(6)}"
    url = servers.create_database(name)
    migrate(url)
    with ExitStack() as stack:
        stack.callback(servers.drop_database, name)
        database = stack.enter_context(Database(url))
        importer = Importer(database)
        importer.install(made.genesis, secrets.token_bytes(32))
        importer.import_blocks(made.blocks)
        outcomes = PostgresOutcomes(database, redis_of(servers.redis_url))
        stack.callback(outcomes.close)

        def index() -> ChainIndex:
            fresh = PostgresIndex(database)
            fresh.genesis = made.genesis
            fresh.head()
            return fresh

        yield Backend(index, lambda: outcomes)


def in_memory(made: Crowd) -> Backend:
    """The chain and its outcomes in this process."""
    index, outcomes = MemoryIndex(made.genesis), MemoryOutcomes()
    for block in made.blocks:
        index.append(block)
    return Backend(lambda: index, lambda: outcomes)


def measure(made: Crowd, backend: Backend, rounds: int) -> dict[str, float]:
    """Edges per second of the three walks, which all find the same edges."""
    observe(backend.new_index(), backend.outcomes())
    graph: Edges = {}
    for root in made.roots:
        graph |= ours(backend, root)
    for root in made.roots:
        recorded = {seq: sorted(consulted) for seq, consulted in records(backend, root).items()}
        assert recorded == {seq: sorted(graph[seq]) for seq in recorded}
    walks: dict[str, Walk] = {
        "ours": lambda root: ours(backend, root),
        "records": lambda root: records(backend, root),
        "bare": lambda root: bare(graph, root),
    }
    if os.environ.get("PROFILE"):
        profile = cProfile.Profile()
        profile.runcall(lambda: [ours(backend, root) for root in made.roots])
        pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(25)
    return rates(walks, made.roots, rounds)


def main() -> None:
    """Measures, prints a table and, as the last line, JSON."""
    made = crowd(int(os.environ.get("TRANSFERS", str(TRANSFERS))))
    rounds = int(os.environ.get("ROUNDS", str(ROUNDS)))
    found = {"memory": measure(made, in_memory(made), rounds)}
    with (
        temporary_folder("anh-bench-") as folder,
        EmbeddedServers(folder / "servers") as servers,
        stored(made, servers) as backend,
    ):
        found["postgres"] = measure(made, backend, rounds)
    print(f"{'':<10} {'ours /s':>12} {'records /s':>12} {'bare /s':>12} {'ours to bare':>13} {'records to bare':>16}")
    transfers = sum(len(block.transactions) for block in made.blocks)
    figures: dict[str, object] = {"benchmark": "provenance", "transfers": transfers}
    for name, rate in found.items():
        ratio, of_records = rate["ours"] / rate["bare"], rate["records"] / rate["bare"]
        print(
            f"{name:<10} {rate['ours']:>12.0f} {rate['records']:>12.0f} {rate['bare']:>12.0f}"
            f" {ratio:>13.5f} {of_records:>16.5f}"
        )
        figures[name] = {
            "edges_per_s": round(rate["ours"]),
            "records_edges_per_s": round(rate["records"]),
            "bare_edges_per_s": round(rate["bare"]),
            "ratio": round(ratio, 6),
            "records_ratio": round(of_records, 6),
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
