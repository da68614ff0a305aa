"""The chain of `benchmarks.scaling`: it grows in one Postgres, and what it was at each size stays there to be asked."""

import random
import secrets
import time
from collections.abc import Callable

from accountant.chain.genesis import Genesis
from accountant.chain.validator import ValidatedBlock
from accountant.index.memory import MemoryIndex
from accountant.index.port import ChainIndex
from accountant.primitives.types import Seq
from accountant.storage.database import Database, migrate
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.importer import Importer
from accountant.storage.index import PostgresIndex
from benchmarks.economy import Asked, Economy
from benchmarks.scaling_questions import Questions, balance, payment

EAGER_MOST = 20_000
"""Transactions that stay in memory as well, for the eager reference."""
BATCH = 5
"""Blocks in one database transaction."""
LAST = 5
"""Questions are about the last of so many parts of the chain."""
TRIES = 20
"""For one question that counts, at most so many are asked."""


class Growing:
    """The chain, in a database of its own."""

    def __init__(self, servers: EmbeddedServers) -> None:
        self._servers = servers
        self._name = f"bench_{secrets.token_hex(6)}"
        self._url = servers.create_database(self._name)
        migrate(self._url)
        self._copies: list[tuple[str, Database]] = []
        self._database = Database(self._url)
        self._pending: list[ValidatedBlock] = []
        self.economy = Economy(self._take)
        self.genesis: Genesis = self.economy.chain.genesis
        Importer(self._database).install(self.genesis, secrets.token_bytes(32))
        self.prefix = MemoryIndex(self.genesis)
        self.import_s = 0.0

    def _take(self, block: ValidatedBlock) -> None:
        if block.first_seq < EAGER_MOST:
            self.prefix.append(block)
        self._pending.append(block)
        if len(self._pending) == BATCH:
            self._import()

    def _import(self) -> None:
        begin = time.perf_counter()
        Importer(self._database).import_blocks(self._pending)
        self.import_s += time.perf_counter() - begin
        self._pending.clear()

    def questions(self, size: int, most: int) -> list[Questions]:
        """Make the chain this long, keep a copy of it, and draw questions about its last part."""
        asked = self._grow(size, most * TRIES)
        payments = [seq for seq in self.economy.payments if size - size // LAST <= seq < size]
        draw = random.Random(size)
        draw.shuffle(asked)
        draw.shuffle(payments)
        new_index = self._copy()
        return [
            Questions("balance", size, iter([(one.seq, balance(one)) for one in asked]), new_index),
            Questions("pay", size, iter([(seq, payment(seq)) for seq in payments[: most * TRIES]]), new_index),
        ]

    def _grow(self, size: int, count: int) -> list[Asked]:
        chain, first = self.economy.chain, size - size // LAST
        places = sorted(random.Random(size).choices(range(first, size), k=count))
        asked: list[Asked] = []
        while chain.next_seq < size:
            while len(asked) < count and places[len(asked)] <= chain.next_seq:
                asked.append(self.economy.ask())
            self.economy.grow()
        chain.end_block()
        self._import()
        return [one for one in asked if one.seq < size]

    def _copy(self) -> Callable[[], ChainIndex]:
        """Makes indexes over a copy of the chain as it is now, each of which has looked nothing up yet."""
        self._database.close()  # a database is copied while nobody is connected to it
        name = f"bench_{secrets.token_hex(6)}"
        copy = Database(self._servers.create_database(name, self._name))
        self._copies.append((name, copy))
        self._database = Database(self._url)
        with copy.connection() as connection:
            connection.execute("ANALYZE")

        def new_index() -> ChainIndex:
            index = PostgresIndex(copy)
            index.genesis = self.genesis
            return index

        return new_index

    def close(self) -> None:
        """Drop everything."""
        for name, database in [*self._copies, (self._name, self._database)]:
            database.close()
            self._servers.drop_database(name)

    def next_seq(self) -> Seq:
        """How long the chain is in the database."""
        return PostgresIndex(self._database).head().next_seq
