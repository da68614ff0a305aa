"""Reads marked as certain are resolved before the run, and change nothing but the number of runs."""

import pytest
from msgspec import structs

from accountant.chain.envelope import (
    Arg,
    ArgumentKind,
    Envelope,
    FunctionEnvelope,
    OpenAccess,
    Self,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.fees import intrinsic_gas
from accountant.chain.footprint import Read
from accountant.chain.genesis import Genesis, GenesisContract
from accountant.chain.transaction import CallPayload, Transaction, TransactionKind
from accountant.contracts.binary import memory_pages
from accountant.contracts.engine import ENGINE
from accountant.execution import selective
from accountant.execution.certain import certain_reads
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.shared_work import NOTHING, Parked, SharedWork
from accountant.execution.transition import transition
from accountant.index.memory import MemoryIndex
from accountant.primitives.encoding import encode
from accountant.primitives.types import Gas, Seq
from tests.support.random_chain import CONTRACTS, USERS, Program, footprint_of, script_code

VAULT = CONTRACTS[0]
READ_TWO = b"\x01a\x01b"
"""Reads slots a and b."""


def _chain(certain: bool, declared: bool = True, gas: int = 1_000_000) -> MemoryIndex:
    """Two writers, and a call whose template knows its reads: bytes 1 and 3 of its program are the slots."""
    entries = tuple(TemplateEntry(TemplateKind.READ, (Self(),), (Arg(index),), certain=certain) for index in (1, 2))
    kinds = (ArgumentKind.BYTES,) * 3
    envelope = Envelope((FunctionEnvelope("run", kinds, entries, complete=False),), OpenAccess((b"",), (b"",), 9, 9))
    contract = GenesisContract(VAULT, USERS[0], script_code(), envelope, 0)
    index = MemoryIndex(Genesis(7, 0, ENGINE, (USERS[0],), (), (contract,)))
    calls = []
    for nonce, slot in enumerate((b"a", b"b")):
        program = Program()
        program.write(VAULT, slot)
        calls.append(_call(nonce, program.code, footprint_of(program.entries), 1_000_000))
    reads = (Read(VAULT, b"a"), Read(VAULT, b"b")) if declared else ()
    calls.append(_call(2, READ_TWO, reads, gas))
    index.append_unsigned([(USERS[0], call) for call in calls])
    return index


def _call(nonce: int, code: bytes, footprint: tuple, gas: int) -> Transaction:  # type: ignore[type-arg]
    payload = encode(CallPayload("run", (code, b"a", b"b")))
    return Transaction(1, 7, nonce, TransactionKind.CALL, VAULT, 0, 0, gas, 0, 0, payload, footprint, bytes(65))


@pytest.mark.parametrize("certain", [True, False])
def test_certain_reads_save_runs(certain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the mark each call runs once; without it the reader stops at each of its two unknown slots."""
    runs: list[Seq] = []

    def counted(located, *rest, **more):  # type: ignore[no-untyped-def]
        runs.append(located.seq)
        return transition(located, *rest, **more)

    index = _chain(certain)
    monkeypatch.setattr(selective, "transition", counted)
    outcome = Selective(Session(index, MemoryOutcomes())).outcome(Seq(2))
    assert outcome == execute_everything(index).outcomes[2]
    assert outcome.succeeded
    assert runs.count(Seq(2)) == (1 if certain else 3)


@pytest.mark.parametrize("certain", [True, False])
def test_certain_reads_are_left_to_others_together(certain: bool) -> None:
    """With the mark both writers can be executed at once by others; without it the second is met after the first."""
    work = SharedWork(lambda _gas: None, NOTHING, Gas(0), own=Seq(2))
    with pytest.raises(Parked) as parked:
        Selective(Session(_chain(certain), MemoryOutcomes(), work)).outcome(Seq(2))
    assert parked.value.waits_for == dict.fromkeys((0, 1) if certain else (0,), 2)


def test_what_is_not_declared_or_cannot_run_is_not_resolved() -> None:
    """A read that the footprint lacks fails at once, and a call without gas reads nothing: neither executes others."""
    for index in (_chain(True, declared=False), _chain(True, gas=5_100)):
        session = Session(index, MemoryOutcomes())
        assert not Selective(session).outcome(Seq(2)).succeeded
        assert session.executed == [2]


def test_a_call_that_cannot_pay_for_its_frame_reads_nothing() -> None:
    """Code and memory are paid for before anything is read, so what is marked is executed only where both are paid."""
    known = Session(_chain(True), MemoryOutcomes()).genesis.code(VAULT)
    assert known is not None
    index = _chain(True)
    located, gas = index.transaction(Seq(2)), index.genesis.gas
    entering = gas.code_per_byte * len(known.code) + gas.memory_page * memory_pages(known.code)
    least = intrinsic_gas(located.transaction, gas) + entering + gas.storage_read
    assert entering > gas.storage_read
    for limit, reads in ((least - 1, 0), (least, 2)):
        located = _chain(True, gas=limit).transaction(Seq(2))
        assert len(certain_reads(located, known, gas)) == reads
    session = Session(_chain(True, gas=least - gas.storage_read - 1), MemoryOutcomes())
    assert Selective(session).outcome(Seq(2)).failure == "out_of_gas"
    assert session.executed == [2]


def test_marks_of_other_kinds_and_wrong_arguments_are_passed_over() -> None:
    """Only reads count, only of calls, and only where the arguments fit the template."""
    index = _chain(True)
    located = index.transaction(Seq(2))
    code = Session(index, MemoryOutcomes()).genesis.code(VAULT)
    gas = index.genesis.gas
    assert certain_reads(located, code, gas) == [Read(VAULT, b"a"), Read(VAULT, b"b")]
    assert certain_reads(located, None, gas) == []
    for payload in (
        CallPayload("run", (b"", b"a")),
        CallPayload("none", ()),
        CallPayload("run", (b"", b"a" * 200, b"b")),
    ):
        changed = structs.replace(located.transaction, payload=encode(payload))
        assert certain_reads(located._replace(transaction=changed), code, gas) == []
