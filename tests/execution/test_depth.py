"""Long chains of dependencies: the walk is iterative and each transaction runs once."""

from contextlib import AbstractContextManager
from itertools import pairwise
from unittest.mock import patch

from accountant.chain.footprint import Credit, Debit
from accountant.chain.genesis import GasSchedule, Genesis, GenesisContract
from accountant.chain.transaction import CallPayload, Transaction, TransactionKind
from accountant.contracts.engine import ENGINE
from accountant.execution import timeline
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import RUNS_MOST, Selective
from accountant.execution.session import Session
from accountant.index.memory import MemoryIndex
from accountant.index.posting import step_unknown
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Address, ContractId, Seq
from tests.support.random_chain import CONTRACTS, USERS, Program, footprint_of, script_code, script_envelope

_SCHEDULE = GasSchedule(general_check=3)


def _index() -> MemoryIndex:
    contracts = (GenesisContract(CONTRACTS[0], USERS[0], script_code(), script_envelope(False), 1_000),)
    return MemoryIndex(Genesis(7, 0, ENGINE, (USERS[0],), (), contracts, gas=_SCHEDULE))


def _call(nonce: int, program: Program) -> tuple[Address, Transaction]:
    payload = encode(CallPayload("run", (program.code,)))
    footprint = footprint_of(program.entries)
    return USERS[0], Transaction(
        1, 7, nonce, TransactionKind.CALL, CONTRACTS[0], 0, 0, 2_000_000, 0, 0, payload, footprint, bytes(65)
    )


def _transfer(sender: Address, to: Address | ContractId, units: int, nonce: int = 0) -> tuple[Address, Transaction]:
    return sender, Transaction(1, 7, nonce, TransactionKind.TRANSFER, to, 0, units, 3, 0, 0, b"", (), bytes(65))


def test_a_hundred_thousand_chained_payments() -> None:
    """Money that went through 10^5 hands is traced to its source: one execution, no recursion."""
    index = _index()
    hands = [Address(sha256(b"hand %d" % number)[:20]) for number in range(100_001)]
    salary = Program()
    salary.pay(CONTRACTS[0], hands[0], 9)
    transfers = [_transfer(giver, taker, 9) for giver, taker in pairwise(hands)]
    index.append_unsigned([_call(0, salary), *transfers])
    session = Session(index, MemoryOutcomes())
    last = Seq(index.head().next_seq - 1)
    assert Selective(session).outcome(last).credit_of(hands[-1]) == 9
    assert session.executed == [0]
    assert len(session.resolved) == 100_001


def test_ten_thousand_chained_slots() -> None:
    """Calls that each read what the one before wrote: all are executed, each once, in order."""
    index = _index()
    calls = []
    for nonce in range(10_000):
        program = Program()
        program.read(CONTRACTS[0], b"a")
        program.write(CONTRACTS[0], b"a")
        calls.append(_call(nonce, program))
    index.append_unsigned(calls)
    session = Session(index, MemoryOutcomes())
    assert Selective(session).outcome(Seq(9_999)).succeeded
    assert session.executed == list(range(10_000))


def test_ten_thousand_own_expenses_of_one_account() -> None:
    """One account's long history of doubtful payments is walked in about its length, not its square."""
    index = _index()
    salary = Program()
    salary.pay(CONTRACTS[0], USERS[1], 500)
    payments = [_transfer(USERS[1], USERS[2 + number % 2], 1 + number % 3, number) for number in range(10_000)]
    index.append_unsigned([_call(0, salary), *payments])
    session = Session(index, MemoryOutcomes())
    last = Seq(index.head().next_seq - 1)
    assert not Selective(session).outcome(last).succeeded
    assert session.executed == []


def test_what_nobody_touches_is_not_executed() -> None:
    """A reader of one slot executes its writers; declared reads that are never touched cost nothing."""
    index = _index()
    first, second, reader = Program(), Program(), Program()
    first.write(CONTRACTS[0], b"a")
    second.write(CONTRACTS[0], b"b")
    reader.read(CONTRACTS[0], b"a")
    vain = Program()
    vain.read(CONTRACTS[0], b"b")
    reader.entries += vain.entries
    index.append_unsigned([_call(0, first), _call(1, second), _call(2, reader)])
    session = Session(index, MemoryOutcomes())
    assert Selective(session).outcome(Seq(2)).succeeded
    assert session.executed == [0, 2]


def test_a_phantom_debit_makes_no_busy_contract_slow() -> None:
    """What nobody needs to execute stands for ever in a vault's history; each payout still walks what is new alone."""
    index = _index()
    phantom = Program()
    phantom.entries += [Debit(CONTRACTS[0], 1), Credit(USERS[3])]
    payout = Program()
    payout.pay(CONTRACTS[0], USERS[1], 1)
    deposit = Transaction(1, 7, 0, TransactionKind.TRANSFER, CONTRACTS[0], 10**6, 0, 0, 0, 0, b"", (), bytes(65))
    index.append_unsigned(
        [
            (USERS[2], deposit),
            *(_call(nonce, phantom) for nonce in range(900)),
            *(_call(1_000 + nonce, payout) for nonce in range(900)),
        ]
    )
    session = Session(index, MemoryOutcomes())
    selective = Selective(session)
    with patch.object(timeline, "step_unknown", wraps=step_unknown) as steps:
        for seq in range(901, 1_801):
            assert selective.outcome(Seq(seq)).succeeded
    assert len(session.executed) == 900
    assert steps.call_count <= 10_000


def test_many_unknown_reads_do_not_multiply_the_work() -> None:
    """A call that burns gas and reads sixty slots that nobody looked at runs a few times, not sixty-one."""
    index = _index()
    slots = [bytes([number]) for number in range(60)]
    calls, reader = [], Program()
    for nonce, slot in enumerate(slots):
        writer = Program()
        writer.write(CONTRACTS[0], slot)
        calls.append(_call(nonce, writer))
        reader.read(CONTRACTS[0], slot)
        reader.code += b"\x08\x01\x00"
    calls.append(_call(len(slots), reader))
    index.append_unsigned(calls)
    session = Session(index, MemoryOutcomes())
    starts = 0
    store = session.store
    flight = store.single_flight

    def counted(seq: Seq) -> AbstractContextManager[None]:
        nonlocal starts
        starts += seq == len(slots)
        return flight(seq)

    store.single_flight = counted  # type: ignore[method-assign]
    assert Selective(session).outcome(Seq(len(slots))) == execute_everything(index).outcomes[-1]
    assert starts == RUNS_MOST + 1
    assert session.executed == list(range(61))


def test_waiting_contracts_are_bounded() -> None:
    """Chains of calls that each wait inside the next stop waiting at a depth that the native stack bears."""
    index = _index()
    calls = []
    for nonce in range(300):
        program = Program()
        for slot in range(8):
            program.read(CONTRACTS[0], bytes([(nonce + slot) % 12]))
        program.write(CONTRACTS[0], bytes([nonce % 12]))
        calls.append(_call(nonce, program))
    index.append_unsigned(calls)
    selective = Selective(Session(index, MemoryOutcomes()))
    assert selective.outcome(Seq(299)) == execute_everything(index).outcomes[299]
    assert len(set(selective.session.executed)) == len(selective.session.executed)
