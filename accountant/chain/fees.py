"""Fees at inclusion, and the gas that a transaction uses before any code runs (paper, section II-D)."""

from accountant.chain.footprint import Debit, Memory
from accountant.chain.genesis import FeeSchedule, GasSchedule
from accountant.chain.transaction import Transaction, TransactionKind, decode_publication


def fee_of(transaction: Transaction, bytes_count: int, fees: FeeSchedule) -> int:
    """What leaves the sender's zero-cost balance at inclusion besides zero_value, in base units.

    base + per byte + per entry (debits and memory by magnitude as well) + per byte of a published blob + tip
    + gas_limit × gas_price. All but the tip is burnt; unused gas returns when someone executes the transaction.
    A publication's payload decodes (`check_form`).
    """
    fee = fees.base + fees.per_byte * bytes_count + transaction.tip + transaction.gas_limit * transaction.gas_price
    entries = transaction.footprint
    if entries:
        fee += fees.per_entry * len(entries)
        fee += sum(entry.cap >> fees.cap_shift for entry in entries if type(entry) is Debit)
        if type(entries[-1]) is Memory:  # it sorts last
            fee += entries[-1].bytes >> fees.memory_shift
    if transaction.kind == TransactionKind.PUBLISH:
        fee += fees.blob_per_byte * decode_publication(transaction.payload).size
    return fee


def intrinsic_gas(transaction: Transaction, gas: GasSchedule) -> int:
    """The gas that is used whatever the code does; a gas limit below it is refused at admission."""
    total = gas.general_check if transaction.general_value else 0
    if transaction.kind == TransactionKind.CALL:
        total += gas.call_base
    elif transaction.kind == TransactionKind.DEPLOY:
        total += gas.deploy_base + gas.deploy_per_byte * len(transaction.payload)
    return total


def insufficient_gas(transaction: Transaction, gas: GasSchedule) -> int:
    """The gas used by a transaction that fails as `insufficient_funds`: the check alone."""
    return gas.general_check if transaction.general_value else 0


def gas_refundable(transaction: Transaction, gas: GasSchedule) -> int:
    """The most base units that can return to the sender as unused gas."""
    least = insufficient_gas(transaction, gas)
    return (transaction.gas_limit - least) * transaction.gas_price
