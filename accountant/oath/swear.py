"""The four transactions of a purse, unsigned: deploy it, deposit, swear, withdraw."""

from typing import NamedTuple

from accountant.chain.fees import fee_of, intrinsic_gas
from accountant.chain.footprint import Credit, Debit, Entry, Query, canonical_footprint
from accountant.chain.genesis import FeeSchedule, GasSchedule
from accountant.chain.transaction import (
    VERSION,
    CallPayload,
    DeployPayload,
    Transaction,
    TransactionKind,
)
from accountant.oath.code import OATH_CODE
from accountant.oath.gas import WITHDRAW_GAS, oath_gas
from accountant.oath.oath import SWEAR, SwornTerms
from accountant.oath.purse import OATH_ENVELOPE, WITHDRAW
from accountant.primitives.encoding import encode
from accountant.primitives.keys import SIGNATURE_BYTES
from accountant.primitives.types import BLACKHOLE, Address, Amount, ContractId, Gas


class Stamp(NamedTuple):
    """What every transaction carries besides what it does."""

    chain_id: int
    nonce: int
    gas_price: int = 1
    tip: int = 0


def swear_transaction(stamp: Stamp, purse: ContractId, terms: SwornTerms) -> Transaction:
    """The oath, such that it counts if the purse covers the penalty and the query can be answered."""
    assert terms.penalty > 0
    footprint = (
        Query(terms.query),
        Credit(BLACKHOLE),
        Credit(terms.beneficiary),
        Debit(purse, terms.penalty),
    )
    return _call(stamp, purse, CallPayload(SWEAR, tuple(terms)), footprint, oath_gas(terms.query))


def withdraw_transaction(stamp: Stamp, purse: ContractId, owner: Address, units: Amount) -> Transaction:
    """Pays `units` of the deposit to the owner's general balance; fails where the purse holds less."""
    footprint = (Credit(owner), Debit(purse, units))
    return _call(stamp, purse, CallPayload(WITHDRAW, (units,)), footprint, WITHDRAW_GAS)


def deposit_transaction(stamp: Stamp, purse: ContractId, units: Amount) -> Transaction:
    """Adds to the deposit: a zero-cost transfer, so it counts without being executed."""
    return unsigned_transaction(stamp, TransactionKind.TRANSFER, purse, units, Gas(0), b"", ())


def deploy_transaction(stamp: Stamp, schedule: GasSchedule) -> Transaction:
    """Deploys a purse. There is no constructor and no general money, so the deployment cannot fail."""
    payload = encode(DeployPayload(OATH_CODE, OATH_ENVELOPE, ()))
    blank = unsigned_transaction(stamp, TransactionKind.DEPLOY, b"", Amount(0), Gas(0), payload, ())
    gas = Gas(intrinsic_gas(blank, schedule))
    return unsigned_transaction(stamp, TransactionKind.DEPLOY, b"", Amount(0), gas, payload, ())


def zero_cost_of(unsigned: Transaction, fees: FeeSchedule) -> int:
    """Base units that must lie in the signer's zero-cost balance: the fee and the value."""
    assert len(unsigned.signature) == SIGNATURE_BYTES
    return fee_of(unsigned, len(encode(unsigned)), fees) + unsigned.zero_value


def _call(stamp: Stamp, purse: ContractId, payload: CallPayload, entries: tuple[Entry, ...], gas: Gas) -> Transaction:
    footprint = canonical_footprint(entries)
    return unsigned_transaction(stamp, TransactionKind.CALL, purse, Amount(0), gas, encode(payload), footprint)


def unsigned_transaction(
    stamp: Stamp,
    kind: TransactionKind,
    to: bytes,
    zero_value: Amount,
    gas_limit: Gas,
    payload: bytes,
    footprint: tuple[Entry, ...],
) -> Transaction:
    """A transaction in zero-cost money alone, with a blank signature."""
    return Transaction(
        version=VERSION,
        chain_id=stamp.chain_id,
        nonce=stamp.nonce,
        kind=kind,
        to=to,
        zero_value=zero_value,
        general_value=0,
        gas_limit=gas_limit,
        gas_price=stamp.gas_price,
        tip=stamp.tip,
        payload=payload,
        footprint=footprint,
        signature=bytes(SIGNATURE_BYTES),
    )
