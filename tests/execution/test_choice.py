"""Which income is executed: by what it rests on, and by what it is likely to bring."""

from itertools import count

from accountant.chain.genesis import GasSchedule, Genesis, GenesisContract
from accountant.chain.transaction import CallPayload, Transaction, TransactionKind
from accountant.contracts.engine import ENGINE
from accountant.execution.choice import surely_needed
from accountant.execution.eager import execute_everything
from accountant.execution.estimate import READS_MOST, Estimates, likely_reads
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Outcome
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.timeline import Checkpoint, Timeline
from accountant.index.memory import MemoryIndex
from accountant.index.posting import Posting
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address, Gas, Seq
from tests.support.random_chain import CONTRACTS, SLOTS, USERS, Program, footprint_of, script_code, script_envelope

RICH, OTHER = CONTRACTS[0], CONTRACTS[1]
ANN, BEN, EVE = USERS[:3]
GAS = 40_000
_nonces = count()


def _index() -> MemoryIndex:
    contracts = tuple(
        GenesisContract(contract, EVE, script_code(), script_envelope(False), 10**9) for contract in (RICH, OTHER)
    )
    return MemoryIndex(Genesis(7, 0, ENGINE, (EVE,), (), contracts, gas=GasSchedule(general_check=3)))


def _call(program: Program, sender: Address = EVE, zero: int = 0, gas: int = GAS) -> tuple[Address, Transaction]:
    payload, footprint = encode(CallPayload("run", (program.code,))), footprint_of(program.entries)
    kind = TransactionKind.CALL
    return sender, Transaction(1, 7, next(_nonces), kind, RICH, zero, 0, gas, 0, 0, payload, footprint, bytes(65))


def _pay(units: int, *slots: bytes, gas: int = GAS) -> tuple[Address, Transaction]:
    """Pays Ann, and reads slots before."""
    program = Program()
    for slot in slots:
        program.read(RICH, slot)
    program.pay(RICH, ANN, units)
    return _call(program, gas=gas)


def _step(slot: bytes) -> tuple[Address, Transaction]:
    """Writes a slot, from what it was."""
    program = Program()
    program.read(RICH, slot)
    program.write(RICH, slot)
    return _call(program)


def _executed(index: MemoryIndex, amount: int) -> list[Seq]:
    """What is executed to show that Ann has so much; that this is right, eager execution says."""
    session, head = Session(index, MemoryOutcomes()), index.head().next_seq
    covered = Selective(session).covers(ANN, amount, head)
    assert covered == (execute_everything(index).general_before(ANN, head) >= amount)
    return session.resolved


def test_an_income_without_a_history_comes_first() -> None:
    """Of two equal incomes the later one rests on thirty runs through a slot, the earlier one on nothing."""
    index = _index()
    index.append_unsigned([*(_step(SLOTS[0]) for _ in range(30)), _pay(100), _pay(100, SLOTS[0])])
    assert _executed(index, 100) == [30]
    assert sorted(_executed(index, 101)) == list(range(32)), "it is found where it is needed"


def test_a_history_that_is_known_costs_nothing() -> None:
    """Once the runs before the later income were found for this work, it is as cheap as the other one."""
    index = _index()
    index.append_unsigned([*(_step(SLOTS[0]) for _ in range(3)), _pay(100), _pay(100, SLOTS[0])])
    session = Session(index, MemoryOutcomes())
    selective = Selective(session)
    selective.outcome(Seq(2))
    assert selective.covers(ANN, 100, Seq(5))
    assert session.executed == [0, 1, 2, 4]


def test_what_only_comes_back_from_a_failure_comes_last() -> None:
    """Ann's own deposit would bring its thousand units back if it had failed: a payout of ten is tried before it."""
    index = _index()
    deposit = Program()
    deposit.write(RICH, SLOTS[1])
    index.append_unsigned([_pay(10, gas=2 * GAS), _call(deposit, ANN, zero=1_000)])
    assert _executed(index, 10) == [0]
    failed = Program()
    failed.read(OTHER, SLOTS[1])
    failed.entries.clear()  # what is not declared may not be touched
    index.append_unsigned([_call(failed, ANN, zero=5_000)])
    assert _executed(index, 4_000)[-1] == 2, "a deposit that failed is found where nothing else suffices"


def test_general_money_comes_after_what_rests_on_little() -> None:
    """Ben's payment rests on money that went around; a payout that rests on one run is tried before it."""
    index = _index()
    loan = Program()
    loan.pay(RICH, EVE, 100)
    kind = TransactionKind.TRANSFER
    around = [
        (sender, Transaction(1, 7, next(_nonces), kind, to, 0, 100, 3, 0, 0, b"", (), bytes(65)))
        for sender, to in ((EVE, BEN), (BEN, EVE), (EVE, BEN), (BEN, ANN))
    ]
    index.append_unsigned([_step(SLOTS[0]), _pay(100, SLOTS[0]), _call(loan), *around])
    assert _executed(index, 100) == [0, 1]
    assert sorted(_executed(index, 200)) == list(range(7))


def test_dust_in_a_long_history_is_not_executed() -> None:
    """Among a thousand incomes of a unit, the three that were earned are found, one batch after the other."""
    index = _index()
    earned = (0, 400, 900)
    index.append_unsigned([_pay(1_000 if place in earned else 1) for place in range(1_000)])
    assert sorted(_executed(index, 3_000)) == list(earned)
    assert len(_executed(index, 3_100)) < 250, "batches that double stop near what is needed"


def test_a_batch_ends_where_an_own_expense_may_turn_out_unfunded() -> None:
    """Two incomes that brought nothing show that Ann's call had no funds, and what it could have brought is gone."""
    postings = [Posting(Seq(2), credit_most=20), Posting(Seq(3), credit_most=61)]
    postings.append(Posting(Seq(19), expense=60, credit_most=60_291, returned=59_997))
    timeline = Timeline(ANN, Checkpoint(Seq(0), 0, 0), whole=True)
    timeline.append(postings, Seq(20))
    batch = surely_needed(timeline.walk(Seq(20), lambda _seq: None), 60_143, [Seq(2), Seq(3), Seq(19)])
    nothing = dict.fromkeys((2, 3), Outcome(None, "", Gas(1)))
    assert timeline.walk(Seq(20), nothing.get).covers(60_143) is False
    assert len(batch) <= 2


def test_an_estimate_looks_at_so_many_reads_and_no_more() -> None:
    """Each declared writer counts once, whichever slots it writes; what a transaction writes only is not counted."""
    index = _index()
    both = Program()
    for slot in SLOTS[:2]:
        both.read(RICH, slot)
        both.write(RICH, slot)
    index.append_unsigned([_call(both), _call(both), _pay(1, SLOTS[0], SLOTS[1]), _pay(1)])
    estimates = Estimates(index, lambda _seq: None)
    estimates.look([Seq(2), Seq(3)])
    assert estimates.gas(Seq(2), Gas(5)) == 5 + 2 * GAS
    assert estimates.gas(Seq(3), Gas(5)) == 5
    assert len(likely_reads(index.transaction(Seq(2)))) == 2 <= READS_MOST
