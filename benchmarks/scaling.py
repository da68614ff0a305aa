"""What a cold answer costs as the chain grows: `python -m benchmarks.scaling`.

One chain (`benchmarks.economy`) is imported into an embedded Postgres and asked at 10^4, 10^5 and 10^6 transactions:
is the balance at least so much, and Pay. Accounts are drawn by Zipf's law, positions from the last fifth of what is
there. Each question has a new index object and a store that knows nothing; only compiled modules and the server's own
pages are warm. Questions whose slice is empty are asked, counted and left out. Eager means executing everything from
genesis up to the question: measured over a prefix, and extrapolated.

A question that takes longer than SECONDS_MOST is given up and counts as having taken that long, with the gas that
it had executed by then.

SIZES=10000,100000 and QUESTIONS=50 make it smaller. PROFILE=1 prints where the time goes at each size.
"""

import cProfile
import json
import os
import pstats
import random
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median, quantiles
from typing import NamedTuple

from accountant.accounting.bound import lower_bound
from accountant.accounting.certificate import Certificate, Verdict
from accountant.accounting.pay import verify_payment
from accountant.accounting.questions import LowerBoundQuestion, PaymentQuestion
from accountant.chain.genesis import Genesis
from accountant.chain.validator import ValidatedBlock
from accountant.execution.eager import EagerState
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.port import Heartbeat
from accountant.index.memory import MemoryIndex
from accountant.index.port import ChainIndex
from accountant.index.position import position_of, resolve
from accountant.primitives.types import Gas, Seq
from accountant.storage.database import Database, migrate
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.importer import Importer
from accountant.storage.index import PostgresIndex
from accountant.storage.place import temporary_folder
from benchmarks.economy import Asked, Economy

SIZES = (10_000, 100_000, 1_000_000)
QUESTIONS = 300
"""Of each kind, with a slice that is not empty."""
TRIES = 20
"""For one question that counts, at most so many are asked."""
EAGER_MOST = 20_000
"""Transactions that are executed eagerly; beyond, the time is extrapolated."""
BATCH = 5
"""Blocks in one database transaction."""
SECONDS_MOST = 60.0
LAST = 5
"""Questions are about the last of so many parts of the chain."""


class Answer(NamedTuple):
    """One cold answer."""

    seconds: float
    gas: int
    slice: int | None
    """Transactions whose outcomes were consulted; None if it was given up, and then it counts as all of them."""
    accepted: bool | None
    before: Seq
    """Executing eagerly would execute so many transactions."""


class Measured(NamedTuple):
    """Questions of one kind at one size."""

    answers: list[Answer]
    empty: int
    """Questions that were answered without executing anything."""


Ask = Callable[[ChainIndex, Heartbeat], Certificate]


class _GivenUp(Exception):
    """The answer takes too long."""


class Growing:
    """The chain, in Postgres as far as it has grown; its beginning in memory as well, for the eager reference."""

    def __init__(self, database: Database) -> None:
        self._importer = Importer(database)
        self._database = database
        self._pending: list[ValidatedBlock] = []
        self.economy = Economy(self._take)
        self.genesis: Genesis = self.economy.chain.genesis
        self._importer.install(self.genesis, secrets.token_bytes(32))
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
        self._importer.import_blocks(self._pending)
        self.import_s += time.perf_counter() - begin
        self._pending.clear()

    def grow(self, size: int, questions: int) -> list[Asked]:
        """Make the chain this long; balances to ask for, all over its last part."""
        chain, first = self.economy.chain, size - size // LAST
        places = sorted(random.Random(size).choices(range(first, size), k=questions))
        asked: list[Asked] = []
        while chain.next_seq < size:
            while len(asked) < questions and places[len(asked)] <= chain.next_seq:
                asked.append(self.economy.ask())
            self.economy.grow()
        chain.end_block()
        self._import()
        with self._database.connection() as connection:
            connection.execute("ANALYZE")
        return [one for one in asked if one.seq < size]

    def index(self) -> PostgresIndex:
        """An index that has looked nothing up yet."""
        index = PostgresIndex(self._database)
        index.genesis = self.genesis
        return index


def balance(asked: Asked) -> Ask:
    """Is the balance at least so much? The zero-cost balance alone never covers it."""

    def ask(index: ChainIndex, heartbeat: Heartbeat) -> Certificate:
        position = position_of(index, asked.seq)
        place = resolve(index, position)
        assert place is not None
        target = index.zero_balance(asked.account, place.moment) + asked.units
        return lower_bound(index, MemoryOutcomes(), LowerBoundQuestion(asked.account, position, target), heartbeat)

    return ask


def payment(seq: Seq) -> Ask:
    """Did the payment settle?"""

    def ask(index: ChainIndex, heartbeat: Heartbeat) -> Certificate:
        question = PaymentQuestion(index.transaction(seq).hash)
        return verify_payment(index, MemoryOutcomes(), question, heartbeat)

    return ask


def measure(asks: Sequence[tuple[Seq, Ask]], new_index: Callable[[], ChainIndex], most: int) -> Measured:
    """Ask until `most` questions had a slice that is not empty."""
    answers: list[Answer] = []
    empty = 0
    for before, ask in asks:
        if len(answers) == most:
            break
        answer = _timed(ask, new_index(), before)
        if answer.gas:
            answers.append(answer)
        else:
            empty += 1
    return Measured(answers, empty)


def _timed(ask: Ask, index: ChainIndex, before: Seq) -> Answer:
    begin, gas, most = time.perf_counter(), 0, float(os.environ.get("SECONDS_MOST", str(SECONDS_MOST)))

    def heartbeat(executed: Gas) -> None:
        nonlocal gas
        gas = executed
        if time.perf_counter() - begin > most:
            raise _GivenUp

    try:
        certificate = ask(index, heartbeat)
    except _GivenUp:
        return Answer(time.perf_counter() - begin, gas, None, None, before)
    seconds = time.perf_counter() - begin
    assert certificate.verdict is not Verdict.UNDECIDED
    accepted = certificate.verdict is Verdict.ACCEPTED
    return Answer(seconds, certificate.gas_executed, len(certificate.slice), accepted, before)


def eager_each_s(index: MemoryIndex) -> float:
    """Seconds for one transaction of the prefix."""
    state = EagerState(index)
    count = index.head().next_seq
    begin = time.perf_counter()
    for _ in range(count):
        state.step()
    return (time.perf_counter() - begin) / count


def summary(measured: Measured, each_s: float) -> dict[str, object]:
    """The figures of one kind at one size."""
    answers = measured.answers
    seconds = [answer.seconds for answer in answers]
    p50, p99 = median(seconds), quantiles(seconds, n=100)[98]
    gas = sorted(answer.gas for answer in answers)
    eager = [answer.before * each_s for answer in answers]
    return {
        "questions": len(answers),
        "empty_slices": measured.empty,
        "rejected": sum(answer.accepted is False for answer in answers),
        "given_up": sum(answer.accepted is None for answer in answers),
        "p50_ms": round(p50 * 1e3, 3),
        "p99_ms": round(p99 * 1e3, 3),
        "slice_gas_p50": median(gas),
        "slice_gas_p99": round(quantiles(gas, n=100)[98]),
        "slice_transactions_p50": median(answer.slice or answer.before for answer in answers),
        "eager_p50_s": round(median(eager), 2),
        "eager_over_selective": round(median(e / s for e, s in zip(eager, seconds, strict=True)), 1),
        "slower_than_eager": sum(s > e for e, s in zip(eager, seconds, strict=True)),
    }


def shape(economy: Economy) -> dict[str, float]:
    """What the chain is made of, as shares."""
    kinds, count = economy.kinds, economy.kinds.total()
    calls = sum(number for kind, number in kinds.items() if "." in kind)
    general = len(economy.payments) + 0.0
    paying = count - kinds["token.transfer"] - kinds["vault.withdraw"] - kinds["lending.borrow"]
    return {"calls": round(calls / count, 3), "payments_from_general_money": round(general / paying, 3)}


@contextmanager
def growing() -> Iterator[Growing]:
    """An empty chain in an embedded Postgres of its own."""
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder("anh-bench-"))
        servers = stack.enter_context(EmbeddedServers(folder / "servers"))
        url = servers.create_database("bench_scaling")
        migrate(url)
        yield Growing(stack.enter_context(Database(url)))


def at_size(chain: Growing, size: int, questions: int) -> dict[str, Measured]:
    """Grow the chain and ask."""
    asked = chain.grow(size, questions * TRIES)
    payments = [seq for seq in chain.economy.payments if size - size // LAST <= seq < size]
    draw = random.Random(size)
    draw.shuffle(asked)
    draw.shuffle(payments)
    profile = cProfile.Profile() if os.environ.get("PROFILE") else None
    if profile:
        profile.enable()
    measured = {
        "balance": measure([(one.seq, balance(one)) for one in asked], chain.index, questions),
        "pay": measure([(seq, payment(seq)) for seq in payments], chain.index, questions),
    }
    if profile:
        profile.disable()
        pstats.Stats(profile, stream=sys.stdout).sort_stats("cumulative").print_stats(45)
    return measured


def main() -> None:
    """Measures, prints a table and, as the last line, JSON."""
    sizes = [int(size) for size in os.environ.get("SIZES", ",".join(map(str, SIZES))).split(",")]
    questions = int(os.environ.get("QUESTIONS", str(QUESTIONS)))
    figures: dict[str, dict[str, object]] = {}
    print(
        f"{'transactions':>12} {'question':>9} {'p50 ms':>9} {'p99 ms':>10} {'gas p50':>12} {'eager s':>9} {'ratio':>9}"
    )
    with growing() as chain:
        each_s = 0.0
        for size in sizes:
            measured = at_size(chain, size, questions)
            each_s = eager_each_s(chain.prefix) if size <= EAGER_MOST or not each_s else each_s
            for kind, of_kind in measured.items():
                row = figures[f"{kind}_{size}"] = summary(of_kind, each_s)
                print(
                    f"{size:>12} {kind:>9} {row['p50_ms']:>9} {row['p99_ms']:>10} {row['slice_gas_p50']:>12}"
                    f" {row['eager_p50_s']:>9} {row['eager_over_selective']:>9}",
                    flush=True,
                )
        parts, imported, import_s = shape(chain.economy), chain.economy.chain.next_seq, chain.import_s
    growth = {kind: _growth(figures, kind, sizes) for kind in ("balance", "pay")}
    print(
        json.dumps(
            {
                "benchmark": "scaling",
                "sizes": sizes,
                "shares": parts,
                "import_transactions_per_s": round(imported / import_s),
                "eager_transactions_per_s": round(1 / each_s),
                "eager_measured_transactions": min(EAGER_MOST, sizes[-1]),
                "figures": figures,
                "p50_growth": growth,
                "p50_growth_1e6_over_1e4": max(growth.values()) if sizes[-1] == 100 * sizes[0] else None,
            }
        )
    )


def _growth(figures: dict[str, dict[str, object]], kind: str, sizes: list[int]) -> float:
    """p50 at the largest size over p50 at the smallest."""
    first, last = figures[f"{kind}_{sizes[0]}"]["p50_ms"], figures[f"{kind}_{sizes[-1]}"]["p50_ms"]
    assert isinstance(first, float) and isinstance(last, float)
    return round(last / first, 3)


if __name__ == "__main__":
    main()
