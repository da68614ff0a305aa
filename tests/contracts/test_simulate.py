"""Simulated runs: what was touched is recorded, and declaring exactly that makes the real run do the same."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.footprint import (
    QUERY_BYTES_MAX,
    Bound,
    Call,
    Credit,
    Debit,
    Entry,
    Query,
    Read,
    Write,
    canonical_footprint,
)
from accountant.chain.genesis import Limits
from accountant.contracts.entry_text import missing_entry
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.simulate import Simulation, simulate
from accountant.primitives.types import Gas
from tests.support.wat import FRIEND, GAS, MAIN, DictWorld, call_of, contract, escaped, main_module, text

INNER = contract(1)
DATA = escaped(b"slot0slot1") + escaped(FRIEND) + escaped(INNER) + "main"
SLOTS = tuple(text(5 * n, 5) for n in range(2))
TO_FRIEND, TO_INNER, NAME, QUERY = text(10, 20), text(30, 32), text(62, 4), text(0, 9)

PLAIN = (
    *(f"(drop (call $storage_read {slot}))" for slot in SLOTS),
    *(f"(call $storage_write {slot} {TO_FRIEND})" for slot in SLOTS),
    *(f"(call $transfer {TO_FRIEND} (i64.const {amount}))" for amount in (0, 7, 30, -1)),
    *("(call $transfer (call $self) (i64.const 5))", "(unreachable)", f"(call $fail {NAME})"),
    *(f"(drop (call $bound {TO_FRIEND} {text(0, 0)}))", f"(drop (call $query {QUERY}))"),
)
CALLS = tuple(
    f"(drop (call $call {TO_INNER} {NAME} (call $args_new) (i64.const {value})))" for value in (0, 9, 1_000_000)
)
OUTER_PROGRAMS = st.lists(st.sampled_from(PLAIN + CALLS), max_size=8).map("".join)
INNER_PROGRAMS = st.lists(st.sampled_from(PLAIN), max_size=6).map("".join)


def world_of(main: str, inner: str = "") -> DictWorld:
    world = DictWorld()
    world.deploy(MAIN, main_module(main, DATA))
    world.deploy(INNER, main_module(inner, DATA))
    world.balances = {MAIN: 60, INNER: 10}
    world.bounds[FRIEND, ()] = 3
    world.answers[b"slot0slot"] = b"\xc3"
    return world


def simulated(
    world: DictWorld, gas: int = GAS, limits: Limits = Limits(), mark: Callable[[], int] | None = None
) -> Simulation:
    return simulate(call_of(limits=limits), world, Gas(gas), mark or (lambda: 0))


@settings(max_examples=60, deadline=None)
@given(OUTER_PROGRAMS, INNER_PROGRAMS)
def test_what_was_touched_is_what_must_be_declared(main: str, inner: str) -> None:
    """With the touched entries declared, a run does what its simulation did; without any of them it fails by that."""
    world = world_of(main, inner)
    simulation = simulated(world)
    entries = [touch.entry for touch in simulation.touched]
    assert execute(call_of(footprint=canonical_footprint(entries)), world, GAS) == simulation.result
    for left_out in entries:
        declared = canonical_footprint(entry for entry in entries if entry is not left_out)
        result = execute(call_of(footprint=declared), world, GAS)
        assert result.failure is FailureKind.UNDECLARED_ACCESS
        missing = missing_entry(result.failure, result.detail)
        assert missing is not None
        if isinstance(missing, Debit) and isinstance(left_out, Debit):
            assert missing.contract == left_out.contract
        else:
            assert missing == left_out


def test_what_touches_are() -> None:
    """Every kind is recorded at its first touch, in order, each once; a debit has the sum of all payments."""
    code = PLAIN[0] + PLAIN[2] + PLAIN[0] + PLAIN[5] + PLAIN[6] + CALLS[1] + PLAIN[-2] + PLAIN[-1]
    simulation = simulated(world_of(code, PLAIN[3]))
    assert simulation.result.failure is None
    assert [touch.entry for touch in simulation.touched] == [
        Read(MAIN, b"slot0"),
        Write(MAIN, b"slot0"),
        Debit(MAIN, 46),
        Credit(FRIEND),
        Call(INNER),
        Credit(INNER),
        Write(INNER, b"slot1"),
        Bound(FRIEND),
        Query(b"slot0slot"),
    ]


def test_marks_are_set_before_what_was_touched_is_looked_at() -> None:
    """An entry's mark is of the moment before the world was asked for it: keys follow from earlier answers alone."""
    world = world_of(PLAIN[0] + PLAIN[1])
    simulation = simulated(world, mark=lambda: sum(what == "slot" for what, _ in world.asked))
    assert [touch.mark for touch in simulation.touched] == [0, 1]


def test_a_mark_is_of_the_first_touch() -> None:
    """What is touched again later keeps its mark, also a debit whose cap has grown meanwhile."""
    marks = iter(range(100))
    simulation = simulated(world_of(PLAIN[5] + PLAIN[0] + PLAIN[5] + PLAIN[0]), mark=lambda: next(marks))
    assert [touch.mark for touch in simulation.touched] == [0, 1, 2]
    assert simulation.touched[0].entry == Debit(MAIN, 14)


def test_the_callee_itself_needs_no_entry() -> None:
    """A contract that calls back to where the transaction began touches no call entry by that."""
    again = f"(call $call (call $self) {NAME} (call $args_new) (i64.const 0))"
    simulation = simulated(world_of(f"(if (i64.eq (call $value) (i64.const 0)) (then (drop {again})))"))
    assert simulation.result.failure is FailureKind.RECURSION_LIMIT
    assert simulation.touched == ()


@pytest.mark.parametrize(("size", "failure"), [(QUERY_BYTES_MAX, None), (QUERY_BYTES_MAX + 1, "undeclared_access")])
def test_the_longest_query(size: int, failure: str | None) -> None:
    """A query as long as a footprint may hold is recorded; a longer one fails, as nobody could declare it."""
    world = world_of(f"(drop (call $query {text(1_000, size)}))")
    world.answers[bytes(size)] = b"\xc3"
    simulation = simulated(world)
    assert simulation.result.failure == failure
    assert [touch.entry for touch in simulation.touched] == ([] if failure else [Query(bytes(size))])


def test_a_failed_run_keeps_what_it_touched() -> None:
    """Entries of a partial run are there, the one at which it failed included."""
    simulation = simulated(world_of(PLAIN[0] + CALLS[2]))
    assert simulation.result.failure is FailureKind.INSUFFICIENT_CONTRACT_FUNDS
    assert [touch.entry for touch in simulation.touched] == [
        Read(MAIN, b"slot0"),
        Call(INNER),
        Debit(MAIN, 1_000_000),
        Credit(INNER),
    ]


MANY = """(local $i i32) (loop $more
    (i32.store (i32.const 0) (local.tee $i (i32.add (local.get $i) (i32.const 1))))
    (drop (call $storage_read (call $bytes_new (i32.const 0) (i32.const 4)))) (br $more))"""


def test_more_than_a_footprint_may_hold() -> None:
    """A contract that touches ever new slots ends with the footprint's limit, long before its gas is spent."""
    world = DictWorld()
    world.deploy(MAIN, main_module(MANY))
    simulation = simulated(world, gas=10**9, limits=Limits(footprint_entries_most=50))
    assert (simulation.result.failure, len(simulation.touched)) == (FailureKind.UNDECLARED_ACCESS, 50)
    assert simulation.result.gas_used < 100_000


@pytest.mark.parametrize(("code", "entry"), [(f"(drop (call $query {text(0, 0)}))", Query(b""))])
def test_what_no_footprint_may_hold(code: str, entry: Entry) -> None:
    """What nobody could declare fails in the simulation as it would on the chain."""
    simulation = simulated(world_of(code))
    assert simulation.result.failure is FailureKind.UNDECLARED_ACCESS
    assert entry not in [touch.entry for touch in simulation.touched]


def test_payments_past_all_money() -> None:
    """Caps end at 2^63 − 1: a contract that pays itself in circles is stopped there."""
    huge = f"(call $transfer (call $self) (i64.const {2**63 - 1}))"
    world = world_of(huge + huge)
    world.balances[MAIN] = 2**70
    simulation = simulated(world)
    assert simulation.result.failure is FailureKind.UNDECLARED_ACCESS
    assert [touch.entry for touch in simulation.touched] == [Debit(MAIN, 2**63 - 1), Credit(MAIN)]
