"""Fees and gas at inclusion, against numbers that were worked out by hand from DESIGN section 2."""

from typing import NamedTuple

import pytest

from accountant.chain.fees import fee_of, gas_refundable, insufficient_gas, intrinsic_gas
from accountant.chain.footprint import Credit, Debit, Entry, Query, Read, Write
from accountant.chain.genesis import FeeSchedule, GasSchedule
from accountant.chain.transaction import Transaction, TransactionKind
from tests.support.chains import BOB, contract_id, unsigned

FEES = FeeSchedule(base=1_000, per_byte=3, per_entry=50, cap_shift=20, gas_price_least=1)
GAS = GasSchedule(general_check=2_000, call_base=5_000, deploy_base=20_000, deploy_per_byte=50)
SHOP = contract_id("shop")
TRANSFER, CALL, DEPLOY = TransactionKind.TRANSFER, TransactionKind.CALL, TransactionKind.DEPLOY


def sent(kind: TransactionKind, *entries: Entry, **fields: object) -> Transaction:
    return unsigned(kind, 0, BOB.address if kind is TRANSFER else SHOP, footprint=entries, **fields)


class Fee(NamedTuple):
    """A vector: what the transaction is, how many bytes it has, what it pays."""

    name: str
    transaction: Transaction
    bytes_count: int
    fee: int
    fees: FeeSchedule = FEES


FEE_VECTORS = [
    Fee("the base alone", sent(TRANSFER), 0, 1_000),
    Fee("each byte", sent(TRANSFER), 123, 1_369),
    Fee("a tip", sent(TRANSFER, tip=17), 0, 1_017),
    Fee("gas at its price", sent(CALL, gas_limit=700, gas_price=9), 0, 7_300),
    Fee("gas that costs nothing", sent(CALL, gas_limit=700, gas_price=0), 0, 1_000),
    Fee("values cost nothing themselves", sent(TRANSFER, zero_value=5, general_value=6), 0, 1_000),
    Fee("entries of every kind alike", sent(CALL, Read(SHOP, b"a"), Write(SHOP, b"a"), Credit(SHOP)), 0, 1_150),
    Fee("a query, whatever its size", sent(CALL, Query(bytes(900))), 0, 1_050),
    Fee("a cap just below a unit", sent(CALL, Debit(SHOP, 2**20 - 1)), 0, 1_050),
    Fee("a cap of a unit", sent(CALL, Debit(SHOP, 2**20)), 0, 1_051),
    Fee("caps are rounded down one by one", sent(CALL, Debit(SHOP, 2**21 - 1), Debit(bytes(32), 2**21 - 1)), 0, 1_102),
    Fee("a phantom cap", sent(CALL, Debit(SHOP, 2**62)), 0, 1_050 + 4_398_046_511_104),
    Fee("another shift", sent(CALL, Debit(SHOP, 2**62)), 0, 1_050 + 2**61, FeeSchedule(1_000, 3, 50, 1, 1)),
    Fee("no shift: the cap itself", sent(CALL, Debit(SHOP, 77)), 0, 1_127, FeeSchedule(1_000, 3, 50, 0, 1)),
    Fee(
        "all at once: 1000 + 3·200 + 2·50 + (5·2^20 >> 20) + 11 + 30·4",
        sent(CALL, Read(SHOP, b"a"), Debit(SHOP, 5 * 2**20), tip=11, gas_limit=30, gas_price=4),
        200,
        1_836,
    ),
    Fee("all free but the base", sent(CALL, Debit(SHOP, 2**62), tip=2), 99, 3, FeeSchedule(1, 0, 0, 63, 0)),
]


@pytest.mark.parametrize("vector", FEE_VECTORS, ids=lambda vector: vector.name)
def test_fees(vector: Fee) -> None:
    """base + bytes + entries + caps by magnitude + tip + gas limit × price, and no value."""
    assert fee_of(vector.transaction, vector.bytes_count, vector.fees) == vector.fee


class Used(NamedTuple):
    """A vector: the gas used whatever the code does, used without funds, and the most units that may return."""

    name: str
    transaction: Transaction
    intrinsic: int
    insufficient: int
    refundable: int


GAS_VECTORS = [
    Used("a settled transfer", sent(TRANSFER, zero_value=5, gas_limit=900), 0, 0, 900),
    Used("a settled transfer without gas", sent(TRANSFER, zero_value=5), 0, 0, 0),
    Used("general money is checked", sent(TRANSFER, general_value=1, gas_limit=2_000), 2_000, 2_000, 0),
    Used("at a price", sent(TRANSFER, general_value=1, gas_limit=2_500, gas_price=3), 2_000, 2_000, 1_500),
    Used("a call", sent(CALL, gas_limit=6_000, gas_price=2), 5_000, 0, 12_000),
    Used("a call with money", sent(CALL, zero_value=9, gas_limit=6_000), 5_000, 0, 6_000),
    Used("a call with general money", sent(CALL, general_value=9, gas_limit=7_100), 7_000, 2_000, 5_100),
    Used("a deployment", sent(DEPLOY, payload=bytes(10), gas_limit=21_000), 20_500, 0, 21_000),
    Used("an empty one", sent(DEPLOY, gas_limit=20_000), 20_000, 0, 20_000),
    Used("with general money", sent(DEPLOY, payload=b"x", general_value=1, gas_limit=30_000), 22_050, 2_000, 28_000),
    Used("free gas returns nothing", sent(CALL, gas_limit=9_000, gas_price=0), 5_000, 0, 0),
]


@pytest.mark.parametrize("vector", GAS_VECTORS, ids=lambda vector: vector.name)
def test_gas_before_any_code(vector: Used) -> None:
    """Check, call, deployment and its bytes; without funds the check alone; what is left may return at the price."""
    transaction = vector.transaction
    assert intrinsic_gas(transaction, GAS) == vector.intrinsic
    assert insufficient_gas(transaction, GAS) == vector.insufficient
    assert gas_refundable(transaction, GAS) == vector.refundable
