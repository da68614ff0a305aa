"""The replay contract run for real: gas burnt, slots written from what was read, gains paid, failures failed."""

from collections.abc import Sequence

import pytest
from msgspec import structs

from accountant.chain.genesis import Limits
from accountant.chain.transaction import Transaction
from accountant.contracts.errors import FailureKind
from accountant.contracts.module import check_module
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.outcome import Outcome
from accountant.index.memory import MemoryIndex
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Seq
from accountant.replay.contract import FUEL_PER_GAS, replay_contract
from accountant.replay.ledger import payouts_of
from accountant.replay.names import SLOT_PREFIX, contract_of, recorded_id, slot_of, user_of
from accountant.replay.record import RecordedChain, record_chain
from accountant.replay.recording import RecordedBlock, RecordedTransaction
from accountant.replay.sample import sample_blocks
from tests.support.recordings import account, block, call, slot, transfer


def _executed(chain: RecordedChain) -> EagerState:
    index = MemoryIndex(chain.genesis)
    for sealed in chain.blocks:
        index.append(sealed)
    return execute_everything(index)


def _outcomes(*blocks: RecordedBlock) -> Sequence[Outcome]:
    return _executed(record_chain(blocks)).outcomes


@pytest.fixture(scope="module")
def sample() -> list[tuple[RecordedBlock, int, Transaction, Outcome]]:
    """Every transaction of the packaged sample: recording, place, transaction, eager outcome."""
    chain = record_chain(sample_blocks())
    state = _executed(chain)
    blocks = {b.block: b for b in sample_blocks()}
    return [
        (blocks[place.block], place.transaction, located.transaction, outcome)
        for place, located, outcome in zip(chain.places, state.located, state.outcomes, strict=True)
    ]


def test_the_module_keeps_to_the_structural_limits() -> None:
    """A genesis contract passes the same checks as a deployed one."""
    check_module(replay_contract().code, replay_contract().envelope, Limits())


def test_its_slots_are_those_of_its_map() -> None:
    """What footprints name is what the source's storage becomes: the prefix that the envelope opens, and a hash."""
    admitted = replay_contract().envelope.open
    assert admitted.read_prefixes == admitted.write_prefixes == (SLOT_PREFIX,)
    assert slot_of(1, slot(1)) == SLOT_PREFIX + sha256(b"anh/recorded/slot\x00" + (1).to_bytes(8) + slot(1).encode())


def test_sample_outcomes_are_what_was_recorded(sample: list[tuple[RecordedBlock, int, Transaction, Outcome]]) -> None:
    """What succeeded on Ethereum succeeds here and what failed there fails here, and each burns the recorded gas."""
    for recorded_block, place, transaction, outcome in sample:
        recorded = recorded_block.transactions[place]
        assert outcome.failure == (None if recorded.succeeded else FailureKind.ASSERTION)
        if recorded.contract_call:
            assert FUEL_PER_GAS * recorded.gas_used <= outcome.gas_used <= transaction.gas_limit


EMPTY_VALUE = 32 * 16
"""Gas that a value of 32 bytes costs when it is read, put behind another and hashed, and an empty one does not."""
SPARE = 600
"""Gas that a limit leaves at most when no value was empty: loops that did not run, a failing call's shorter way."""


def test_gas_limits_are_enough_and_hardly_more(sample: list[tuple[RecordedBlock, int, Transaction, Outcome]]) -> None:
    """Unused gas turns zero-cost money into costly money, so limits leave little but what empty slots leave."""
    for recorded_block, place, transaction, outcome in sample:
        if transaction.payload:
            recorded = recorded_block.transactions[place]
            values = 2 * len({*recorded.reads, *recorded.writes})
            assert 0 <= transaction.gas_limit - outcome.gas_used <= SPARE + EMPTY_VALUE * values


MANY = tuple(range(1, 41))
EDGES = {
    "nothing": call("b", gas_used=0),
    "one read": call("b", reads=(1,)),
    "many reads": call("b", reads=MANY),
    "many kept": call("b", reads=MANY, writes=MANY, changed=()),
    "many changed": call("b", writes=MANY),
    "many payouts": call("b", pays=dict.fromkeys("defghij", 2**40)),
    "all of it": call("b", MANY, (*MANY, 41, 42), (30, 31, 41, 42), pays=dict.fromkeys("defghij", 1)),
    "a failure": call("b", MANY, MANY, (), succeeded=False),
}


@pytest.mark.parametrize("recorded", EDGES.values(), ids=EDGES)
def test_the_gas_limit_of_full_slots_is_exact(recorded: RecordedTransaction) -> None:
    """Where every slot holds a value, a limit leaves the same few units however much a call does, and never too few."""
    state = _executed(record_chain([block(call("a", writes=MANY), recorded)]))
    limit, outcome = state.located[1].transaction.gas_limit, state.outcomes[1]
    assert state.outcomes[0].succeeded
    assert outcome.failure == (None if recorded.succeeded else FailureKind.ASSERTION)
    assert 0 <= limit - outcome.gas_used <= SPARE


def test_sample_payouts_are_the_recorded_gains(sample: list[tuple[RecordedBlock, int, Transaction, Outcome]]) -> None:
    """Each other account's gain, rounded down, leaves the replay contract and arrives: no more and no less."""
    paid = 0
    for recorded_block, place, _, outcome in sample:
        recorded = recorded_block.transactions[place]
        if not (recorded.contract_call and recorded.succeeded):
            continue
        gains = payouts_of(recorded, recorded_block.coinbase)
        assert outcome.debit_of(contract_of(recorded_block.block)) == sum(gains.values())
        for name, units in gains.items():
            assert outcome.credit_of(user_of(recorded_block.block, name)) == units
            paid += 1
    assert paid > 10


def test_sample_writes_are_the_recorded_ones(sample: list[tuple[RecordedBlock, int, Transaction, Outcome]]) -> None:
    """Exactly the recorded slots are written: one new hash for all that changed, 32 bytes."""
    for recorded_block, place, _, outcome in sample:
        recorded = recorded_block.transactions[place]
        slots = {slot_of(recorded_block.block, s) for s in recorded.writes} if recorded.succeeded else set()
        assert {write.slot for write in outcome.writes} == slots
        changed = {slot_of(recorded_block.block, s) for s in recorded.changed}
        values = {write.value for write in outcome.writes if write.slot in changed}
        assert len(values) == bool(changed) and all(len(value) == 32 for value in values)


def test_the_written_value_is_the_hash_of_everything_read() -> None:
    """SHA-256 over the id, then over digest and value for each read, in order; absent values are empty bytes."""
    outcomes = _outcomes(block(call("a", writes=(1,)), call("b", reads=(2, 1), writes=(3,))))
    first = sha256(recorded_id(1, 0))
    assert outcomes[0].written(contract_of(1), slot_of(1, slot(1))) == first
    second = sha256(sha256(sha256(recorded_id(1, 1)) + b"") + first)
    assert outcomes[1].written(contract_of(1), slot_of(1, slot(3))) == second


def test_a_slot_stored_to_without_a_change_keeps_its_value() -> None:
    """It is written, with the value that was there, whether or not the recording says that it was read."""
    for reads in ((1, 2), (2,)):
        outcomes = _outcomes(block(call("a", writes=(1,)), call("b", reads=reads, writes=(1, 3), changed=(3,))))
        before = outcomes[0].written(contract_of(1), slot_of(1, slot(1)))
        assert before and outcomes[1].written(contract_of(1), slot_of(1, slot(1))) == before
        assert outcomes[1].written(contract_of(1), slot_of(1, slot(3))) not in (None, before)


def test_a_kept_slot_that_was_never_written_stays_empty() -> None:
    """Storing nothing over nothing is a write of empty bytes."""
    outcome = _outcomes(block(call("a", reads=(1,), writes=(1,), changed=())))[0]
    assert outcome.succeeded and outcome.written(contract_of(1), slot_of(1, slot(1))) == b""


def test_one_wrong_value_shows_in_everything_that_rests_on_it() -> None:
    """Leave out one write of the sample: exactly the later calls that rest on it write other values."""
    recorded = sample_blocks()[0]
    victim = max(
        range(len(recorded.transactions)),
        key=lambda i: sum(
            bool({*recorded.transactions[i].changed} & {*t.reads}) for t in recorded.transactions[i + 1 :]
        ),
    )
    edited = structs.replace(recorded.transactions[victim], writes=(), changed=())
    transactions = (*recorded.transactions[:victim], edited, *recorded.transactions[victim + 1 :])
    before, after = (_outcomes(b) for b in (recorded, structs.replace(recorded, transactions=transactions)))
    wrong = set(recorded.transactions[victim].changed)
    differing = 0
    for place, transaction in enumerate(recorded.transactions[victim + 1 :], victim + 1):
        rests = bool(wrong & set(transaction.reads)) and transaction.succeeded
        shows = rests and bool(transaction.changed or wrong & set(transaction.writes))
        assert (before[place].writes != after[place].writes) == shows
        if rests:
            differing += 1
            wrong |= set(transaction.changed)
        elif transaction.succeeded:
            wrong -= set(transaction.changed)
    assert differing > 5


def test_a_failed_call_fails_after_reading_and_changes_nothing() -> None:
    """It burns the recorded gas, the value comes back as general money, earlier values stay."""
    recorded = block(
        call("a", writes=(1,)),
        call("b", reads=(1,), writes=(1,), changed=(), units=500, pays={"d": 5}, succeeded=False),
        call("a", reads=(1,), writes=(2,)),
    )
    chain = record_chain([recorded])
    state = _executed(chain)
    outcome, transaction = state.outcomes[1], state.located[1].transaction
    assert outcome.failure is FailureKind.ASSERTION and "the recorded call failed" in outcome.detail
    assert outcome.gas_used > FUEL_PER_GAS * recorded.transactions[1].gas_used
    assert not outcome.writes and not outcome.debits
    assert outcome.credit_of(user_of(1, account("b"))) == 500 + transaction.gas_limit - outcome.gas_used
    first = state.outcomes[0].written(contract_of(1), slot_of(1, slot(1)))
    assert first and state.slot_before(contract_of(1), slot_of(1, slot(1)), Seq(2)) == first


def test_what_a_contract_paid_can_be_spent() -> None:
    """A payout is general money of its payee, and a transfer of it succeeds."""
    state = _executed(
        record_chain([block(call("a", pays={"b": 10**6}), transfer("b", "d", 10**6), balances={"b": 10**5})])
    )
    assert state.located[1].transaction.general_value == 10**6
    assert state.outcomes[1].succeeded
    assert state.general_before(user_of(1, account("d")), Seq(2)) == 10**6


def test_gas_without_work_and_work_without_gas() -> None:
    """A call that was recorded with no gas burns none and still does its work; a large one five fuel a gas."""
    small, large = _outcomes(block(call("a", writes=(1,), gas_used=0), call("a", writes=(1,), gas_used=1_000_000)))
    assert small.succeeded and large.succeeded
    assert large.gas_used - small.gas_used == FUEL_PER_GAS * 1_000_000
