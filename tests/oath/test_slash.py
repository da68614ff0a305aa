"""Executing an oath: a lie costs exactly its penalty, a truth nothing, and what does not count may escape."""

from pathlib import Path

import msgspec
import pytest
import wasmtime

from accountant.chain.block import Position
from accountant.chain.envelope import Envelope, OpenAccess
from accountant.chain.footprint import SLOT_BYTES_MAX, Credit, Debit, Query
from accountant.chain.genesis import GasSchedule, GenesisContract
from accountant.chain.query import AccountingQuery, BalanceAtLeast, Income, Storage, TransactionSucceeded
from accountant.chain.transaction import DeployPayload, Transaction
from accountant.contracts.errors import FailureKind
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Outcome
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.memory import MemoryIndex
from accountant.index.port import moment_before
from accountant.language.compiler import compile_file
from accountant.language.events import Event, decode_event
from accountant.oath.code import OATH_CODE
from accountant.oath.counts import FlawKind, counts
from accountant.oath.gas import OATH_GAS, WITHDRAW_GAS
from accountant.oath.oath import oath_of
from accountant.oath.purse import OATH_ENVELOPE, slash_of
from accountant.oath.swear import deploy_transaction, swear_transaction
from accountant.oath.sworn import SWORN_ANSWER_BYTES_MAX
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import BLACKHOLE, Address, Amount, ContractId, Seq
from tests.support.oath_chain import (
    CLIENT,
    OWNER,
    PROPOSER,
    RICH,
    TOKEN,
    OathChain,
    altered,
    funded,
    genesis_with,
    terms,
    without,
)

SOURCE = Path(__file__).parents[2] / "accountant" / "library" / "oath.py"
INTERFACE = compile_file(SOURCE).interface
LONGEST_SLOT = 1024 * 1024
"""The longest value that a slot can hold: `Limits.value_bytes_most`."""


def executed(chain: OathChain) -> EagerState:
    """Everything executed, eagerly; and every outcome found again by a cold selective executor of its own."""
    state = execute_everything(chain.index)
    for seq, outcome in enumerate(state.outcomes):
        assert Selective(Session(chain.index, MemoryOutcomes())).outcome(Seq(seq)) == outcome
    return state


def moved(state: EagerState, seq: Seq, account: bytes) -> int:
    """What a transaction added to a general balance."""
    after, before = Seq(seq + 1), seq
    return state.general_before(account, after) - state.general_before(account, before)  # type: ignore[arg-type]


def logged(outcome: Outcome) -> list[Event]:
    """The events of an outcome, read by the source's own interface."""
    return [decode_event(INTERFACE, log.topic, log.data) for log in outcome.logs]


def slashed(outcome: Outcome, purse: ContractId) -> int:
    """What left the purse."""
    return outcome.debit_of(purse)


def test_a_truth_costs_nothing() -> None:
    """A true oath returns 1, says so in its log, and leaves the purse alone."""
    chain, purse = funded()
    query = chain.rich_has(TOKEN)
    seq = chain.swear(purse, terms(query, True, beneficiary=CLIENT))
    state = executed(chain)
    outcome = state.outcomes[seq]
    assert outcome.succeeded and outcome.return_value == 1
    assert logged(outcome) == [Event("Kept", {"query": encode(query)})]
    assert moved(state, seq, purse) == 0 and moved(state, seq, BLACKHOLE) == 0 and moved(state, seq, CLIENT) == 0


@pytest.mark.parametrize("penalty", [1, 2, 3, TOKEN, 10 * TOKEN])
@pytest.mark.parametrize("beneficiary", [BLACKHOLE, CLIENT])
def test_a_lie_costs_exactly_the_penalty(penalty: int, beneficiary: Address) -> None:
    """A false oath moves the penalty, all of it and no more: the larger half is burnt, the rest compensates."""
    chain, purse = funded()
    query = chain.rich_has(TOKEN)
    seq = chain.swear(purse, terms(query, False, penalty, beneficiary))
    assert chain.flaws(seq) == set()
    state = executed(chain)
    outcome = state.outcomes[seq]
    assert outcome.succeeded and outcome.return_value == 0
    assert logged(outcome) == [Event("Slashed", {"query": encode(query), "penalty": penalty})]
    burnt, paid = slash_of(Amount(penalty), beneficiary)
    assert burnt + paid == penalty and moved(state, seq, purse) == -penalty
    assert moved(state, seq, BLACKHOLE) == burnt
    if beneficiary != BLACKHOLE:
        assert moved(state, seq, beneficiary) == paid < burnt + 1


def test_accusing_oneself_costs_the_larger_half() -> None:
    """An accountant who names itself beneficiary of its own lie gets less than half back."""
    chain, purse = funded()
    seq = chain.swear(purse, terms(chain.rich_has(TOKEN), False, TOKEN, OWNER))
    state = executed(chain)
    gas_back = OATH_GAS - state.outcomes[seq].gas_used
    assert moved(state, seq, OWNER) == TOKEN // 2 + gas_back
    assert moved(state, seq, BLACKHOLE) == TOKEN - TOKEN // 2


def test_withdrawing_before_and_after() -> None:
    """A withdrawal after a lie comes too late, one before it is why the lie does not count."""
    chain, purse = funded(units=TOKEN)
    query = chain.rich_has(TOKEN)
    lie = chain.swear(purse, terms(query, False))
    late = chain.withdraw(purse, TOKEN)
    chain.deposit(purse, TOKEN)
    early = chain.withdraw(purse, TOKEN)
    escaped = chain.swear(purse, terms(query, False))
    assert chain.flaws(lie) == set() and chain.flaws(escaped) == {FlawKind.NOT_COVERED}
    state = executed(chain)
    assert slashed(state.outcomes[lie], purse) == TOKEN
    assert state.outcomes[late].failure is FailureKind.INSUFFICIENT_CONTRACT_FUNDS
    assert state.outcomes[early].debit_of(purse) == state.outcomes[early].credits[0].units - (
        WITHDRAW_GAS - state.outcomes[early].gas_used
    )
    assert state.outcomes[escaped].failure is FailureKind.INSUFFICIENT_CONTRACT_FUNDS
    assert slashed(state.outcomes[escaped], purse) == 0


def test_a_deposit_sworn_away_twice_pays_once() -> None:
    """Of two lies on a deposit for one the first is slashed; the second rolls back, and did not count."""
    chain, purse = funded(units=TOKEN)
    query = chain.rich_has(TOKEN)
    first, second = chain.swear(purse, terms(query, False)), chain.swear(purse, terms(query, False))
    state = executed(chain)
    assert slashed(state.outcomes[first], purse) == TOKEN
    assert state.outcomes[second].failure is FailureKind.INSUFFICIENT_CONTRACT_FUNDS
    assert chain.flaws(second) == {FlawKind.NOT_COVERED}


def test_a_checked_truth_gives_its_penalty_back() -> None:
    """Once the first oath is known to be true, the deposit covers the second one as well; a lie gives nothing back."""
    chain, purse = funded(units=TOKEN)
    query = chain.rich_has(TOKEN)
    for answer, counted in ((True, True), (False, False)):
        chain, purse = funded(units=TOKEN)
        first, second = chain.swear(purse, terms(query, answer)), chain.swear(purse, terms(query, answer))
        outcomes = MemoryOutcomes()
        assert not counts(chain.index, oath_of(chain.index, second), outcomes).counts
        Selective(Session(chain.index, outcomes)).outcome(first)
        assert counts(chain.index, oath_of(chain.index, second), outcomes).counts is counted


ESCAPES = {
    FlawKind.TOO_LITTLE_GAS: FailureKind.OUT_OF_GAS,
    FlawKind.MISSING_ENTRY: FailureKind.UNDECLARED_ACCESS,
    FlawKind.CAP_BELOW_PENALTY: FailureKind.CAP_EXCEEDED,
    FlawKind.VALUE: FailureKind.NOT_CALLABLE,
    FlawKind.NO_PENALTY: FailureKind.ASSERTION,
}
"""How a lie that does not count gets away."""


def _lie(chain: OathChain, purse: ContractId, kind: FlawKind, variant: int) -> Transaction | None:
    """A lie with one flaw; None if there is no such variant."""
    lie = swear_transaction(chain.stamp(), purse, terms(chain.rich_has(TOKEN), False, beneficiary=CLIENT))
    variants: dict[FlawKind, list[Transaction]] = {
        FlawKind.TOO_LITTLE_GAS: [altered(lie, gas_limit=105_000)],
        FlawKind.MISSING_ENTRY: [
            without(lie, Query),
            without(lie, Credit, BLACKHOLE),
            without(lie, Credit, CLIENT),
            without(lie, Debit),
        ],
        FlawKind.CAP_BELOW_PENALTY: [
            altered(
                lie,
                footprint=tuple(Debit(purse, TOKEN - 1) if isinstance(e, Debit) else e for e in lie.footprint),
            )
        ],
        FlawKind.VALUE: [altered(lie, zero_value=TOKEN)],
        FlawKind.NO_PENALTY: [altered(lie, payload=_with_penalty(lie, penalty)) for penalty in (0, -1, -(2**63))],
    }
    return variants[kind][variant] if variant < len(variants[kind]) else None


def _with_penalty(lie: Transaction, penalty: int) -> bytes:
    call = msgspec.msgpack.decode(lie.payload)
    call[1][2] = penalty
    return encode(call)


@pytest.mark.parametrize("kind", ESCAPES)
@pytest.mark.parametrize("variant", range(4))
def test_a_flaw_lets_a_lie_escape(kind: FlawKind, variant: int) -> None:
    """Each flaw is real: executing the lie moves nothing out of the purse, for exactly the reason given."""
    chain, purse = funded()
    lie = _lie(chain, purse, kind, variant)
    if lie is None:
        return
    seq = chain.add(lie)
    assert kind in chain.flaws(seq)
    state = executed(chain)
    assert state.outcomes[seq].failure is ESCAPES[kind]
    assert moved(state, seq, purse) == 0


def test_gas_between_enough_and_published() -> None:
    """An oath with less than the published gas may be slashed all the same: it does not count, because it need not."""
    chain, purse = funded()
    lie = altered(swear_transaction(chain.stamp(), purse, terms(chain.rich_has(TOKEN), False)), gas_limit=OATH_GAS - 1)
    seq = chain.add(lie)
    assert chain.flaws(seq) == {FlawKind.TOO_LITTLE_GAS}
    assert slashed(executed(chain).outcomes[seq], purse) == TOKEN


def test_somebody_else_cannot_swear() -> None:
    """The purse's contract itself never asks who calls: the envelope keeps everyone but the deployer out of blocks."""
    swear = OATH_ENVELOPE.function("swear")
    withdraw = OATH_ENVELOPE.function("withdraw")
    assert swear is not None and withdraw is not None
    for function in (swear, withdraw):
        assert function.callers.name == "DEPLOYER" and function.direct and function.complete and not function.payable
    assert OATH_ENVELOPE.open == OpenAccess()


def test_an_empty_purse_is_not_slashed() -> None:
    """There is nothing to move: the lie rolls back."""
    chain = OathChain()
    purse = chain.deploy()
    seq = chain.swear(purse, terms(chain.rich_has(TOKEN), False))
    assert executed(chain).outcomes[seq].failure is FailureKind.INSUFFICIENT_CONTRACT_FUNDS


def test_not_deployed_is_not_slashed() -> None:
    """Money at an id without code: a call fails, and so does the slash."""
    chain = OathChain()
    nowhere = contract_id_of(OWNER, 99)
    chain.deposit(nowhere, 5 * TOKEN)
    seq = chain.swear(nowhere, terms(chain.rich_has(TOKEN), False))
    assert chain.flaws(seq) == {FlawKind.NOT_DEPLOYED}
    assert executed(chain).outcomes[seq].failure is FailureKind.NO_CODE


def test_a_failed_deployment_is_not_slashed() -> None:
    """A deployment that general money makes fail leaves no code: what `uncertain_deployment` warns of."""
    chain = OathChain()
    stamp = chain.stamp()
    deployment = deploy_transaction(stamp, GasSchedule())
    chain.add(altered(deployment, general_value=1, gas_limit=10**9))
    purse = contract_id_of(OWNER, stamp.nonce)
    chain.deposit(purse, 5 * TOKEN)
    seq = chain.swear(purse, terms(chain.rich_has(TOKEN), False))
    assert chain.flaws(seq) == {FlawKind.UNCERTAIN_DEPLOYMENT}
    assert executed(chain).outcomes[seq].failure is FailureKind.NO_CODE


TOOTHLESS = wasmtime.wat2wasm(
    """(module
      (import "anh" "return_int" (func $return_int (param i64)))
      (func (export "swear") (call $return_int (i64.const 1)))
      (func (export "withdraw")))"""
)
"""A look-alike that finds every oath true."""


def _deploy(chain: OathChain, payload: DeployPayload) -> ContractId:
    stamp = chain.stamp()
    chain.add(altered(deploy_transaction(stamp, GasSchedule()), payload=encode(payload), gas_limit=10**9))
    purse = contract_id_of(OWNER, stamp.nonce)
    chain.deposit(purse, 5 * TOKEN)
    return purse


def test_a_look_alike_is_not_slashed() -> None:
    """A contract with the purse's envelope and other code may find every lie true."""
    chain = OathChain()
    purse = _deploy(chain, DeployPayload(bytes(TOOTHLESS), OATH_ENVELOPE, ()))
    seq = chain.swear(purse, terms(chain.rich_has(TOKEN), False))
    assert chain.flaws(seq) == {FlawKind.OTHER_CODE}
    state = executed(chain)
    assert state.outcomes[seq].succeeded and moved(state, seq, purse) == 0


def test_another_envelope_may_be_slashed_all_the_same() -> None:
    """The audited code under another envelope does slash, but nobody could rely on its deposit's bound."""
    chain = OathChain()
    envelope = Envelope(OATH_ENVELOPE.functions, OpenAccess(debit_most=2**62))
    purse = _deploy(chain, DeployPayload(OATH_CODE, envelope, ()))
    seq = chain.swear(purse, terms(chain.rich_has(TOKEN), False))
    assert chain.flaws(seq) == {FlawKind.OTHER_ENVELOPE}
    assert slashed(executed(chain).outcomes[seq], purse) == TOKEN


@pytest.mark.parametrize("case", ["own block", "another fork", "past the end", "unknown transaction"])
def test_a_void_oath_is_neither_true_nor_false(case: str) -> None:
    """A query that names what is not on the chain, or not strictly earlier, fails as void; nobody is slashed."""
    chain, purse = funded()
    last = chain.index.block(chain.index.head().height)
    assert last is not None
    queries: dict[str, AccountingQuery] = {
        "another fork": BalanceAtLeast(RICH, 1, Position(b"\x77" * 32, 0)),
        "past the end": Storage(purse, b"", Position(last.previous_hash, 2)),
        "unknown transaction": Income(b"\x77" * 32, RICH),
        "own block": BalanceAtLeast(RICH, 1, Position(chain.index.head().hash, 1)),
    }
    seq = chain.swear(purse, terms(queries[case], False))
    assert chain.flaws(seq) == {FlawKind.VOID_QUERY}
    state = executed(chain)
    assert state.outcomes[seq].failure is FailureKind.QUERY_VOID and moved(state, seq, purse) == 0


def test_a_malformed_query_is_not_slashed() -> None:
    """Bytes that are no query fail as an invalid value."""
    chain, purse = funded()
    seq = chain.swear(purse, terms(b"\x01", False))
    assert chain.flaws(seq) == {FlawKind.MALFORMED_QUERY}
    assert executed(chain).outcomes[seq].failure is FailureKind.INVALID_VALUE


@pytest.mark.parametrize("answer", [b"", b"\xcc\x01", b"\x01", b"\xc3\xc3"])
def test_a_malformed_answer_is_false(answer: bytes) -> None:
    """Bytes that are not the canonical answer are not the answer: slashed, though no client could rely on it."""
    chain, purse = funded()
    seq = chain.swear(purse, terms(chain.rich_has(TOKEN), answer))
    assert chain.flaws(seq) == {FlawKind.MALFORMED_ANSWER}
    assert slashed(executed(chain).outcomes[seq], purse) == TOKEN


def test_an_oath_about_an_oath() -> None:
    """Whether an earlier oath was slashed can itself be sworn: by the blackhole's income from it."""
    chain, purse = funded()
    query = chain.rich_has(TOKEN)
    lie = chain.index.transaction(chain.swear(purse, terms(query, False))).hash
    truth = chain.index.transaction(chain.swear(purse, terms(query, True))).hash
    sworn: list[tuple[AccountingQuery, object, bool]] = [
        (TransactionSucceeded(lie), True, True),
        (TransactionSucceeded(lie), False, False),
        (Income(lie, BLACKHOLE), TOKEN, True),
        (Income(lie, BLACKHOLE), 0, False),
        (Income(truth, BLACKHOLE), 0, True),
        (Income(truth, BLACKHOLE), TOKEN, False),
    ]
    seqs = [chain.swear(purse, terms(about, answer)) for about, answer, _ in sworn]
    assert all(chain.flaws(seq) == set() for seq in seqs)
    state = executed(chain)
    assert [state.outcomes[seq].return_value for seq in seqs] == [int(right) for *_, right in sworn]


def test_the_position_decides() -> None:
    """Before the payment the account owned too much for the answer, after it too little: position by position."""
    chain, purse = funded()
    chain.transfer(RICH, CLIENT, 500 * TOKEN)
    block = chain.index.block(chain.index.head().height)
    assert block is not None
    before, after = (BalanceAtLeast(RICH, 600 * TOKEN, Position(block.previous_hash, i)) for i in (0, 1))
    seqs = [
        chain.swear(purse, terms(q, a)) for q, a in ((before, True), (after, False), (before, False), (after, True))
    ]
    state = executed(chain)
    assert [state.outcomes[seq].return_value for seq in seqs] == [1, 1, 0, 0]


def test_an_empty_block_changes_no_answer() -> None:
    """The end of the chain as it was sworn about stays what it was, whatever reward the next, empty block pays.

    Otherwise an honest oath could be made false by the proposer of the next block.
    """
    chain = OathChain()
    chain.index = MemoryIndex(msgspec.structs.replace(genesis_with(), block_reward=TOKEN))
    purse = chain.deploy()
    chain.deposit(purse, TOKEN)
    rewards = chain.index.zero_balance(PROPOSER, moment_before(chain.index.head().height + 1, 0))
    query = BalanceAtLeast(PROPOSER, rewards + 1, Position(chain.index.head().hash, 0))
    assert execute_everything(chain.index).answer(query) is False
    chain.block()
    assert execute_everything(chain.index).answer(query) is False
    seq = chain.swear(purse, terms(query, False))
    assert chain.flaws(seq) == set()
    assert executed(chain).outcomes[seq].return_value == 1


HOLDER = ContractId(b"\xbb" * 32)


@pytest.mark.parametrize(
    ("stored", "sworn"),
    [
        (b"v" * (SWORN_ANSWER_BYTES_MAX - 3), b"v" * (SWORN_ANSWER_BYTES_MAX - 3)),
        (b"v" * (SWORN_ANSWER_BYTES_MAX - 3), b"v" * (SWORN_ANSWER_BYTES_MAX - 4) + b"w"),
        (b"v" * LONGEST_SLOT, b"v" * (SWORN_ANSWER_BYTES_MAX - 3)),
    ],
    ids=["truth", "lie", "lie about far more bytes than can be sworn"],
)
def test_the_published_gas_suffices(stored: bytes, sworn: bytes) -> None:
    """The longest query (a slot's) and the longest answer stay a margin below the published gas.

    A lie about a slot whose true value is far longer than any sworn answer is slashed too: the price of
    a query does not depend on its answer, and the answer's size is no failure.
    """
    slot = b"s" * SLOT_BYTES_MAX
    holder = GenesisContract(HOLDER, OWNER, OATH_CODE, OATH_ENVELOPE, 0, ((slot, stored),))
    chain, purse = funded(holder)
    last = chain.index.block(chain.index.head().height)
    assert last is not None
    query = Storage(HOLDER, slot, Position(last.previous_hash, 0))
    assert len(encode(sworn)) == SWORN_ANSWER_BYTES_MAX
    seq = chain.swear(purse, terms(query, encode(sworn), beneficiary=CLIENT))
    assert chain.flaws(seq) == set()
    outcome = executed(chain).outcomes[seq]
    assert outcome.return_value == int(stored == sworn)
    assert slashed(outcome, purse) == (0 if stored == sworn else TOKEN)
    assert outcome.gas_used <= OATH_GAS - 20_000


def test_withdrawing_stays_within_its_gas() -> None:
    """A withdrawal pays the owner and stays within the published gas."""
    chain, purse = funded()
    seq = chain.withdraw(purse, 3 * TOKEN)
    state = executed(chain)
    outcome = state.outcomes[seq]
    assert outcome.succeeded and outcome.gas_used <= WITHDRAW_GAS - 1_000
    assert moved(state, seq, OWNER) == 3 * TOKEN + WITHDRAW_GAS - outcome.gas_used
    assert moved(state, seq, purse) == -3 * TOKEN
    assert logged(outcome) == [Event("Withdrawn", {"units": 3 * TOKEN})]


def test_the_committed_contract_is_the_compiled_source() -> None:
    """Code and envelope are what the library's source compiles to: whoever audits the source audits them."""
    compiled = compile_file(SOURCE)
    assert compiled.code == OATH_CODE
    assert encode(compiled.envelope) == encode(OATH_ENVELOPE)
