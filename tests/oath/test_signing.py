"""What the accountant's key signs: its own purses' deployment, deposits and oaths, to the byte, within limits."""

from typing import Any

import msgspec
import pytest

from accountant.chain.footprint import Credit
from accountant.chain.query import TransactionSucceeded
from accountant.chain.transaction import Transaction, TransactionKind
from accountant.oath.oath import SwornTerms
from accountant.oath.signing import NotSigned, Purpose, SigningLimits, purpose_of
from accountant.oath.swear import (
    Stamp,
    deploy_transaction,
    deposit_transaction,
    swear_transaction,
    withdraw_transaction,
)
from accountant.primitives.addresses import contract_id_of
from accountant.primitives.encoding import encode
from accountant.primitives.types import BLACKHOLE, Amount, ContractId
from tests.support.oath_node import ACCOUNTANT, CUSTOMER, oath_genesis

GENESIS = oath_genesis()
PRICE = GENESIS.fees.gas_price_least
STAMP = Stamp(GENESIS.chain_id, 9, PRICE)
PURSE = contract_id_of(ACCOUNTANT.address, 3)
LIMITS = SigningLimits(Amount(100), Amount(1_000))
TERMS = SwornTerms(encode(TransactionSucceeded(bytes(32))), encode(True), Amount(100), BLACKHOLE)

DEPLOY = deploy_transaction(STAMP, GENESIS.gas)
DEPOSIT = deposit_transaction(STAMP, PURSE, Amount(1_000))
OATH = swear_transaction(STAMP, PURSE, TERMS)
WITHDRAWAL = withdraw_transaction(STAMP, PURSE, ACCOUNTANT.address, Amount(10**12))


def purpose(unsigned: Transaction, purse_nonce: int = 3) -> Purpose:
    return purpose_of(GENESIS, ACCOUNTANT.address, unsigned, purse_nonce, LIMITS)


def test_what_is_signed() -> None:
    """The deployment of a purse, a deposit into one's own, an oath on it with any beneficiary, and a withdrawal."""
    signed = [purpose(built) for built in (DEPLOY, DEPOSIT, OATH, WITHDRAWAL)]
    assert signed == [Purpose.DEPLOY, Purpose.DEPOSIT, Purpose.OATH, Purpose.WITHDRAW]
    paying = swear_transaction(STAMP, PURSE, TERMS._replace(beneficiary=CUSTOMER.address))
    assert purpose(paying) is Purpose.OATH


@pytest.mark.parametrize("built", [DEPLOY, DEPOSIT, OATH, WITHDRAWAL], ids=["deploy", "deposit", "oath", "withdrawal"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("chain_id", 8),
        ("to", bytes(32)),
        ("to", CUSTOMER.address),
        ("zero_value", 1_001),
        ("general_value", 1),
        ("gas_limit", 10**9),
        ("gas_price", PRICE + 1),
        ("tip", 1),
        ("payload", b"else"),
        ("footprint", (Credit(CUSTOMER.address),)),
        ("kind", TransactionKind.TRANSFER),
        ("kind", TransactionKind.CALL),
        ("kind", TransactionKind.DEPLOY),
    ],
)
def test_nothing_else_is_signed(built: Transaction, field: str, value: Any) -> None:
    """Whichever field differs from what such a transaction has, the key does not sign."""
    changed = msgspec.structs.replace(built, **{field: value})
    if changed == built:
        return
    with pytest.raises(NotSigned):
        purpose(changed)


def test_only_ones_own_purses() -> None:
    """Not another's purse, not one that is deployed later, and a withdrawal to nobody but the key itself."""
    foreign = contract_id_of(CUSTOMER.address, 3)
    for contract in (foreign, ContractId(bytes(32)), contract_id_of(ACCOUNTANT.address, 4)):
        for built in (
            deposit_transaction(STAMP, contract, Amount(1)),
            swear_transaction(STAMP, contract, TERMS),
            withdraw_transaction(STAMP, contract, ACCOUNTANT.address, Amount(1)),
        ):
            with pytest.raises(NotSigned, match="no purse that this key deployed"):
                purpose(built)
    for nonce in (-1, 9, 10):
        later = deposit_transaction(STAMP, contract_id_of(ACCOUNTANT.address, max(nonce, 0)), Amount(1))
        with pytest.raises(NotSigned):
            purpose(later, nonce)
    with pytest.raises(NotSigned):
        purpose(withdraw_transaction(STAMP, PURSE, CUSTOMER.address, Amount(1)))


def test_limits() -> None:
    """No deposit and no penalty above what the key's holder allows, and none of nothing."""
    for units in (0, 1_001):
        with pytest.raises(NotSigned, match="deposit"):
            purpose(deposit_transaction(STAMP, PURSE, Amount(units)))
    over = swear_transaction(STAMP, PURSE, TERMS._replace(penalty=Amount(101)))
    with pytest.raises(NotSigned, match="penalty of 101 units, at most 100"):
        purpose(over)
