"""The purse's transactions pass the real validator, and its envelope keeps everything else out of blocks."""

import pytest

from accountant.chain.block import Position
from accountant.chain.errors import Refusal
from accountant.chain.footprint import Credit, Debit, Query, Write, canonical_footprint
from accountant.chain.proposer import propose
from accountant.chain.query import BalanceAtLeast
from accountant.chain.state import ChainState
from accountant.chain.transaction import Transaction, TransactionKind, decode_transaction, sign_transaction
from accountant.chain.validator import import_block
from accountant.contracts.module import check_module
from accountant.oath.code import OATH_CODE
from accountant.oath.gas import OATH_GAS
from accountant.oath.oath import SwornTerms
from accountant.oath.purse import OATH_ENVELOPE
from accountant.oath.swear import (
    Stamp,
    deploy_transaction,
    deposit_transaction,
    swear_transaction,
    withdraw_transaction,
    zero_cost_of,
)
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import BLACKHOLE, UNITS_PER_TOKEN, Address, Amount
from tests.support.oath_chain import altered
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, PROPOSER, oath_genesis

TOKEN = Amount(UNITS_PER_TOKEN)
PURSE = contract_id_of(ACCOUNTANT.address, 0)


@pytest.fixture
def state() -> ChainState:
    """A chain on which the accountant has deployed a purse and made a deposit."""
    opened = ChainState.at_genesis(oath_genesis())
    deploy = deploy_transaction(Stamp(7, 0), opened.genesis.gas)
    _extend(opened, deploy, deposit_transaction(Stamp(7, 1), PURSE, Amount(10 * TOKEN)))
    return opened


def _extend(state: ChainState, *transactions: Transaction) -> None:
    raws = [sign_transaction(t, ACCOUNTANT) for t in transactions]
    proposal = propose(raws, state, PROPOSER, state.head.time, check_module)
    assert proposal.dropped == ()
    import_block(proposal.block.raw, state, check_module)


def _refusal(state: ChainState, transaction: Transaction, key: PrivateKey = ACCOUNTANT) -> Refusal:
    proposal = propose([sign_transaction(transaction, key)], state, PROPOSER, state.head.time, check_module)
    ((_, error),) = proposal.dropped
    return error.kind


def _lie(state: ChainState, beneficiary: Address = BLACKHOLE, nonce: int = 2) -> Transaction:
    query = BalanceAtLeast(CUSTOMER.address, 1, Position(state.head.hash, 0))
    return swear_transaction(Stamp(7, nonce), PURSE, SwornTerms(encode(query), encode(False), TOKEN, beneficiary))


def test_the_module_is_admitted() -> None:
    """The audited code keeps to every structural limit."""
    check_module(OATH_CODE, OATH_ENVELOPE, oath_genesis().limits)


@pytest.mark.parametrize("beneficiary", [BLACKHOLE, CUSTOMER.address, ACCOUNTANT.address])
def test_all_four_transactions_are_admitted(state: ChainState, beneficiary: Address) -> None:
    """Deployment, deposit, oath and withdrawal are valid as they are built, whoever the beneficiary is."""
    _extend(
        state, _lie(state, beneficiary), withdraw_transaction(Stamp(7, 3), PURSE, ACCOUNTANT.address, Amount(TOKEN))
    )
    assert state.account(ACCOUNTANT.address).nonce == 4


def test_the_cost_is_what_the_chain_takes(state: ChainState) -> None:
    """`zero_cost_of` says to the unit what inclusion takes from the zero-cost balance."""
    for transaction in (_lie(state), deposit_transaction(Stamp(7, 3), PURSE, TOKEN)):
        before = state.account(ACCOUNTANT.address).zero
        _extend(state, transaction)
        assert before - state.account(ACCOUNTANT.address).zero == zero_cost_of(transaction, state.genesis.fees)


def test_only_the_deployer_calls(state: ChainState) -> None:
    """A stranger can neither swear nor withdraw on the purse, nor make anybody meet a declared debit on it."""
    assert _refusal(state, _lie(state, nonce=0), CUSTOMER) is Refusal.CALLER
    theft = withdraw_transaction(Stamp(7, 0), PURSE, CUSTOMER.address, TOKEN)
    assert _refusal(state, theft, CUSTOMER) is Refusal.CALLER


def test_nobody_declares_more_than_the_template(state: ChainState) -> None:
    """A cap above the penalty, a credit to a third account, another query, a slot: none enters a block."""
    lie = _lie(state)
    kept = tuple(e for e in lie.footprint if not isinstance(e, Debit))
    other = Query(encode(BalanceAtLeast(CUSTOMER.address, 2, Position(state.head.hash, 0))))
    for entries in (
        (*kept, Debit(PURSE, TOKEN + 1)),
        (*lie.footprint, Credit(CUSTOMER.address)),
        (*lie.footprint, other),
        (*lie.footprint, Write(PURSE, b"slot")),
        (*lie.footprint, Debit(contract_id_of(CUSTOMER.address, 0), 1)),
    ):
        refusal = _refusal(state, altered(lie, footprint=canonical_footprint(entries)))
        assert refusal in (Refusal.NOT_ADMITTED, Refusal.TEMPLATE, Refusal.UNKNOWN_CONTRACT)


def test_money_and_negative_penalties_are_refused(state: ChainState) -> None:
    """No money of either kind comes with an oath or a withdrawal, and a negative penalty admits no debit."""
    withdrawal = withdraw_transaction(Stamp(7, 2), PURSE, ACCOUNTANT.address, TOKEN)
    for paid in (altered(_lie(state), general_value=1, gas_limit=OATH_GAS), altered(withdrawal, zero_value=1)):
        assert _refusal(state, paid) is Refusal.NOT_PAYABLE
    lie = _lie(state)
    payload = encode(["swear", [lie.footprint[-1].query, encode(False), -1, BLACKHOLE]])  # type: ignore[union-attr]
    assert _refusal(state, altered(lie, payload=payload)) in (Refusal.TEMPLATE, Refusal.NOT_ADMITTED)


def test_a_worthless_oath_is_admitted(state: ChainState) -> None:
    """Too little gas, a missing entry, a low cap: validators take the fee, and readers see that it does not count."""
    lie = _lie(state)
    spoilt = [
        altered(lie, gas_limit=5_000),
        altered(lie, nonce=3, footprint=lie.footprint[:-1]),
        altered(lie, nonce=4, footprint=()),
    ]
    _extend(state, *spoilt)


def test_the_bytes_are_canonical(state: ChainState) -> None:
    """What is built survives signing, encoding and decoding unchanged but for the signature."""
    for built in (_lie(state), deploy_transaction(Stamp(7, 0), state.genesis.gas)):
        raw = sign_transaction(built, ACCOUNTANT)
        assert altered(decode_transaction(raw), signature=built.signature) == built
    assert deploy_transaction(Stamp(7, 0), state.genesis.gas).kind is TransactionKind.DEPLOY
