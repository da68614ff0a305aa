"""Zero-cost money: conserved, and traced back to the platform (Lemma 2); Algorithm 1 (Tx-DoS)."""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.chain.envelope import FunctionEnvelope
from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.chain.fees import fee_of
from accountant.chain.inclusion import Inclusion
from accountant.chain.moment import moment_after_block, moment_before
from accountant.chain.state import Account, ChainState
from accountant.chain.transaction import Transaction, TransactionKind
from accountant.chain.validator import ValidatedBlock
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Address
from tests.support.chains import (
    ALICE,
    BOB,
    CAROL,
    PROPOSER,
    accept_any_module,
    call,
    contract_id,
    extend,
    genesis,
    genesis_contract,
    key,
    open_envelope,
    transfer,
)

POOL = contract_id("pool")
CONTRACTS = (genesis_contract("pool", open_envelope(FunctionEnvelope("f", (), (), complete=False)), 1_000),)
USERS = [ALICE, BOB, CAROL, PROPOSER, key("dave")]
ALLOCATION = 40_000


class Step(NamedTuple):
    """One transaction to try; `to` 0 … 4 are users, 5 is the contract, 6 a call of it."""

    sender: int
    to: int
    zero: int
    general: int
    tip: int
    gas: int


steps = st.builds(
    Step,
    st.integers(0, 4),
    st.integers(0, 6),
    st.sampled_from([0, 1, 1_000, 15_000]),
    st.sampled_from([0, 0, 0, 7, 10**6]),
    st.sampled_from([0, 3, 500]),
    st.sampled_from([0, 2_000, 9_000]),
)


def signed(step: Step, nonce: int) -> bytes:
    sender = USERS[step.sender]
    if step.to == 6:
        gas = 7_000 + step.gas
        return call(
            sender, nonce, POOL, "f", zero_value=step.zero, general_value=step.general, tip=step.tip, gas_limit=gas
        )
    to = POOL if step.to == 5 else USERS[step.to].address
    gas = max(step.gas, 2_000 if step.general else 0)
    return transfer(sender, nonce, to, step.zero, step.general, tip=step.tip, gas_limit=gas)


class Ledger:
    """An independent book of zero-cost money: every unit of it lies in a lot that knows where it came from."""

    def __init__(self, accounts: dict[Address, int]) -> None:
        self.lots: dict[Address, list[tuple[int, tuple[str, ...]]]] = {
            user: [(units, (f"genesis {user.hex()}",))] for user, units in accounts.items() if units
        }
        self.burnt = 0
        self.moved = 0

    def take(self, user: Address, units: int) -> list[tuple[int, tuple[str, ...]]]:
        """Takes units out of the user's oldest lots."""
        lots, taken = self.lots.get(user, []), []
        while units:
            have, origin = lots.pop(0)  # fails where the validator let somebody spend what it did not have
            used = min(have, units)
            taken.append((used, origin))
            units -= used
            if have > used:
                lots.insert(0, (have - used, origin))
        return taken

    def put(self, user: Address, lots: list[tuple[int, tuple[str, ...]]]) -> None:
        self.lots.setdefault(user, []).extend(lots)

    def balance(self, user: Address) -> int:
        return sum(units for units, _ in self.lots.get(user, []))

    def block(self, block: ValidatedBlock, state: ChainState, reward: int) -> None:
        tips = 0
        for included in block.transactions:
            transaction = included.transaction
            fee = fee_of(transaction, len(included.raw), state.genesis.fees)
            self.take(included.sender, fee)
            self.burnt += fee - transaction.tip
            tips += transaction.tip
            lots = self.take(included.sender, transaction.zero_value)
            if self._direct(transaction):
                to = Address(transaction.to)
                self.put(to, [(units, (*origin, f"transfer {to.hex()}")) for units, origin in lots])
            else:
                self.moved += transaction.zero_value
        proposer = Address(block.header.proposer)
        self.put(proposer, [(units, (f"platform {proposer.hex()}",)) for units in (tips, reward) if units])

    @staticmethod
    def _direct(transaction: Transaction) -> bool:
        """A direct user-to-user transfer of zero-cost money alone."""
        return (
            transaction.kind is TransactionKind.TRANSFER
            and len(transaction.to) == 20
            and transaction.general_value == 0
        )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(steps, max_size=8), min_size=1, max_size=4), st.sampled_from([0, 777]))
def test_zero_cost_money_is_conserved_and_traces_back(blocks: list[list[Step]], reward: int) -> None:
    """On random chains Z + burnt + moved into G = genesis + rewards, and every lot of every Z began at the platform."""
    accounts = [(user, ALLOCATION) for user in USERS[:3]]
    state = ChainState.at_genesis(genesis(accounts, CONTRACTS, block_reward=reward))
    ledger = Ledger({user.address: units for user, units in accounts})
    for height, plan in enumerate(blocks, 1):
        trial = Inclusion(state, accept_any_module)
        chosen = []
        for step in plan:
            raw = signed(step, trial.account(USERS[step.sender].address).nonce)
            if _included(trial, raw):
                chosen.append(raw)
        block = extend(state, chosen)
        assert block.reward == reward
        ledger.block(block, state, reward)
        balances = {address: account.zero for address, account in state.accounts().items()}
        assert balances == {address: ledger.balance(address) for address in balances}
        assert {user for user, lots in ledger.lots.items() if lots} <= set(balances)
        minted = ALLOCATION * 3 + reward * height
        assert sum(balances.values()) + ledger.burnt + ledger.moved == minted
        _check_moments(block, state)
    for user, lots in ledger.lots.items():
        for _, (source, *hops) in lots:
            assert source.startswith(("genesis ", "platform "))
            assert (hops or [source])[-1].endswith(user.hex())


def _included(trial: Inclusion, raw: bytes) -> bool:
    """Whether the sender can pay; every other refusal is a mistake of the test."""
    try:
        trial.include(raw)
    except InvalidTransaction as error:
        if error.kind is not Refusal.UNPAID:
            raise
        return False
    return True


def _check_moments(block: ValidatedBlock, state: ChainState) -> None:
    """Changes ascend for each user, lie inside the block, and end at the user's balance."""
    last: dict[Address, tuple[int, int]] = {}
    height = block.header.height
    for user, moment, balance in block.zero_changes:
        assert moment_before(height, 0) <= moment <= moment_after_block(height) < moment_before(height + 1, 0)
        assert balance >= 0 and (user not in last or last[user][0] < moment)
        last[user] = (moment, balance)
    assert {user: state.account(user).zero for user in last} == {user: balance for user, (_, balance) in last.items()}
    totals = {user: total for user, _, total in block.expense_totals}
    assert all(state.account(user).expenses == total for user, total in totals.items())


def test_zero_cost_income_is_spendable_in_the_same_block() -> None:
    """A transfer without general_value is in the recipient's Z for the very next transaction; with it, never."""
    poor = key("poor")
    state = ChainState.at_genesis(genesis())
    pay, spend = transfer(ALICE, 0, poor.address, zero=10_000), transfer(poor, 0, BOB.address, zero=5)
    with pytest.raises(InvalidTransaction) as caught:
        Inclusion(state, accept_any_module).include(spend)
    assert caught.value.kind is Refusal.UNPAID
    mixed = Inclusion(state, accept_any_module)
    mixed.include(transfer(ALICE, 0, poor.address, zero=10_000, general=1))
    assert mixed.account(poor.address) == Account()
    block = extend(state, [pay, spend])
    assert state.account(poor.address) == Account(1, 10_000 - 5 - block.transactions[1].fee, 0)


def test_tips_and_reward_land_at_the_end_of_the_block() -> None:
    """The proposer cannot spend its block's own tips in it; afterwards it has them and the reward."""
    state = ChainState.at_genesis(genesis(block_reward=11))
    inclusion = Inclusion(state, accept_any_module)
    inclusion.include(transfer(ALICE, 0, BOB.address, zero=1, tip=50_000))
    with pytest.raises(InvalidTransaction):
        inclusion.include(transfer(PROPOSER, 0, BOB.address))
    block = extend(state, [transfer(ALICE, 0, BOB.address, zero=1, tip=50_000)])
    assert state.account(PROPOSER.address).zero == 50_011
    assert block.zero_changes[-1] == (PROPOSER.address, moment_after_block(1), 50_011)
    extend(state, [transfer(PROPOSER, 0, BOB.address)])


def test_expenses_count_whether_or_not_they_are_covered() -> None:
    """The running total of general values takes no notice of any balance, and may pass 2^63."""
    state = ChainState.at_genesis(genesis())
    giant = 2**62
    block = extend(state, [transfer(ALICE, nonce, BOB.address, general=giant) for nonce in range(3)])
    assert block.expense_totals == [(ALICE.address, seq, giant * (seq + 1)) for seq in range(3)]
    assert state.account(ALICE.address).expenses == 3 * giant > 2**63


def test_a_transfer_to_oneself_costs_its_fee_alone() -> None:
    """Zero-cost money sent to oneself is there again, with one change of balance for the moment."""
    state = ChainState.at_genesis(genesis())
    before = state.account(ALICE.address).zero
    block = extend(state, [transfer(ALICE, 0, ALICE.address, zero=before - 2_000)])
    left = before - block.transactions[0].fee
    assert state.account(ALICE.address).zero == left
    assert block.zero_changes == [(ALICE.address, moment_before(1, 0), left)]


def test_unfunded_keys_reach_no_block() -> None:
    """Algorithm 1: well-signed transactions of fresh keys are refused one by one, and the block is as without them."""
    state = ChainState.at_genesis(genesis())
    inclusion = Inclusion(state, accept_any_module)
    for index in range(30):
        fresh = PrivateKey.from_seed(b"flood" + bytes([index]))
        with pytest.raises(InvalidTransaction) as caught:
            inclusion.include(transfer(fresh, 0, BOB.address, general=5))
        assert caught.value.kind is Refusal.UNPAID
    assert not inclusion.accounts and not inclusion.transactions and not inclusion.zero_changes
