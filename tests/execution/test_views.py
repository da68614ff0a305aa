"""Views: what a contract's function returns on the state at a position, from either executor."""

from collections import Counter
from contextlib import suppress
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.chain.block import Position
from accountant.chain.envelope import ArgumentKind, Envelope
from accountant.chain.footprint import Query
from accountant.chain.genesis import GasSchedule, Genesis, GenesisAccount, GenesisContract
from accountant.chain.query import View, ViewAnswer, decode_query
from accountant.chain.transaction import Argument, CallPayload, DeployPayload, Transaction, TransactionKind
from accountant.contracts.engine import ENGINE
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.needs import BudgetSpent
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.memory import MemoryIndex
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address, ContractId, Gas, Hash, Seq
from tests.support.random_chain import (
    CONTRACTS,
    SLOTS,
    USERS,
    Program,
    RandomChain,
    footprint_of,
    script_code,
    script_envelope,
)
from tests.support.wat import admits, module

ANN, BEN = USERS[:2]
SCRIPT = CONTRACTS[0]
CLOCK = ContractId(b"\xc1" * 32)
CLOCK_CODE = module(
    """
    (func (export "height") (call $return_int (call $height)))
    (func (export "index") (call $return_int (call $index)))
    (func (export "previous_hash") (call $return_bytes (call $previous_hash)))
    (func (export "time") (call $return_int (call $time)))
    (func (export "owned") (local $nothing i64)
      (local.set $nothing (call $bytes_new (i32.const 0) (i32.const 0)))
      (call $return_int (call $bound (call $arg_bytes (i64.const 0)) (local.get $nothing))))
    """
)
LIMIT = 1_000_000

CHAINS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True, params=[(1, 0), (512, 4)], ids=["dense checkpoints, waiting runs", "as in service"])
def _limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint_every, runs_most = request.param
    monkeypatch.setattr("accountant.execution.session.CHECKPOINT_EVERY", checkpoint_every)
    monkeypatch.setattr("accountant.execution.selective.RUNS_MOST", runs_most)


def _index() -> MemoryIndex:
    clock = admits("height", "index", "previous_hash", "time")
    owned = admits("owned", arguments=(ArgumentKind.ACCOUNT,))
    contracts = (
        GenesisContract(CLOCK, ANN, CLOCK_CODE, Envelope((*clock.functions, *owned.functions)), 0),
        GenesisContract(SCRIPT, ANN, script_code(), script_envelope(False), 1_000),
    )
    accounts = (GenesisAccount(BEN, 500),)
    return MemoryIndex(
        Genesis(7, 1_000, ENGINE, (BEN,), accounts, contracts, block_reward=7, gas=GasSchedule(general_check=3))
    )


def _call(program: Program, nonce: int = 0, to: bytes = SCRIPT, gas: int = 2_000_000) -> tuple[Address, Transaction]:
    payload = encode(CallPayload("run", (program.code,)))
    footprint = footprint_of(program.entries)
    return ANN, Transaction(1, 7, nonce, TransactionKind.CALL, to, 0, 0, gas, 0, 0, payload, footprint, bytes(65))


def _writer(slot: bytes, contract: ContractId = SCRIPT) -> Program:
    program = Program()
    program.write(contract, slot)
    return program


def _reader(*slots: bytes, contract: ContractId = SCRIPT) -> Program:
    program = Program()
    for slot in slots:
        program.read(contract, slot)
    return program


def _script(program: Program, position: Position, gas: int = LIMIT, contract: ContractId = SCRIPT) -> View:
    return View(contract, "run", (program.code,), gas, position)


def _value(index: MemoryIndex, view: View) -> Argument | str | None:
    """What a view returns, or the kind of its failure; from both executors."""
    answer = Selective(Session(index, MemoryOutcomes())).answer(view)
    assert answer == execute_everything(index).answer(view)
    assert isinstance(answer, ViewAnswer)
    return answer.failure or answer.value


def _clock(index: MemoryIndex, function: str, position: Position) -> Argument | str | None:
    return _value(index, View(CLOCK, function, (), LIMIT, position))


def _head(index: MemoryIndex) -> Position:
    return Position(index.head().hash, 0)


@CHAINS
@given(st.randoms(use_true_random=True))
def test_every_view_is_the_eager_one(random: Random) -> None:
    """At any position, cold or warm, with any budget: the eager answer, or none and the budget was too small."""
    chain = RandomChain(random)
    chain.grow(6)
    eager = execute_everything(chain.index)
    store = MemoryOutcomes()
    for _ in range(20):
        view = chain.view()
        truth = eager.answer(view)
        assert Selective(Session(chain.index, random.choice([store, MemoryOutcomes()]))).answer(view) == truth
        budget = Gas(random.randrange(2 * LIMIT))
        session = Session(chain.index, random.choice([store, MemoryOutcomes()]), gas_budget=budget)
        with suppress(BudgetSpent):
            assert Selective(session).answer(view) == truth
        assert session.gas_executed <= budget
    for seq, outcome in enumerate(eager.outcomes):
        known = store.get(Seq(seq))
        assert known is None or known.outcome == outcome


def test_the_random_views_are_worth_asking() -> None:
    """Many return something, inside transactions too, and the others fail in many ways: else the laws say little."""
    random, seen, inside = Random(5), Counter[str](), 0
    for _ in range(50):
        chain = RandomChain(random)
        chain.grow(6)
        eager = execute_everything(chain.index)
        for _ in range(40):
            answer = eager.answer(chain.view())
            if isinstance(answer, ViewAnswer):
                seen[answer.failure or "returned"] += 1
        for located, outcome in zip(eager.located, eager.outcomes, strict=True):
            views = sum(
                isinstance(entry, Query) and isinstance(decode_query(entry.query), View)
                for entry in located.transaction.footprint
            )
            inside += views if outcome.succeeded else 0
    assert seen["returned"] > 150 and inside > 10, (seen, inside)
    assert min(seen[kind] for kind in ("view_writes", "out_of_gas", "no_code", "not_callable", "query_void")) > 5, seen


def test_a_view_sees_where_it_is() -> None:
    """Height, index and previous hash are those of a transaction at its position."""
    index = _index()
    first = index.append_unsigned([_call(_writer(b"a"))], time=2_000)
    position = Position(first.hash, 0)
    assert _clock(index, "height", position) == 2
    assert _clock(index, "index", Position(index.genesis.hash, 1)) == 1
    assert _clock(index, "previous_hash", position) == first.hash


def test_a_views_time_is_known_at_the_head() -> None:
    """The latest block's that the position has seen anything of: blocks that come later change nothing."""
    index = _index()
    assert _clock(index, "time", _head(index)) == 1_000
    first = index.append_unsigned([_call(_writer(b"a"))], time=2_000)
    genesis = index.genesis.hash
    assert [_clock(index, "time", Position(genesis, at)) for at in (0, 1)] == [1_000, 2_000]
    assert _clock(index, "time", Position(first.hash, 0)) == 2_000
    index.append_unsigned([], time=3_000)
    assert _clock(index, "time", Position(first.hash, 0)) == 2_000


def test_a_blocks_end_includes_its_reward() -> None:
    """A bound asked at the end of a block counts what the block brought its proposer."""
    index = _index()
    index.append_unsigned([_call(_writer(b"a"))])
    values = [_value(index, View(CLOCK, "owned", (BEN,), LIMIT, Position(index.genesis.hash, at))) for at in (0, 1)]
    assert values == [500, 507]


def test_the_state_is_that_of_the_position() -> None:
    """A write is seen right after its transaction and not before, and code once it is deployed."""
    index = _index()
    payload = encode(DeployPayload(script_code(), script_envelope(False), ()))
    deployment = Transaction(1, 7, 0, TransactionKind.DEPLOY, b"", 0, 0, 10**8, 0, 0, payload, (), bytes(65))
    deployed = contract_id_of(BEN, 0)
    index.append_unsigned([_call(_writer(b"a")), (BEN, deployment)])
    places = [Position(index.genesis.hash, at) for at in range(3)]
    read = [_value(index, _script(_reader(b"a"), place)) for place in places]
    assert read[0] != read[1] == read[2]
    code = [_value(index, _script(Program(), place, contract=deployed)) for place in places]
    assert code[0] == code[1] == "no_code" != code[2]


def test_only_what_a_view_touches_is_executed() -> None:
    """Of three written slots the one that is read, although the view declares nothing; and again, nothing."""
    index = _index()
    index.append_unsigned([_call(_writer(slot), nonce) for nonce, slot in enumerate(SLOTS)])
    store, view = MemoryOutcomes(), _script(_reader(b"b"), _head(index))
    session = Session(index, store)
    Selective(session).answer(view)
    assert session.executed == [Seq(1)]
    again = Session(index, store)
    Selective(again).answer(view)
    assert again.executed == [] and again.cached == {Seq(1)}
    used = session.gas_executed - store.get(Seq(1)).outcome.gas_used  # type: ignore[union-attr]
    assert again.gas_executed == used > 0


def test_a_budget_of_exactly_the_gas_used_suffices() -> None:
    """One unit less does not, and what was missing is the view itself; its own limit is no budget but an answer."""
    index = _index()
    index.append_unsigned([_call(_writer(b"a"))])
    view = _script(_reader(b"a", b"b"), _head(index))
    free = Session(index, MemoryOutcomes())
    truth = Selective(free).answer(view)
    exact = Session(index, MemoryOutcomes(), gas_budget=free.gas_executed)
    assert Selective(exact).answer(view) == truth and exact.gas_left == 0
    with pytest.raises(BudgetSpent) as spent:
        Selective(Session(index, MemoryOutcomes(), gas_budget=Gas(free.gas_executed - 1))).answer(view)
    assert (spent.value.transaction, spent.value.gas_most) == (None, LIMIT)
    assert _value(index, _script(_reader(b"a", b"b"), _head(index), gas=1_500)) == "out_of_gas"


def test_a_transaction_asks_a_view_for_its_limit() -> None:
    """The price is the whole limit, whatever the view uses; with less gas left the transaction runs out of it."""
    used = []
    for limit in (100_000, 300_000):
        index = _index()
        asking = Program()
        asking.ask(_script(_reader(b"a"), _head(index), gas=limit))
        index.append_unsigned([_call(asking)])
        outcome = execute_everything(index).outcomes[0]
        assert outcome.succeeded
        assert Selective(Session(index, MemoryOutcomes())).outcome(Seq(0)) == outcome
        used.append(outcome.gas_used)
    assert used[1] - used[0] == 200_000
    index = _index()
    asking = Program()
    asking.ask(_script(_reader(b"a"), _head(index), gas=1_900_000))
    index.append_unsigned([_call(asking)])
    assert execute_everything(index).outcomes[0].failure == "out_of_gas"


def test_a_view_of_the_asking_block_is_void() -> None:
    """A transaction may only ask about earlier blocks; a view may ask about the very state that it sees."""
    index = _index()
    inner = _script(_reader(b"a"), Position(index.genesis.hash, 0), gas=100_000)
    late = _script(_reader(b"a"), Position(index.genesis.hash, 1), gas=100_000)
    asking = [Program(), Program()]
    asking[0].ask(late)
    asking[1].ask(inner)
    index.append_unsigned([_call(program, nonce) for nonce, program in enumerate(asking)])
    outcomes = execute_everything(index).outcomes
    assert [outcome.failure for outcome in outcomes] == ["query_void", None]
    assert [Selective(Session(index, MemoryOutcomes())).outcome(Seq(seq)) for seq in (0, 1)] == outcomes
    assert _value(index, _script(asking[1], Position(index.genesis.hash, 0))) != "query_void"
    assert _value(index, _script(asking[0], Position(index.genesis.hash, 0))) == "query_void"


def test_views_in_views_end() -> None:
    """Each pays the whole limit of the next, so a chain of them is as long as the first one's gas, and no longer."""
    index = _index()
    view = _script(_reader(b"a"), _head(index), gas=50_000)
    depth, answer = 0, _value(index, view)
    while isinstance(answer, bytes) and depth < 4:
        outer = Program()
        outer.ask(view)
        view = _script(outer, _head(index), gas=view.gas_limit + 120_000)
        depth, answer = depth + 1, _value(index, view)
    assert depth == 4 and isinstance(answer, bytes)
    too_little = Program()
    too_little.ask(view)
    assert _value(index, _script(too_little, _head(index), gas=view.gas_limit)) == "out_of_gas"


def test_a_position_that_is_not_on_the_chain() -> None:
    """Such a view has no answer."""
    index = _index()
    view = _script(Program(), Position(Hash(b"\x01" * 32), 0))
    assert Selective(Session(index, MemoryOutcomes())).answer(view) is None
