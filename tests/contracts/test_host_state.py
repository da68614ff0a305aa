"""Host functions on storage, money, logs and accounting: what is declared, what is covered, what is counted."""

import pytest

from accountant.chain.footprint import Bound, Credit, Debit, Entry, Query, Read, Write
from accountant.chain.genesis import GasSchedule, Limits
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.world import Log
from tests.support.wat import (
    FRIEND,
    GAS,
    MAIN,
    DictWorld,
    call_of,
    contract,
    escaped,
    main_module,
    module,
    run_main,
    text,
)

SLOT = text(0, 4)
OTHER = text(4, 4)
DATA = "slotoher"
S, T = b"slot", b"oher"


def pays(*amounts: int, to: bytes = FRIEND) -> bytes:
    """A module whose `main` pays these amounts."""
    code = "".join(f"(call $transfer {text(0, len(to))} (i64.const {amount}))" for amount in amounts)
    return main_module(code, escaped(to))


def rich(units: int) -> DictWorld:
    """A world in which MAIN has `units` right before the transaction."""
    world = DictWorld()
    world.balances[MAIN] = units
    return world


def test_read_what_the_world_says() -> None:
    """storage_read gives the slot's value, and empty bytes where nothing was written."""
    world = DictWorld()
    world.slots[MAIN, S] = b"before"
    code = f"(call $return_bytes (call $bytes_concat (call $storage_read {SLOT}) (call $storage_read {OTHER})))"
    result = run_main(main_module(code, DATA), Read(MAIN, S), Read(MAIN, T), world=world)
    assert result.return_value == b"before"
    assert result.writes == {}


def test_write_is_seen_by_later_reads() -> None:
    """A written slot reads as written, the world is not asked, and the last value is the outcome's."""
    code = f"""(call $storage_write {SLOT} {OTHER}) (call $storage_write {SLOT} {SLOT})
        (call $return_bytes (call $storage_read {SLOT}))"""
    world = DictWorld()
    result = run_main(main_module(code, DATA), Read(MAIN, S), Write(MAIN, S), world=world)
    assert (result.return_value, result.writes) == (S, {(MAIN, S): S})
    assert ("slot", (MAIN, S)) not in world.asked


def test_cleared_slot_is_a_write() -> None:
    """Writing empty bytes is in the outcome, and a later read sees it rather than the old value."""
    world = DictWorld()
    world.slots[MAIN, S] = b"before"
    code = f"(call $storage_write {SLOT} {text(0, 0)}) (call $return_bytes (call $storage_read {SLOT}))"
    result = run_main(main_module(code, DATA), Read(MAIN, S), Write(MAIN, S), world=world)
    assert (result.return_value, result.writes) == (b"", {(MAIN, S): b""})


@pytest.mark.parametrize(
    ("code", "footprint", "detail"),
    [
        (f"(drop (call $storage_read {SLOT}))", (), "read 0xc0"),
        (f"(drop (call $storage_read {SLOT}))", (Write(MAIN, S),), "slot 0x736c6f74"),
        (f"(drop (call $storage_read {SLOT}))", (Read(MAIN, T), Read(contract(1), S)), "read 0xc0"),
        (f"(call $storage_write {SLOT} {SLOT})", (Read(MAIN, S),), "write 0xc0"),
        (
            f"(call $storage_write {SLOT} {SLOT}) (drop (call $storage_read {SLOT}))",
            (Write(MAIN, S),),
            "read 0xc0",
        ),
        (f"(drop (call $bound (call $self) {text(0, 0)}))", (Bound(FRIEND),), "bound 0xc0"),
        ("(drop (call $query (call $self)))", (Query(b"x"),), "query 0xc0"),
    ],
)
def test_undeclared_access(code: str, footprint: tuple[Entry, ...], detail: str) -> None:
    """Touching what no entry of the right kind names is UNDECLARED_ACCESS, and the detail names it."""
    result = run_main(main_module(code, DATA), *footprint)
    assert result.failure is FailureKind.UNDECLARED_ACCESS
    assert detail in result.detail
    assert result.writes == {}


@pytest.mark.parametrize("number", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_slots_that_hold_integers(number: int) -> None:
    """An integer comes back from its slot, the slot has the 8 bytes of bytes_from_int, and an empty one reads as 0."""
    code = f"""(call $storage_write_int {SLOT} (i64.const {number}))
        (call $return_int (i64.add (call $storage_read_int {SLOT}) (call $storage_read_int {OTHER})))"""
    result = run_main(main_module(code, DATA), Read(MAIN, S), Read(MAIN, T), Write(MAIN, S))
    assert (result.return_value, result.writes) == (number, {(MAIN, S): number.to_bytes(8, "big", signed=True)})


@pytest.mark.parametrize("value", [b"x", bytes(7), bytes(9), bytes(1000)])
def test_slot_that_holds_no_integer(value: bytes) -> None:
    """Reading an integer from a slot of another length than 8 bytes is INVALID_VALUE."""
    world = DictWorld()
    world.slots[MAIN, S] = value
    result = run_main(main_module(f"(drop (call $storage_read_int {SLOT}))", DATA), Read(MAIN, S), world=world)
    assert result.failure is FailureKind.INVALID_VALUE


def test_integers_in_slots_cost_what_bytes_cost() -> None:
    """Declarations, limits and gas of the integer functions are those of the functions on bytes."""
    as_int = main_module(f"(call $storage_write_int {SLOT} (i64.const 5)) (drop (call $storage_read_int {SLOT}))", DATA)
    with_bytes = f"(call $storage_write {SLOT} {text(0, 8)}) (drop (call $storage_read {SLOT}))"
    as_bytes = main_module(with_bytes, escaped(S + bytes(4)))
    prices = GasSchedule()
    entered = [prices.code_per_byte * len(code) for code in (as_int, as_bytes)]
    gas = [run_main(code, Read(MAIN, S), Write(MAIN, S)).gas_used for code in (as_int, as_bytes)]
    more = gas[1] - gas[0] - (entered[1] - entered[0]) - prices.host_copy - 8 * prices.host_per_byte
    assert more in range(10)
    for missing in ((Read(MAIN, S),), (Write(MAIN, S),)):
        assert run_main(as_int, *missing).failure is FailureKind.UNDECLARED_ACCESS


def test_slot_longer_than_a_footprint_can_name() -> None:
    """A slot of more than 128 bytes is INVALID_VALUE."""
    result = run_main(main_module(f"(call $storage_write {text(0, 129)} {SLOT})"))
    assert result.failure is FailureKind.INVALID_VALUE


def test_written_slots_count_in_the_memory_limit() -> None:
    """Slots written by one transaction stay within values_bytes_most together, so outcomes stay bounded."""
    slots = [bytes([n]) * 4 for n in range(20)]
    data = escaped(b"".join(slots))
    big = "(local.set $h (call $bytes_new (i32.const 0) (i32.const 1048576)))"
    writes = "".join(f"(call $storage_write {text(4 * n, 4)} (local.get $h))" for n in range(20))
    code = module(f'(func (export "main") (local $h i64) {big} {writes})', data, pages=20)
    footprint = tuple(Write(MAIN, slot) for slot in slots)
    assert run_main(code, *footprint, gas=10**9).failure is FailureKind.MEMORY_LIMIT
    again = module(f'(func (export "main") (local $h i64) {big} {writes[: len(writes) // 20] * 20})', data, pages=20)
    assert run_main(again, *footprint, gas=10**9).failure is None


def test_the_memory_limit_may_be_reached() -> None:
    """A transaction may hold exactly as many bytes as the limit says, and not one more."""
    held = 64 + 100
    code = main_module(f"(drop {text(0, 100)})")
    for most, failure in ((held, None), (held - 1, FailureKind.MEMORY_LIMIT)):
        world = DictWorld()
        world.deploy(MAIN, code)
        assert execute(call_of(limits=Limits(values_bytes_most=most)), world, GAS).failure is failure


def test_transfer_pays_what_the_contract_had() -> None:
    """A payout is a gross debit and a gross credit, and the world is asked for the balance before it."""
    world = rich(100)
    result = run_main(pays(30, 70), Credit(FRIEND), Debit(MAIN, 100), world=world)
    assert (result.failure, result.credits, result.debits) == (None, {FRIEND: 100}, {MAIN: 100})
    assert [of for what, of in world.asked if what == "covers"] == [(MAIN, 30), (MAIN, 100)]


def test_value_of_the_call_pays_first() -> None:
    """The value that came with the call is the contract's, so the balance before need not cover it."""
    world = rich(0)
    result = run_main(pays(50), Credit(FRIEND), Debit(MAIN, 50), world=world, value=50)
    assert (result.credits, result.debits) == ({MAIN: 50, FRIEND: 50}, {MAIN: 50})
    assert not [of for what, of in world.asked if what == "covers"]
    result = run_main(pays(51), Credit(FRIEND), Debit(MAIN, 51), world=world, value=50)
    assert result.failure is FailureKind.INSUFFICIENT_CONTRACT_FUNDS
    assert [of for what, of in world.asked if what == "covers"] == [(MAIN, 1)]


def test_failure_leaves_nothing() -> None:
    """A failing run shows no credits, debits, writes, logs or return value, not even the value it got."""
    code = f"""(call $storage_write {SLOT} {SLOT}) (call $log {SLOT} {SLOT}) (call $return_int (i64.const 1))
        (call $fail {SLOT})"""
    result = run_main(main_module(code, DATA), Write(MAIN, S), value=5)
    assert result[3:] == (None, (), {}, {}, {}, {}, {})
    assert result.failure is FailureKind.ASSERTION


@pytest.mark.parametrize(
    ("amounts", "footprint", "failure"),
    [
        ((10,), (Debit(MAIN, 10),), FailureKind.UNDECLARED_ACCESS),
        ((10,), (Credit(FRIEND),), FailureKind.UNDECLARED_ACCESS),
        ((0,), (Credit(FRIEND),), FailureKind.UNDECLARED_ACCESS),
        ((0,), (Debit(MAIN, 10),), FailureKind.UNDECLARED_ACCESS),
        ((0,), (Debit(MAIN, 0), Credit(FRIEND)), None),
        ((11,), (Credit(FRIEND), Debit(MAIN, 10)), FailureKind.CAP_EXCEEDED),
        ((6, 5), (Credit(FRIEND), Debit(MAIN, 10)), FailureKind.CAP_EXCEEDED),
        ((5, 5), (Credit(FRIEND), Debit(MAIN, 10)), None),
        ((-1,), (Credit(FRIEND), Debit(MAIN, 10)), FailureKind.INVALID_VALUE),
        ((101,), (Credit(FRIEND), Debit(MAIN, 1000)), FailureKind.INSUFFICIENT_CONTRACT_FUNDS),
        ((2**63 - 1, 2**63 - 1), (Credit(FRIEND), Debit(MAIN, 2**63 - 1)), FailureKind.INSUFFICIENT_CONTRACT_FUNDS),
    ],
)
def test_transfer_rules(amounts: tuple[int, ...], footprint: tuple[Entry, ...], failure: FailureKind | None) -> None:
    """Both entries are needed even for nothing, caps bound the sum, and money must be there."""
    assert run_main(pays(*amounts), *footprint, world=rich(100)).failure is failure


@pytest.mark.parametrize("size", [0, 19, 21, 31, 33, 64])
def test_transfer_to_no_account(size: int) -> None:
    """Bytes that are neither 20 nor 32 long name no account."""
    assert run_main(pays(1, to=bytes(size)), Debit(MAIN, 1), world=rich(1)).failure is FailureKind.INVALID_VALUE


def test_paying_oneself_is_gross() -> None:
    """A contract that pays itself counts both ways, and cannot conjure money up that way."""
    world = rich(10)
    footprint = (Credit(MAIN), Debit(MAIN, 30))
    result = run_main(pays(10, 10, 10, to=MAIN), *footprint, world=world)
    assert (result.credits, result.debits) == ({MAIN: 30}, {MAIN: 30})
    assert run_main(pays(11, to=MAIN), *footprint, world=world).failure is FailureKind.INSUFFICIENT_CONTRACT_FUNDS


def test_logs_are_in_order_and_bounded() -> None:
    """Logs are the outcome's, in order; more than logs_bytes_most is LOG_LIMIT, also for empty ones."""
    result = run_main(main_module(f"(call $log {SLOT} {OTHER}) (call $log {OTHER} {text(0, 0)})", DATA))
    assert result.logs == (Log(MAIN, S, T), Log(MAIN, T, b""))
    loop = f"(local.set $h {text(0, 0)}) (loop $l (call $log (local.get $h) (local.get $h)) (br $l))"
    result = run_main(main_module(loop, locals_="(local $h i64)"), gas=10**8)
    assert result.failure is FailureKind.LOG_LIMIT
    assert result.gas_used // 500 == pytest.approx(Limits().logs_bytes_most // 32, rel=0.05)


def test_bound_asks_for_exactly_these_incomes() -> None:
    """bound gives the world's lower bound under the hashes in Θ, in their order."""
    world = DictWorld()
    theta = (b"\x01" * 32, b"\x02" * 32)
    world.bounds[FRIEND, theta] = 2**63 - 1
    code = f"(call $return_int (call $bound {text(0, 20)} {text(20, 64)}))"
    result = run_main(main_module(code, escaped(FRIEND + b"".join(theta))), Bound(FRIEND), world=world)
    assert result.return_value == 2**63 - 1


def test_theta_must_be_hashes_and_known() -> None:
    """A Θ of another length, or one that the world refuses, is INVALID_THETA."""
    for size in (31, 33, 32):
        code = f"(drop (call $bound {text(0, 20)} {text(20, size)}))"
        assert run_main(main_module(code, escaped(FRIEND)), Bound(FRIEND)).failure is FailureKind.INVALID_THETA
    code = f"(drop (call $bound {text(0, 21)} {text(0, 0)}))"
    assert run_main(main_module(code)).failure is FailureKind.INVALID_VALUE


def test_query_is_answered_whatever_the_answer_weighs() -> None:
    """The price of a query does not depend on its answer, and an answer may be longer than other values."""
    used = []
    for answer in (b"\xc3", bytes(Limits().value_bytes_most + 5)):
        world = DictWorld()
        world.answers[S] = answer
        code = f"(call $return_int (call $bytes_len (call $query {SLOT})))"
        result = run_main(main_module(code, DATA), Query(S), world=world)
        assert result.return_value == len(answer)
        used.append(result.gas_used)
    assert used[0] == used[1]


def test_void_query_fails_as_the_world_says() -> None:
    """A failure that the world raises is the run's failure, with the gas used until then."""
    result = run_main(main_module(f"(drop (call $query {SLOT}))", DATA), Query(S))
    assert (result.failure, result.detail) == (FailureKind.QUERY_VOID, "no such block")
    assert 100_000 < result.gas_used < GAS


def test_reading_is_charged_before_the_world_is_asked() -> None:
    """Without the gas for it, a read never reaches the world."""
    world = DictWorld()
    world.deploy(MAIN, main_module(f"(drop (call $storage_read {SLOT}))", DATA))
    result = execute(call_of(footprint=(Read(MAIN, S),)), world, type(GAS)(1_000))
    assert (result.failure, result.gas_used) == (FailureKind.OUT_OF_GAS, 1_000)
    assert [what for what, _ in world.asked] == ["code"]
