"""The growing chain of `benchmarks.scaling` at a small size: what it is made of, and that its answers are right."""

from collections.abc import Iterator

import pytest

from accountant.execution.eager import EagerState, execute_everything
from accountant.index.memory import MemoryIndex
from accountant.storage.database import Database, migrate
from benchmarks.economy import Asked, Economy
from benchmarks.scaling import Growing, at_size, balance, eager_each_s, measure, payment, shape, summary

SIZE, QUESTIONS = 600, 4


class Grown:
    """A chain in memory, and the eager reference over it."""

    def __init__(self, size: int) -> None:
        blocks: list[MemoryIndex] = []
        self.economy = Economy(lambda block: blocks[0].append(block))
        self.index = MemoryIndex(self.economy.chain.genesis)
        blocks.append(self.index)
        self.asked: list[Asked] = []
        while self.economy.chain.next_seq < size:
            if self.economy.chain.next_seq > size // 2:
                self.asked.append(self.economy.ask())
            self.economy.grow()
        self.economy.chain.end_block()
        self.eager: EagerState = execute_everything(self.index)


@pytest.fixture(scope="module")
def grown() -> Grown:
    """A short chain."""
    return Grown(SIZE)


def test_the_model_keeps_balances_from_below(grown: Grown) -> None:
    """Nobody owns less than the model says, and only payments that are meant to fail do."""
    end = grown.index.head().next_seq
    economy = grown.economy
    assert end >= SIZE
    assert all(
        grown.eager.general_before(account, end) >= economy.general[account]
        for account in (*economy.people, *economy.shops)
    )
    failed = sum(not outcome.succeeded for outcome in grown.eager.outcomes)
    assert failed == economy.kinds["shop, not covered"] > 0


def test_cold_answers_are_the_eager_ones(grown: Grown) -> None:
    """Balances and payments alike."""
    for asked in grown.asked[:20]:
        right = grown.eager.general_before(asked.account, asked.seq) >= asked.units
        measured = measure([(asked.seq, balance(asked))], lambda: grown.index, 1)
        assert right and all(answer.accepted for answer in measured.answers)
    for seq in grown.economy.payments[-30:]:
        measured = measure([(seq, payment(seq))], lambda: grown.index, 1)
        assert all(answer.accepted == grown.eager.outcomes[seq].succeeded for answer in measured.answers)
        assert len(measured.answers) + measured.empty == 1


def test_the_same_seed_gives_the_same_chain(grown: Grown) -> None:
    """And another one another chain."""
    heads = []
    for seed in (1, 2):
        blocks: list[bytes] = []
        economy = Economy(lambda block, blocks=blocks: blocks.append(block.hash), seed)  # type: ignore[misc]
        while economy.chain.next_seq < SIZE:
            if seed == 1 and economy.chain.next_seq > SIZE // 2:
                economy.ask()
            economy.grow()
        economy.chain.end_block()
        heads.append(blocks[-1])
    assert heads[0] == grown.index.head().hash != heads[1]


def test_the_chain_has_the_shares_that_it_is_meant_to_have() -> None:
    """At least a fifth are calls, and at least half of the payments are of general money."""
    economy = Economy(lambda _block: None)
    while economy.chain.next_seq < 3_000:
        economy.grow()
    shares = shape(economy)
    assert shares["calls"] >= 0.2 and shares["payments_from_general_money"] >= 0.5


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database with the schema."""
    migrate(database_url)
    with Database(database_url) as there:
        yield there


def test_it_grows_in_postgres_and_is_asked_cold(database: Database) -> None:
    """Two sizes of one chain; questions lie in the last fifth of each, and executed something."""
    chain = Growing(database)
    figures = {}
    for size in (SIZE // 2, SIZE):
        measured = at_size(chain, size, QUESTIONS)
        assert chain.index().head().next_seq == chain.prefix.head().next_seq == chain.economy.chain.next_seq
        each_s = eager_each_s(chain.prefix)
        for kind, found in measured.items():
            assert len(found.answers) == QUESTIONS
            assert all(answer.gas and answer.slice and answer.before >= size - size // 5 for answer in found.answers)
            figures[kind, size] = summary(found, each_s)
    assert all(row["questions"] == QUESTIONS and row["p50_ms"] for row in figures.values())


def test_a_question_leaves_nothing_behind(grown: Grown) -> None:
    """Each has a store of its own, so asking twice executes the same twice."""
    asks = [(asked.seq, balance(asked)) for asked in grown.asked[:20]]
    first, second = (measure(asks, lambda: grown.index, len(asks)) for _ in range(2))
    assert [answer.gas for answer in first.answers] == [answer.gas for answer in second.answers]
    assert first.empty == second.empty and first.answers


def test_a_question_that_takes_too_long_is_given_up(grown: Grown, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as asked, with the gas until then, and neither as accepted nor as rejected."""
    monkeypatch.setenv("SECONDS_MOST", "0")
    asks = [(asked.seq, balance(asked)) for asked in grown.asked[:20]]
    measured = measure(asks, lambda: grown.index, 1)
    assert [answer.accepted for answer in measured.answers] == [None]
    assert measured.answers[0].gas
