"""What a running contract sees does not depend on when, or how often, it is run."""

import msgspec
import pytest

from accountant.accounting.certificate import Verdict
from accountant.accounting.questions import ViewQuestion
from accountant.accounting.view import view
from accountant.chain.block import Position
from accountant.chain.genesis import GasSchedule, Genesis, GenesisContract
from accountant.chain.transaction import CallPayload, DeployPayload, Transaction, TransactionKind
from accountant.contracts.engine import ENGINE
from accountant.contracts.errors import FailureKind
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.needs import BudgetSpent
from accountant.execution.outcome import Outcome
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.memory import MemoryIndex
from accountant.index.port import Event
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.hashes import sha256
from accountant.primitives.types import AccountId, Address, Gas, Hash, Seq
from tests.support.random_chain import CONTRACTS, USERS, Program, footprint_of, script_code, script_envelope

ASKER, PAYER, PAYEE = USERS[:3]
VAULT = CONTRACTS[0]


class CountingIndex(MemoryIndex):
    """Counts the rows that look-ups of events read."""

    rows = 0

    def events(self, account: AccountId, after: Seq, before: Seq) -> list[Event]:
        found = super().events(account, after, before)
        self.rows += len(found)
        return found


def _index() -> CountingIndex:
    contracts = (GenesisContract(VAULT, ASKER, script_code(), script_envelope(False), 1_000),)
    return CountingIndex(Genesis(7, 0, ENGINE, (ASKER,), (), contracts, gas=GasSchedule(general_check=3)))


def _call(nonce: int, program: Program) -> tuple[Address, Transaction]:
    payload = encode(CallPayload("run", (program.code,)))
    footprint = footprint_of(program.entries)
    return ASKER, Transaction(
        1, 7, nonce, TransactionKind.CALL, VAULT, 0, 0, 2_000_000, 0, 0, payload, footprint, bytes(65)
    )


def _deposit(nonce: int, to: bytes = VAULT) -> tuple[Address, Transaction]:
    return PAYER, Transaction(1, 7, nonce, TransactionKind.TRANSFER, to, 1, 0, 0, 0, 0, b"", (), bytes(65))


def _hash_of(sender: Address, transaction: Transaction) -> Hash:
    return sha256(encode(msgspec.structs.replace(transaction, signature=sender.ljust(65, b"\0"))))


def _outcome(index: MemoryIndex, seq: int) -> Outcome:
    return Selective(Session(index, MemoryOutcomes())).outcome(Seq(seq))


@pytest.mark.parametrize("arrived", [1, 2])
def test_incomes_that_come_later_are_unknown_before_and_after(arrived: int) -> None:
    """A signer knows the hashes of its own later transactions: naming them in Θ gives one outcome for ever."""
    index = _index()
    later = [_deposit(nonce) for nonce in range(2)]
    program = Program()
    program.bound(VAULT, [_hash_of(*transaction) for transaction in later])
    index.append_unsigned([_call(0, program)])
    early = _outcome(index, 0)
    assert early.failure is FailureKind.INVALID_THETA
    index.append_unsigned(later[:arrived])
    assert index.seq_of(_hash_of(*later[0])) == 1
    assert _outcome(index, 0) == early


@pytest.mark.parametrize("members", [[0, 0], [1], [2]])
def test_a_theta_that_is_none(members: list[int]) -> None:
    """An income named twice, a transaction that cannot move the balance, and the asking one's successor fail."""
    index = _index()
    transactions = [_deposit(0), _deposit(1, PAYEE), _deposit(2)]
    program = Program()
    program.bound(VAULT, [_hash_of(*transactions[member]) for member in members])
    index.append_unsigned([*transactions[:2], _call(0, program), transactions[2]])
    assert _outcome(index, 2).failure is FailureKind.INVALID_THETA


def test_the_same_bound_asked_often_is_worked_out_once() -> None:
    """A bound has a flat price: asking it again reads no timeline again."""
    index = _index()
    index.append_unsigned([_deposit(nonce) for nonce in range(500)])
    program = Program()
    for _ in range(100):
        program.bound(VAULT, [])
    index.append_unsigned([_call(0, program)])
    assert _outcome(index, 500).succeeded
    assert index.rows <= 1_000


@pytest.mark.parametrize("phantoms", [15, 16, 17, 40])
@pytest.mark.parametrize("wrote", [True, False])
@pytest.mark.parametrize("warm", [True, False])
def test_a_value_behind_many_phantom_writers_is_found(phantoms: int, wrote: bool, warm: bool) -> None:
    """Transactions that declare a write and make none are passed over, however many, whether known before or not."""
    index = _index()
    writer, reader = Program(), Program()
    writer.write(VAULT, b"a")
    if not wrote:
        writer.code = b""
    reader.read(VAULT, b"a")
    empty = Program()
    empty.entries = writer.entries
    calls = [_call(0, writer), *(_call(1 + nonce, empty) for nonce in range(phantoms))]
    index.append_unsigned([*calls, _call(99, reader)])
    store, seq = MemoryOutcomes(), Seq(len(calls))
    if warm:
        for earlier in range(seq):
            Selective(Session(index, store)).outcome(Seq(earlier))
    session = Session(index, store)
    expected = execute_everything(index)
    assert Selective(session).outcome(seq) == expected.outcomes[seq]
    assert Selective(session).slot(VAULT, b"a", seq) == expected.slot_before(VAULT, b"a", seq)
    assert len(session.executed) == (1 if warm else phantoms + 2)


def test_a_budget_of_exactly_the_gas_used_suffices() -> None:
    """One unit of gas less does not."""
    index = _index()
    writer, reader = Program(), Program()
    writer.write(VAULT, b"a")
    reader.read(VAULT, b"a")
    payment = Transaction(1, 7, 2, TransactionKind.TRANSFER, PAYEE, 0, 9, 3, 0, 0, b"", (), bytes(65))
    index.append_unsigned([_call(0, writer), _call(1, reader), (PAYER, payment)])
    expected = execute_everything(index).outcomes
    for seq, needed in ((1, expected[0].gas_used + expected[1].gas_used), (2, expected[2].gas_used)):
        session = Session(index, MemoryOutcomes(), gas_budget=Gas(needed))
        assert Selective(session).outcome(Seq(seq)) == expected[seq]
        assert session.gas_left == 0
        with pytest.raises(BudgetSpent):
            Selective(Session(index, MemoryOutcomes(), gas_budget=Gas(needed - 1))).outcome(Seq(seq))


def test_code_that_is_deployed_later_is_not_there_yet() -> None:
    """Neither in the block that deploys it nor after: the outcome stays what it was."""
    index = _index()
    contract = contract_id_of(PAYER, 0)
    early = msgspec.structs.replace(_call(0, Program())[1], to=contract)
    late = msgspec.structs.replace(early, nonce=1)
    payload = encode(DeployPayload(script_code(), script_envelope(False), ()))
    deployment = Transaction(1, 7, 0, TransactionKind.DEPLOY, b"", 0, 0, 10**7, 0, 0, payload, (), bytes(65))
    index.append_unsigned([(ASKER, early)])
    first = _outcome(index, 0)
    assert first.failure is FailureKind.NO_CODE
    index.append_unsigned([(ASKER, msgspec.structs.replace(early, nonce=2)), (PAYER, deployment), (ASKER, late)])
    assert _outcome(index, 0) == _outcome(index, 1) == first
    assert _outcome(index, 3).succeeded


def test_a_run_that_was_given_up_ends_at_its_next_look_up() -> None:
    """The listener hears of every look-up in the state, and may stop the run in its middle."""
    index = _index()
    reader, beats = Program(), 0
    for place in range(9):
        reader.read(VAULT, b"%d" % place)
    question = ViewQuestion(VAULT, "run", (reader.code,), 1_000_000, Position(index.genesis.hash, 0))

    def give_up(_gas: Gas) -> None:
        nonlocal beats
        beats += 1
        if beats == 5:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        view(index, MemoryOutcomes(), question, give_up)
    assert beats == 5
    beats = 5
    assert view(index, MemoryOutcomes(), question, give_up).verdict is Verdict.ACCEPTED
    assert beats == 5 + 9 + 1
