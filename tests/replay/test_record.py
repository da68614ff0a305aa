"""Recorded chains: valid, the same every time, each block apart from the others."""

from collections import Counter

import pytest
from msgspec import structs

from accountant.chain.footprint import Credit, Debit, Entry, Read, Write
from accountant.chain.genesis import Genesis, GenesisAccount, Limits, decode_genesis
from accountant.chain.state import ChainState, genesis_supply
from accountant.chain.transaction import Transaction, TransactionKind, decode_transaction
from accountant.chain.validator import import_block
from accountant.primitives.encoding import encode
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import AMOUNT_MAX
from accountant.replay.ledger import ALLOCATION_MOST
from accountant.replay.names import contract_of, key_of, slot_of, user_of
from accountant.replay.overdeclare import declared_in_vain, hottest_slots
from accountant.replay.record import RecordedChain, record_chain
from accountant.replay.sample import sample_blocks
from accountant.replay.translate import RecordingTooLarge, RecordOptions
from tests.support.chains import accept_any_module
from tests.support.recordings import account, block, call, slot, transfer


def _imported(chain: RecordedChain) -> ChainState:
    """The chain's bytes through decoder and validator, as any node takes them."""
    state = ChainState.at_genesis(decode_genesis(encode(chain.genesis)))
    for sealed in chain.blocks:
        import_block(sealed.raw, state, accept_any_module)
    return state


def _transactions(chain: RecordedChain) -> list[Transaction]:
    return [decode_transaction(t.raw) for sealed in chain.blocks for t in sealed.transactions]


@pytest.fixture(scope="module")
def sample() -> RecordedChain:
    """The packaged sample as a chain."""
    return record_chain(sample_blocks())


def test_the_sample_is_a_valid_chain(sample: RecordedChain) -> None:
    """Every recorded transaction is in a block that the validator takes, in the recorded order, from its own sender."""
    state = _imported(sample)
    recorded = [(b.block, i, t) for b in sample_blocks() for i, t in enumerate(b.transactions)]
    assert state.head.next_seq == len(recorded) == len(sample.places)
    included = [t for sealed in sample.blocks for t in sealed.transactions]
    for place, (number, index, transaction), entry in zip(sample.places, recorded, included, strict=True):
        assert place == (number, index)
        assert entry.sender == user_of(number, transaction.sender)
        is_call = entry.transaction.kind is TransactionKind.CALL
        assert is_call == transaction.contract_call
        assert entry.transaction.to == (contract_of(number) if is_call else user_of(number, transaction.to))


def test_recording_again_gives_the_same_bytes(sample: RecordedChain) -> None:
    """Genesis, blocks and signatures: nothing depends on the run."""
    again = record_chain(sample_blocks())
    assert encode(again.genesis) == encode(sample.genesis)
    assert [b.raw for b in again.blocks] == [b.raw for b in sample.blocks]


def test_footprints_are_what_was_recorded(sample: RecordedChain) -> None:
    """Exactly the recorded slots and payees, and one debit of exactly their sum."""
    calls = 0
    for place, transaction in zip(sample.places, _transactions(sample), strict=True):
        recorded_block = next(b for b in sample_blocks() if b.block == place.block)
        recorded = recorded_block.transactions[place.transaction]
        if not recorded.contract_call:
            assert transaction.footprint == ()
            continue
        calls += 1
        contract = contract_of(place.block)
        expected: set[Entry] = {Read(contract, slot_of(place.block, s)) for s in recorded.reads}
        expected |= {Write(contract, slot_of(place.block, s)) for s in recorded.writes}
        assert expected == {e for e in transaction.footprint if isinstance(e, Read | Write)}
        others = {
            user_of(place.block, a): int(delta) // 10**9
            for a, delta in recorded.balance_deltas.items()
            if a not in (recorded.sender, recorded_block.coinbase) and int(delta) >= 10**9
        }
        assert {e.account for e in transaction.footprint if isinstance(e, Credit)} == others.keys()
        debits = [e for e in transaction.footprint if isinstance(e, Debit)]
        assert debits == ([Debit(contract, sum(others.values()))] if others else [])
    assert calls == sum(t.contract_call for b in sample_blocks() for t in b.transactions) > 100


def test_the_replay_contract_owns_more_than_all_caps(sample: RecordedChain) -> None:
    """So whether a payout is covered is known without executing anything."""
    caps: Counter[bytes] = Counter()
    for transaction in _transactions(sample):
        caps.update({e.contract: e.cap for e in transaction.footprint if isinstance(e, Debit)})
    for contract in sample.genesis.contracts:
        assert contract.general_balance > caps[contract.contract]


def test_genesis_holds_recorded_balances_and_top_ups(sample: RecordedChain) -> None:
    """Each account has its recorded balance in units, capped, and nothing more but what the report counts."""
    held = {a.address: a.zero_balance for a in sample.genesis.accounts}
    above = []
    for recorded in sample_blocks():
        for name, balance in recorded.pre_balances.items():
            units = min(int(balance) // 10**9, ALLOCATION_MOST)
            above.append(held.pop(user_of(recorded.block, name), 0) - units)
    assert not held and min(above) >= 0
    assert sum(above) == sum(part.top_up_units for part in sample.parts)
    assert sum(units > 0 for units in above) == sum(part.topped_up for part in sample.parts) == 7


def test_salted_names_keep_blocks_apart() -> None:
    """The same recorded block under two numbers shares no key, slot, contract or account, in one valid chain."""
    first, second = (
        block(call("a", reads=(1,), writes=(1,), pays={"b": 3}), transfer("a", "b", 2), number=number)
        for number in (1, 2)
    )
    chain = record_chain([first, second])
    assert _imported(chain).head.next_seq == 4
    left, right = ({a.address for a in part.accounts} for part in chain.parts)
    assert left and right and not left & right
    assert key_of(1, account("a")).secret != key_of(2, account("a")).secret
    assert slot_of(1, slot(1)) != slot_of(2, slot(1)) and contract_of(1) != contract_of(2)
    touched = [{e.slot for e in t.footprint if isinstance(e, Read | Write)} for t in _transactions(chain)]
    assert touched[0] and not touched[0] & touched[2]


def test_general_money_is_paid_with_gas_for_its_check() -> None:
    """A value that only general money covers is a general_value, and the validator takes it."""
    recorded = block(call("a", pays={"b": 10**6}), transfer("b", "d", 10**6), balances={"b": 10**5})
    chain = record_chain([recorded])
    spent = _transactions(chain)[1]
    assert (spent.zero_value, spent.general_value) == (0, 10**6)
    assert spent.gas_limit == chain.genesis.gas.general_check
    assert _imported(chain).account(user_of(1, account("b"))).expenses == 10**6


def test_a_recorded_block_may_fill_several_blocks() -> None:
    """Where limits ask for it, a recorded block continues in the next one, in order."""
    recorded = block(*(transfer("a", "b", units) for units in range(7)))
    by_count = RecordOptions(limits=Limits(block_transactions_most=3))
    assert [len(b.transactions) for b in record_chain([recorded], by_count).blocks] == [3, 3, 1]
    by_bytes = record_chain([recorded], RecordOptions(limits=Limits(block_bytes_most=1_400)))
    assert len(by_bytes.blocks) > 2 and _imported(by_bytes).head.next_seq == 7
    assert [t.zero_value for t in _transactions(by_bytes)] == list(range(7))


def test_what_does_not_fit_the_chain_is_refused() -> None:
    """Too many entries, a transaction larger than a block, money past 2^63: `RecordingTooLarge` each."""
    wide = block(call("a", reads=range(100)))
    with pytest.raises(RecordingTooLarge, match="footprint"):
        record_chain([wide], RecordOptions(limits=Limits(footprint_entries_most=99)))
    with pytest.raises(RecordingTooLarge, match="does not fit"):
        record_chain([wide], RecordOptions(limits=Limits(block_bytes_most=3_000)))
    rich = {f"{n:040x}": str(2**200) for n in range(2**13)}
    with pytest.raises(RecordingTooLarge, match="2\\^63"):
        record_chain([structs.replace(block(), pre_balances=rich)])


def test_another_proposer_signs_the_same_transactions() -> None:
    """A node that shall go on with the chain brings its own key, and accounts of its own in genesis."""
    key = PrivateKey.from_seed(b"another")
    recorded = block(transfer("a", "b", 1))
    chain = record_chain([recorded], proposer=key, accounts=[GenesisAccount(key.address, 77)])
    assert _imported(chain).account(key.address).zero == 77
    assert chain.genesis.proposers == (key.address,) and chain.blocks[0].header.proposer == key.address
    assert chain.parts[0].transactions == record_chain([recorded]).parts[0].transactions


def _declared(chain: RecordedChain, kind: type[Read] | type[Write]) -> list[int]:
    return [sum(isinstance(e, kind) for e in t.footprint) for t in _transactions(chain) if t.payload]


def test_overdeclaring_adds_hot_slots_that_are_not_touched() -> None:
    """Three more entries of the kind asked for in every call, drawn from the block's hottest slots."""
    recorded = sample_blocks()[1]
    plain, reads, writes = (
        record_chain([recorded], RecordOptions(overdeclare=r, overdeclare_writes=w))
        for r, w in ((0, 0), (3, 0), (0, 3))
    )
    assert [n + 3 for n in _declared(plain, Read)] == _declared(reads, Read)
    assert [n + 3 for n in _declared(plain, Write)] == _declared(writes, Write)
    assert _declared(plain, Write) == _declared(reads, Write) and _declared(plain, Read) == _declared(writes, Read)
    assert _imported(reads).head.next_seq == _imported(writes).head.next_seq == len(recorded.transactions)
    hottest = hottest_slots(recorded)
    assert len(hottest) == 20
    drawn = Counter(s for i in range(len(recorded.transactions)) for s in declared_in_vain(recorded, i, hottest, 3))
    assert set(drawn) <= set(hottest) and len(drawn) > 10
    for index, transaction in enumerate(recorded.transactions):
        assert not {*transaction.reads, *transaction.writes} & {*declared_in_vain(recorded, index, hottest, 20)}


def test_a_chain_stays_below_all_minting() -> None:
    """Balances are capped one by one and refused together, so genesis is always one that a chain can start from."""
    genesis: Genesis = record_chain(sample_blocks()).genesis
    assert 0 < genesis_supply(genesis) <= AMOUNT_MAX
