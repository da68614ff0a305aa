"""Prepared transactions: what is declared follows from the template, or is guessed and says so; blocks take them."""

from collections.abc import Iterable
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.preparation import EntrySource, PreparationQuestion, Prepared, decode_prepared
from accountant.accounting.prepare import SIMULATION_GAS_MOST, prepare
from accountant.accounting.questions import InvalidQuestion
from accountant.chain.envelope import (
    Arg,
    ArgumentKind,
    Envelope,
    FunctionEnvelope,
    OpenAccess,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.fees import fee_of
from accountant.chain.footprint import Blob, Credit, Debit, Entry, Memory, Read, Write, entry_order
from accountant.chain.state import ChainState
from accountant.chain.transaction import (
    Argument,
    CallPayload,
    DeployPayload,
    PublishPayload,
    TransactionKind,
    decode_transaction,
    sign_transaction,
    signing_hash,
)
from accountant.chain.validator import ValidatedBlock
from accountant.contracts.engine import ENGINE
from accountant.contracts.errors import FailureKind
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Outcome
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.memory import MemoryIndex
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Seq
from tests.support.chains import ALICE, BOB, RICH, call, extend, genesis, genesis_contract, key, publish, transfer
from tests.support.random_chain import RandomChain
from tests.support.till import TILL, TILL_CODE, till_envelope, till_genesis
from tests.support.wat import module

NOW = 1_800_000_000


class Ledger:
    """A chain, what was observed of it, and wallets that prepare transactions on it."""

    def __init__(self) -> None:
        self.state = ChainState.at_genesis(till_genesis())
        self.index = MemoryIndex(till_genesis())
        self.outcomes = MemoryOutcomes()

    def block(self, *raw: bytes) -> ValidatedBlock:
        block = extend(self.state, list(raw))
        self.index.append(block)
        return block

    def observe(self, seq: int) -> Outcome:
        return Selective(Session(self.index, self.outcomes)).outcome(Seq(seq))

    def prepare(self, question: PreparationQuestion) -> Prepared:
        prepared = prepare(self.index, self.outcomes, question, NOW)
        assert decode_prepared(encode(prepared)) == prepared
        return prepared

    def call(self, function: str, *arguments: Argument, sender: PrivateKey = ALICE, **terms: object) -> Prepared:
        payload = encode(CallPayload(function, arguments))
        return self.prepare(PreparationQuestion(sender.address, TransactionKind.CALL, TILL, payload, **terms))  # type: ignore[arg-type]

    def sent(self, prepared: Prepared, sender: PrivateKey = ALICE) -> Outcome:
        """What a prepared transaction does once it is signed, in a block, and executed."""
        assert prepared.transaction is not None
        raw = sign_transaction(decode_transaction(prepared.transaction), sender)
        block = self.block(raw)
        assert block.transactions[0].fee == prepared.fee
        return self.observe(block.first_seq)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def entries(prepared: Prepared) -> list[tuple[Entry, EntrySource]]:
    return [(entry.entry, entry.source) for entry in prepared.entries]


def test_a_complete_template_is_the_footprint(ledger: Ledger) -> None:
    """Where the template is complete nothing is a guess, and what a wallet signs does what it should."""
    prepared = ledger.call("put", b"x")
    assert entries(prepared) == [(Write(TILL, b"k:x"), EntrySource.TEMPLATE)]
    assert (prepared.complete, prepared.refusal, prepared.entries[0].guess) == (True, None, False)
    assert ledger.sent(prepared).written(TILL, b"k:x") == b"main"


def test_what_is_to_be_signed(ledger: Ledger) -> None:
    """The bytes end in a blank signature; hash, fee and money needed are those of the signed transaction."""
    prepared = ledger.call("put", b"x", zero_value=7, tip=3)
    assert prepared.transaction is not None
    assert prepared.transaction[-65:] == bytes(65)
    assert prepared.signing_hash == signing_hash(prepared.transaction)
    transaction = decode_transaction(prepared.transaction)
    signed = sign_transaction(transaction, ALICE)
    assert signed[:-65] + ALICE.sign(signing_hash(prepared.transaction)) == signed
    fee = fee_of(transaction, len(signed), till_genesis().fees)
    assert (prepared.fee, prepared.zero_needed, prepared.zero_balance) == (fee, fee + 7, RICH)


def test_gas_is_what_the_simulation_used_and_a_quarter(ledger: Ledger) -> None:
    """The gas limit follows from the run, within what the function and validators take."""
    prepared = ledger.call("put", b"x")
    assert prepared.simulation is not None and prepared.transaction is not None
    used = prepared.simulation.gas_used
    base = till_genesis().gas.call_base
    assert decode_transaction(prepared.transaction).gas_limit == base + used + used // 4
    assert ledger.sent(prepared).gas_used == base + used
    least = ledger.call("pay", sender=BOB)
    assert least.transaction is not None
    assert decode_transaction(least.transaction).gas_limit == 40_000


def test_what_the_state_says_is_a_guess(ledger: Ledger) -> None:
    """A slot named by another slot is found by simulation, marked as a guess, and right as long as nothing changes."""
    ledger.block(call(BOB, 0, TILL, "point", (b"here",), [Write(TILL, b"next")]))
    ledger.observe(0)
    prepared = ledger.call("follow")
    assert entries(prepared) == [
        (Read(TILL, b"next"), EntrySource.TEMPLATE),
        (Write(TILL, b"k:here"), EntrySource.SIMULATION),
    ]
    assert [entry.guess for entry in prepared.entries] == [False, True]
    assert [entry.rests_on_unobserved for entry in prepared.entries] == [0, 0]
    assert ledger.sent(prepared).written(TILL, b"k:here") == b"main"


def test_a_guess_counts_what_nobody_observed(ledger: Ledger) -> None:
    """A declared writer that nobody executed is passed over for the latest observed one, and counted."""
    ledger.block(call(BOB, 0, TILL, "point", (b"old",), [Write(TILL, b"next")]))
    ledger.observe(0)
    ledger.block(*(call(BOB, nonce, TILL, "point", (b"new",), [Write(TILL, b"next")]) for nonce in (1, 2)))
    prepared = ledger.call("follow")
    assert ledger.outcomes.get(Seq(1)) is None, "preparing executes nothing"
    guess = prepared.entries[1]
    assert (guess.entry, guess.rests_on_unobserved) == (Write(TILL, b"k:old"), 2)
    assert prepared.simulation is not None and prepared.simulation.rests_on_unobserved == 2
    outcome = ledger.sent(prepared)
    assert outcome.failure is FailureKind.UNDECLARED_ACCESS


def test_a_failed_transaction_tells_what_to_declare(ledger: Ledger) -> None:
    """Made again, a transaction declares its entries and the one that it lacked, and then it succeeds."""
    test_a_guess_counts_what_nobody_observed(ledger)
    failed = ledger.index.transaction(Seq(3))
    payload = failed.transaction.payload
    question = PreparationQuestion(ALICE.address, TransactionKind.CALL, TILL, payload, failed=failed.hash)
    prepared = ledger.prepare(question)
    assert prepared.failed is not None
    assert (prepared.failed.observed, prepared.failed.missing) == (True, Write(TILL, b"k:new"))
    assert entries(prepared) == [
        (Read(TILL, b"next"), EntrySource.TEMPLATE),
        (Write(TILL, b"k:new"), EntrySource.FAILED),
        (Write(TILL, b"k:old"), EntrySource.FAILED),
    ]
    assert ledger.sent(prepared).written(TILL, b"k:new") == b"main"


def test_a_failed_transaction_that_nobody_observed(ledger: Ledger) -> None:
    """Without an outcome there is no missing entry: the answer says so, and has the earlier entries still."""
    ledger.block(call(ALICE, 0, TILL, "follow", (), [Read(TILL, b"next")]))
    earlier = ledger.index.transaction(Seq(0))
    question = PreparationQuestion(
        ALICE.address, TransactionKind.CALL, TILL, earlier.transaction.payload, failed=earlier.hash
    )
    prepared = ledger.prepare(question)
    assert prepared.failed is not None
    assert (prepared.failed.observed, prepared.failed.missing) == (False, None)
    assert (Write(TILL, b"k:"), EntrySource.SIMULATION) in entries(prepared)


def test_caps_that_were_guessed_have_a_margin(ledger: Ledger) -> None:
    """A payout that follows from the state may rise by an eighth, and no further than the envelope admits."""
    for number, (units, cap) in enumerate([(80, 90), (400, 450), (990, 1_000)]):
        ledger.block(call(BOB, number, TILL, "point", (units.to_bytes(8, "big"),), [Write(TILL, b"next")]))
        ledger.observe(number)
        prepared = ledger.call("pay")
        declared = {entry.entry for entry in prepared.entries}
        if units > 500:
            assert prepared.simulation is not None
            assert prepared.simulation.failure is FailureKind.INSUFFICIENT_CONTRACT_FUNDS
        assert declared == {Read(TILL, b"next"), Credit(ALICE.address), Debit(TILL, cap)}


def test_a_failing_simulation_with_a_complete_template(ledger: Ledger) -> None:
    """The transaction is there, with how and where its simulation failed."""
    prepared = ledger.call("refund", 501)
    assert prepared.simulation is not None
    assert prepared.simulation.failure is FailureKind.INSUFFICIENT_CONTRACT_FUNDS
    assert [place.contract for place in prepared.simulation.trace] == [TILL]
    assert TILL_CODE[prepared.simulation.trace[0].offset] == 0x10
    assert prepared.transaction is not None and prepared.refusal is None
    assert Debit(TILL, 501) in [entry.entry for entry in prepared.entries]


def test_a_failing_simulation_without_a_complete_template(ledger: Ledger) -> None:
    """Nothing says what would be touched after the failure, so there is nothing to sign; what was touched is told."""
    payload = (600).to_bytes(8, "big")
    ledger.block(call(BOB, 0, TILL, "point", (payload,), [Write(TILL, b"next")]))
    ledger.observe(0)
    prepared = ledger.call("pay")
    assert (prepared.transaction, prepared.signing_hash, prepared.refusal) == (None, None, None)
    assert Debit(TILL, 675) in [entry.entry for entry in prepared.entries]


def test_endless_code_ends(ledger: Ledger) -> None:
    """A simulation has a bounded amount of gas, whatever the call may use; the answer says how much."""
    prepared = ledger.call("burn", gas_limit=2**40)
    assert prepared.simulation is not None
    assert prepared.simulation.failure is FailureKind.OUT_OF_GAS
    assert prepared.simulation.gas_most == prepared.simulation.gas_used == SIMULATION_GAS_MOST
    assert prepared.refusal == "function_gas"
    default = ledger.call("burn")
    assert default.simulation is not None and default.transaction is not None
    assert default.simulation.gas_most == 50_000_000 - till_genesis().gas.call_base


def test_an_unpaid_transaction_is_refused(ledger: Ledger) -> None:
    """Validators' own check is made before the answer: a poor sender learns what is missing."""
    prepared = ledger.call("put", b"x", sender=key("pauper"))
    assert prepared.refusal == "unpaid"
    assert (prepared.zero_balance, prepared.zero_needed) == (0, prepared.fee)
    assert prepared.transaction is not None


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"gas_limit": 4_999}, "gas_below_intrinsic"),
        ({"gas_price": 0}, "gas_price"),
        ({"nonce": 0}, "nonce"),
        ({"nonce": 1}, None),
        ({"nonce": 9}, None),
    ],
)
def test_terms_that_no_block_takes(ledger: Ledger, terms: dict[str, Any], refusal: str | None) -> None:
    """Chosen numbers are kept and checked; a later nonce is fine, since what comes before it may be waiting."""
    ledger.block(transfer(ALICE, 0, BOB.address, zero=1))
    prepared = ledger.call("put", b"x", **terms)
    assert (prepared.refusal, prepared.next_nonce) == (refusal, 1)


def test_whether_general_money_is_there(ledger: Ledger) -> None:
    """A general value is known to be there, known not to be there, or open, from what was observed."""
    assert ledger.call("put", b"x").covered is True
    assert ledger.call("put", b"x", general_value=5).covered is False
    ledger.block(call(BOB, 0, TILL, "put", (b"x",), [Write(TILL, b"k:x")], gas_limit=100_000))
    assert ledger.call("put", b"x", sender=BOB, general_value=100_001).covered is False
    assert ledger.call("put", b"x", sender=BOB, general_value=50_000).covered is None
    ledger.observe(0)
    assert ledger.call("put", b"x", sender=BOB, general_value=50_000).covered is True


def deployment(code: bytes = TILL_CODE, arguments: tuple[Argument, ...] = ()) -> PreparationQuestion:
    payload = encode(DeployPayload(code, till_envelope(), arguments))
    return PreparationQuestion(ALICE.address, TransactionKind.DEPLOY, b"", payload)


def test_a_deployment(ledger: Ledger) -> None:
    """A deployment declares what its constructor touches, under the id that it will have."""
    prepared = ledger.prepare(deployment())
    there = contract_id_of(ALICE.address, 0)
    assert prepared.contract == there
    assert entries(prepared) == [(Write(there, b"owner"), EntrySource.TEMPLATE)]
    assert prepared.refusal is None
    assert ledger.sent(prepared).written(there, b"owner") == ALICE.address
    assert ledger.prepare(deployment()).contract == contract_id_of(ALICE.address, 1)


def test_a_module_that_breaks_the_rules_is_not_run(ledger: Ledger) -> None:
    """Code that validators refuse is never simulated; the answer says what they would."""
    prepared = ledger.prepare(deployment(code=b"\0asm\1\0\0\0"))
    assert (prepared.simulation, prepared.refusal) == (None, "module")


def test_contracts_that_were_deployed_and_not_observed(ledger: Ledger) -> None:
    """A deployment that nobody executed is taken for a success: what is found rests on it."""
    ledger.sent(ledger.prepare(deployment()))
    ledger.outcomes = MemoryOutcomes()
    there = contract_id_of(ALICE.address, 0)
    payload = encode(CallPayload("follow", ()))
    prepared = ledger.prepare(PreparationQuestion(ALICE.address, TransactionKind.CALL, there, payload))
    assert prepared.simulation is not None
    assert (prepared.simulation.failure, prepared.simulation.rests_on_unobserved) == (None, 1)
    assert [entry.rests_on_unobserved for entry in prepared.entries] == [0, 1]


class Network(Ledger):
    """A chain with one contract, whose `load` names a blob by its argument and whose `any` may load two others."""

    def __init__(self) -> None:
        named = TemplateEntry(TemplateKind.BLOB, (Arg(0),))
        functions = (
            FunctionEnvelope("any", (ArgumentKind.CID,), (named,), complete=False),
            FunctionEnvelope("load", (ArgumentKind.CID,), (named,), complete=True),
        )
        code = module('(func (export "any")) (func (export "load"))')
        there = genesis_contract("till", Envelope(functions, OpenAccess(blobs_most=2)), code=code)
        chain = msgspec.structs.replace(genesis(contracts=(there,)), engine=ENGINE)
        self.state, self.index, self.outcomes = ChainState.at_genesis(chain), MemoryIndex(chain), MemoryOutcomes()


@pytest.mark.parametrize("function", ["any", "load"])
def test_sizes_of_blobs_are_those_of_their_publications(function: str) -> None:
    """A template names a blob; its size comes from the chain, and what is signed is admitted.

    One that nobody published is left out where the run does without.
    """
    network, cid = Network(), cid_of(b"weights")
    prepared = network.call(function, cid)
    assert entries(prepared) == [] and prepared.refusal is None
    network.block(publish(BOB, 0, cid, 7))
    prepared = network.call(function, cid)
    assert entries(prepared) == [(Blob(cid, 7), EntrySource.TEMPLATE)] and prepared.refusal is None
    assert network.sent(prepared).succeeded


def test_what_a_failed_transaction_declared_is_declared_again() -> None:
    """Blobs and memory of the earlier transaction are kept, and a publication has nothing to prepare."""
    network, cid, other = Network(), cid_of(b"weights"), cid_of(b"other")
    network.block(publish(BOB, 0, cid, 7), publish(BOB, 1, other, 5))
    raw = call(ALICE, 0, TILL, "any", (cid,), [Blob(other, 5), Memory(2**30)], gas_limit=10_000)
    failed = network.block(raw).transactions[0]
    again = network.call("any", cid, failed=failed.hash)
    blobs: list[Entry] = [Blob(cid, 7), Blob(other, 5)]
    assert [entry for entry, _ in entries(again)] == [*sorted(blobs, key=entry_order), Memory(2**30)]
    assert again.refusal is None
    payload = encode(PublishPayload(cid, 7))
    with pytest.raises(InvalidQuestion) as refused:
        network.prepare(PreparationQuestion(ALICE.address, TransactionKind.PUBLISH, b"", payload))
    assert refused.value.kind == "invalid_payload"


def questions() -> Iterable[tuple[str, PreparationQuestion]]:
    put = encode(CallPayload("put", (b"x",)))
    calls = TransactionKind.CALL
    yield "invalid_sender", PreparationQuestion(bytes(32), calls, TILL, put)
    yield "invalid_amount", PreparationQuestion(ALICE.address, calls, TILL, put, zero_value=-1)
    yield "invalid_amount", PreparationQuestion(ALICE.address, calls, TILL, put, zero_value=2**62, general_value=2**62)
    yield "unknown_contract", PreparationQuestion(ALICE.address, calls, bytes(32), put)
    yield "unknown_function", PreparationQuestion(ALICE.address, calls, TILL, encode(CallPayload("none", ())))
    yield "constructor", PreparationQuestion(ALICE.address, calls, TILL, encode(CallPayload("init", ())))
    yield "arguments", PreparationQuestion(ALICE.address, calls, TILL, encode(CallPayload("put", ())))
    yield "template", PreparationQuestion(ALICE.address, calls, TILL, encode(CallPayload("put", (bytes(200),))))
    yield "invalid_payload", PreparationQuestion(ALICE.address, calls, TILL, b"\xff")
    yield "invalid_payload", PreparationQuestion(ALICE.address, TransactionKind.TRANSFER, BOB.address, b"")
    yield "unknown_transaction", PreparationQuestion(ALICE.address, calls, TILL, put, failed=bytes(32))
    yield "too_expensive", PreparationQuestion(ALICE.address, calls, TILL, put, gas_price=2**63 - 1)
    yield "too_expensive", PreparationQuestion(ALICE.address, calls, TILL, put, gas_limit=2**40, gas_price=2**40)
    yield "too_expensive", PreparationQuestion(ALICE.address, calls, TILL, put, tip=2**63 - 1)
    yield "payload_too_large", PreparationQuestion(ALICE.address, calls, TILL, bytes(2**20))


@pytest.mark.parametrize(("kind", "question"), list(questions()))
def test_what_no_transaction_can_be_made_of(ledger: Ledger, kind: str, question: PreparationQuestion) -> None:
    """Every wrong question has an error of its own."""
    with pytest.raises(InvalidQuestion) as refused:
        ledger.prepare(question)
    assert refused.value.kind == kind


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=True))
def test_on_observed_state_the_simulation_is_what_happens(random: Random) -> None:
    """With everything observed and nothing in between, a prepared call does exactly what its simulation did."""
    chain = RandomChain(random, calm=True)
    chain.grow(5)
    outcomes = MemoryOutcomes()
    selective = Selective(Session(chain.index, outcomes))
    for seq in range(chain.index.head().next_seq):
        selective.outcome(Seq(seq))
    contract = random.choice(chain.contracts[:3])
    payload = encode(CallPayload("run", (chain.program(contract, 2).code,)))
    sender = chain.user()
    question = PreparationQuestion(sender, TransactionKind.CALL, contract, payload, zero_value=random.choice([0, 20]))
    prepared = prepare(chain.index, outcomes, question, NOW)
    simulation = prepared.simulation
    assert simulation is not None and simulation.rests_on_unobserved == 0
    if prepared.transaction is None:
        assert simulation.failure is not None
        return
    chain.index.append_unsigned([(sender, decode_transaction(prepared.transaction))], time=NOW)
    outcome = execute_everything(chain.index).outcomes[-1]
    base = chain.genesis.gas.call_base
    assert (outcome.failure, outcome.gas_used) == (None, base + simulation.gas_used)
    assert outcome.return_value == simulation.return_value
