"""Guesses: the truth where everything was observed, harmless where nothing was, and they execute nothing."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.block import Position
from accountant.chain.footprint import Write
from accountant.chain.query import View, ViewAnswer
from accountant.contracts.errors import ContractFailure
from accountant.contracts.world import World
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.genesis_state import GenesisState
from accountant.execution.guess import VIEWS_MOST, WRITERS_MOST, Guesses
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.needs import AnswerOf
from accountant.execution.outcome import Observed
from accountant.execution.queries import target_of
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.position import Place, resolve
from accountant.primitives.types import AMOUNT_MAX, AccountId, Address, Amount, Hash, Seq
from tests.support.index_chain import ANN, VAULT, RecordedIndex, call, small_genesis
from tests.support.random_chain import SLOTS, Program, RandomChain

CHAINS = settings(max_examples=60, deadline=None)


def _chain(random: Random) -> tuple[RandomChain, EagerState, MemoryOutcomes]:
    chain = RandomChain(random)
    chain.grow(6)
    eager = execute_everything(chain.index)
    return chain, eager, MemoryOutcomes()


def _head(chain: RandomChain) -> Place:
    place = resolve(chain.index, Position(chain.index.head().hash, 0))
    assert place is not None
    return place


def _bound(world: World, account: AccountId, theta: tuple[Hash, ...]) -> object:
    try:
        return world.lower_bound(account, theta)
    except ContractFailure as failure:
        return failure.kind


@CHAINS
@given(st.randoms(use_true_random=True))
def test_with_everything_observed_a_guess_is_the_truth(random: Random) -> None:
    """Slots, code, money, bounds and queries are what executing everything says; nothing counts as unobserved."""
    chain, eager, store = _chain(random)
    selective = Selective(Session(chain.index, store))
    for seq in range(len(eager.outcomes)):
        selective.outcome(Seq(seq))
    guesses, place = Guesses(Session(chain.index, store)), _head(chain)
    world = guesses.world(place)
    for contract in chain.contracts:
        assert world.code(contract) == eager.code_before(contract, place.seq)
        general = eager.general_before(contract, place.seq)
        assert [world.covers(contract, Amount(general + more)) for more in (0, 1)] == [True, False]
        for slot in SLOTS:
            assert world.slot(contract, slot) == eager.slot_before(contract, slot, place.seq)
    for _ in range(20):
        query = chain.query()
        if target_of(chain.index, query) is not None:
            assert guesses(AnswerOf(query)) == eager.answer(query)
        account = chain.account()
        theta = tuple(Hash(chain.moved(account)) for _ in range(random.randrange(3)))
        strict = Selective(Session(chain.index, store))
        bound = _bound(world, account, theta)
        if isinstance(bound, int):
            seqs = tuple(found for name in theta if (found := chain.index.seq_of(name)) is not None)
            zero = chain.index.zero_balance(Address(account), place.moment) if len(account) == 20 else 0
            assert bound == min(strict.bound(account, seqs, place.seq) + zero, AMOUNT_MAX)
    assert guesses.unobserved == set()


@CHAINS
@given(st.randoms(use_true_random=True))
def test_a_slot_is_what_its_latest_observed_writer_left(random: Random) -> None:
    """With any part of the outcomes known, unobserved writers are passed over and counted; nothing is executed."""
    chain, eager, store = _chain(random)
    known = {seq for seq in range(len(eager.outcomes)) if random.random() < 0.5}
    for seq in known:
        store.put(Seq(seq), Observed(eager.outcomes[seq], ()))
    place, genesis = _head(chain), GenesisState(chain.index.genesis)
    for contract in chain.contracts:
        for slot in SLOTS:
            guesses = Guesses(Session(chain.index, store))
            expected, passed = genesis.slot(contract, slot), set()
            for writer in chain.index.writers(contract, slot, place.seq, 1_000):
                written = eager.outcomes[writer].written(contract, slot)
                if writer not in known:
                    passed.add(writer)
                elif written is not None:
                    expected = written
                    break
            assert guesses.world(place).slot(contract, slot) == expected
            assert guesses.unobserved == passed
    assert {seq for seq in range(len(eager.outcomes)) if store.get(Seq(seq)) is not None} == known


@CHAINS
@given(st.randoms(use_true_random=True))
def test_whatever_is_asked_with_nothing_observed_is_answered(random: Random) -> None:
    """A guess of any query about the chain comes without an exception and without executing a transaction."""
    chain, _, store = _chain(random)
    guesses = Guesses(session := Session(chain.index, store))
    for _ in range(30):
        query = chain.query()
        if target_of(chain.index, query) is not None:
            guesses(AnswerOf(query))
    assert (session.executed, session.resolved) == ([], [])


def test_a_slot_with_endlessly_many_unobserved_writers() -> None:
    """Looking back has an end: beyond it the slot counts as untouched."""
    index = RecordedIndex(small_genesis())
    for first in range(0, WRITERS_MOST + 100, 100):
        index.append_unsigned([(ANN, call(first + n, VAULT, Write(VAULT, b"s"))) for n in range(100)])
    guesses = Guesses(Session(index, MemoryOutcomes()))
    place = resolve(index, Position(index.head().hash, 0))
    assert place is not None
    assert guesses.world(place).slot(VAULT, b"s") == b""
    assert len(guesses.unobserved) == WRITERS_MOST


class Counting(Guesses):
    """Guesses that remember how many views waited for one."""

    deepest = 0

    def _view(self, view: View, place: Place) -> ViewAnswer:
        self.deepest = max(self.deepest, self._views)
        return super()._view(view, place)


def _view_of(chain: RandomChain, asked: View | None) -> View:
    """A view on the latest block's end that asks another view, or nothing."""
    program = Program()
    if asked is not None:
        program.ask(asked)
    gas = 100_000 if asked is None else asked.gas_limit + 200_000
    return View(chain.contracts[0], "run", (program.code,), gas, Position(chain.index.head().hash, 0))


@pytest.mark.parametrize("depth", [1, VIEWS_MOST, VIEWS_MOST + 1, VIEWS_MOST + 2])
def test_views_that_ask_views_end(depth: int) -> None:
    """However deep views ask each other, a bounded number of them waits on the native stack."""
    chain = RandomChain(Random(1))
    view = None
    for _ in range(depth):
        chain.index.append_unsigned([])
        view = _view_of(chain, view)
    chain.index.append_unsigned([])
    assert view is not None
    guesses = Counting(Session(chain.index, MemoryOutcomes()))
    assert isinstance(guesses(AnswerOf(view)), ViewAnswer)
    assert guesses.deepest == min(depth - 1, VIEWS_MOST)
