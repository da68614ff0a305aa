"""The growing chain of `benchmarks.scaling` at a small size: what it is made of, and that its answers are right."""

import pytest

from accountant.execution.eager import EagerState, execute_everything
from accountant.index.memory import MemoryIndex
from accountant.primitives.types import Seq
from accountant.storage.embedded import EmbeddedServers
from benchmarks.economy import Asked, Economy
from benchmarks.scaling import measure, shape
from benchmarks.scaling_questions import Ask, Questions, ask_in_turns, balance, payment

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


def _asked(grown: Grown, asks: list[tuple[Seq, Ask]], seconds_most: float = 60) -> Questions:
    """All of these questions, answered."""
    questions = Questions("balance", SIZE, iter(asks), lambda: grown.index)
    ask_in_turns([questions], len(asks), seconds_most)
    assert len(questions.answers) + questions.empty == len(asks)
    return questions


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
        assert grown.eager.general_before(asked.account, asked.seq) >= asked.units
        assert all(answer.accepted for answer in _asked(grown, [(asked.seq, balance(asked))]).answers)
    for seq in grown.economy.payments[-30:]:
        answers = _asked(grown, [(seq, payment(seq))]).answers
        assert all(answer.accepted == grown.eager.outcomes[seq].succeeded for answer in answers)


def test_the_same_seed_gives_the_same_chain(grown: Grown) -> None:
    """Whatever is asked of it; and another one another chain."""
    heads = []
    for seed in (1, 2):
        blocks: list[bytes] = []
        economy = Economy(lambda block, blocks=blocks: blocks.append(block.hash), seed)  # type: ignore[misc]
        while economy.chain.next_seq < SIZE:
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


def test_it_grows_in_postgres_and_is_asked_cold(servers: EmbeddedServers) -> None:
    """Two sizes of one chain; questions of each lie in its last fifth and execute something."""
    sizes = [SIZE // 2, SIZE]
    found = measure(servers, sizes, QUESTIONS, seconds_most=60)
    figures = found["figures"]
    assert isinstance(figures, dict) and len(figures) == 4
    for row in figures.values():
        assert row["questions"] == QUESTIONS and not row["given_up"]
        assert row["slice_gas_p50"] > 0 and row["slice_transactions_p50"] > 0 and row["p50_ms"] > 0
    assert found["p50_growth_1e6_over_1e4"] is None


def test_a_question_leaves_nothing_behind(grown: Grown) -> None:
    """Each has a store of its own, so asking twice executes the same twice."""
    asks = [(asked.seq, balance(asked)) for asked in grown.asked[:20]]
    first, second = (_asked(grown, asks) for _ in range(2))
    assert [answer.gas for answer in first.answers] == [answer.gas for answer in second.answers]
    assert first.empty == second.empty and first.answers


def test_a_question_that_takes_too_long_is_given_up(grown: Grown) -> None:
    """It counts as asked, whatever it executed until then, and neither as accepted nor as rejected."""
    questions = Questions("balance", SIZE, iter((one.seq, balance(one)) for one in grown.asked), lambda: grown.index)
    ask_in_turns([questions], 1, seconds_most=0)
    assert [answer.accepted for answer in questions.answers] == [None]
    assert questions.answers[0].slice is None and not questions.empty
