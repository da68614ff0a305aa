"""Oaths on several answers at once: one penalty stands behind all of them, and one false answer costs it."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.chain.block import Position
from accountant.chain.footprint import QUERY_BYTES_MAX
from accountant.chain.genesis import GenesisContract
from accountant.chain.query import PARTS_MOST, BalanceAtLeast, Every, Income, PartQuery, Storage, TransactionSucceeded
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Outcome
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.oath.code import OATH_CODE
from accountant.oath.counts import FlawKind
from accountant.oath.gas import OATH_GAS, oath_gas
from accountant.oath.purse import OATH_ENVELOPE
from accountant.oath.sworn import SWORN_ANSWER_BYTES_MAX
from accountant.primitives.encoding import encode
from accountant.primitives.types import Seq
from tests.support.oath_chain import CLIENT, OWNER, RICH, TOKEN, OathChain, altered, funded, terms
from tests.support.random_chain import RandomChain

HOLDER = b"\xbb" * 32


def outcome_of(chain: OathChain, seq: Seq) -> Outcome:
    """What executing everything and executing only what the oath needs both say."""
    eager = execute_everything(chain.index).outcomes[seq]
    assert Selective(Session(chain.index, MemoryOutcomes())).outcome(seq) == eager
    return eager


def parts_of(chain: OathChain, random: Random) -> tuple[PartQuery, ...]:
    """Queries about the chain so far, of all kinds that go together."""
    head = chain.index.head()

    def part() -> PartQuery:
        position = Position(head.hash, 0)
        name = chain.index.transaction(Seq(random.randrange(head.next_seq))).hash
        drawn: list[PartQuery] = [
            BalanceAtLeast(random.choice([RICH, CLIENT]), random.choice([1, 999, 1_001]) * TOKEN, position),
            TransactionSucceeded(name),
            Income(name, random.choice([RICH, CLIENT])),
            Storage(HOLDER, random.choice([b"a", b"b"]), position),
        ]
        return random.choice(drawn)

    return tuple(part() for _ in range(random.randrange(2, 7)))


def holder() -> GenesisContract:
    """A contract whose slots are known."""
    return GenesisContract(HOLDER, OWNER, OATH_CODE, OATH_ENVELOPE, 0, ((b"a", b"value"),))


@settings(max_examples=60, deadline=None)
@given(random=st.randoms(use_true_random=True), wrong=st.booleans())
def test_one_false_answer_costs_the_penalty(random: Random, wrong: bool) -> None:
    """Every true answer together counts and costs nothing; with any one of them changed it counts, and is slashed."""
    chain, purse = funded(holder())
    chain.transfer(RICH, CLIENT, 5 * TOKEN)
    asked = Every(parts_of(chain, random))
    truth = execute_everything(chain.index).answer(asked)
    assert isinstance(truth, tuple) and len(truth) == len(asked.queries)
    said: list[object] = list(truth)
    if wrong:
        place = random.randrange(len(said))
        said[place] = {bool: not said[place], int: 12345, bytes: b"other"}[type(truth[place])]
    seq = chain.swear(purse, terms(asked, tuple(said)))
    assert chain.flaws(seq) == set()
    outcome = outcome_of(chain, seq)
    assert outcome.succeeded and outcome.return_value == (not wrong)
    assert outcome.debit_of(purse) == (TOKEN if wrong else 0)


def test_answers_of_other_shapes() -> None:
    """Too few, too many, in another order of types, or one alone: no client could read it, so it does not count."""
    chain, purse = funded()
    paid = chain.index.transaction(Seq(0)).hash
    asked = Every((TransactionSucceeded(paid), Income(paid, CLIENT), TransactionSucceeded(paid)))
    for answer in ((True, 0), (True, 0, True, True), (0, True, True), True, (True, 0, b"")):
        seq = chain.swear(purse, terms(asked, answer))
        assert chain.flaws(seq) == {FlawKind.MALFORMED_ANSWER}, answer
        assert outcome_of(chain, seq).debit_of(purse) == TOKEN
        chain.deposit(purse, TOKEN)


def test_one_void_part_makes_it_void() -> None:
    """A part about a later block, or one that is on no chain, makes the whole oath void: nobody is slashed."""
    chain, purse = funded()
    paid = chain.index.transaction(Seq(0)).hash
    for other in (TransactionSucceeded(bytes(32)), BalanceAtLeast(RICH, 1, Position(bytes(32), 0))):
        seq = chain.swear(purse, terms(Every((TransactionSucceeded(paid), other)), (True, True)))
        assert chain.flaws(seq) == {FlawKind.VOID_QUERY}
        assert outcome_of(chain, seq).failure == "query_void"


def test_the_published_gas_suffices_for_the_longest() -> None:
    """Sixteen answers as long as can be, false and with a beneficiary, leave a margin; one gas less does not count."""
    chain, purse = funded(holder())
    paid = chain.index.transaction(Seq(0)).hash
    slot = Storage(HOLDER, b"a" * 64, Position(chain.index.head().hash, 0))
    few = Every((*(TransactionSucceeded(paid) for _ in range(PARTS_MOST - 4)), slot, slot, slot, slot))
    assert len(encode(few)) <= QUERY_BYTES_MAX < len(encode(Every(few.queries[:-1]))) + 200
    rest = (SWORN_ANSWER_BYTES_MAX - PARTS_MOST - 20) // 4
    said = (*(True for _ in range(PARTS_MOST - 4)), *(b"v" * rest for _ in range(4)))
    seq = chain.swear(purse, terms(few, said, beneficiary=CLIENT))
    assert chain.flaws(seq) == set()
    outcome = outcome_of(chain, seq)
    gas = oath_gas(encode(few))
    assert gas == OATH_GAS + (PARTS_MOST - 1) * chain.index.genesis.gas.query
    assert outcome.debit_of(purse) == TOKEN and outcome.gas_used <= gas - 15_000
    oath = chain.index.transaction(seq).transaction
    short = chain.add(altered(oath, nonce=chain.stamp().nonce, gas_limit=gas - 1))
    assert chain.flaws(short) == {FlawKind.TOO_LITTLE_GAS}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=True))
def test_selective_equals_eager(random: Random) -> None:
    """On random and hostile chains the answers together are those that executing everything gives one by one."""
    chain = RandomChain(random)
    chain.grow(5)
    eager = execute_everything(chain.index)
    for _ in range(8):
        asked = Every(tuple(chain.part() for _ in range(random.randrange(2, PARTS_MOST + 1))))
        found = Selective(Session(chain.index, MemoryOutcomes())).answer(asked)
        one_by_one = tuple(eager.answer(part) for part in asked.queries)
        assert found == eager.answer(asked) == (None if None in one_by_one else one_by_one)


@pytest.mark.parametrize("parts", [0, 1, PARTS_MOST + 1])
def test_how_many_go_together(parts: int) -> None:
    """An oath on fewer than two, or more than sixteen, has a malformed query."""
    chain, purse = funded()
    paid = chain.index.transaction(Seq(0)).hash
    seq = chain.swear(purse, terms(encode([7, [TransactionSucceeded(paid)] * parts]), (True,) * parts))
    assert FlawKind.MALFORMED_QUERY in chain.flaws(seq)
